package chart

import (
	"html/template"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Steps are running totals over time, one line a series.
type Steps struct {
	Label  string // the text alternative
	Span   Span
	Series []Series
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
	stepsHeight = 260 // of the plot, in pixels; the labels of the years stand below
	lineHeight  = 18  // of the labels above the greatest total
)

// SVG draws the lines. From the first event without a figure on, a line is dashed, because it is a lower bound from there.
func (c Steps) SVG() template.HTML {
	most := 1
	for _, s := range c.Series {
		most = max(most, s.last().Total)
	}
	headroom := lineHeight*len(c.Series) + 8
	y := func(total int) float64 {
		return float64(stepsHeight) - float64(stepsHeight-headroom)*float64(total)/float64(most)
	}
	d := begin("steps", stepsHeight+22, c.Label)
	for _, tick := range ticks(most) {
		at := short(y(tick))
		d.draw("line", "class", "grid", "x1", "0", "x2", "100%", "y1", at, "y2", at)
		d.text(Thousands(tick), "class", "tick", "x", "0", "y", at, "dy", "-3")
	}
	c.Span.years(d, 0, stepsHeight)
	d.stretch(stepsHeight)
	for i, s := range c.Series {
		class := " s" + strconv.Itoa(i%series)
		exact, bound := s.paths(c.Span, y)
		d.draw("path", "class", "line"+class, "d", exact, "vector-effect", "non-scaling-stroke")
		if bound != "" {
			d.draw("path", "class", "line bound"+class, "d", bound, "vector-effect", "non-scaling-stroke")
		}
	}
	d.shut("svg")
	for i, s := range c.Series {
		for _, p := range s.Periods {
			if p.New > 0 {
				d.draw("circle", "class", "unknown s"+strconv.Itoa(i%series), "cx", percent(c.Span.at(p.To.AddDate(0, 0, 1))), "cy", short(y(p.Total)), "r", "3.5")
			}
		}
	}
	c.labels(d)
	return d.done()
}

// series is how many lines have a look of their own.
const series = 4

func (s Series) last() Period {
	if len(s.Periods) == 0 {
		return Period{}
	}
	return s.Periods[len(s.Periods)-1]
}

// paths are the line as far as it is exact, and the rest of it.
func (s Series) paths(span Span, y func(int) float64) (exact, bound string) {
	var line, rest strings.Builder
	at, height := 0.0, y(0)
	if len(s.Periods) > 0 {
		at = span.at(s.Periods[0].From)
	}
	to := &line
	line.WriteString("M" + short(1000*at) + " " + short(height))
	for _, p := range s.Periods {
		if p.Unknown > 0 && to == &line {
			to = &rest
			rest.WriteString("M" + short(1000*at) + " " + short(height))
		}
		next := y(p.Total)
		if next != height {
			to.WriteString("V" + short(next))
		}
		at, height = span.at(p.To.AddDate(0, 0, 1)), next
		to.WriteString("H" + short(1000*at))
	}
	return line.String(), rest.String()
}

// labels writes name and total of each line above the end of the lines, the greatest first: there a running total never comes.
func (c Steps) labels(d *svg) {
	order := make([]int, len(c.Series))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return c.Series[b].last().Total - c.Series[a].last().Total })
	for line, i := range order {
		last := c.Series[i].last()
		words := c.Series[i].Name + " " + Thousands(last.Total)
		switch {
		case len(c.Series[i].Periods) == 0:
			words = c.Series[i].Name + ": no figure on record"
		case last.Unknown > 0:
			words = c.Series[i].Name + " at least " + Thousands(last.Total)
		}
		d.text(words, "class", "label s"+strconv.Itoa(i%series), "x", "100%", "y", strconv.Itoa(14+lineHeight*line), "text-anchor", "end")
	}
}
