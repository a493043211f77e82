package httpapi_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/parley-api/parley/internal/httpapi"
	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/talks"
)

// TestReportedBy: the answer says whose figures it shows, in every form and on every page, and only a party can be asked for.
func TestReportedBy(t *testing.T) {
	s := open(t, httpapi.Options{})
	type list struct {
		Data []talks.PrisonerExchange
		Next *string
		Meta struct {
			ReportedBy string `json:"reported_by"`
			Permalink  string
		}
	}
	first := decode[list](t, s.get(t, "/v1/prisoner-exchanges?reported_by=UA&limit=50", http.StatusOK).body)
	if first.Meta.ReportedBy != "UA" || !strings.Contains(first.Meta.Permalink, "reported_by=UA") || first.Data[0].FiguresFrom == nil || *first.Data[0].FiguresFrom != "UA" {
		t.Errorf("got %+v", first.Meta)
	}
	second := decode[list](t, s.get(t, strings.TrimPrefix(*first.Next, s.url), http.StatusOK).body)
	if len(second.Data) == 0 || *second.Data[0].FiguresFrom != "UA" {
		t.Errorf("the second page shows figures of %v", second.Data[0].FiguresFrom)
	}
	if plain := decode[talks.PrisonerExchange](t, s.get(t, "/v1/prisoner-exchanges/exchange-2026-03-06", http.StatusOK).body); plain.FiguresFrom != nil || *plain.Transfers[0].Total != 302 {
		t.Errorf("without a party: %+v", plain)
	}
	theirs := decode[talks.PrisonerExchange](t, s.get(t, "/v1/prisoner-exchanges/exchange-2026-03-06?reported_by=RU", http.StatusOK).body)
	if *theirs.Transfers[0].Total != 300 || *theirs.FiguresFrom != "RU" {
		t.Errorf("Russia's figures: %+v", theirs)
	}
	if csv := s.get(t, "/v1/prisoner-exchanges/totals.csv?by=year&reported_by=RU", http.StatusOK); csv.response.Header.Get("Parley-Reported-By") != "RU" {
		t.Errorf("a form without meta says %v", csv.response.Header)
	}
	// Filters look at what is shown.
	if n := len(decode[list](t, s.get(t, "/v1/prisoner-exchanges?reported_by=RU&id=exchange-2026-03-06&total=302", http.StatusOK).body).Data); n != 0 {
		t.Error("a filter looked at other figures than those shown")
	}
	tests := []struct{ target, want string }{
		{"/v1/prisoner-exchanges?reported_by=ua", "not the id of a party"},
		{"/v1/prisoner-exchanges?reported_by=XX", `"allowed":["AE"`},
		{"/v1/people?reported_by=UA", "no such parameter"},
		{"/v1/sources/tass-2025-06-16?reported_by=UA", "no such parameter"},
		{"/v1/commitments?reported_by=UA,RU", "not the id of a party"},
	}
	for _, tt := range tests {
		if a := s.get(t, tt.target, http.StatusBadRequest); !strings.Contains(string(a.body), tt.want) {
			t.Errorf("%s: %s", tt.target, a.body)
		}
	}
}

// TestDisputed: the filter finds the records that have a disputed figure, and with =false all others.
func TestDisputed(t *testing.T) {
	s := open(t, httpapi.Options{})
	type list struct{ Data []map[string]any }
	for _, collection := range []string{"rounds", "delegations", "commitments", "prisoner-exchanges", "body-repatriations"} {
		all := decode[list](t, s.get(t, "/v1/"+collection+"?limit=1000", http.StatusOK).body).Data
		disputed := decode[list](t, s.get(t, "/v1/"+collection+"?limit=1000&disputed=true", http.StatusOK).body).Data
		others := decode[list](t, s.get(t, "/v1/"+collection+"?limit=1000&disputed=false", http.StatusOK).body).Data
		var want []any
		for _, r := range all {
			if hasDisputed(r) {
				want = append(want, r["id"])
			}
		}
		var got []any
		for _, r := range disputed {
			got = append(got, r["id"])
		}
		if diff := cmp.Diff(want, got); diff != "" || len(all) != len(disputed)+len(others) {
			t.Errorf("%s: %d of %d are disputed and %d are not (-want +got):\n%s", collection, len(disputed), len(all), len(others), diff)
		}
		if len(want) == 0 && collection != "commitments" && collection != "delegations" {
			t.Errorf("%s: the test finds nothing", collection)
		}
	}
}

// hasDisputed looks for a figure that is disputed in what a record shows of its own figures.
func hasDisputed(record map[string]any) bool {
	for name, value := range record {
		if value == "disputed" && strings.HasSuffix(name, "_status") {
			return true
		}
		if parts, ok := value.([]any); ok && slices.Contains([]string{"transfers", "targets", "delegations"}, name) {
			for _, part := range parts {
				if hasDisputed(part.(map[string]any)) {
					return true
				}
			}
		}
	}
	return false
}

// TestTotals: totals as their users meet them.
func TestTotals(t *testing.T) {
	s := open(t, httpapi.Options{})
	type list struct {
		Data []talks.Total
		Meta map[string]any
	}
	may := decode[list](t, s.get(t, "/v1/prisoner-exchanges/totals?by=month&date=2025-05..2025-08&from=RU", http.StatusOK).body)
	if len(may.Data) != 4 || may.Data[0].Period != "2025-05" || *may.Data[0].RunningTotal < 1000 || may.Meta["by"] != "month" || !strings.HasPrefix(may.Meta["time_zone"].(string), "none") {
		t.Errorf("got %+v", may)
	}
	if june := may.Data[1]; june.UnknownCount != june.Records || june.Total != nil || june.TotalHigh != nil || *june.TotalLow != 0 {
		t.Errorf("a month without a single figure: %+v", june)
	}
	// A permalink answers the same; an unchanged answer is a 304; a form is a form.
	a := s.get(t, "/v1/body-repatriations/totals?by=year&reported_by=RU", http.StatusOK)
	permalink := decode[struct{ Meta struct{ Permalink string } }](t, a.body).Meta.Permalink
	if b := s.get(t, strings.TrimPrefix(permalink, s.url), http.StatusOK); string(b.body) != string(a.body) || !strings.Contains(b.response.Header.Get("Cache-Control"), "immutable") {
		t.Errorf("the permalink answers\n%s\nand not\n%s", b.body, a.body)
	}
	s.do(t, http.MethodGet, "/v1/body-repatriations/totals?by=year&reported_by=RU", http.Header{"If-None-Match": {a.response.Header.Get("Etag")}}, http.StatusNotModified)
	if csv := s.get(t, "/v1/body-repatriations/totals.csv?by=country&as_of=1", http.StatusOK); !strings.HasPrefix(string(csv.body), "country,from,to,records,unknown_count,total,total_low,total_high\r\n") {
		t.Errorf("got %s", csv.body)
	}
	tests := []struct{ target, want string }{
		{"/v1/prisoner-exchanges/totals", "by: is required"},
		{"/v1/prisoner-exchanges/totals?by=mont", `"suggestion":"month"`},
		{"/v1/prisoner-exchanges/totals?by=month&by=year", "given more than once"},
		{"/v1/prisoner-exchanges/totals?by=month&limit=5", "no such parameter"},
		{"/v1/prisoner-exchanges/totals?by=month&sort=date", "no such parameter"},
		{"/v1/prisoner-exchanges/totals?by=day&date=0001..9999", "more than 50000 rows"},
		{"/v1/prisoner-exchanges/totals?by=day&date=1900..2030", "more than 50000 rows"},
		{"/v1/prisoner-exchanges/totals?by=month&as_of=9", "in the future"},
	}
	for _, tt := range tests {
		if a := s.get(t, tt.target, http.StatusBadRequest); !strings.Contains(string(a.body), tt.want) {
			t.Errorf("%s: %s", tt.target, a.body)
		}
	}
	s.get(t, "/v1/prisoner-exchanges/totals.svg?by=month", http.StatusNotAcceptable)
	if none := decode[list](t, s.get(t, "/v1/prisoner-exchanges/totals?by=month&as_of=0", http.StatusOK).body); len(none.Data) != 0 {
		t.Errorf("before the first changeset: %+v", none)
	}
}

// TestSearch: one search through everything; names in every spelling, with diacritics or not, and with a slip.
func TestSearch(t *testing.T) {
	s := open(t, httpapi.Options{})
	type list struct {
		Data []talks.Found
		Meta struct {
			DidYouMean string `json:"did_you_mean"`
		}
	}
	find := func(q string) list {
		t.Helper()
		return decode[list](t, s.get(t, "/v1/search?limit=200&q="+url.QueryEscape(q), http.StatusOK).body)
	}
	tests := []struct{ q, found, meant string }{
		{"Мединский", "people/vladimir-medinsky", ""},
		{"medinsky", "people/vladimir-medinsky", ""},
		{"Умєров", "people/rustem-umerov", ""},
		{"Умеров Umerov", "", ""},
		{"Umerof", "people/rustem-umerov", "Umerov"},
		{"Istanbol", "rounds/istanbul-2025-3", "Istanbul"},
		{"Ciragan", "rounds/istanbul-2025-3", ""}, // Çırağan
		{"Çırağan", "rounds/istanbul-2025-3", ""},
		{`"working groups"`, "rounds/istanbul-2025-3", ""},
		{"34 minutes", "sources/interbellum-2025-07-23", ""},
		{"zzzzzz", "", ""},
		{"Türkiye", "parties/TR", ""},
		{"Turkiye", "parties/TR", ""},
	}
	for _, tt := range tests {
		got := find(tt.q)
		found := tt.found == ""
		for i, f := range got.Data {
			found = found || f.Type+"/"+f.Record == tt.found
			if i > 0 && f.Rank > got.Data[i-1].Rank {
				t.Errorf("%s: %s comes after a less relevant one", tt.q, f.ID)
			}
		}
		if !found || got.Meta.DidYouMean != tt.meant {
			t.Errorf("q=%s: %d found, %q meant; want %s and %q", tt.q, len(got.Data), got.Meta.DidYouMean, tt.found, tt.meant)
		}
	}
	if best := find("working groups").Data[0]; !strings.Contains(best.Snippet, "<mark>") {
		t.Errorf("nothing is marked in %s", best.Snippet)
	}
	total := func(q string) int {
		t.Helper()
		return decode[struct{ Meta struct{ Total int } }](t, s.get(t, "/v1/search?limit=1&total_count=true&q="+url.QueryEscape(q), http.StatusOK).body).Meta.Total
	}
	if all, both, without := total("umerov"), total("umerov talks"), total("umerov -talks"); both == 0 || without != all-both {
		t.Errorf("%d are found, %d with another word, %d without it", all, both, without)
	}
	for _, q := range []string{strings.Repeat("-", 100), strings.Repeat("- ", 30), strings.Repeat("-a ", 32), strings.Repeat("or ", 32), strings.Repeat(`"`, 99), "-the", `-"`, "umerov -"} {
		for _, path := range []string{"/v1/search", "/v1/people", "/v1/delegations", "/v1/changes.csv"} {
			s.get(t, path+"?limit=1&q="+url.QueryEscape(q), http.StatusOK)
		}
	}
	if a := s.get(t, "/v1/people?party=UA&q=medinsky", http.StatusOK); strings.Contains(string(a.body), "did_you_mean") {
		t.Errorf("what was asked is what was meant: %s", a.body)
	}
	// A list says so too, and a form without meta in a header; further pages go on with what was meant.
	if a := s.get(t, "/v1/rounds.csv?q=Istanbol&fields=id", http.StatusOK); a.response.Header.Get("Parley-Did-You-Mean") != "Istanbul" || strings.Count(string(a.body), "\r\n") < 4 {
		t.Errorf("got %v: %s", a.response.Header, a.body)
	}
	page := decode[struct{ Next *string }](t, s.get(t, "/v1/rounds?q=Istanbol&limit=1", http.StatusOK).body)
	if rest := decode[list](t, s.get(t, strings.TrimPrefix(*page.Next, s.url), http.StatusOK).body); len(rest.Data) != 1 || rest.Meta.DidYouMean != "Istanbul" {
		t.Errorf("the second page is %+v", rest)
	}
	for target, want := range map[string]string{
		"/v1/search?q=" + strings.Repeat("a+", 40): "more than 32 words", "/v1/search": "q: is required", "/v1/search?q=": "is empty", "/v1/search?q=x&kind=y": "no such parameter", "/v1/search?q=x&type=round": `"suggestion":"rounds"`,
	} {
		if a := s.get(t, target, http.StatusBadRequest); !strings.Contains(string(a.body), want) {
			t.Errorf("%s: %s", target, a.body)
		}
	}
}

// TestSnippetIsSafe: what a record says is text, whatever it says.
func TestSnippetIsSafe(t *testing.T) {
	db := pgtest.DB(t)
	pgtest.Change(t, db, nil, `update rounds set summary = '<script>alert("hostile")</script> & <mark>hostile</mark> <img src=x onerror=hostile>' where id = 'istanbul-2025-3'`)
	s := open(t, httpapi.Options{DB: db})
	found := decode[struct{ Data []talks.Found }](t, s.get(t, "/v1/search?q=hostile", http.StatusOK).body).Data
	if len(found) != 1 {
		t.Fatalf("%d found", len(found))
	}
	bare := strings.NewReplacer("<mark>", "", "</mark>", "").Replace(found[0].Snippet)
	if strings.ContainsAny(bare, `<>"`) || !strings.Contains(found[0].Snippet, "<mark>hostile</mark>") {
		t.Errorf("the snippet is %s", found[0].Snippet)
	}
}

// TestLedgerFacts: what the founding articles say of the promises, as the ledger has it.
func TestLedgerFacts(t *testing.T) {
	a := newAPI(t)
	progress := func(id string, at int) talks.Progress {
		t.Helper()
		c := get[talks.Commitment](t, a, "/v1/commitments/"+id)
		if c.Progress == nil {
			t.Fatalf("%s has no progress", id)
		}
		return (*c.Progress)[at]
	}
	tests := []struct {
		id     string
		at     int
		words  string
		status string
	}{
		{"istanbul-2025-1-exchange-1000", 0, "1,000; promised: 1,000", "met"},
		{"istanbul-2025-2-exchange-categories", 0, "at least 250 of an unstated number, 8 events without figures; promised: at least 1,000", "open"},
		{"istanbul-2025-2-bodies-6000", 0, "6,057; promised: 6,000", "met"},
		{"istanbul-2025-2-bodies-6000", 1, "at least 27 of an unstated number, 1 event without a figure; promised: 6,000", "open"},
		{"geneva-2026-3-exchange-500", 0, "502; promised: 500", "met"},
		{"us-2026-05-exchange-1000", 0, "no records: they end on 2026-03-06", "no_records"},
		{"us-2026-05-ceasefire", 0, "no records are kept of this", "lapsed"},
	}
	for _, tt := range tests {
		if p := progress(tt.id, tt.at); p.InWords != tt.words || *p.Status != tt.status {
			t.Errorf("%s: %s (%s)", tt.id, p.InWords, *p.Status)
		}
	}
	if over := progress("geneva-2026-3-exchange-500", 0); *over.Excess != 2 || *over.Remaining != 0 || *over.Share != 1.004 {
		t.Errorf("over-delivery: %+v", over)
	}
	if none := progress("us-2026-05-exchange-1000", 1); none.Delivered != nil || *none.RecordsEndOn != "2026-03-06" {
		t.Errorf("no records: %+v", none)
	}
	var whole []int
	for _, r := range progress("istanbul-2025-2-bodies-6000", 0).Reported {
		whole = append(whole, r.Value)
	}
	if diff := cmp.Diff([]int{6060, 6057}, whole); diff != "" {
		t.Errorf("what officials gave for the whole: %s", diff)
	}
	if c := get[talks.Commitment](t, a, "/v1/commitments/istanbul-2025-1-follow-up-round"); c.Progress != nil || c.Status != nil {
		t.Errorf("a commitment without a number: %+v", c)
	}
}

// TestEventCodes: the codes of the field stand beside every type, as package talks maps them.
func TestEventCodes(t *testing.T) {
	a := newAPI(t)
	text := func(p *string) string {
		if p == nil {
			return ""
		}
		return *p
	}
	for _, c := range talks.EventCodes {
		events := get[page[talks.Event]](t, a, "/v1/events?limit=3&type="+c.Type).Data
		if len(events) == 0 {
			t.Errorf("no event is a %s", c.Type)
		}
		for _, e := range events {
			if text(e.PLOVER) != c.PLOVER || text(e.CAMEO) != c.CAMEO {
				t.Errorf("%s has the codes %s and %s", e.ID, text(e.PLOVER), text(e.CAMEO))
			}
		}
	}
	for _, e := range get[page[talks.Event]](t, a, "/v1/events?plover=CONCEDE&limit=200").Data {
		if !strings.HasPrefix(text(e.CAMEO), "084") {
			t.Errorf("%s is %s", e.ID, text(e.CAMEO))
		}
	}
	exchange := get[talks.Event](t, a, "/v1/events/prisoner-exchange-exchange-2025-05-23")
	if len(exchange.Figures) != 2 || *exchange.Figures[0].Value != 390 || exchange.Figures[0].Unit != "people" || exchange.DatePrecision != "day" {
		t.Errorf("got %+v", exchange)
	}
}

// TestParticipation: parties show their delegations with who headed them, and how many exchanges they took part in.
func TestParticipation(t *testing.T) {
	a := newAPI(t)
	russia := get[talks.Party](t, a, "/v1/parties/RU")
	heads := map[string]string{}
	for _, d := range russia.Delegations {
		if d.HeadName != nil {
			heads[d.Round] = *d.HeadName
		}
	}
	if heads["istanbul-2025-3"] != "Vladimir Medinsky" {
		t.Errorf("the heads are %v", heads)
	}
	for _, e := range russia.Exchanges {
		if e.Collection == "prisoner-exchanges" && e.Capacity == "gave" && (e.Events != 81 || e.LastOn != "2026-03-06") {
			t.Errorf("got %+v", e)
		}
	}
	emirates := get[talks.Party](t, a, "/v1/parties/AE")
	if !slices.ContainsFunc(emirates.Exchanges, func(e talks.PartyExchanges) bool { return e.Capacity == "mediator" && e.Events > 10 }) {
		t.Errorf("the United Arab Emirates mediated %+v", emirates.Exchanges)
	}
}
