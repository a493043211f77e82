package httpapi_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/parley-api/parley/internal/httpapi"
	"github.com/parley-api/parley/internal/pgtest"
)

// FuzzWrite: no body, whatever it is, is answered by a 5xx, nor changes anything in a dry run.
func FuzzWrite(f *testing.F) {
	for _, body := range []string{
		`{"message": "m", "operations": [{"op": "put", "type": "claims", "id": "a", "body": ` + newClaim + `}]}`,
		`{"message": "m", "operations": [{"op": "patch", "type": "rounds", "id": "istanbul-2025-3", "if_match": 1, "body": {"delegations": [], "reports": null, "lat": 1e308, "number": -0}}]}`,
		`{"message": "m", "operations": [{"op": "delete", "type": "people", "id": "rustem-umerov", "if_match": "*", "restore": false}, {"op": "put", "type": "sources", "id": "b", "body": {"url": "http://\u0000"}}]}`,
		`{"operations": [[], {"op": "put"}, {"type": 5}], "author": "x"}`, `[]`, ``,
	} {
		f.Add(body)
	}
	db := pgtest.Shared(f)
	handler := httpapi.New(httpapi.Options{DB: db, Author: "fuzz", MaxBody: 1 << 20, MaxOperations: 100})
	f.Fuzz(func(t *testing.T, body string) {
		for _, target := range []struct{ method, path string }{{http.MethodPost, "/v1/changesets"}, {http.MethodPut, "/v1/claims/a"}, {http.MethodPatch, "/v1/rounds/istanbul-2025-3"}} {
			r := httptest.NewRequest(target.method, target.path+"?dry_run=true", strings.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if w.Code >= 500 || strings.Contains(w.Body.String(), "breaks the rule") {
				t.Errorf("%s %s: %d %s", target.method, target.path, w.Code, w.Body)
			}
		}
	})
}

// FuzzRead: no address and no header, whatever they are, are answered by a 5xx.
func FuzzRead(f *testing.F) {
	for _, seed := range [][4]string{
		{"/v1/rounds", "party=UA&date=2025-05..&q=working groups&sort=-date&limit=2&fields=id", "application/json", ""},
		{"/v1/prisoner-exchanges.csv", "total=100..&from.not=RU&as_of=1&reported_by=UA&bbox=22,44,40,52&disputed=true", "", `W/"1-0"`},
		{"/v1/body-repatriations/totals", "by=month&date=2025", "text/csv", "*"},
		{"/v1/rounds/istanbul-2025-3.geojson", "", "", ""},
		{"/v1/rounds/istanbul-2025-3/history", "after=1", "", ""},
		{"/v1/search", "q=Umerof&type=people", "", ""},
		{"/v1/sources.parquet", "limit=3", "", ""},
		{"/v1/rounds.atom", "", "", ""},
		{"/explore/rounds", "party=UA", "text/html", ""},
		{"/rounds/istanbul-2025-3", "as_of=1", "text/html", ""},
		{"/v1/rounds.sse", "snapshot=true&last_event_id=1@a", "text/event-stream", ""},
		{"/v1/events.ics", "date=2025", "", ""},
		{"/v1/rounds", "cursor=AAAA", "*/*", ""},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3])
	}
	stopped := make(chan struct{})
	close(stopped)
	handler := httpapi.New(httpapi.Options{DB: pgtest.Shared(f), Stop: stopped})
	f.Fuzz(func(t *testing.T, path, query, accept, validator string) {
		r := request(http.MethodGet, "/"+strings.TrimLeft(path, "/"), query, http.Header{"Accept": {accept}, "If-None-Match": {validator}}, nil)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code >= 500 {
			t.Errorf("%s: %d %s", r.URL, w.Code, w.Body)
		}
	})
}
