package store_test

import (
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/parley-api/parley/internal/store"
)

// instant is an RFC 3339 time in UTC.
func instant(text string) string {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return at.UTC().Format(time.RFC3339)
}

// only returns the ids of the records that match, in their order.
func only(records []object, match func(object) bool) []string {
	var some []string
	for _, r := range records {
		if match(r) {
			some = append(some, r.id())
		}
	}
	return some
}

// contains reports whether a list of texts or of objects with that key has the value.
func contains(list any, key, value string) bool {
	for _, v := range list.([]any) {
		if object, ok := v.(map[string]any); ok {
			v = object[key]
		}
		if v == value {
			return true
		}
	}
	return false
}

// TestHiddenFilters covers the filters that are no field of the record.
func TestHiddenFilters(t *testing.T) {
	transferred := func(r object) bool {
		return contains(r["transfers"], "from", "UA") || contains(r["transfers"], "to", "UA")
	}
	tests := []struct {
		table *store.Table
		query string
		match func(object) bool
	}{
		{store.Processes, "date=2026", func(r object) bool { return r["started_on"].(string)[:4] == "2026" }},
		{store.Processes, "party=TR", func(r object) bool { return contains(r["parties"], "", "TR") || contains(r["mediators"], "", "TR") }},
		{store.Rounds, "date=2022-03-15..2022-03-16", func(r object) bool { return r.id() == "online-2022-4" }},
		{store.Rounds, "date=..2022-03-03", func(r object) bool { return r["starts_on"].(string) <= "2022-03-03" }},
		{store.Rounds, "party=BY", func(r object) bool { return contains(r["hosts"], "", "BY") }},
		{store.Rounds, "party.not=TR", func(r object) bool {
			return !contains(r["hosts"], "", "TR") && !contains(r["mediators"], "", "TR") && !contains(r["parties"], "", "TR")
		}},
		{store.Rounds, "person=rustem-umerov", attended("rustem-umerov")},
		{store.Rounds, "person.not=vladimir-medinsky", func(r object) bool { return !attended("vladimir-medinsky")(r) }},
		{store.Delegations, "person=sergey-lavrov", func(r object) bool { return contains(r["members"], "person", "sergey-lavrov") }},
		{store.People, "round=istanbul-2025-3", func(r object) bool { return contains(r["rounds"], "id", "istanbul-2025-3") }},
		{store.Commitments, "date=2025-06", func(r object) bool { return month(r["agreed_on"]) == "2025-06" }},
		{store.Commitments, "date.known=false", func(r object) bool { return r["agreed_on"] == nil }},
		{store.Commitments, "party=UA", func(r object) bool { return contains(r["parties"], "", "UA") }},
		{store.Claims, "date=2025-07", func(r object) bool { return month(r["made_on"]) == "2025-07" }},
		{store.PrisonerExchanges, "party=UA", transferred},
		{store.PrisonerExchanges, "party=US", func(r object) bool { return contains(r["mediators"], "", "US") }},
		{store.BodyRepatriations, "party=ICRC", func(r object) bool { return contains(r["mediators"], "", "ICRC") }},
		{store.Sources, "date=2025-07-23", func(r object) bool { return r["published_on"] == "2025-07-23" }},
		{store.Changes, "after=1000", func(r object) bool { return len(r.id()) == 4 && r.id() > "1000" }},
		{store.Events, "party=TR", func(r object) bool { return contains(r["parties"], "", "TR") }},
	}
	for _, tt := range tests {
		t.Run(tt.table.Name+"?"+tt.query, func(t *testing.T) {
			parameters, _ := url.ParseQuery(tt.query)
			want := only(ask(t, tt.table, nil), tt.match)
			if len(want) == 0 {
				t.Fatal("the test matches nothing")
			}
			if diff := cmp.Diff(want, ids(ask(t, tt.table, parameters))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if diff := cmp.Diff(want, askFlat(t, tt.table, parameters)); diff != "" {
				t.Errorf("flat, -want +got:\n%s", diff)
			}
		})
	}
}

func attended(person string) func(object) bool {
	return func(r object) bool {
		return slices.ContainsFunc(r["delegations"].([]any), func(d any) bool {
			return contains(d.(map[string]any)["members"], "person", person)
		})
	}
}

func month(day any) string {
	if day == nil {
		return ""
	}
	return day.(string)[:7]
}

// TestConditionsOnParts: conditions on the parts of a record hold for one and the same part, negated ones included.
func TestConditionsOnParts(t *testing.T) {
	number := func(part map[string]any, key string) int {
		if texts := texts(part[key]); len(texts) == 1 {
			n := 0
			for _, digit := range texts[0] {
				n = n*10 + int(digit-'0')
			}
			return n
		}
		return -1
	}
	tests := []struct {
		table *store.Table
		query string
		match func(part map[string]any) bool
	}{
		{store.PrisonerExchanges, "from=UA&total=150..", func(p map[string]any) bool { return p["from"] == "UA" && number(p, "total") >= 150 }},
		{store.PrisonerExchanges, "from.not=RU&civilians=1..", func(p map[string]any) bool { return p["from"] != "RU" && number(p, "civilians") >= 1 }},
		{store.PrisonerExchanges, "to=RU&total.known=false", func(p map[string]any) bool { return p["to"] == "RU" && p["total"] == nil }},
		{store.PrisonerExchanges, "to=UA&civilians.known=true&pows=..50", func(p map[string]any) bool {
			return p["to"] == "UA" && p["civilians"] != nil && number(p, "pows") >= 0 && number(p, "pows") <= 50
		}},
		{store.BodyRepatriations, "to=RU&total=30..", func(p map[string]any) bool { return p["to"] == "RU" && number(p, "total") >= 30 }},
		{store.BodyRepatriations, "total.not=1000", func(p map[string]any) bool { return number(p, "total") != 1000 }},
		{store.Commitments, "unit=bodies&target=3000&from=RU", func(p map[string]any) bool {
			return p["unit"] == "bodies" && number(p, "target") == 3000 && p["from"] == "RU"
		}},
		{store.Proposals, "unit=days,hours&from.known=false", func(p map[string]any) bool { return p["unit"] == "days" || p["unit"] == "hours" }},
		{store.Claims, "unit=people&value=..30", func(p map[string]any) bool { return p["unit"] == "people" && number(p, "value") <= 30 }},
	}
	for _, tt := range tests {
		t.Run(tt.table.Name+"?"+tt.query, func(t *testing.T) {
			parameters, _ := url.ParseQuery(tt.query)
			want := only(ask(t, tt.table, nil), func(r object) bool { return slices.ContainsFunc(parts(r[tt.table.Rows.Of]), tt.match) })
			if len(want) == 0 {
				t.Fatal("the test matches nothing")
			}
			if diff := cmp.Diff(want, ids(ask(t, tt.table, parameters))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			// A row of the flat form meets the conditions by itself.
			if diff := cmp.Diff(want, askFlat(t, tt.table, parameters)); diff != "" {
				t.Errorf("flat, -want +got:\n%s", diff)
			}
		})
	}
}

// TestCounts: total_count counts all pages, and a filter on dates says how many records it leaves out for want of one.
func TestCounts(t *testing.T) {
	_, info := askPage(t, store.Commitments, url.Values{"kind": {"prisoner_exchange"}, "total_count": {"true"}, "limit": {"1"}}, 0)
	if want := len(ask(t, store.Commitments, url.Values{"kind": {"prisoner_exchange"}})); info.Total == nil || *info.Total != int64(want) {
		t.Errorf("total is %v, want %d", info.Total, want)
	}
	if info.Undated != nil {
		t.Error("a query without a date counts undated records")
	}
	_, info = askPage(t, store.Claims, url.Values{"date": {"2025"}, "claimed_by": {"RU"}, "limit": {"1"}}, 0)
	want := len(ask(t, store.Claims, url.Values{"date.known": {"false"}, "claimed_by": {"RU"}}))
	if want == 0 || info.Undated == nil || *info.Undated != int64(want) {
		t.Errorf("excluded_undated is %v, want %d", info.Undated, want)
	}
}

// TestFields: what is not asked for is neither shown nor computed.
func TestFields(t *testing.T) {
	for _, table := range store.Tables {
		for _, name := range table.Grammar().Shown() {
			for _, r := range ask(t, table, url.Values{"fields": {name}, "limit": {"3"}}) {
				if _, ok := r[name]; !ok || len(r) != 1 {
					t.Errorf("%s?fields=%s shows %v", table.Name, name, r)
				}
			}
		}
	}
}

// TestSearch finds names in every script stored, and ranks.
func TestSearch(t *testing.T) {
	tests := []struct {
		table    *store.Table
		q, first string
	}{
		{store.People, "Мединский", "vladimir-medinsky"},
		{store.People, "Умєров", "rustem-umerov"},
		{store.People, "Serhiy Kyslytsia", "sergiy-kyslytsya"},
		{store.Rounds, `"working groups"`, "istanbul-2025-3"},
		{store.Sources, "34 minutes", "interbellum-2025-07-23"},
	}
	for _, tt := range tests {
		got := ids(ask(t, tt.table, url.Values{"q": {tt.q}}))
		if !slices.Contains(got, tt.first) {
			t.Errorf("%s?q=%s finds %v, want %s", tt.table.Name, tt.q, got, tt.first)
		}
	}
	for _, q := range []string{"the", "-", `"`, "a or", ":*&|!", "((("} { // nothing to look for is nothing found, not a fault
		ask(t, store.Rounds, url.Values{"q": {q}})
	}
}
