package store_test

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/render"
	"github.com/parley-api/parley/internal/store"
	"github.com/parley-api/parley/internal/talks"
)

// TestTotals: totals are what a loop over the events comes to, by everything that they are made by, under filters, at every
// revision and by every party's figures.
func TestTotals(t *testing.T) {
	eachReading(t, func(t *testing.T, from reading) {
		events := happenings(t, from)
		for _, table := range []*store.Table{store.PrisonerExchanges, store.BodyRepatriations} {
			for _, filter := range []string{
				"", "date=2025-05..2026-12", "date=2025-05-24..2026-02-04",
				"date=2025-05-23,2025-06-10..2025-06-20,2025-08", "date.not=2025-05-24..2025-09-10&from=UA", "from=RU", "country=UA&total=100..", "total.known=false", "mediators=AE&from.not=UA",
			} {
				for _, by := range store.TotalsBy {
					values, _ := url.ParseQuery(filter)
					values.Set("by", by)
					l, err := query.Totals(values, table.Grammar(), store.TotalsBy)
					if err != nil {
						t.Fatal(err)
					}
					l.ReportedBy = from.by
					q := store.Question{Table: table, List: l, At: &from.at}
					var got []string
					_, err = store.Totals(t.Context(), from.db, q, func(row store.Row) {
						got = append(got, string(render.AppendJSON(nil, render.Record{Columns: q.TotalsShape(), Values: row})))
					})
					if err != nil {
						t.Fatal(err)
					}
					want := addUp(events, table.Name, filter, by)
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("%s by %s with %q (-want +got):\n%.1500s", table.Name, by, filter, diff)
					}
				}
			}
		}
	})
}

// dateEnds are the first and the last day that filters of TestTotals bound the date with.
var dateEnds = map[string][]string{
	"date=2025-05..2026-12":                          {"2025-05-01", "2026-12-31"},
	"date=2025-05-24..2026-02-04":                    {"2025-05-24", "2026-02-04"},
	"date=2025-05-23,2025-06-10..2025-06-20,2025-08": {"2025-05-23", "2025-08-31"},
}

// passes is what the filters of TestTotals mean.
func passes(filter string, h happening, x talks.BodyTransfer) bool {
	is := func(text *string, want string) bool { return text != nil && *text == want }
	switch filter {
	case "date=2025-05..2026-12":
		return h.date >= "2025-05" && h.date < "2027"
	case "date=2025-05-24..2026-02-04":
		return h.date >= "2025-05-24" && h.date <= "2026-02-04"
	case "date=2025-05-23,2025-06-10..2025-06-20,2025-08":
		return h.date == "2025-05-23" || h.date >= "2025-06-10" && h.date <= "2025-06-20" || strings.HasPrefix(h.date, "2025-08")
	case "date.not=2025-05-24..2025-09-10&from=UA":
		return x.From == "UA" && (h.date < "2025-05-24" || h.date > "2025-09-10")
	case "from=RU":
		return x.From == "RU"
	case "country=UA&total=100..":
		return is(h.country, "UA") && x.Total != nil && *x.Total >= 100
	case "total.known=false":
		return x.Total == nil
	case "mediators=AE&from.not=UA":
		return slices.Contains(h.mediators, "AE") && x.From != "UA"
	}
	return true
}

// addUp makes the rows of totals by a loop.
func addUp(events []happening, collection, filter, by string) []string {
	groups := map[string]map[string]*sum{} // by key and direction
	directions := map[string]bool{}
	for _, h := range events {
		for _, x := range h.transfers {
			if h.collection != collection || !passes(filter, h, x) {
				continue
			}
			for _, key := range keysOf(h, by) {
				if groups[key] == nil {
					groups[key] = map[string]*sum{}
				}
				way := x.From + " " + x.To
				directions[way] = true
				if groups[key][way] == nil {
					groups[key][way] = &sum{}
				}
				groups[key][way].add(h.date, x.Total, x.TotalLow, x.TotalHigh)
			}
		}
	}
	if len(groups) == 0 {
		return nil
	}
	if _, ok := periodOf("2025-01-01", by); !ok {
		return grouped(groups, by)
	}
	return inPeriods(groups, slices.Sorted(maps.Keys(directions)), by, filter)
}

func keysOf(h happening, by string) []string {
	none := func(text *string) []string {
		if text == nil {
			return []string{""}
		}
		return []string{*text}
	}
	switch by {
	case "commitment":
		return none(h.commitment)
	case "country":
		return none(h.country)
	case "mediator":
		if len(h.mediators) == 0 {
			return []string{""}
		}
		return h.mediators
	}
	start, _ := periodOf(h.date, by)
	return []string{start.Format(time.DateOnly)}
}

func grouped(groups map[string]map[string]*sum, by string) (rows []string) {
	for _, key := range slices.SortedFunc(maps.Keys(groups), func(a, b string) int { return strings.Compare(orLast(a), orLast(b)) }) {
		shown := "null"
		if key != "" {
			shown = fmt.Sprintf("%q", key)
		}
		for _, way := range slices.Sorted(maps.Keys(groups[key])) {
			s := groups[key][way]
			rows = append(rows, fmt.Sprintf(`{"%s":%s,"from":%q,"to":%q,%s}`, by, shown, way[:2], way[3:], s))
		}
	}
	return rows
}

func orLast(key string) string {
	if key == "" {
		return "\xff"
	}
	return key
}

func (s *sum) String() string {
	if s == nil {
		return `"records":0,"unknown_count":0,"total":0,"total_low":0,"total_high":0`
	}
	number := func(n *int) string {
		if n == nil {
			return "null"
		}
		return fmt.Sprint(*n)
	}
	low, high := s.low, s.high
	if low == nil {
		low = new(int)
	}
	if !s.bounded {
		high = nil
	}
	return fmt.Sprintf(`"records":%d,"unknown_count":%d,"total":%s,"total_low":%s,"total_high":%s`, s.records, s.unknown, number(s.total), number(low), number(high))
}

// periodOf is the first day of the period that a day is in.
func periodOf(day, by string) (time.Time, bool) {
	d, _ := time.Parse(time.DateOnly, day)
	switch by {
	case "day":
	case "week":
		d = d.AddDate(0, 0, -(int(d.Weekday())+6)%7)
	case "month":
		d = d.AddDate(0, 0, 1-d.Day())
	case "quarter":
		d = time.Date(d.Year(), d.Month()-(d.Month()-1)%3, 1, 0, 0, 0, 0, time.UTC)
	case "year":
		d = time.Date(d.Year(), 1, 1, 0, 0, 0, 0, time.UTC)
	default:
		return d, false
	}
	return d, true
}

func after(start time.Time, by string) time.Time {
	switch by {
	case "day":
		return start.AddDate(0, 0, 1)
	case "week":
		return start.AddDate(0, 0, 7)
	case "month":
		return start.AddDate(0, 1, 0)
	case "quarter":
		return start.AddDate(0, 3, 0)
	}
	return start.AddDate(1, 0, 0)
}

func inPeriods(groups map[string]map[string]*sum, directions []string, by, filter string) (rows []string) {
	starts := slices.Sorted(maps.Keys(groups))
	first, last := starts[0], starts[len(starts)-1]
	if ends := dateEnds[filter]; ends != nil {
		a, _ := periodOf(ends[0], by)
		b, _ := periodOf(ends[1], by)
		first, last = min(first, a.Format(time.DateOnly)), max(last, b.Format(time.DateOnly))
	}
	running, unknown := map[string]int{}, map[string]int{}
	start, _ := time.Parse(time.DateOnly, first)
	for ; start.Format(time.DateOnly) <= last; start = after(start, by) {
		for _, way := range directions {
			s := groups[start.Format(time.DateOnly)][way]
			if s != nil {
				unknown[way] += s.unknown
				if s.total != nil {
					running[way] += *s.total
				}
			}
			year, week := start.ISOWeek()
			label := map[string]string{
				"day": start.Format(time.DateOnly), "week": fmt.Sprintf("%d-W%02d", year, week), "month": start.Format("2006-01"),
				"quarter": fmt.Sprintf("%d-Q%d", start.Year(), (int(start.Month())+2)/3), "year": start.Format("2006"),
			}[by]
			rows = append(rows, fmt.Sprintf(`{"period":"%s","starts_on":"%s","ends_on":"%s","from":%q,"to":%q,%s,"running_total":%d,"running_unknown_count":%d}`,
				label, start.Format(time.DateOnly), after(start, by).AddDate(0, 0, -1).Format(time.DateOnly), way[:2], way[3:], s, running[way], unknown[way]))
		}
	}
	return rows
}
