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
	Height int // of the plot, in pixels; 0: 260. The labels of the years stand below
}

// Series is one line: the running total at the end of each period, in order.
type Series struct {
	Name    string
	Periods []Period
}

// Period is one step. Periods begin with the first of which a total is known.
type Period struct {
	From, To time.Time // the first day and the last
	Total    int       // up to its end, of what has a figure
	Unknown  int       // up to its end, how many have none: the total is then at least so much
	New      int       // how many of these are the period's own
}

const (
	stepsHeight = 260
	lineHeight  = 18 // of the labels above the greatest total
)

// Draw draws the lines. From the first event without a figure on, a line is dashed, because it is a lower bound from there.
func (c Steps) Draw() *Drawing {
	most := 1
	for _, s := range c.Series {
		most = max(most, s.last().Total)
	}
	height := cmp.Or(c.Height, stepsHeight)
	headroom := lineHeight*len(c.Series) + 8
	y := func(total int) float64 {
		return float64(height) - float64(height-headroom)*float64(total)/float64(most)
	}
	d := &Drawing{class: "steps", role: "img", label: c.Label, height: height + axisHeight}
	for _, tick := range ticks(most) {
		d.line("grid", 0, y(tick), 1, y(tick))
		d.text("tick", Thousands(tick), 0, 0, y(tick)-3, "")
	}
	c.Span.years(d, float64(height))
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
	c.labels(d)
	return d
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
	at := point{0, y(0)}
	if len(s.Periods) > 0 {
		at.x = span.at(s.Periods[0].From)
	}
	to := &exact
	exact = append(exact, at)
	for _, p := range s.Periods {
		if p.Unknown > 0 && to == &exact {
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

// labels writes name and total of each line above the end of the lines, the greatest first: there a running total never comes.
func (c Steps) labels(d *Drawing) {
	order := make([]int, len(c.Series))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return c.Series[b].last().Total - c.Series[a].last().Total })
	for row, i := range order {
		last := c.Series[i].last()
		words := c.Series[i].Name + " " + Thousands(last.Total)
		switch {
		case len(c.Series[i].Periods) == 0:
			words = c.Series[i].Name + ": no figure on record"
		case last.Unknown > 0:
			words = c.Series[i].Name + " at least " + Thousands(last.Total)
		}
		d.text("label of"+look(i), words, 1, 0, float64(14+lineHeight*row), "end")
	}
}
