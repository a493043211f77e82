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
