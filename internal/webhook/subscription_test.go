package webhook_test

import (
	"testing"

	"github.com/parley-api/parley/internal/webhook"
)

// FuzzParseQuery: a query that is understood is understood as the same in the form in which it is stored.
func FuzzParseQuery(f *testing.F) {
	for _, text := range []string{"/v1/rounds", "/v1/prisoner-exchanges?total=300..&from=RU", "/v1/changes?", "/v1/events?q=a%20b&fields=id,date", "/v1/sources?publisher=%22a,b%22", "/v1/rounds?party.not=RU&reported_by=UA", "/v1/", "?", "/v1/rounds?%zz", "/v1/rounds#x"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := webhook.ParseQuery(text)
		if err != nil {
			return
		}
		stored := webhook.Canonical(q)
		again, err := webhook.ParseQuery(stored)
		if err != nil || webhook.Canonical(again) != stored || again.Table != q.Table {
			t.Errorf("%q is stored as %q, which is %q: %v", text, stored, webhook.Canonical(again), err)
		}
	})
}
