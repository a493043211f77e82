package query_test

import (
	"net/url"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/parley-api/parley/internal/query"
)

func TestEventID(t *testing.T) {
	for text, want := range map[string]query.EventID{
		"0":                   {},
		"42":                  {Revision: 42},
		"42-3":                {Revision: 42, Sequence: 3},
		"42@istanbul-2025-3":  {Revision: 42, Record: "istanbul-2025-3"},
		"9223372036854775806": {Revision: 9223372036854775806},
	} {
		if got, err := query.ParseEventID(text); err != nil || got != want || got.String() != text {
			t.Errorf("%q is %+v, %v; written %q", text, got, err, got)
		}
	}
	for _, text := range []string{"", "x", "-1", "+1", "01", "42-", "42-0", "42-03", "42-x", "42-3-1", "42@", "42@a b", "42-3@x", " 42", "42\n", "9223372036854775807", "92233720368547758070", "42-99999999999999999999"} {
		if id, err := query.ParseEventID(text); err == nil {
			t.Errorf("%q is understood: %+v", text, id)
		}
	}
}

func TestStreamParameters(t *testing.T) {
	g := exchanges
	g.Stream = true
	l, err := query.Parse(url.Values{"party": {"RU"}, "snapshot": {"true"}, "last_event_id": {"42-3"}, "fields": {"id,date"}}, g)
	if err != nil {
		t.Fatal(err)
	}
	if !l.Snapshot || *l.Since != (query.EventID{Revision: 42, Sequence: 3}) || l.Canonical() != "fields=id%2Cdate&party=RU" {
		t.Errorf("%+v, canonical %s", l, l.Canonical())
	}
	_, err = query.Parse(url.Values{"sort": {"id"}, "limit": {"1"}, "cursor": {"x"}, "as_of": {"1"}, "total_count": {"true"}, "snapshot": {"yes"}, "last_event_id": {"x"}, "snapshoot": {"true"}}, g)
	var names []string
	for _, f := range err.(*query.Error).Faults { //nolint:errorlint // as returned
		names = append(names, f.Parameter)
		if f.Parameter == "snapshoot" && (f.Suggestion != "snapshot" || slices.Contains(f.Allowed, "sort")) {
			t.Errorf("%+v", f)
		}
	}
	if diff := cmp.Diff([]string{"as_of", "cursor", "last_event_id", "limit", "snapshoot", "snapshot", "sort", "total_count"}, names); diff != "" {
		t.Error(diff)
	}
	if _, err := query.Parse(url.Values{"snapshot": {"true"}}, exchanges); err == nil {
		t.Error("a list has no snapshot")
	}
}

func FuzzEventID(f *testing.F) {
	for _, text := range []string{"42", "42-3", "42@a", "", "-"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if id, err := query.ParseEventID(text); err == nil && id.String() != text {
			t.Errorf("%q is %+v, which is written %q", text, id, id)
		}
	})
}
