package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/parley-api/parley/internal/httpapi"
	"github.com/parley-api/parley/internal/talks"
)

// says checks that a view says something, as a page and as a drawing; never: what it must not say.
func (s *site) says(t *testing.T, view string, want []string, never ...string) {
	t.Helper()
	page := parse(t, view, s.do(t, http.MethodGet, view, browser, http.StatusOK).body).text
	drawn := textOfSVG(t, s.get(t, as(view, ".svg"), http.StatusOK))
	for _, words := range want {
		if !strings.Contains(drawn, words) {
			t.Errorf("%s does not say %q as a drawing: %s", view, words, drawn)
		}
		if !strings.Contains(page, words) && !strings.Contains(view, "ledger") { // whose page is a table
			t.Errorf("%s does not say %q as a page: %s", view, words, page)
		}
	}
	for _, words := range never {
		if strings.Contains(drawn, words) || strings.Contains(page, words) {
			t.Errorf("%s says %q", view, words)
		}
	}
}

// TestLedgerOpenAbove: what has no upper bound is "at least", and disputed, wherever the ledger is shown.
func TestLedgerOpenAbove(t *testing.T) {
	d := newDesk(t, httpapi.Options{})
	d.write(t, http.MethodPut, "/v1/commitments/seven", `{"kind": "prisoner_exchange", "summary": "Seven people.", "agreed_on": "2025-07-23", "parties": ["RU", "UA"],
		"targets": [{"from": "RU", "to": "UA", "value": 7, "qualifier": "exactly", "unit": "people"}], "sources": ["interbellum-2025-07-23"]}`, http.StatusCreated, "If-None-Match", "*")
	d.write(t, http.MethodPut, "/v1/prisoner-exchanges/five-or-three", `{"date": "2025-07-24", "summary": "Some people.", "commitment": "seven",
		"transfers": [{"from": "RU", "to": "UA", "total": 5}], "sources": ["interbellum-2025-07-23"], "reports": [
		{"field": "transfers.RU-UA.total", "value": 5, "qualifier": "at_least", "party": "UA", "source": "interbellum-2025-07-23"},
		{"field": "transfers.RU-UA.total", "value": 3, "qualifier": "exactly", "party": "RU", "source": "interbellum-2025-07-23"}]}`, http.StatusCreated, "If-None-Match", "*")
	p := (*decode[talks.Commitment](t, d.ask(t, "/v1/commitments/seven").body).Progress)[0]
	if *p.Delivered != 5 || *p.DeliveredLow != 3 || p.DeliveredHigh != nil || *p.DeliveredQualifier != "at_least" || p.InWords != "at least 5, disputed: 3 or more; promised: 7" {
		t.Errorf("the progress is %d, %s, from %d: %s", *p.Delivered, *p.DeliveredQualifier, *p.DeliveredLow, p.InWords)
	}
	if csv := string(d.ask(t, "/v1/commitments.csv?id=seven&delivered_qualifier=at_least&fields=delivered,delivered_qualifier").body); csv != "delivered,delivered_qualifier\r\n5,at_least\r\n" {
		t.Errorf("as CSV: %q", csv)
	}
	page := d.do(t, http.MethodGet, "/commitments/seven", browser, http.StatusOK).body
	for _, want := range []string{`aria-label="Russia to Ukraine: at least 5, disputed: 3 or more; promised: 7"`, `class="open"`, `class="disputed"`} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page has no %s", want)
		}
	}
	if text := d.see(t, "/commitments/seven", http.StatusOK).text; !strings.Contains(text, "at least 5 of 7 people disputed: 3 or more") {
		t.Errorf("the page says %s", text)
	}
	d.says(t, "/embed/ledger?id=seven", []string{"at least 5 of 7 people (disputed: 3 or more)"})
}
