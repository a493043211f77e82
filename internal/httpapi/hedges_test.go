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

// TestSumsOpenAbove: a sum with a figure that has no upper bound is "at least", and is drawn so.
func TestSumsOpenAbove(t *testing.T) {
	d := newDesk(t, httpapi.Options{})
	d.write(t, http.MethodPut, "/v1/body-repatriations/a-hundred-or-more", `{"date": "2026-01-15", "summary": "Bodies.",
		"transfers": [{"from": "RU", "to": "UA", "total": 100}], "sources": ["interbellum-2025-07-23"], "reports": [
		{"field": "transfers.RU-UA.total", "value": 100, "qualifier": "at_least", "party": "UA", "source": "interbellum-2025-07-23"}]}`, http.StatusCreated, "If-None-Match", "*")
	if text := d.see(t, "/", http.StatusOK).text; !strings.Contains(text, "at least 22,945 bodies on record, Russia to Ukraine") {
		t.Errorf("the first page does not say that it is at least so many: %s", text)
	}
	view := "/embed/totals?collection=body-repatriations&date=2026-01&from=RU"
	total := decode[struct{ Data []talks.Total }](t, d.ask(t, "/v1/body-repatriations/totals?by=month&date=2026-01&from=RU").body).Data[0]
	if total.TotalHigh != nil {
		t.Fatalf("the sum has an upper bound: %+v", total)
	}
	d.says(t, view, []string{"Russia → Ukraine " + atLeast(*total.Total, 1)})
	if page := d.do(t, http.MethodGet, view, browser, http.StatusOK).body; !strings.Contains(string(page), `class="line bound s0"`) {
		t.Error("the line is not dashed")
	}
}

// TestSumsSayWhatIsNotKnown, by the records of the data set.
func TestSumsSayWhatIsNotKnown(t *testing.T) {
	s := open(t, httpapi.Options{})
	home := s.see(t, "/", http.StatusOK).text
	totals := decode[struct{ Data []talks.Total }](t, s.ask(t, "/v1/body-repatriations/totals?by=year&from=RU").body).Data
	low, high := 0, 0
	for _, total := range totals {
		low, high = low+*total.TotalLow, high+*total.TotalHigh
	}
	between := atLeast(low, 0) + " to " + atLeast(high, 0)
	if want := between + ", where reports differ"; low == high || !strings.Contains(home, want) {
		t.Errorf("the first page does not say %q: %s", want, home)
	}
	s.says(t, "/embed/totals?collection=body-repatriations&from=RU", []string{"reported: " + between})
	s.says(t, "/embed/totals?collection=body-repatriations&date=2026", []string{"records end, 26 February 2026"})
	s.says(t, "/embed/totals?from=UA&date=2022-05", []string{": no figure on record"}, "at least 0")
	for by, head := range map[string]string{"day": "Day", "week": "Week", "month": "Month", "quarter": "Quarter", "year": "Year"} {
		page := string(s.do(t, http.MethodGet, "/embed/totals?date=2025&by="+by, browser, http.StatusOK).body)
		if !strings.Contains(page, `<th scope="col">`+head+`</th>`) || !strings.Contains(page, " by "+by+", "+by+"s without a record left out") {
			t.Errorf("the table by %s does not say so", by)
		}
	}
}

// TestDrawnLedgerHasTheStanding: a drawn ledger says of each promise how it stands, as the table of the page does.
func TestDrawnLedgerHasTheStanding(t *testing.T) {
	s := open(t, httpapi.Options{})
	for _, width := range []string{"720", "320"} {
		drawn := textOfSVG(t, s.get(t, "/embed/ledger.svg?target.known=true&width="+width, http.StatusOK))
		for _, words := range []string{"met", "lapsed", "no records: they end on 2026-03-06", "open; 8 events have no figure"} {
			if !strings.Contains(drawn, words) {
				t.Errorf("%s pixels wide it does not say %q: %s", width, words, drawn)
			}
		}
	}
}
