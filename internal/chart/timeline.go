package chart

import (
	"html/template"
	"math"
	"strconv"
	"time"
)

// Timeline is what happened when, in lanes.
type Timeline struct {
	Label string // the text alternative
	Span  Span
	Lanes []Lane
}

// Lane is one kind of happenings.
type Lane struct {
	Name  string
	Look  int // of the series with that number
	Marks []Mark
	Sized bool // marks are as high as their numbers; else all are blocks
}

// Mark is one happening.
type Mark struct {
	From, To time.Time // the first day and the last
	Words    string    // what is shown for it on being pointed at
	Link     string    // where it leads; "": nowhere
	Size     *int      // in a lane of sizes; nil: not known
	Planned  bool      // it did not happen then
}

const (
	laneHeight = 58
	laneBase   = 50 // from the top of a lane to its line
	markHeight = 26 // of the greatest number, and of a block
)

// SVG draws the lanes. A number that is not known is an open circle.
func (t Timeline) SVG() template.HTML {
	bottom := len(t.Lanes) * laneHeight
	d := beginAs("group", "timeline", bottom+22, t.Label)
	t.Span.years(d, 0, bottom)
	for i, lane := range t.Lanes {
		base := i*laneHeight + laneBase
		d.draw("line", "class", "axis", "x1", "0", "x2", "100%", "y1", strconv.Itoa(base), "y2", strconv.Itoa(base))
		d.text(lane.Name, "class", "lane", "x", "0", "y", strconv.Itoa(base-markHeight-10))
		most := 1
		for _, m := range lane.Marks {
			if m.Size != nil {
				most = max(most, *m.Size)
			}
		}
		for _, m := range lane.Marks {
			t.mark(d, lane, m, base, most)
		}
	}
	return d.done()
}

func (t Timeline) mark(d *svg, lane Lane, m Mark, base, most int) {
	if m.Link != "" {
		d.open("a", "href", m.Link, "aria-label", m.Words)
	}
	class, x := " s"+strconv.Itoa(lane.Look%series), t.Span.at(m.From)
	switch {
	case lane.Sized && m.Size == nil:
		d.open("circle", "class", "unknown"+class, "cx", percent(x), "cy", strconv.Itoa(base), "r", "3.5")
		title(d, m.Words, "circle")
	case lane.Sized:
		height := math.Max(2, markHeight*math.Sqrt(float64(*m.Size)/float64(most)))
		d.open("line", "class", "stem"+class, "x1", percent(x), "x2", percent(x), "y1", strconv.Itoa(base), "y2", short(float64(base)-height))
		title(d, m.Words, "line")
	default:
		if m.Planned {
			class += " planned"
		}
		width := t.Span.at(m.To.AddDate(0, 0, 1)) - x
		d.open("rect", "class", "block"+class, "x", percent(x), "width", percent(math.Max(width, 0.005)), "y", strconv.Itoa(base-markHeight+6), "height", strconv.Itoa(markHeight-6), "rx", "1")
		title(d, m.Words, "rect")
	}
	if m.Link != "" {
		d.shut("a")
	}
}

// title ends an element with the words that are shown when it is pointed at.
func title(d *svg, words, element string) {
	d.open("title")
	d.WriteString(template.HTMLEscapeString(words))
	d.shut("title")
	d.shut(element)
}
