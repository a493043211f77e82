package chart

import (
	"cmp"
	"math"
	"time"
)

// Timeline is what happened when, in lanes.
type Timeline struct {
	Label string // the text alternative
	Span  Span
	Lanes []Lane
	Lane  int // the height of a lane, in pixels; 0: 58
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
	laneBase   = 8  // from the bottom of a lane to its line
	laneName   = 24 // from the top of a lane to the top of the greatest mark
	axisHeight = 22 // of the labels of the years
)

// Draw draws the lanes. A number that is not known is an open circle.
func (t Timeline) Draw() *Drawing {
	each := cmp.Or(t.Lane, laneHeight)
	bottom, tall := len(t.Lanes)*each, float64(each-laneName-laneBase)
	d := &Drawing{class: "timeline", role: "group", label: t.Label, height: bottom + axisHeight}
	t.Span.years(d, float64(bottom))
	for i, lane := range t.Lanes {
		base := float64((i+1)*each - laneBase)
		d.line("axis", 0, base, 1, base)
		d.text("lane", lane.Name, 0, 0, base-tall-10, "")
		most := 1
		for _, m := range lane.Marks {
			if m.Size != nil {
				most = max(most, *m.Size)
			}
		}
		for _, m := range lane.Marks {
			d.add(t.mark(lane, m, base, tall, most))
		}
	}
	return d
}

// mark draws a happening upon the base of its lane, where the greatest of most is so tall.
func (t Timeline) mark(lane Lane, m Mark, base, tall float64, most int) shape {
	class, x := look(lane.Look), t.Span.at(m.From)
	s := shape{x: x, x2: x, y: base, words: m.Words, link: m.Link}
	switch {
	case lane.Sized && m.Size == nil:
		s.kind, s.class, s.r = circle, "unknown"+class, 3.5
	case lane.Sized:
		s.kind, s.class = line, "stem"+class
		s.y2 = base - math.Max(2, tall*math.Sqrt(float64(*m.Size)/float64(most)))
	default:
		s.kind, s.class, s.r = rect, "block"+class, 1
		if m.Planned {
			s.class += " planned"
		}
		s.x2 = x + math.Max(t.Span.at(m.To.AddDate(0, 0, 1))-x, 0.008)
		s.y, s.y2 = base-math.Max(6, tall-6), base
	}
	return s
}
