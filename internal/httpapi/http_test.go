package httpapi_test

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/parley-api/parley/internal/httpapi"
	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/store"
)

// testAPI is a server under test, and what it logged.
type testAPI struct {
	*httptest.Server
	log *logged
}

// logged is a log that may be written to and read at once.
type logged struct {
	sync.Mutex
	bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.Lock()
	defer l.Unlock()
	return l.Buffer.Write(p)
}

func (l *logged) text() string {
	l.Lock()
	defer l.Unlock()
	return l.Buffer.String()
}

func newAPI(t *testing.T) *testAPI {
	t.Helper()
	log := &logged{}
	server := httptest.NewServer(httpapi.New(httpapi.Options{
		DB:      pgtest.Shared(t),
		Log:     slog.New(slog.NewTextHandler(log, nil)),
		Version: "test",
		Stale:   24 * time.Hour,
		NewID:   func() string { return "request-1" },
	}))
	t.Cleanup(server.Close)
	return &testAPI{server, log}
}

// page is a list of records as clients see it.
type page[T any] struct {
	Data []T            `json:"data"`
	Next *string        `json:"next"`
	Meta map[string]any `json:"meta"`
}

// do sends a request; headers come in pairs.
func (a *testAPI) do(t testing.TB, method, target string, headers ...string) (*http.Response, []byte) {
	t.Helper()
	if strings.HasPrefix(target, "/") {
		target = a.URL + target
	}
	request, err := http.NewRequestWithContext(t.Context(), method, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept-Encoding", "identity")
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, body
}

// get decodes a JSON answer.
func get[T any](t testing.TB, a *testAPI, target string) (value T) {
	t.Helper()
	response, body := a.do(t, http.MethodGet, target)
	if response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s: %s", target, response.Status, body)
	}
	if err := json.Unmarshal(body, &value); err != nil {
		t.Fatalf("%s: %v", target, err)
	}
	return value
}

func itoa(n int) string { return strconv.Itoa(n) }

// TestProblems: every fault is a problem that names what is wrong, and none is an incident of ours.
func TestProblems(t *testing.T) {
	a := newAPI(t)
	tests := []struct {
		name, method, target string
		headers              []string
		status               int
		want                 string // part of the body
	}{
		{"unknown parameter", "GET", "/v1/rounds?partty=UA", nil, 400, `"suggestion":"party"`},
		{"two faults at once", "GET", "/v1/rounds?limit=0&date=x", nil, 400, `"parameter":"limit"`},
		{"bad percent", "GET", "/v1/rounds?party=%zz", nil, 400, "write % as %25"},
		{"semicolon", "GET", "/v1/rounds?party=UA;date=2025", nil, 400, "%3B"},
		{"null byte", "GET", "/v1/rounds?party=%00", nil, 400, "control character"},
		{"invalid UTF-8", "GET", "/v1/rounds?q=%c3%28", nil, 400, "UTF-8"},
		{"unknown word", "GET", "/v1/rounds?status=open", nil, 400, `"allowed":["held","scheduled","postponed","cancelled"]`},
		{"number too large", "GET", "/v1/prisoner-exchanges?total=9223372036854775807", nil, 200, `"data":[]`},
		{"number far too large", "GET", "/v1/prisoner-exchanges?total=9223372036854775808", nil, 400, "whole number"},
		{"day out of range", "GET", "/v1/rounds?date=9999-12-31..", nil, 200, `"data":[]`},
		{"last year there is", "GET", "/v1/changesets?recorded_at=..9999", nil, 200, `"id":1`},
		{"first year there is", "GET", "/v1/rounds?date=0001", nil, 200, `"data":[]`},
		{"parameter on a record", "GET", "/v1/rounds/istanbul-2025-3?limit=1", nil, 400, `"allowed":["as_of","min_revision","fields","reported_by"]`},
		{"parameter on the index", "GET", "/v1?x=1", nil, 400, "no such parameter"},
		{"cursor of another collection", "GET", "/v1/rounds?limit=2&cursor=" + cursorOf(t, a, "/v1/prisoner-exchanges?limit=2"), nil, 400, "belongs to another query"},
		{"foreign cursor", "GET", "/v1/rounds?cursor=AAAA", nil, 400, "not a cursor of ours"},
		{"media type with a charset", "GET", "/v1/rounds/istanbul-2025-3", []string{"Accept", "application/json; charset=utf-8"}, 200, "istanbul-2025-3"},
		{"media type with other parameters", "GET", "/v1/rounds/istanbul-2025-3", []string{"Accept", `text/csv;header=present;q=0.5, application/json;q=0.1;x="a;b"`}, 200, "id,url"},
		{"unknown id", "GET", "/v1/rounds/istanbul-2025-9", nil, 404, "no record with this id"},
		{"impossible id", "GET", "/v1/rounds/%00", nil, 404, "no record with this id"},
		{"id of another type", "GET", "/v1/changesets/first", nil, 404, "no record with this id"},
		{"huge id", "GET", "/v1/changesets/99999999999999999999", nil, 404, "no record with this id"},
		{"unknown collection", "GET", "/v1/round", nil, 404, "did you mean /v1/rounds?"},
		{"unknown address", "GET", "/v2", nil, 404, "/v1 lists"},
		{"path tricks", "GET", "/v1/rounds/..%2f..%2fetc%2fpasswd", nil, 404, ""},
		{"unknown problem", "GET", "/problems/none", nil, 404, ""},
		{"method", "POST", "/v1/rounds", nil, 405, "GET, HEAD, OPTIONS"},
		{"odd method", "BREW", "/v1/rounds/x", nil, 405, "BREW is not understood"},
		{"unknown extension", "GET", "/v1/rounds.xlsx", nil, 406, `"allowed":["json","csv","ndjson","parquet","geojson"`},
		{"unknown type", "GET", "/v1/rounds", []string{"Accept", "image/png"}, 406, `"allowed":["json","csv","ndjson","parquet","geojson"`},
		{"broken Accept", "GET", "/v1/rounds", []string{"Accept", ";;;"}, 406, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			response, body := a.do(t, tt.method, tt.target, tt.headers...)
			if response.StatusCode != tt.status || !strings.Contains(string(body), tt.want) {
				t.Fatalf("got %s: %s", response.Status, body)
			}
			if tt.status < 400 {
				return
			}
			var problem struct {
				Type, Title, Detail string
				Status              int
				RequestID           string `json:"request_id"`
			}
			if err := json.Unmarshal(body, &problem); err != nil {
				t.Fatal(err)
			}
			if response.Header.Get("Content-Type") != "application/problem+json" || problem.Status != tt.status || problem.Title == "" ||
				problem.Detail == "" || problem.RequestID != "request-1" || response.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("got %v: %s", response.Header, body)
			}
			if kind := get[struct{ Status int }](t, a, problem.Type); kind.Status != tt.status {
				t.Errorf("%s says %+v", problem.Type, kind)
			}
		})
	}
	if log := a.log.text(); strings.Contains(log, "level=ERROR") || strings.Contains(log, "stack") {
		t.Errorf("the log speaks of an incident:\n%s", log)
	}
}

// TestNegotiation: the extension wins over Accept, JSON is what there is without either.
func TestNegotiation(t *testing.T) {
	a := newAPI(t)
	tests := []struct{ target, accept, want, vary string }{
		{"/v1/parties", "", "application/json", "Accept"},
		{"/v1/parties", "*/*", "application/json", "Accept"},
		{"/v1/parties", "text/html,application/xhtml+xml,*/*;q=0.8", "application/json", "Accept"},
		{"/v1/parties", "text/csv", "text/csv; charset=utf-8; header=present", "Accept"},
		{"/v1/parties", "application/json;q=0.1, text/csv", "text/csv; charset=utf-8; header=present", "Accept"},
		{"/v1/parties", "application/x-ndjson", "application/x-ndjson", "Accept"},
		{"/v1/parties.json", "text/csv", "application/json", ""},
		{"/v1/parties.csv", "image/png", "text/csv; charset=utf-8; header=present", ""},
		{"/v1/parties/TR.ndjson", "", "application/x-ndjson", ""},
		{"/v1/parties/TR.csv", "", "text/csv; charset=utf-8; header=present", ""},
	}
	for _, tt := range tests {
		response, body := a.do(t, http.MethodGet, tt.target, "Accept", tt.accept)
		vary := strings.Contains(strings.Join(response.Header.Values("Vary"), ","), "Accept,") || strings.HasSuffix(strings.Join(response.Header.Values("Vary"), ","), "Accept")
		if response.StatusCode != 200 || response.Header.Get("Content-Type") != tt.want || vary != (tt.vary != "") {
			t.Errorf("%s, Accept %q: %s %v %.80s", tt.target, tt.accept, response.Status, response.Header, body)
		}
	}
}

// TestForms: the same query says the same in every form.
func TestForms(t *testing.T) {
	a := newAPI(t)
	for _, table := range store.Tables {
		base := "/v1/" + table.Name
		var fromJSON []string
		for next := base + "?limit=1000"; next != ""; {
			p := get[page[map[string]any]](t, a, next)
			for _, r := range p.Data {
				encoded, _ := json.Marshal(r)
				fromJSON = append(fromJSON, string(encoded))
			}
			next = ""
			if p.Next != nil {
				next = *p.Next
			}
		}
		_, body := a.do(t, http.MethodGet, base+".ndjson")
		var fromNDJSON []string
		for line := range strings.Lines(string(body)) {
			var r map[string]any
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				t.Fatal(err)
			}
			encoded, _ := json.Marshal(r)
			fromNDJSON = append(fromNDJSON, string(encoded))
		}
		if diff := cmp.Diff(fromJSON, fromNDJSON); diff != "" {
			t.Errorf("%s as NDJSON: %s", table.Name, diff)
		}
		_, body = a.do(t, http.MethodGet, base+".csv")
		lines, err := csv.NewReader(bytes.NewReader(body)).ReadAll() // every line must have as many cells as the header
		if err != nil {
			t.Errorf("%s as CSV: %v", table.Name, err)
		}
		if len(lines) < len(fromJSON)+1 {
			t.Errorf("%s as CSV has %d lines for %d records", table.Name, len(lines), len(fromJSON))
		}
	}
}

// TestTidyCSV: an exchange is one row a direction, unknown is empty, zero is zero.
func TestTidyCSV(t *testing.T) {
	a := newAPI(t)
	_, body := a.do(t, http.MethodGet, "/v1/prisoner-exchanges.csv?date=2025-05-23..2025-05-24,2025-07-04&fields=id,from,to,total,pows,civilians&sort=date")
	want := "id,from,to,total,pows,civilians\r\n" +
		"exchange-2025-05-23,RU,UA,390,270,120\r\nexchange-2025-05-23,UA,RU,390,270,120\r\n" +
		"exchange-2025-05-24,RU,UA,307,307,\r\nexchange-2025-05-24,UA,RU,307,307,\r\n" +
		"exchange-2025-07-04,RU,UA,,,\r\nexchange-2025-07-04,UA,RU,,,2\r\n"
	if diff := cmp.Diff(want, string(body)); diff != "" {
		t.Error(diff)
	}
	// A page of CSV counts records, not rows, and leads on by a header.
	response, body := a.do(t, http.MethodGet, "/v1/prisoner-exchanges.csv?limit=2&fields=id,transfers")
	if n := strings.Count(string(body), "\r\n"); n != 5 || !strings.Contains(response.Header.Get("Link"), `rel="next"`) {
		t.Errorf("%d lines, Link %q", n, response.Header.Get("Link"))
	}
	_, body = a.do(t, http.MethodGet, "/v1/rounds.csv?fields=id,delegations&limit=1&date=2025-07-23")
	if lines, err := csv.NewReader(bytes.NewReader(body)).ReadAll(); err != nil || !json.Valid([]byte(lines[1][1])) {
		t.Errorf("a nested list asked for by name is no JSON: %s", body)
	}
}

// TestValidators: a client that has the current answer gets 304 for it, in every form, and for nothing else.
func TestValidators(t *testing.T) {
	a := newAPI(t)
	seen := map[string]string{}
	for _, target := range []string{"/v1/rounds", "/v1/rounds?limit=3", "/v1/rounds.csv", "/v1/rounds.ndjson", "/v1/rounds.geojson", "/v1/rounds?bbox=22,44.3,40.3,52.4", "/v1/rounds/istanbul-2025-3", "/v1/rounds/istanbul-2025-3?fields=id", "/v1/people"} {
		response, _ := a.do(t, http.MethodGet, target)
		etag := response.Header.Get("ETag")
		if other, ok := seen[etag]; ok || !strings.HasPrefix(etag, `W/"1-`) {
			t.Errorf("%s has the validator %s of %s", target, etag, other)
		}
		seen[etag] = target
		if again, body := a.do(t, http.MethodGet, target, "If-None-Match", `"other", `+etag); again.StatusCode != 304 || len(body) > 0 || again.Header.Get("ETag") != etag {
			t.Errorf("%s: %s %q", target, again.Status, body)
		}
		if again, _ := a.do(t, http.MethodGet, target, "If-None-Match", `W/"0-0"`); again.StatusCode != 200 {
			t.Errorf("%s with a foreign validator: %s", target, again.Status)
		}
	}
	response, _ := a.do(t, http.MethodGet, "/v1/rounds")
	if got := response.Header.Get("Cache-Control"); got != "public, max-age=5, stale-while-revalidate=60, stale-if-error=86400" {
		t.Errorf("Cache-Control is %q", got)
	}
	same, _ := a.do(t, http.MethodGet, "/v1/rounds?utm_source=x&sort=-date")
	if same.Header.Get("ETag") != response.Header.Get("ETag") {
		t.Error("another spelling of the same query has another validator")
	}
}

// TestMethods: HEAD has the headers of GET and no body; OPTIONS and CORS are open.
func TestMethods(t *testing.T) {
	a := newAPI(t)
	for _, target := range []string{"/v1", "/v1/rounds", "/v1/rounds.csv", "/v1/rounds.ndjson", "/v1/rounds.parquet", "/v1/rounds.geojson?bbox=22,44.3,40.3,52.4", "/v1/rounds/istanbul-2025-3", "/openapi.yaml", "/openapi.json", "/docs/", "/healthz", "/readyz"} {
		head, body := a.do(t, http.MethodHead, target)
		full, _ := a.do(t, http.MethodGet, target)
		if head.StatusCode != 200 || len(body) > 0 || head.Header.Get("Content-Type") != full.Header.Get("Content-Type") || head.Header.Get("ETag") != full.Header.Get("ETag") {
			t.Errorf("HEAD %s: %s %v", target, head.Status, head.Header)
		}
		options, _ := a.do(t, http.MethodOptions, target, "Origin", "https://example.org", "Access-Control-Request-Method", "GET")
		if options.StatusCode != 204 || !strings.HasPrefix(options.Header.Get("Allow"), "GET, HEAD, OPTIONS") || options.Header.Get("Access-Control-Allow-Methods") != "GET, HEAD, OPTIONS" {
			t.Errorf("OPTIONS %s: %s %v", target, options.Status, options.Header)
		}
		if full.Header.Get("Access-Control-Allow-Origin") != "*" || full.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: CORS %v", target, full.Header)
		}
	}
}

// TestCompression: those who ask for it get the same bytes compressed, streams too.
func TestCompression(t *testing.T) {
	a := newAPI(t)
	for _, target := range []string{"/v1/rounds", "/v1/sources.csv", "/v1/sources.ndjson", "/openapi.yaml"} {
		_, plain := a.do(t, http.MethodGet, target)
		response, body := a.do(t, http.MethodGet, target, "Accept-Encoding", "gzip")
		if response.Header.Get("Content-Encoding") != "gzip" || !strings.Contains(strings.Join(response.Header.Values("Vary"), ","), "Accept-Encoding") {
			t.Fatalf("%s: %v", target, response.Header)
		}
		unpacked, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if whole, err := io.ReadAll(unpacked); err != nil || !bytes.Equal(whole, plain) {
			t.Errorf("%s: compressed is not the same: %v", target, err)
		}
	}
}

// TestPaging follows next, in the body and in the header, and meets all records.
func TestPaging(t *testing.T) {
	a := newAPI(t)
	n, target := 0, a.URL+"/v1/sources?limit=100&kind=wire&total_count=true"
	var total float64
	for target != "" {
		response, body := a.do(t, http.MethodGet, target)
		var p page[struct{ ID, Kind string }]
		if err := json.Unmarshal(body, &p); err != nil {
			t.Fatal(err)
		}
		n += len(p.Data)
		total, _ = p.Meta["total"].(float64)
		target = ""
		if p.Next != nil {
			target = *p.Next
			if !strings.Contains(strings.Join(response.Header.Values("Link"), ","), "<"+target+`>; rel="next"`) {
				t.Errorf("Link is %q, next %q", response.Header.Values("Link"), target)
			}
		}
	}
	if n != 131 || total != 131 {
		t.Errorf("%d records by pages, total %v", n, total)
	}
	// A cursor continues its own query only.
	next, _ := url.Parse(*get[page[any]](t, a, "/v1/sources?limit=1").Next)
	if response, body := a.do(t, http.MethodGet, "/v1/sources?limit=2&cursor="+next.Query().Get("cursor")); response.StatusCode != 400 || !strings.Contains(string(body), "another query") {
		t.Errorf("%s: %s", response.Status, body)
	}
}

// cursorOf is the cursor that a page leads on by.
func cursorOf(t *testing.T, a *testAPI, target string) string {
	t.Helper()
	_, body := a.do(t, http.MethodGet, target)
	next := decode[struct{ Next string }](t, body).Next
	_, cursor, _ := strings.Cut(next, "cursor=")
	cursor, _, _ = strings.Cut(cursor, "&")
	return cursor
}
