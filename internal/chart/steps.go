package chart

import (
	"cmp"
	"slices"
	"time"
)

// Steps are running totals over time, one line a series.
type Steps struct {
	Label  string // the text alternative
	Span   Span
	Series []Series
	End    End
	Height int // of the plot, in pixels; 0: 300. The labels of the years stand below
}

// End is the day after which nothing is known, so that no line goes on, and why.
type End struct {
	On    time.Time // zero: nothing ends within the span
	Words string
}

// Series is one line: the running total at the end of each period, in order.
type Series struct {
	Name    string
	Note    string // stands below the name and the total; "": nothing
	Periods []Period
}

// Period is one step.
type Period struct {
	From, To  time.Time // the first day and the last
	Known     bool      // there is a figure up to its end, or no line
	Total     int       // up to its end, of what has a figure
	Low, High int       // the total by the lowest of what is reported, and by the highest
	AtLeast   bool      // the total has no upper bound
	New       int       // how many of its own records have no figure
}

const (
	stepsHeight = 300
	lineHeight  = 18 // of the labels above the greatest total
)

// Draw draws the lines. From the first event without a figure or an upper bound on, a line is dashed, because it is a lower bound
// from there. What is reported beside a total is a band around it.
func (c Steps) Draw() *Drawing {
	most := 1
	for _, s := range c.Series {
		most = max(most, s.last().Total, s.last().High)
	}
	labels := c.labels()
	height := cmp.Or(c.Height, stepsHeight)
	rows := len(labels)
	if !c.End.On.IsZero() {
		rows++ // of what the end is
	}
	headroom := lineHeight*rows + 8
	y := func(total int) float64 {
		return float64(height) - float64(height-headroom)*float64(total)/float64(most)
	}
	d := &Drawing{class: "steps", role: "img", label: c.Label, height: height + axisHeight}
	for _, tick := range ticks(most) {
		d.line("grid", 0, y(tick), 1, y(tick))
	}
	c.Span.years(d, float64(height))
	c.ends(d, float64(14+lineHeight*len(labels)), float64(height))
	for i, s := range c.Series {
		if band := s.band(c.Span, y); band != nil {
			d.add(shape{kind: path, class: "band" + look(i), way: band})
		}
	}
	for i, s := range c.Series {
		exact, bound := s.ways(c.Span, y)
		d.add(shape{kind: path, class: "line" + look(i), way: exact})
		if bound != nil {
			d.add(shape{kind: path, class: "line bound" + look(i), way: bound})
		}
	}
	for i, s := range c.Series {
		for _, p := range s.Periods {
			if p.New > 0 {
				d.add(shape{kind: circle, class: "unknown" + look(i), x: c.Span.at(p.To.AddDate(0, 0, 1)), y: y(p.Total), r: 3.5})
			}
		}
	}
	for _, tick := range ticks(most) { // over the lines, which all begin low
		d.text("tick clear", Thousands(tick), 0, 0, y(tick)-3, "")
	}
	for row, l := range labels {
		d.text(l.class, l.words, 1, 0, float64(14+lineHeight*row), "end")
	}
	return d
}

// ends marks where the lines end, if that is within the span. What it says stands at the height of top, below the labels: there no line comes.
func (c Steps) ends(d *Drawing, top, bottom float64) {
	if c.End.On.IsZero() {
		return
	}
	x, anchor, dx := c.Span.at(c.End.On.AddDate(0, 0, 1)), "", 4.0
	if x > 0.5 {
		anchor, dx = "end", -4
	}
	d.line("ends", x, top-10, x, bottom)
	d.text("tick", c.End.Words, x, dx, top, anchor)
}

// series is how many lines have a look of their own.
const series = 4

func (s Series) last() Period {
	if len(s.Periods) == 0 {
		return Period{}
	}
	return s.Periods[len(s.Periods)-1]
}

// ways are the line as far as it is exact, and the rest of it; nil if there is none.
func (s Series) ways(span Span, y func(int) float64) (exact, bound []point) {
	known := s.known()
	at := point{0, y(0)}
	if len(known) > 0 {
		at.x = span.at(known[0].From)
	}
	to := &exact
	exact = append(exact, at)
	for _, p := range known {
		if p.AtLeast && to == &exact {
			to = &bound
			bound = append(bound, at)
		}
		if next := y(p.Total); next != at.y {
			at.y = next
			*to = append(*to, at)
		}
		at.x = span.at(p.To.AddDate(0, 0, 1))
		*to = append(*to, at)
	}
	return exact, bound
}

// known are the periods from the first of which a total is known.
func (s Series) known() []Period {
	i := slices.IndexFunc(s.Periods, func(p Period) bool { return p.Known })
	if i < 0 {
		return nil
	}
	return s.Periods[i:]
}

// band goes along the lowest of what is reported and back along the highest; nil if they are the same throughout.
func (s Series) band(span Span, y func(int) float64) (way []point) {
	var back []point
	for _, p := range s.known() {
		if p.Low == p.High && way == nil {
			continue
		}
		from, to := span.at(p.From), span.at(p.To.AddDate(0, 0, 1))
		way = append(way, point{from, y(p.Low)}, point{to, y(p.Low)})
		back = append(back, point{from, y(p.High)}, point{to, y(p.High)})
	}
	slices.Reverse(back)
	return append(way, back...)
}

type label struct{ class, words string }

// labels are name and total of each line, the greatest first, and what is to be said of it. They stand above the end of the lines:
// there a running total never comes.
func (c Steps) labels() []label {
	order := make([]int, len(c.Series))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return c.Series[b].last().Total - c.Series[a].last().Total })
	var all []label
	for _, i := range order {
		s := c.Series[i]
		words := s.Name + " " + Thousands(s.last().Total)
		switch {
		case !s.last().Known:
			words = s.Name + ": no figure on record"
		case s.last().AtLeast:
			words = s.Name + " at least " + Thousands(s.last().Total)
		}
		all = append(all, label{"label of" + look(i), words})
		if s.Note != "" {
			all = append(all, label{"tick clear", s.Note})
		}
	}
	return all
}
