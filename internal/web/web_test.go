package web

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/talks"
)

// TestFigure: no words that claim more than is known.
func TestFigure(t *testing.T) {
	for _, c := range []struct {
		name              string
		value, low, high  *int
		status, qualifier string
		want              Figure
	}{
		{"not known", nil, nil, nil, "unknown", "exactly", Figure{Text: "no figure on record", Class: "unknown"}},
		{"a reported zero", new(0), new(0), new(0), "single_source", "", Figure{Text: "0", Class: "single_source", Detail: "by one voice"}},
		{"agreed", new(1390), new(1390), new(1390), "agreed", "", Figure{Text: "1,390", Class: "agreed", Detail: "agreed by several"}},
		{"disputed", new(189), new(150), new(189), "disputed", "", Figure{Text: "189", Class: "disputed", Detail: "disputed: 150 to 189"}},
		{"disputed without a bound", new(1300), nil, nil, "disputed", "", Figure{Text: "1,300", Class: "disputed", Detail: "disputed: the bounds contradict each other"}},
		{"at least", new(1000), new(1000), nil, "single_source", "at_least", Figure{Text: "at least 1,000", Class: "single_source", Detail: "by one voice"}},
		{"unbounded", new(1000), new(1000), nil, "single_source", "", Figure{Text: "1,000", Class: "single_source", Detail: "no upper bound is given"}},
		{"a span", new(1000), new(1000), new(1200), "agreed", "at_least", Figure{Text: "at least 1,000", Class: "agreed", Detail: "reported: 1,000 to 1,200"}},
	} {
		if diff := cmp.Diff(c.want, NewFigure(c.value, c.low, c.high, c.status, c.qualifier)); diff != "" {
			t.Errorf("%s:\n%s", c.name, diff)
		}
	}
}

func TestWords(t *testing.T) {
	names := Names{"parties": {"RU": "Russia", "UA": "Ukraine"}}
	for got, want := range map[string]string{
		days("2025-07-23", "2025-07-23"):                                   "23 July 2025",
		days("2026-01-23", "2026-01-24"):                                   "23–24 January 2026",
		days("2022-03-30", "2022-04-02"):                                   "30 March – 2 April 2022",
		days("2022-12-30", "2023-01-02"):                                   "30 December 2022 – 2 January 2023",
		moment("2025-07-23T20:38:00+03:00"):                                "23 July 2025, 20:38 (UTC+03:00)",
		moment(time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)):              "23 November 2026, 00:00 UTC",
		field(names, "transfers.RU-UA.pows"):                               "Prisoners of war, Russia to Ukraine",
		field(names, "delegation_head.UA"):                                 "Delegation head, Ukraine",
		field(names, "duration_minutes"):                                   "Duration in minutes",
		hedged(7000, "more_than"):                                          "more than 7,000",
		hedged("2026-01-23T18:30:00+03:00", "about"):                       "about 23 January 2026, 18:30 (UTC+03:00)",
		shorten("A sentence of several words.", 16):                        "A sentence of…",
		plural(1, "record", "records") + plural(1200, "record", "records"): "1 record1,200 records",
		string(Visible([]byte("a\u202eb"))):                                "a[U+202E]b",
		string(Script([]byte("{\"a\":\"</script>\u202e\"}"))):              `{"a":"\u003c/script>\u202e"}`,
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestRefs finds what a record refers to, by the keys that hold ids.
func TestRefs(t *testing.T) {
	record := map[string]any{
		"id": "a", "round": "r", "sources": []any{map[string]any{"id": "s1"}}, "commitment": nil, "rounds": []any{"r1", map[string]any{"id": "r2", "delegation": "d"}},
		"delegations": []any{map[string]any{"id": "d1", "head": "p1", "sources": []any{"s2"}}}, "reports": []any{map[string]any{"source": "s3", "said_by": "p2"}},
		"cited_by": []any{map[string]any{"collection": "claims", "id": "c"}}, "transfers": []any{map[string]any{"from": "RU", "to": "UA"}},
	}
	want := []Ref{{"claims", "c"}, {"delegations", "d"}, {"parties", "RU"}, {"parties", "UA"}, {"people", "p1"}, {"people", "p2"}, {"rounds", "r"}, {"rounds", "r1"}, {"sources", "s1"}, {"sources", "s2"}, {"sources", "s3"}}
	if diff := cmp.Diff(want, Refs(record)); diff != "" {
		t.Error(diff)
	}
}

// TestForm: every filter of a grammar is in the form once, and every fault stands at its field or above.
func TestForm(t *testing.T) {
	g := query.Grammar{Fields: []query.Field{
		{Name: "id", Type: query.Text, Sortable: true}, {Name: "status", Type: query.Enum, Values: []string{"held", "planned"}}, {Name: "date", Type: query.Date, Nullable: true}, {Name: "note", Type: query.Prose},
	}}
	var e Explore
	e.Form(g, map[string]string{"status": "held", "date.not": "x"}, []query.Fault{{Parameter: "date.not", Reason: "is wrong"}, {Parameter: "none", Reason: "is unknown"}})
	inputs := map[string]int{}
	for _, f := range append(e.Main, e.Other...) {
		if f.HasIs {
			inputs[f.Name]++
		}
		if f.Not != nil {
			inputs[f.Not.Name]++
		}
		if f.Known != nil {
			inputs[f.Known.Name]++
		}
	}
	want := map[string]int{"id": 1, "id.not": 1, "status": 1, "status.not": 1, "date": 1, "date.not": 1, "date.known": 1}
	if diff := cmp.Diff(want, inputs); diff != "" {
		t.Errorf("inputs (-want +got):\n%s", diff)
	}
	if !e.Touched() || !e.Refused || len(e.Faults) != 1 || e.Faults[0].Parameter != "none" {
		t.Errorf("touched %v, refused %v, faults %v", e.Touched(), e.Refused, e.Faults)
	}
	if diff := cmp.Diff([]Choice{{"held", true}, {"planned", false}}, e.Main[1].Values); diff != "" {
		t.Error(diff)
	}
}

// TestLatest takes the newest total of each voice and scope.
func TestLatest(t *testing.T) {
	total := func(id, date string, party, voice, what *string, publisher string) talks.PublishedTotal {
		return talks.PublishedTotal{
			ID: id, Date: date, Kind: "bodies", From: new("RU"), To: new("UA"), Party: party, SaidBy: voice, ScopeFrom: "2022-02-24", ScopeNote: what,
			Provenance: talks.Provenance{Sources: []talks.Citation{{Publisher: publisher}}},
		}
	}
	h := Home{Published: []talks.PublishedTotal{
		total("g", "2026-03-01", nil, nil, nil, "A wire"),
		total("f", "2026-02-02", nil, nil, nil, "A paper"),
		total("e", "2026-02-01", new("RU"), new("somebody"), new("officers"), "A wire"),
		total("d", "2026-01-02", new("RU"), new("somebody"), nil, "A wire"),
		total("c", "2026-01-01", new("RU"), nil, nil, "A wire"),
		total("b", "2025-01-01", new("UA"), nil, nil, "A wire"),
		total("a", "2024-01-01", new("RU"), nil, nil, "A paper"),
		total("0", "2024-01-01", nil, nil, nil, "A wire"),
	}}
	var ids []string
	for _, p := range h.Latest("bodies") {
		ids = append(ids, p.ID)
	}
	if got := strings.Join(ids, " "); got != "g f e d c b" {
		t.Error(got)
	}
}

// TestApart: a difference is no more exact than what it is of, and there is none of what does not count the same.
func TestApart(t *testing.T) {
	for _, c := range []struct {
		qualifier string
		unknown   int
		scope     *string
		want      string
	}{
		{"exactly", 0, nil, "-1,523"},
		{"exactly", 3, nil, "at most -1,523"},
		{"about", 0, nil, "about -1,523"},
		{"about", 3, nil, "at most about -1,523"},
		{"at_least", 0, nil, "at least -1,523"},
		{"more_than", 0, nil, "more than -1,523"},
		{"more_than", 3, nil, ""},
		{"less_than", 3, nil, "less than -1,523"},
		{"exactly", 0, new("civilians"), ""},
	} {
		p := talks.PublishedTotal{Difference: -1523, Qualifier: c.qualifier, UnknownCount: c.unknown, ScopeNote: c.scope}
		if got := apart(p); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

// TestDescribePublishedTotal: it says whose figure it is and what was counted.
func TestDescribePublishedTotal(t *testing.T) {
	names := Names{"parties": {"RU": "Russia", "UA": "Ukraine"}, "people": {"a-minister": "A Minister"}}
	p := talks.PublishedTotal{
		Date: "2025-12-30", Kind: "prisoners", From: new("UA"), To: new("RU"), Value: 170, Qualifier: "about", ScopeFrom: "2025-05-16", ScopeNote: new("civilians"), Party: new("RU"), SaidBy: new("a-minister"),
		Provenance: talks.Provenance{Sources: []talks.Citation{{Publisher: "A wire"}}},
	}
	for want, change := range map[string]func(){
		"The figure of A Minister (Russia), of 16 May 2025 to 30 December 2025 (civilians); Ukraine to Russia.": func() {},
		"The figure of Russia, of 16 May 2025 to 30 December 2025; Ukraine to Russia.":                          func() { p.SaidBy, p.ScopeNote, p.Party = nil, nil, new("RU") },
		"The figure of A wire, of 16 May 2025 to 30 December 2025; Ukraine to Russia.":                          func() { p.Party, p.SaidBy, p.ScopeNote = nil, nil, nil },
	} {
		change()
		heading, summary := Describe(names, p)
		if heading != "Published total: about 170 prisoners" || summary != want {
			t.Errorf("%s %s, want %s", heading, summary, want)
		}
		p.Party, p.SaidBy, p.ScopeNote = new("RU"), new("a-minister"), new("civilians")
	}
}
