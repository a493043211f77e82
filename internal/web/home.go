package web

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"time"

	"github.com/parley-api/parley/internal/chart"
	"github.com/parley-api/parley/internal/talks"
)

// Home is the talks at a glance.
type Home struct {
	Processes   []talks.Process
	Rounds      []talks.Round          // oldest first
	Events      []talks.Event          // exchanges and repatriations, newest first
	Cut         bool                   // there are earlier ones
	Commitments []talks.Commitment     // with targets, newest first
	Sums        []Sum                  // by direction and month
	Published   []talks.PublishedTotal // newest first
	Placed      []talks.Event          // that have a place on the map
	Unplaced    int64                  // how many have none
	Changesets  []Changeset            // newest first
}

// Sum is the sums of a collection by month or another period.
type Sum struct {
	Collection string
	By         string // the period
	Ends       string // the last day of which records are kept; "": not known
	Today      string // the day of the revision
	Title      string
	Unit       string
	Totals     []talks.Total
	Kind       string   // of published totals of the same
	Missing    []string // what is known to be missing
}

// Changeset is a changeset with some of the records that it changed.
type Changeset struct {
	talks.Changeset
	Records int64
	Some    []talks.Change
}

// Home makes the first page.
func (s *Site) Home(f Frame, h Home) ([]byte, error) {
	return s.page("home", f, struct {
		Home
		Timeline template.HTML
		Map      template.HTML
		Steps    []Steps
		Ledger   []LedgerRow
		Places   []chart.Place
	}{h, h.timeline(f), s.atlas.SVG("Where it happened: a map of the places on record.", h.places(f)), h.steps(f.Names), Ledger(f.Names, h.Commitments), h.places(f)})
}

// LedgerRow is a commitment in one direction.
type LedgerRow struct {
	C     talks.Commitment
	P     talks.Progress
	First bool // of its commitment
	Bar   template.HTML
}

// Ledger lists commitments by direction.
func Ledger(names Names, commitments []talks.Commitment) []LedgerRow {
	var rows []LedgerRow
	for _, c := range commitments {
		if c.Progress == nil {
			continue
		}
		for i, p := range *c.Progress {
			rows = append(rows, LedgerRow{c, p, i == 0, Bar(names, c, p).Draw().SVG()})
		}
	}
	return rows
}

func date(text string) time.Time {
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return time.Time{}
	}
	return at
}

// timeline draws the rounds of each process, and below them exchanges and repatriations.
func (h Home) timeline(f Frame) template.HTML {
	var lanes []chart.Lane
	for _, p := range h.Processes {
		lane := chart.Lane{Name: shorten(p.Name, 90)}
		if brief := shorten(p.Name, 34); brief != lane.Name {
			lane.Brief = brief
		}
		for _, r := range h.Rounds {
			if r.Process == p.ID {
				lane.Marks = append(lane.Marks, chart.Mark{From: date(r.StartsOn), To: date(r.EndsOn), Words: r.Title + " (" + words(r.Status) + ")", Link: f.Link("rounds", r.ID), Planned: r.Status != "held"})
			}
		}
		lanes = append(lanes, lane)
	}
	for i, kind := range []struct{ event, name string }{{"prisoner_exchange", "Prisoner exchanges, people"}, {"body_repatriation", "Repatriations, bodies"}} {
		lane := chart.Lane{Name: kind.name, Sized: true, Look: i + 1}
		for _, e := range h.Events {
			if e.Type == kind.event {
				lane.Marks = append(lane.Marks, sized(e))
			}
		}
		lanes = append(lanes, lane)
	}
	span, ok := spanOf(lanes)
	if !ok {
		return ""
	}
	return chart.Timeline{Label: "Timeline of rounds, prisoner exchanges and repatriations of bodies. The tables below have the same.", Span: span, Lanes: lanes}.Draw().SVG()
}

// sized is an exchange or a repatriation as a mark that is as high as its number.
func sized(e talks.Event) chart.Mark {
	size := largest(e.Figures)
	words := day(e.Date) + ": number not on record"
	if size != nil {
		words = day(e.Date) + ": " + chart.Thousands(*size) + " in one direction"
	}
	return chart.Mark{From: date(e.Date), To: date(e.EndsOn), Words: words, Size: size}
}

// largest is the greatest of the known numbers; nil if none is.
func largest(figures []talks.EventFigure) *int {
	var most *int
	for _, g := range figures {
		if g.Value != nil && (most == nil || *g.Value > *most) {
			most = g.Value
		}
	}
	return most
}

// spanOf is the days of all marks, from the beginning of a month to the end of one.
func spanOf(lanes []chart.Lane) (chart.Span, bool) {
	var first, last time.Time
	for _, lane := range lanes {
		for _, m := range lane.Marks {
			if first.IsZero() || m.From.Before(first) {
				first = m.From
			}
			if m.To.After(last) {
				last = m.To
			}
		}
	}
	return months(first, last), !first.IsZero()
}

func months(first, last time.Time) chart.Span {
	return chart.Span{
		From: time.Date(first.Year(), first.Month(), 1, 0, 0, 0, 0, time.UTC),
		To:   time.Date(last.Year(), last.Month()+1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, -1),
	}
}

// places adds up what happened where.
func (h Home) places(f Frame) []chart.Place {
	type where struct{ lat, lon float64 }
	at := map[where]*chart.Place{}
	for _, e := range h.Placed {
		if e.Lat == nil || e.Lon == nil || e.Type == "due_date" {
			continue
		}
		key := where{*e.Lat, *e.Lon}
		if at[key] == nil {
			p := &chart.Place{Lat: key.lat, Lon: key.lon, Vague: e.PlacePrecision != nil && *e.PlacePrecision != "city" && *e.PlacePrecision != "border_crossing"}
			switch {
			case e.Place != nil:
				p.Name = *e.Place
			case e.Country != nil:
				p.Name = f.Names.Of("parties", *e.Country) + " (region)"
			default:
				p.Name = fmt.Sprintf("%g, %g", key.lat, key.lon)
			}
			at[key] = p
		}
		at[key].Count++
	}
	var all []chart.Place
	for _, p := range at {
		all = append(all, *p)
	}
	slices.SortFunc(all, func(a, b chart.Place) int {
		return cmp.Or(b.Count-a.Count, cmp.Compare(a.Name, b.Name), cmp.Compare(a.Lat, b.Lat), cmp.Compare(a.Lon, b.Lon))
	})
	return all
}

// Latest are the newest published totals of a kind: of each voice, direction and scope one.
func (h Home) Latest(kind string) []talks.PublishedTotal {
	type key struct{ from, to, party, voice, since, what any }
	var all []talks.PublishedTotal
	seen := map[key]bool{}
	for _, p := range h.Published {
		k := key{deref(p.From), deref(p.To), deref(p.Party), deref(p.SaidBy), p.ScopeFrom, deref(p.ScopeNote)}
		if p.Party == nil && p.SaidBy == nil {
			k.voice = outlet(p)
		}
		if p.Kind == kind && !seen[k] {
			seen[k] = true
			all = append(all, p)
		}
	}
	return all
}

// Held counts the rounds that were held.
func (h Home) Held() int {
	n := 0
	for _, r := range h.Rounds {
		if r.Status == "held" {
			n++
		}
	}
	return n
}
