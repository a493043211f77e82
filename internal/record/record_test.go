package record_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/parley-api/parley/internal/record"
)

func object(t *testing.T, text string) map[string]any {
	t.Helper()
	var body map[string]any
	if err := json.Unmarshal([]byte(text), &body); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return body
}

// exchange is a document without a fault.
const exchange = `{"date": "2025-07-23", "place": "Border", "country": null, "lat": 51, "lon": 31.5, "place_precision": "border_crossing",
	"transfers": [{"from": "RU", "to": "UA", "total": 250, "pows": 240, "civilians": 10}, {"from": "UA", "to": "RU", "total": null}],
	"mediators": ["AE"], "categories": ["wounded"], "commitment": "c-1", "summary": "An exchange.\nIn two lines.", "sources": ["s-1", {"id": "s-2", "publisher": "X"}],
	"reports": [{"field": "transfers.RU-UA.total", "value": 250, "qualifier": "exactly", "party": "RU", "said_by": "a-b", "source": "s-2"}, {"field": "mediators", "value": "AE", "qualifier": "about", "said_by": "TASS", "source": "s-1"}]}`

// TestCheck: a document is taken as it is, with its references.
func TestCheck(t *testing.T) {
	k := record.PrisonerExchanges
	c := k.Check("exchange-1", "/body", object(t, exchange))
	if c.Faults != nil {
		t.Fatalf("faults: %v", c.Faults)
	}
	var refs []string
	for _, r := range c.Refs {
		refs = append(refs, strings.TrimPrefix(r.Pointer, "/body")+" "+r.Collection+"/"+r.ID)
	}
	want := []string{
		"/transfers/0/from parties/RU", "/transfers/0/to parties/UA", "/transfers/1/from parties/UA", "/transfers/1/to parties/RU", "/mediators/0 parties/AE", "/commitment commitments/c-1",
		"/sources/0 sources/s-1", "/sources/1 sources/s-2", "/reports/0/party parties/RU", "/reports/0/said_by people/a-b", "/reports/0/source sources/s-2", "/reports/1/source sources/s-1",
		"/reports/0/field parties/RU", "/reports/0/field parties/UA", "/reports/1/value parties/AE",
	}
	if diff := cmp.Diff(want, refs); diff != "" {
		t.Errorf("references:\n%s", diff)
	}
	if again := k.Check("exchange-1", "", k.Merge(c.Document, nil)); again.Faults != nil || !cmp.Equal(again.Document, c.Document) {
		t.Errorf("checked again: %v %s", again.Faults, cmp.Diff(c.Document, again.Document))
	}
	if diff := cmp.Diff(c.Document, k.Stored(object(t, string(k.JSON(c.Document))))); diff != "" {
		t.Errorf("as JSON and back:\n%s", diff)
	}
}

// TestFaults: each patch of a good document is at fault in these places, and nowhere else.
func TestFaults(t *testing.T) {
	const long = "1234567890"
	for _, c := range []struct{ collection, document, patch, want string }{
		{"prisoner-exchanges", exchange, `{"date": "23.7.2025"}`, "/date"},
		{"prisoner-exchanges", exchange, `{"date": "0025-07-23"}`, "/date"},
		{"prisoner-exchanges", exchange, `{"date": null, "summary": ""}`, "/date /summary"},
		{"prisoner-exchanges", exchange, `{"summary": "a\u0007"}`, "/summary"},
		{"prisoner-exchanges", exchange, `{"place": "two\nlines"}`, "/place /place_precision /lat"},
		{"prisoner-exchanges", exchange, `{"place": null}`, "/place_precision /lat"},
		{"prisoner-exchanges", exchange, `{"lat": 90.5}`, "/lat /lon"},
		{"prisoner-exchanges", exchange, `{"country": "Belarus"}`, "/country"},
		{"prisoner-exchanges", exchange, `{"transfers": [{"from": "RU", "to": "RU", "total": -1}, {"total": 1e10}, 5]}`, "/transfers/0/total /transfers/1/from /transfers/1/to /transfers/1/total /transfers/2 /transfers/0/to"},
		{"prisoner-exchanges", exchange, `{"transfers": [{"from": "RU", "to": "UA", "total": 5, "pows": 6}, {"from": "RU", "to": "UA", "total": 5, "civilians": 6}]}`, "/transfers/0/pows /transfers/1 /transfers/1/civilians"},
		{"prisoner-exchanges", exchange, `{"categories": ["wounded", "wounded", "tired"]}`, "/categories/1 /categories/2"},
		{"prisoner-exchanges", exchange, `{"sources": ["s-1"]}`, "/reports/0/source"},
		{"prisoner-exchanges", exchange, `{"sources": [], "reports": []}`, "/sources"},
		{"prisoner-exchanges", exchange, `{"reports": {}}`, "/reports"},
		{
			"prisoner-exchanges", exchange, `{"reports": [{"field": "transfers.RU-RU.total", "value": "5", "qualifier": "exactly", "source": "s-1"}, {"field": "other", "value": 1, "qualifier": "exactly", "source": "s-1"}, {"field": "date", "value": "x", "qualifier": "exactly", "source": "s-1"}]}`,
			"/reports/0/field /reports/0/value /reports/1/note /reports/2/value",
		},
		{"claims", `{"topic": "other", "claimed_by": "UA", "summary": "A.", "status": "denied", "sources": ["s"]}`, `{"quantity": {"from": "RU", "value": 3, "unit": "people"}, "responds_to": "x-1"}`, "/quantity/qualifier /quantity/to /responds_to"},
		{
			"proposals", `{"round": "r", "proposed_by": "UA", "kind": "other", "summary": "A.", "status": "unknown", "sources": ["s"]}`,
			`{"targets": [{"value": 1, "unit": "people", "qualifier": "about"}, {"from": "RU", "to": "UA", "value": 1, "unit": "hours", "qualifier": "about"}, {"value": 1, "unit": "days", "qualifier": "about"}, {"value": 2, "unit": "days", "qualifier": "about"}]}`,
			"/targets/0/from /targets/1/from /targets/3",
		},
		{"published-totals", `{"date": "2025-01-01", "kind": "bodies", "value": 5, "qualifier": "exactly", "scope_from": "2022-02-24", "sources": ["s"]}`, `{"from": "RU", "scope_from": "2025-01-02", "said_by": "` + strings.Repeat(long, 51) + `"}`, "/said_by /to /date"},
		{"parties", `{"name": "Japan", "kind": "organisation"}`, `{"kind": "state", "iso2": "JP"}`, "/id /iso2"},
		{
			"rounds", `{"process": "p", "title": "R", "starts_on": "2025-01-01", "ends_on": "2025-01-01", "status": "held", "format": "online", "summary": "S.", "sources": ["s"]}`,
			`{"country": "TR", "started_at": "2025-01-01T10:00:00+03:00", "ended_at": "2025-01-01T09:00:00+03:00", "delegations": [{"party": "UA", "members": [{"person": "a"}, {"person": "a"}], "sources": ["s"]}, {"party": "UA", "head": "b", "sources": ["s"]}]}`,
			"/ended_at /place_precision /country /delegations/0/members/1/person /delegations/1/party /delegations/1/head",
		},
		{"sources", `{"publisher": "P", "title": "T", "title_is_descriptive": false, "language": "en", "kind": "news"}`, `{"url": "ftp://example.org/", "language": "english", "title_is_descriptive": "no"}`, "/url /title_is_descriptive /language"},
	} {
		k := record.Find(c.collection)
		document := object(t, c.document)
		id := map[bool]string{true: "ICRC", false: "x-1"}[c.collection == "parties"]
		if faults := k.Check(id, "", document).Faults; faults != nil {
			t.Fatalf("%s: the document itself is at fault: %v", c.collection, faults)
		}
		if c.collection == "parties" {
			id = "jp"
		}
		var got []string
		for _, f := range k.Check(id, "", k.Merge(k.Stored(document), object(t, c.patch))).Faults {
			got = append(got, f.Pointer)
			if f.Reason == "" || strings.Contains(f.Reason, "%!") {
				t.Errorf("%s: %s", c.patch, f.Reason)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s %s: faults at %s, want %s", c.collection, c.patch, strings.Join(got, " "), c.want)
		}
	}
}

// TestMerge: what RFC 7396 says of objects, lists and null.
func TestMerge(t *testing.T) {
	k := record.Claims
	d := k.Stored(object(t, `{"topic": "other", "note": "N", "quantity": {"value": 1, "unit": "people", "from": null}, "sources": ["a", "b"]}`))
	before := fmt.Sprint(d)
	got := k.Merge(d, object(t, `{"note": null, "quantity": {"value": 2, "unit": null}, "sources": ["c"], "new": {"a": null, "b": 1}}`))
	if q := got["quantity"].(map[string]any); got["note"] != nil || q["value"] != 2.0 || q["unit"] != nil || fmt.Sprint(got["sources"]) != "[c]" || fmt.Sprint(got["new"]) != "map[b:1]" || got["topic"] != "other" {
		t.Errorf("merged: %v", got)
	}
	if fmt.Sprint(d) != before {
		t.Errorf("the document changed: %v", d)
	}
}

// TestDiff: fields in their order; what is empty is no difference from what is not there.
func TestDiff(t *testing.T) {
	k := record.People
	a := k.Stored(object(t, `{"name": "A", "party": "UA", "aliases": ["x", "y"]}`))
	b := k.Stored(object(t, `{"name": "A", "party": "RU", "aliases": ["y", "x"], "wikidata": "Q1"}`))
	names := func(before, after record.Document) (all []string) {
		for _, d := range k.Diff(before, after) {
			all = append(all, d.Field.Name)
		}
		return all
	}
	empty := k.Stored(object(t, `{"name": "A", "party": "UA", "aliases": []}`))
	for i, got := range [][]string{names(a, b), names(a, a), names(nil, a), names(empty, nil)} {
		want := [][]string{{"party", "aliases", "wikidata"}, nil, {"name", "party", "aliases"}, {"name", "party"}}[i]
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d: %s", i, diff)
		}
	}
}

// FuzzCheck: no body makes the check panic; every fault has a place and a reason; a document without a fault is the same
// when it is checked again, and when it was JSON meanwhile.
func FuzzCheck(f *testing.F) {
	for _, name := range record.Collections() {
		f.Add(name, "x-1", exchange)
	}
	f.Add("claims", "a", `{"sources": [null, [], {"id": 5}], "quantity": [], "id": 5, "a/b~c": {}}`)
	f.Fuzz(func(t *testing.T, collection, id, text string) {
		k := record.Find(collection)
		var body map[string]any
		if k == nil || json.Unmarshal([]byte(text), &body) != nil {
			return
		}
		k.Shown(body)
		c := k.Check(id, "", body)
		for _, fault := range c.Faults {
			if !strings.HasPrefix(fault.Pointer, "/") || fault.Reason == "" {
				t.Errorf("%+v", fault)
			}
		}
		if c.Faults != nil {
			return
		}
		if again := k.Check(id, "", k.Merge(c.Document, nil)); again.Faults != nil || !cmp.Equal(again.Document, c.Document) {
			t.Errorf("checked again: %v %s", again.Faults, cmp.Diff(c.Document, again.Document))
		}
		if diff := cmp.Diff(c.Document, k.Stored(object(t, string(k.JSON(c.Document))))); diff != "" {
			t.Errorf("as JSON and back:\n%s", diff)
		}
	})
}
