package store_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/render"
	"github.com/parley-api/parley/internal/store"
	"github.com/parley-api/parley/internal/talks"
)

// reading is a moment of a data set, and whose figures are read.
type reading struct {
	db *pgxpool.Pool
	at int64
	by string
}

// all reads every record of a collection.
func all[T any](t *testing.T, from reading, table *store.Table) []T {
	t.Helper()
	l, err := query.Parse(url.Values{}, table.Grammar())
	if err != nil {
		t.Fatal(err)
	}
	l.ReportedBy = from.by
	q := store.Question{Table: table, List: l, At: &from.at}
	var info store.Info
	var records []T
	for row, err := range store.Each(t.Context(), from.db, q, &info) {
		if err != nil {
			t.Fatal(err)
		}
		var r T
		if err := json.Unmarshal(render.AppendJSON(nil, render.Record{Columns: q.Shape(), Values: row}), &r); err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	return records
}

// lively is a database with a few revisions that change what the ledger is made of.
func lively(t *testing.T) (db *pgxpool.Pool, last int64) {
	t.Helper()
	db = pgtest.DB(t)
	day := "2026-12-24T12:00:00Z"
	for _, statements := range [][]string{
		{"update prisoner_exchange_transfers set total = 300 where prisoner_exchange = 'exchange-2025-07-23' and from_party = 'RU'"},
		{"update reports set value_number = 77, qualifier = 'at_least' where prisoner_exchange = 'exchange-2025-05-24' and party = 'UA'", "delete from prisoner_exchanges where id = 'exchange-2025-05-25'"},
		{
			"update prisoner_exchanges set commitment = null where id = 'exchange-2025-06-10'",
			"update commitments set due_on = '2025-12-31' where id = 'istanbul-2025-3-exchange-1200'",
			"update commitments set due_on = '2026-12-01' where id = 'istanbul-2025-2-exchange-categories'",
			"update commitment_targets set value = 2000, qualifier = 'up_to' where commitment = 'istanbul-2025-1-exchange-1000' and from_party = 'RU'",
		},
		{"delete from reports where body_repatriation is not null and party = 'RU'", "update coverage set ends_on = '2026-06-30' where id = 'prisoner-exchanges-2026'"},
		{"update body_repatriation_transfers set total = null where from_party = 'RU' and body_repatriation = 'bodies-2025-06-11'", "delete from reports where round = 'istanbul-2025-3' and field = 'duration_minutes'"},
	} {
		last = pgtest.Change(t, db, &day, statements...)
	}
	return db, last
}

// eachReading runs a test at every revision, for the best-supported figures and those of parties.
func eachReading(t *testing.T, test func(t *testing.T, from reading)) {
	db, last := lively(t)
	for at := range last {
		for _, by := range []string{"", "UA", "RU", "AE"} {
			t.Run(fmt.Sprintf("revision %d by %q", at+1, by), func(t *testing.T) { test(t, reading{db, at + 1, by}) })
		}
	}
}

// statements are what reports say of a figure: of all, or of one party.
func statements(reports []talks.FigureGiven, field, by string) (said []talks.Statement) {
	for _, r := range reports {
		n, isNumber := r.Value.(float64)
		if r.Field != field || !isNumber || by != "" && (r.Party == nil || *r.Party != by) {
			continue
		}
		voice := r.Source
		if r.Party != nil {
			voice = *r.Party
		}
		said = append(said, talks.Statement{Value: int(n), Qualifier: r.Qualifier, Voice: voice})
	}
	return said
}

// figureOf is what a record should show of a figure, given its own best-supported value.
func figureOf(own *int, qualifier string, reports []talks.FigureGiven, field, by string) string {
	said := statements(reports, field, by)
	value, f := own, talks.FigureOf(own, qualifier, said)
	if by != "" {
		value, f = talks.FigureOfParty(own, said)
	}
	return shownFigure(value, f.Low, f.High, f.Status)
}

func shownFigure(value, low, high *int, status string) string {
	text := status
	for _, n := range []*int{value, low, high} {
		if n == nil {
			text += " ?"
		} else {
			text += fmt.Sprint(" ", *n)
		}
	}
	return text
}

// TestFigures: beside every figure of every record stand the bounds and the standing that the rules of package talks make
// of its reports, for all and for one party, at every revision.
func TestFigures(t *testing.T) {
	eachReading(t, func(t *testing.T, from reading) {
		best := reading{from.db, from.at, ""}
		check := func(id, field, want, got string) {
			t.Helper()
			if want != got {
				t.Errorf("%s %s is %s, want %s", id, field, got, want)
			}
		}
		whose := func(id string, figuresFrom *string) {
			t.Helper()
			if (from.by == "") != (figuresFrom == nil) || figuresFrom != nil && *figuresFrom != from.by {
				t.Errorf("%s shows figures from %v", id, figuresFrom)
			}
		}
		owns := all[talks.PrisonerExchange](t, best, store.PrisonerExchanges)
		for i, e := range all[talks.PrisonerExchange](t, from, store.PrisonerExchanges) {
			whose(e.ID, e.FiguresFrom)
			for j, x := range e.Transfers {
				own, way := owns[i].Transfers[j], "transfers."+x.From+"-"+x.To
				check(e.ID, way+".total", figureOf(own.Total, "exactly", e.Reports, way+".total", from.by), shownFigure(x.Total, x.TotalLow, x.TotalHigh, x.TotalStatus))
				check(e.ID, way+".pows", figureOf(own.POWs, "exactly", e.Reports, way+".pows", from.by), shownFigure(x.POWs, x.POWsLow, x.POWsHigh, x.POWsStatus))
				check(e.ID, way+".civilians", figureOf(own.Civilians, "exactly", e.Reports, way+".civilians", from.by), shownFigure(x.Civilians, x.CiviliansLow, x.CiviliansHigh, x.CiviliansStatus))
			}
		}
		bodies := all[talks.BodyRepatriation](t, best, store.BodyRepatriations)
		for i, b := range all[talks.BodyRepatriation](t, from, store.BodyRepatriations) {
			whose(b.ID, b.FiguresFrom)
			for j, x := range b.Transfers {
				field := "transfers." + x.From + "-" + x.To + ".total"
				check(b.ID, field, figureOf(bodies[i].Transfers[j].Total, "exactly", b.Reports, field, from.by), shownFigure(x.Total, x.TotalLow, x.TotalHigh, x.TotalStatus))
			}
		}
		rounds := all[talks.Round](t, best, store.Rounds)
		for i, r := range all[talks.Round](t, from, store.Rounds) {
			whose(r.ID, r.FiguresFrom)
			check(r.ID, "duration_minutes", figureOf(rounds[i].DurationMinutes, "exactly", r.Reports, "duration_minutes", from.by),
				shownFigure(r.DurationMinutes, r.DurationLow, r.DurationHigh, r.DurationStatus))
			for j, d := range r.Delegations {
				check(d.ID, "reported_size", figureOf(rounds[i].Delegations[j].ReportedSize, "exactly", r.Reports, "delegation_size."+d.Party, from.by),
					shownFigure(d.ReportedSize, d.ReportedSizeLow, d.ReportedSizeHigh, d.ReportedSizeStatus))
			}
		}
		commitments := all[talks.Commitment](t, best, store.Commitments)
		for i, c := range all[talks.Commitment](t, from, store.Commitments) {
			whose(c.ID, c.FiguresFrom)
			for j, x := range c.Targets {
				if x.From == nil {
					continue
				}
				qualifier := strings.Replace(x.Qualifier, "up_to", "at_most", 1)
				field := "target." + *x.From + "-" + *x.To
				by := from.by
				if statements(c.Reports, field, "") == nil && slices.Contains(c.Parties, by) {
					by = "" // nobody reported it: it is what the sides agreed
				}
				check(c.ID, field, figureOf(commitments[i].Targets[j].Value, qualifier, c.Reports, field, by), shownFigure(x.Value, x.ValueLow, x.ValueHigh, x.ValueStatus))
			}
		}
	})
}

// sum adds up transfers.
type sum struct {
	records, unknown int
	total, low, high *int
	bounded          bool
	first, last      string
}

func (s *sum) add(date string, total, low, high *int) {
	if s.records == 0 {
		s.bounded, s.first, s.last = true, date, date
	}
	s.records++
	s.first, s.last = min(s.first, date), max(s.last, date)
	s.bounded = s.bounded && high != nil
	if total == nil {
		s.unknown++
		return
	}
	for _, p := range []struct {
		into **int
		n    *int
	}{{&s.total, total}, {&s.low, low}, {&s.high, high}} {
		if p.n != nil {
			if *p.into == nil {
				*p.into = new(int)
			}
			**p.into += *p.n
		}
	}
}

// happening is an exchange or a repatriation.
type happening struct {
	collection, id, date string
	commitment, country  *string
	mediators            []string
	transfers            []talks.BodyTransfer
}

func happenings(t *testing.T, from reading) (all2 []happening) {
	t.Helper()
	for _, e := range all[talks.PrisonerExchange](t, from, store.PrisonerExchanges) {
		h := happening{"prisoner-exchanges", e.ID, e.Date, e.Commitment, e.Country, e.Mediators, nil}
		for _, x := range e.Transfers {
			h.transfers = append(h.transfers, talks.BodyTransfer{From: x.From, To: x.To, Total: x.Total, TotalStanding: x.TotalStanding})
		}
		all2 = append(all2, h)
	}
	for _, b := range all[talks.BodyRepatriation](t, from, store.BodyRepatriations) {
		all2 = append(all2, happening{"body-repatriations", b.ID, b.Date, b.Commitment, b.Country, b.Mediators, b.Transfers})
	}
	return all2
}

// TestLedger: the progress of every commitment is what a loop over the events comes to, at every revision and by every
// party's figures.
func TestLedger(t *testing.T) {
	eachReading(t, func(t *testing.T, from reading) {
		events := happenings(t, from)
		ends := map[string]string{}
		for _, c := range all[talks.Coverage](t, from, store.Coverage) {
			ends[c.Collection] = max(ends[c.Collection], c.EndsOn)
		}
		var today string
		for _, c := range all[talks.Changeset](t, from, store.Changesets) {
			today = max(today, c.RecordedAt[:10])
		}
		begins := map[string]string{}
		for _, r := range all[talks.Round](t, from, store.Rounds) {
			begins[r.ID] = r.StartsOn
		}
		for _, c := range all[talks.Commitment](t, from, store.Commitments) {
			known := slices.ContainsFunc(c.Targets, func(x talks.Target) bool { return x.Value != nil }) // the party may have given none
			if (len(c.Targets) == 0) != (c.Progress == nil) || (c.Status == nil) == known {
				t.Errorf("%s has %d targets, progress %v and status %v", c.ID, len(c.Targets), c.Progress, c.Status)
			}
			if c.Progress == nil {
				continue
			}
			seen := map[string]bool{}
			var statuses []string
			for _, p := range *c.Progress {
				var s sum
				way := "-"
				if p.From != nil {
					way = *p.From + "-" + *p.To
				}
				seen[way] = true
				var counted []talks.CountedEvent
				for _, e := range events {
					for _, x := range e.transfers {
						if e.commitment != nil && *e.commitment == c.ID && x.From+"-"+x.To == way {
							s.add(e.date, x.Total, x.TotalLow, x.TotalHigh)
							counted = append(counted, talks.CountedEvent{Collection: e.collection, ID: e.id, Date: e.date, Total: x.Total})
						}
					}
				}
				slices.SortFunc(counted, func(a, b talks.CountedEvent) int { return strings.Compare(a.Date+a.ID, b.Date+b.ID) })
				if diff := cmp.Diff(counted, p.Counted, cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("%s %s counts (-want +got):\n%s", c.ID, way, diff)
				}
				want := expect(c, p, way, s, ends, begins, today)
				if diff := cmp.Diff(want, outline(p)); diff != "" {
					t.Errorf("%s %s (-want +got):\n%s", c.ID, way, diff)
				}
				if p.Status != nil && p.Target != nil {
					statuses = append(statuses, *p.Status)
				}
			}
			for _, x := range c.Targets {
				if x.From != nil && !seen[*x.From+"-"+*x.To] {
					t.Errorf("%s has no progress from %s to %s", c.ID, *x.From, *x.To)
				}
			}
			if len(statuses) == 0 { // the party gave no target
				continue
			}
			want := "no_records"
			for _, status := range []string{"open", "lapsed", "overdue"} {
				if slices.Contains(statuses, status) {
					want = status
				}
			}
			if !slices.ContainsFunc(statuses, func(s string) bool { return s != "met" }) {
				want = "met"
			}
			if *c.Status != want {
				t.Errorf("%s is %s, want %s of %v", c.ID, *c.Status, want, statuses)
			}
		}
	})
}

// line is the numbers of progress, in words.
type line struct{ Delivered, Low, High, Remaining, Excess, Share, Events, Unknown, Dates, Status, RecordsEnd, DecidedOn string }

func word[T any](p *T) string {
	if p == nil {
		return "?"
	}
	return fmt.Sprint(*p)
}

func outline(p talks.Progress) line {
	return line{
		word(p.Delivered) + " " + word(p.DeliveredQualifier), word(p.DeliveredLow), word(p.DeliveredHigh), word(p.Remaining), word(p.Excess), word(p.Share), fmt.Sprint(p.Events),
		fmt.Sprint(p.UnknownCount), word(p.FirstOn) + ".." + word(p.LastOn), word(p.Status), word(p.RecordsEndOn), p.DecidedOn,
	}
}

// expect is what progress should say, given the sum of the events.
func expect(c talks.Commitment, p talks.Progress, way string, s sum, ends, begins map[string]string, today string) line {
	collection := map[string]string{"prisoner_exchange": "prisoner-exchanges", "body_repatriation": "body-repatriations"}[c.Kind]
	end, kept := ends[collection], collection != ""
	agreed := ""
	if c.Round != nil {
		agreed = begins[*c.Round]
	}
	if c.AgreedOn != nil {
		agreed = *c.AgreedOn
	}
	due := c.DueOn != nil && *c.DueOn < today
	onRecord := kept && (s.records > 0 || agreed <= end)
	zero := 0
	want := line{Delivered: "? ?", Low: "?", High: "?", Remaining: "?", Excess: "?", Share: "?", Events: fmt.Sprint(s.records), Unknown: fmt.Sprint(s.unknown), Dates: "?..?", Status: "?", RecordsEnd: "?", DecidedOn: today}
	var delivered *int
	if onRecord {
		delivered = s.total
		want.Low, want.High = "0", "?"
		if s.low != nil {
			want.Low = fmt.Sprint(*s.low)
		}
		if s.records == 0 {
			delivered, want.High = &zero, "0"
		} else if s.bounded {
			want.High = word(s.high)
		}
	}
	if delivered != nil {
		want.Delivered = fmt.Sprint(*delivered, " exactly")
		if s.unknown > 0 || s.records > 0 && !s.bounded {
			want.Delivered = fmt.Sprint(*delivered, " at_least")
		}
	}
	if s.records > 0 {
		want.Dates = s.first + ".." + s.last
	}
	if kept {
		want.RecordsEnd = end
	}
	if p.Target == nil {
		return want
	}
	if delivered != nil {
		want.Remaining, want.Excess = fmt.Sprint(max(*p.Target-*delivered, 0)), fmt.Sprint(max(*delivered-*p.Target, 0))
		want.Share = fmt.Sprint(math.Round(float64(*delivered)/float64(*p.Target)*10_000) / 10_000)
	}
	switch {
	case delivered != nil && *delivered >= *p.Target:
		want.Status = "met"
	case !kept && due:
		want.Status = "lapsed"
	case !onRecord || due && *c.DueOn > end:
		want.Status = "no_records"
	case due:
		want.Status = "overdue"
	default:
		want.Status = "open"
	}
	return want
}

// TestPublishedTotals: the sum beside each published total is what a loop over the events comes to.
func TestPublishedTotals(t *testing.T) {
	eachReading(t, func(t *testing.T, from reading) {
		events := happenings(t, from)
		for _, p := range all[talks.PublishedTotal](t, from, store.PublishedTotals) {
			collection := map[string]string{"prisoners": "prisoner-exchanges", "bodies": "body-repatriations"}[p.Kind]
			total, unknown, records := 0, 0, 0
			for _, h := range events {
				for _, x := range h.transfers {
					if h.collection != collection || h.date < p.ScopeFrom || h.date > p.Date || p.From != nil && (x.From != *p.From || x.To != *p.To) {
						continue
					}
					records++
					if x.Total == nil {
						unknown++
					} else {
						total += *x.Total
					}
				}
			}
			if p.RecordsTotal != total || p.UnknownCount != unknown || p.Records != records || p.Difference != p.Value-total {
				t.Errorf("%s: %d of %d records, %d unknown, difference %d; want %d of %d, %d unknown", p.ID, p.RecordsTotal, p.Records, p.UnknownCount, p.Difference, total, records, unknown)
			}
		}
	})
}
