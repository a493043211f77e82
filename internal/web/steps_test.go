package web

import (
	"strings"
	"testing"

	"github.com/parley-api/parley/internal/talks"
)

// TestSteps: what running totals say is no more than is known of them.
func TestSteps(t *testing.T) {
	unknown := talks.Total{StartsOn: "2026-01-01", EndsOn: "2026-01-31", Records: 1, UnknownCount: 1, TotalLow: new(0), RunningTotal: new(0), RunningUnknownCount: new(1)}
	period := func(starts, ends string, records int, total, low, high *int, running int) talks.Total {
		return talks.Total{StartsOn: starts, EndsOn: ends, Records: records, Total: total, TotalLow: low, TotalHigh: high, RunningTotal: &running, RunningUnknownCount: new(0)}
	}
	for _, c := range []struct {
		name, ends, today    string
		totals               []talks.Total
		words, between, last string
		mark                 string
	}{
		{"agreed", "2026-03-06", "2026-11-23", []talks.Total{period("2026-01-01", "2026-01-31", 1, new(5), new(5), new(5), 5)}, "5", "", "2026-01-31", ""},
		{"disputed", "2026-03-06", "2026-11-23", []talks.Total{period("2026-01-01", "2026-01-31", 1, new(5), new(3), new(6), 5)}, "5", "3 to 6", "2026-01-31", ""},
		{"open above", "2026-03-06", "2026-11-23", []talks.Total{period("2026-01-01", "2026-01-31", 1, new(5), new(5), nil, 5)}, "at least 5", "", "2026-01-31", ""},
		{"open and disputed", "2026-03-06", "2026-11-23", []talks.Total{period("2026-01-01", "2026-01-31", 1, new(5), new(3), nil, 5)}, "at least 5", "3 or more", "2026-01-31", ""},
		{"no figure", "2026-03-06", "2026-11-23", []talks.Total{unknown}, "no figure", "", "2026-01-31", ""},
		{"a reported zero", "2026-03-06", "2026-11-23", []talks.Total{period("2026-01-01", "2026-01-31", 1, new(0), new(0), new(0), 0)}, "0", "", "2026-01-31", ""},
		{
			"the records end", "2026-03-06", "2026-11-23",
			[]talks.Total{period("2026-01-01", "2026-06-30", 1, new(5), new(5), new(5), 5), period("2026-07-01", "2026-12-31", 0, new(0), new(0), new(0), 5)},
			"5", "", "2026-03-06", "records end, 6 March 2026",
		},
		{"the future", "2030-12-31", "2026-11-23", []talks.Total{period("2026-01-01", "2026-12-31", 1, new(5), new(5), new(5), 5)}, "5", "", "2026-11-23", "today, 23 November 2026"},
		{"a record after the end", "2026-03-06", "2026-11-23", []talks.Total{period("2026-05-01", "2026-05-31", 1, new(5), new(5), new(5), 5)}, "5", "", "2026-05-31", ""},
		{"a record of today", "2026-03-06", "2026-11-23", []talks.Total{period("2026-11-01", "2026-11-30", 1, new(5), new(5), new(5), 5)}, "5", "", "2026-11-23", "today, 23 November 2026"},
		{"nothing known of the end", "", "", []talks.Total{period("2026-01-01", "2026-01-31", 1, new(5), new(5), new(5), 5)}, "5", "", "2026-01-31", ""},
	} {
		s := NewSteps(Names{}, Sum{Ends: c.ends, Today: c.today, Totals: c.totals})
		periods := s.Drawn.Series[0].Periods
		if got := s.Last[0].Words() + "|" + s.Last[0].Between() + "|" + periods[len(periods)-1].To.Format("2006-01-02") + "|" + s.Drawn.End.Words; got != strings.Join([]string{c.words, c.between, c.last, c.mark}, "|") {
			t.Errorf("%s: %s", c.name, got)
		}
	}
}
