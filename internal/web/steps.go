package web

import (
	"html/template"
	"slices"
	"time"

	"github.com/parley-api/parley/internal/chart"
	"github.com/parley-api/parley/internal/talks"
)

// Steps are the sums of a collection, drawn.
type Steps struct {
	Sum
	Drawn chart.Steps
	Chart template.HTML
	Last  []Running // of each direction
	Rows  []Running // the periods in which something was recorded
}

// Running is the sum of a period, and what has come together up to its end.
type Running struct {
	Sum       talks.Total // of the period alone
	Known     bool        // there is a figure
	Low, High int         // by the lowest and the highest of what is reported
	Open      bool        // a record has no figure, or its figure has no upper bound: there is at least so much
}

// add goes on to the next period of the same direction.
func (r Running) add(t talks.Total) Running {
	r.Sum = t
	r.Known = r.Known || t.Records > t.UnknownCount
	r.Open = r.Open || t.TotalHigh == nil
	low, high := 0, 0
	if t.Total != nil {
		low, high = *t.Total, *t.Total
	}
	if t.TotalLow != nil {
		low = min(low, *t.TotalLow)
	}
	if t.TotalHigh != nil {
		high = max(high, *t.TotalHigh)
	}
	r.Low, r.High = r.Low+low, r.High+high
	return r
}

// total is the running total, 0 where there is none.
func (r Running) total() int {
	if r.Sum.RunningTotal == nil {
		return 0
	}
	return *r.Sum.RunningTotal
}

// Words are the running total in words.
func (r Running) Words() string {
	switch {
	case !r.Known:
		return "no figure"
	case r.Open:
		return "at least " + chart.Thousands(r.total())
	default:
		return chart.Thousands(r.total())
	}
}

// Between says between what the running total is by what is reported; "" where reports do not differ.
func (r Running) Between() string {
	switch {
	case !r.Known || r.Low == r.High || r.Open && r.Low >= r.total():
		return ""
	case r.Open:
		return bounds(&r.Low, nil)
	default:
		return bounds(&r.Low, &r.High)
	}
}

func (h Home) steps(names Names) []Steps {
	var all []Steps
	for _, sum := range h.Sums {
		all = append(all, NewSteps(names, sum))
	}
	return all
}

// NewSteps draws sums by period, and sorts out what the table shows.
func NewSteps(names Names, sum Sum) Steps {
	s := Steps{Sum: sum}
	c := chart.Steps{Label: sum.Title + ", running totals of the records by direction. The table below has the same."}
	end, why := sum.end()
	for _, t := range sum.Totals {
		name := names.Of("parties", t.From) + " → " + names.Of("parties", t.To)
		i := slices.IndexFunc(c.Series, func(s chart.Series) bool { return s.Name == name })
		if i < 0 {
			i = len(c.Series)
			c.Series = append(c.Series, chart.Series{Name: name})
			s.Last = append(s.Last, Running{})
		}
		r := s.Last[i].add(t)
		s.Last[i] = r
		period := chart.Period{From: date(t.StartsOn), To: date(t.EndsOn), Known: r.Known, Total: r.total(), Low: r.Low, High: r.High, AtLeast: r.Open, New: t.UnknownCount}
		if !end.IsZero() && period.To.After(end) {
			period.To = end
		}
		if !period.To.Before(period.From) {
			c.Series[i].Periods = append(c.Series[i].Periods, period)
		}
		if t.Records > 0 {
			s.Rows = append(s.Rows, r)
		}
	}
	for i, r := range s.Last {
		if between := r.Between(); between != "" {
			c.Series[i].Note = "reported: " + between
		}
	}
	if len(sum.Totals) > 0 {
		c.Span = months(date(sum.Totals[0].StartsOn), date(sum.Totals[len(sum.Totals)-1].EndsOn))
		if !end.IsZero() && end.Before(date(sum.Totals[len(sum.Totals)-1].EndsOn)) {
			c.End = chart.End{On: end, Words: why + ", " + day(end.Format(time.DateOnly))}
			c.Label += " The lines end with a mark: " + c.End.Words + "."
		}
		s.Drawn, s.Chart = c, c.Draw().SVG()
	}
	return s
}

// end is the last day of which something can be said, and why: the records end, or it is today. Records of later days move it.
func (s Sum) end() (on time.Time, why string) {
	ends, today := date(s.Ends), date(s.Today)
	on, why = today, "today"
	if !ends.IsZero() && (today.IsZero() || ends.Before(today)) {
		on, why = ends, "records end"
	}
	for _, t := range s.Totals {
		if first, last := date(t.StartsOn), date(t.EndsOn); t.Records > 0 && !on.IsZero() && first.After(on) {
			if on = last; !today.IsZero() && !first.After(today) && last.After(today) {
				on, why = today, "today"
			}
		}
	}
	return on, why
}
