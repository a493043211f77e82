package httpapi_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/net/http/httpguts"

	"github.com/parley-api/parley/internal/httpapi"
	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/postgres"
	"github.com/parley-api/parley/internal/render"
	"github.com/parley-api/parley/internal/store"
)

// hostile is what attackers write where a value belongs.
var hostile = []string{
	// Numbers and days that do not fit.
	"9223372036854775808", "-9223372036854775809", "99999999999999999999999999999999", "1e400", "-1e-400", "0x7fffffff", "NaN", "Infinity", "-0", "1..1..1", "..", "2147483648..",
	"0000-00-00", "9999-99-99", "2025-02-30", "99999-01-01", "-0001-01-01", "294277-01-01", "2025-01-01T25:61:61Z", "2025-01-01T00:00:00+99:99", "infinity..-infinity", "10000", "0",
	"nan,nan,nan,nan", "1e308,-1e308,1e308,1e308", "180,90,-180,-90", "-180,-90,180,90",
	// Bytes that are no text, or turn it round.
	"\x00", "a\x00b", "\xff\xfe", "\xc3\x28", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\u202egnp.exe", "\ufeff", "\u2028", "\x7f\x1b[2J", "e\u0301\u0301\u0301",
	// Paths.
	"../../../../etc/passwd", "..\\..\\windows\\win.ini", "....//....//etc/passwd", "%2e%2e%2fetc%2fpasswd", "/etc/passwd\x00.json", "//evil.example/x", "file:///etc/passwd", ".", "..;/", ".json", "x.csv.json",
	// SQL.
	"'", "''", `"`, "' or '1'='1", "'; drop table rounds; --", `") or (1=1`, "1; select pg_sleep(60)", "$1", "$$", "%", "_", `\`, `\'; --`, "E'\\\\'", "{1,2}", "array[1]", "1::int", "/**/", "id) from rounds; --", "public.api_keys",
	"(select hash from api_keys limit 1)", "pg_catalog.pg_authid", "current_setting('parley.as_of')",
	// Full text, patterns, JSON, templates, headers, formulas.
	"((((((", "a & | ! b", "<->", ":*", "!!!", `"unfinished`, "-", "or or or", "*", "(?i).*", "[", `{"a":[1`, "null", "{{7*7}}", "${jndi:ldap://evil.example/a}", "<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, "javascript:alert(1)",
	"a\r\nSet-Cookie: owned=1", "a\nX: y", "=cmd|' /C calc'!A0", "@SUM(1)", "", " ", ",", ",,,,", ";", "&", "#", "true,false",
	// Sizes.
	strings.Repeat("a", 5000), strings.Repeat("(", 2000), strings.Repeat("a,", 2000), strings.Repeat("1..2,", 500), strings.Repeat("-", 3000), strings.Repeat("é", 1000), strings.Repeat("a or ", 800), strings.Repeat("9", 400),
	// What a cursor, a validator, a range or a media type may be taken for.
	"AAAAAAAAAAAAAAAA", "AQ==", "gAAAAA", `W/"99999999999999999999-0"`, `"1-`, "bytes=0-,0-,0-,0-,0-", "bytes=-9223372036854775809", "bytes=99999999999999999999-", "1@x", "99999999999999999999@a", "*/*;q=9e99", strings.Repeat("a/b,", 500),
}

// attacked is a server under attack, whose database may be written to by who may write only.
type attacked struct {
	handler http.Handler
	log     *logged
	sent    int
}

// send sends a request and judges the answer: whatever it is, it is no fault of ours, and tells nothing of our inside.
func (a *attacked) send(t *testing.T, r *http.Request, what string) {
	t.Helper()
	a.sent++
	w := httptest.NewRecorder()
	a.handler.ServeHTTP(w, r)
	body := w.Body.String()
	told := fmt.Sprintf("%s %.300q, %s: %d %.300q", r.Method, r.URL.String(), what, w.Code, body)
	if w.Code >= 500 {
		t.Errorf("a fault of ours: %s", told)
	}
	if w.Code >= 400 && r.Method != http.MethodHead {
		var problem struct{ Status int }
		isPage := strings.HasPrefix(w.Header().Get("Content-Type"), "text/html")
		if err := json.Unmarshal(w.Body.Bytes(), &problem); !isPage && (err != nil || problem.Status != w.Code) {
			t.Errorf("no problem: %s", told)
		}
		for _, inside := range []string{"SQLSTATE", "goroutine", "pgx", ".go:", "/internal/", "syntax error at"} {
			if strings.Contains(body, inside) {
				t.Errorf("it tells of %s: %s", inside, told)
			}
		}
	}
	for name, values := range w.Header() {
		for _, value := range values {
			if name == "Set-Cookie" || name == "X" || strings.ContainsAny(value, "\r\n\x00") {
				t.Errorf("a header is forged, %s: %q: %s", name, value, told)
			}
		}
	}
	if strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") && (strings.Contains(body, "<script>alert") || strings.Contains(body, "<img src=x")) {
		t.Errorf("a page runs what it was told: %.100s", told)
	}
}

// request is a request whose address may be one that no client would write.
func request(method, path, query string, header http.Header, body []byte) *http.Request {
	r := httptest.NewRequest(method, "/", bytes.NewReader(body))
	r.URL = &url.URL{Path: path, RawQuery: query}
	if unescaped, err := url.PathUnescape(path); err == nil {
		r.URL.Path, r.URL.RawPath = unescaped, path
	}
	r.RequestURI = r.URL.RequestURI()
	for name, values := range header {
		r.Header[name] = values
	}
	return r
}

// besiege returns a server over a database of its own, whose pools have the rights that they have in the program, and a check
// that nothing in the database is another than before.
func besiege(t *testing.T) (a *attacked, unchanged func()) {
	t.Helper()
	db := pgtest.DB(t)
	pool := func(role string) *pgxpool.Pool {
		p, err := postgres.NewPool(t.Context(), postgres.PoolOptions{URL: db.Config().ConnString(), MaxConns: 4, Role: role})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Close)
		return p
	}
	stopped := make(chan struct{})
	close(stopped) // streams end when they have begun
	a = &attacked{log: &logged{}}
	a.handler = httpapi.New(httpapi.Options{
		DB: pool(postgres.ReaderRole), Writer: pool(postgres.WriterRole), Log: slog.New(slog.NewTextHandler(a.log, nil)),
		Cache: 1 << 20, Author: "attacker", MaxBody: 1 << 20, MaxOperations: 100, Stop: stopped,
	})
	contents := func() (c postgres.Contents) {
		t.Helper()
		err := pgx.BeginFunc(context.Background(), db, func(tx pgx.Tx) (err error) {
			c, err = postgres.ReadContents(t.Context(), tx)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	before := contents()
	return a, func() {
		t.Helper()
		if difference := before.Difference(contents()); difference != "" {
			t.Errorf("after %d hostile requests the database has %s", a.sent, difference)
		}
		if log := a.log.text(); strings.Contains(log, "level=ERROR") || strings.Contains(log, "stack") || strings.Contains(log, "goroutine") {
			t.Errorf("the log speaks of an incident:\n%.3000s", log[max(0, strings.Index(log, "level=ERROR")-100):])
		}
	}
}

// hostileHeaders are those that the program reads.
var hostileHeaders = []string{
	"Accept", "Accept-Encoding", "Authorization", "Content-Encoding", "Content-Type", "If-Match", "If-None-Match", "If-Range", "If-Modified-Since", "Idempotency-Key", "Last-Event-ID", "Origin",
	"Range", "X-Request-Id", "X-Forwarded-For", "X-Forwarded-Host", "X-Http-Method-Override", "Transfer-Encoding", "Connection", "Upgrade", "Cookie", "Host",
}

// TestHostileRequests writes hostile values into every parameter of every route of the contract: no answer is a fault of
// ours, no row changes, nothing of our inside is told.
func TestHostileRequests(t *testing.T) {
	t.Parallel()
	a, unchanged := besiege(t)
	const each = 4 // values of the list for each parameter, other ones for the next
	next := 0
	some := func(n int) []string {
		values := make([]string, n)
		for i := range values {
			values[i] = hostile[next%len(hostile)]
			next++
		}
		return values
	}
	forms := []string{""}
	for _, f := range render.Forms {
		forms = append(forms, "."+f.Name)
	}
	paths := contract(t).Paths.Map()
	addresses := slices.Sorted(func(yield func(string) bool) {
		for address := range paths {
			if !yield(address) {
				return
			}
		}
	})
	for _, address := range addresses {
		for method, operation := range paths[address].Operations() {
			a.route(t, method, address, operation, forms, some, each)
		}
	}
	if a.sent < 5000 || next < len(hostile)*10 {
		t.Errorf("only %d requests, with %d values", a.sent, next)
	}
	t.Logf("%d hostile requests over %d addresses", a.sent, len(addresses))
	unchanged()
}

// route attacks one operation: its path, its query, its headers, its body.
func (a *attacked) route(t *testing.T, method, address string, operation *openapi3.Operation, forms []string, some func(int) []string, each int) {
	sample := strings.NewReplacer("{collection}", "rounds", "{id}", "istanbul-2025-3", "{name}", "parley.css", "{asset}", "swagger-ui.css", "{kind}", "gone").Replace(address)
	query := ""
	header := http.Header{}
	if method != http.MethodGet { // what it asks for must not come to pass, even if it were understood
		query, header = "dry_run=true&", http.Header{"Content-Type": {"application/json"}, "If-Match": {"*"}}
	}
	if begin := strings.Index(address, "{"); begin >= 0 {
		end := strings.Index(address, "}")
		for _, value := range some(3 * each) {
			a.send(t, request(method, address[:begin]+url.PathEscape(value)+address[end+1:], query, header, []byte("{}")), "path")
			a.send(t, request(method, strings.ReplaceAll(address[:begin]+value+address[end+1:], " ", "%20"), query, header, []byte("{}")), "path as it is")
		}
	}
	for i, ref := range operation.Parameters {
		if ref.Value.In != "query" {
			continue
		}
		for j, name := range spellings(ref.Value) {
			for k, value := range some(each) {
				form := ""
				if strings.HasPrefix(address, "/v1/") && !strings.Contains(sample, ".") && method == http.MethodGet {
					form = forms[(i+j+k)%len(forms)]
				}
				a.send(t, request(method, sample+form, query+name+"="+url.QueryEscape(value), header, []byte("{}")), name)
			}
		}
	}
	for _, value := range some(each) {
		a.send(t, request(method, sample, query+url.QueryEscape(value)+"="+url.QueryEscape(value), header, []byte("{}")), "name of a parameter")
		a.send(t, request(method, sample, query+value, header, []byte("{}")), "query as it is")
	}
	for _, name := range hostileHeaders {
		for _, value := range some(2) {
			if !httpguts.ValidHeaderFieldValue(value) || name == "Host" && !httpguts.ValidHostHeader(value) {
				continue // net/http refuses it: TestSmuggling tries these
			}
			attack := header.Clone()
			attack[name] = []string{value}
			r := request(method, sample, query, attack, []byte("{}"))
			if name == "Host" {
				r.Host = value
			}
			a.send(t, r, name+": "+value)
		}
	}
	if operation.RequestBody != nil {
		a.bodies(t, method, sample, query, header, some(2*each))
	}
}

// bodies attacks what reads a body.
func (a *attacked) bodies(t *testing.T, method, address, query string, header http.Header, values []string) {
	var bomb bytes.Buffer
	packed := gzip.NewWriter(&bomb)
	_, _ = packed.Write(bytes.Repeat([]byte("["), 64<<20))
	_ = packed.Close()
	attacks := [][]byte{
		nil, []byte("[]"), []byte(`"x"`), []byte("null"), []byte("{"), bytes.Repeat([]byte("["), 100_000), bytes.Repeat([]byte(`{"a":`), 100_000), bytes.Repeat([]byte("9"), 100_000), []byte(`{"a":1,"a":2}`),
		[]byte("\xef\xbb\xbf{}"), []byte("{}\x00"), []byte("{}{}"), append([]byte(`{"operations":["`), bytes.Repeat([]byte("x"), 2<<20)...), []byte(`{"__proto__": {"admin": true}, "constructor": 1}`),
	}
	for _, value := range values {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		for _, template := range []string{
			`{"title": %[1]s, "id": %[1]s, "name": %[1]s, "date": %[1]s, "url": %[1]s, "reports": [{"field": %[1]s, "value": %[1]s}], "sources": [%[1]s]}`,
			`{"message": %[1]s, "author": %[1]s, "operations": [{"op": %[1]s, "type": %[1]s, "id": %[1]s, "body": {%[1]s: %[1]s}}]}`,
			`{"message": "m", "operations": [{"op": "put", "type": "sources", "id": %[1]s, "body": {"publisher": %[1]s, "title": %[1]s, "title_is_descriptive": true, "url": %[1]s, "language": "en", "kind": "wire"}}]}`,
			`{"target": %[1]s, "query": %[1]s, "name": %[1]s, "status": %[1]s}`, `{"target": "http://127.0.0.1:5432/", "query": %[1]s}`,
		} {
			attacks = append(attacks, fmt.Appendf(nil, template, text))
		}
		attacks = append(attacks, []byte(`{"title": "`+value+`"}`))
	}
	for _, attack := range attacks {
		a.send(t, request(method, address, query, header, attack), fmt.Sprintf("body %.100q", attack))
	}
	packedHeader := header.Clone()
	packedHeader.Set("Content-Encoding", "gzip")
	a.send(t, request(method, address, query, packedHeader, bomb.Bytes()), "a body that unpacks to 64 MiB")
}

// TestFormulasInCSV: no cell of a text begins in a way that a spreadsheet would run, whatever was recorded.
func TestFormulasInCSV(t *testing.T) {
	db := pgtest.DB(t)
	s := open(t, httpapi.Options{DB: db, Author: "attacker"})
	texts := []string{"=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1", "\r=1", "=cmd|' /C calc'!A0", `"=1`, "=\"a\",\nb"}
	for i, text := range texts {
		value, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		body := fmt.Sprintf(`{"publisher": %[1]s, "title": %[1]s, "title_is_descriptive": true, "url": "https://example.org/%[2]d", "language": "en", "kind": "wire"}`, value, i)
		a := s.send(t, http.MethodPut, fmt.Sprintf("/v1/sources/formula-%d", i), http.Header{"Content-Type": {"application/json"}, "If-None-Match": {"*"}}, body)
		if a.response.StatusCode != http.StatusCreated && !strings.ContainsAny(text, "\t\r\n") {
			t.Errorf("%q: %s %s", text, a.response.Status, a.body)
		}
	}
	for _, table := range store.Tables {
		lines, err := csv.NewReader(bytes.NewReader(s.get(t, "/v1/"+table.Name+".csv", http.StatusOK).body)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		seen := false
		for _, line := range lines {
			for _, cell := range line {
				seen = seen || strings.HasPrefix(cell, "'=cmd|")
				if cell == "" || !strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
					continue
				}
				var number float64
				if err := json.Unmarshal([]byte(cell), &number); err != nil {
					t.Errorf("%s has the cell %q", table.Name, cell)
				}
			}
		}
		if table == store.Sources && !seen {
			t.Error("the formulas are not there")
		}
	}
}
