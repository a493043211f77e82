package httpapi_test

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/httpapi"
	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/postgres"
	"github.com/parley-api/parley/internal/store"
)

// clock is a time that tests move.
type clock struct{ at atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.at.Store(time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC).UnixNano())
	return c
}

func (c *clock) now() time.Time           { return time.Unix(0, c.at.Load()).UTC() }
func (c *clock) forward(by time.Duration) { c.at.Add(int64(by)) }

// status asks and checks the status, and that a refusal says when to try again.
func (c *counted) status(t *testing.T, want int, method, target string, headers ...string) http.Header {
	t.Helper()
	response, body := c.do(t, method, target, headers...)
	if response.StatusCode != want {
		t.Fatalf("%s %s: status %d, not %d: %s", method, target, response.StatusCode, want, body)
	}
	if retry := response.Header.Get("Retry-After"); (want == 429 || want == 503) && (retry == "" || retry == "0") {
		t.Errorf("%s: refused without Retry-After: %v", target, response.Header)
	}
	return response.Header
}

// TestQuotaOfClients: so many requests are answered within a minute, and each answer says how many are left. What the client
// has already costs a tenth, what is kept nothing, and health checks are never refused.
func TestQuotaOfClients(t *testing.T) {
	at := newClock()
	c := newCounted(t, httpapi.Options{ClientRate: 3, Now: at.now})
	for _, left := range []string{"2", "1", "0"} {
		h := c.status(t, 200, "GET", "/v1/parties/UA")
		if got := h.Get("RateLimit"); got != `"client";r=`+left+`;t=60` || h.Get("RateLimit-Policy") != `"client";q=3;w=60` {
			t.Errorf("RateLimit: %s; RateLimit-Policy: %s", got, h.Get("RateLimit-Policy"))
		}
	}
	h := c.status(t, 429, "GET", "/v1/parties/UA")
	if got := h.Get("RateLimit"); !strings.HasPrefix(got, `"client";r=0;t=`) || h.Get("Cache-Control") != "no-store" {
		t.Errorf("RateLimit of a refusal: %s %v", got, h)
	}
	c.status(t, 200, "GET", "/readyz")
	c.status(t, 200, "GET", "/healthz")
	if n := c.value(t, "parley_requests_refused_total", "reason", "rate"); n != 1 {
		t.Errorf("%v refusals are counted", n)
	}
	at.forward(61 * time.Second) // nearly all of it still weighs
	c.status(t, 429, "GET", "/v1/parties/UA")
	at.forward(30 * time.Second)
	etag := c.status(t, 200, "GET", "/v1/parties/UA").Get("Etag")
	at.forward(2 * time.Minute)
	for range 10 {
		c.status(t, 304, "GET", "/v1/parties/UA", "If-None-Match", etag)
		c.status(t, 200, "HEAD", "/v1/parties/RU")
	}
	at.forward(10 * time.Minute)
	kept := newCounted(t, httpapi.Options{ClientRate: 3, Now: at.now, Cache: 1 << 20})
	kept.status(t, 200, "GET", "/v1/parties/UA")
	for range 50 {
		kept.status(t, 200, "GET", "/v1/parties/UA")
	}
	if got := kept.status(t, 200, "GET", "/v1/parties/RU").Get("RateLimit"); !strings.HasPrefix(got, `"client";r=1;`) {
		t.Errorf("after one answer and 50 kept ones: %s", got)
	}
	if got := kept.status(t, 200, "GET", "/v1/parties/RU"); got.Get("RateLimit") != "" {
		t.Errorf("a kept answer says how its maker stood: %v", got)
	}
}

// TestRetryAfterIsTrue: who waits as long as Retry-After says is answered, and a second earlier is not.
func TestRetryAfterIsTrue(t *testing.T) {
	for _, steps := range [][]time.Duration{{0, 0, 0, 0, 0}, {0, 20 * time.Second, 20 * time.Second, 15 * time.Second, 0}, {40 * time.Second, 10 * time.Second, 15 * time.Second, 0, 0}} {
		at := newClock()
		c := newCounted(t, httpapi.Options{ClientRate: 5, Now: at.now})
		for _, step := range steps {
			at.forward(step)
			c.status(t, 200, "GET", "/v1/parties/UA")
		}
		wait, err := time.ParseDuration(c.status(t, 429, "GET", "/v1/parties/UA").Get("Retry-After") + "s")
		if err != nil {
			t.Fatal(err)
		}
		at.forward(wait - 2*time.Second)
		c.status(t, 429, "GET", "/v1/parties/UA")
		at.forward(2 * time.Second)
		c.status(t, 200, "GET", "/v1/parties/UA")
	}
}

// TestClients: a client is the address that connects; behind proxies that are trusted, the last one that they name.
func TestClients(t *testing.T) {
	trusted, err := httpapi.NewProxies("X-Forwarded-For", []string{"127.0.0.0/8", "::1", "10.0.0.0/8"})
	if err != nil {
		t.Fatal(err)
	}
	forwarded, err := httpapi.NewProxies("Forwarded", []string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		proxies *httpapi.Proxies
		header  string
		same    []string // of one client
		other   string   // of another one
	}{
		{"nobody is trusted", nil, "X-Forwarded-For", []string{"192.0.2.1", "192.0.2.2", ""}, "-"},
		{"from the right", trusted, "X-Forwarded-For", []string{"192.0.2.1", "203.0.113.9, 192.0.2.1", "198.51.100.7, 192.0.2.1, 10.1.2.3"}, "192.0.2.1, 192.0.2.2"},
		{"of IPv6 the network", trusted, "X-Forwarded-For", []string{"2001:db8:1:2::1", "2001:db8:1:2:ffff::9"}, "2001:db8:1:3::1"},
		{"what is no address", trusted, "X-Forwarded-For", []string{"192.0.2.1, nonsense", "nonsense", ""}, "192.0.2.1"},
		{"the other header counts for nothing", trusted, "Forwarded", []string{"for=192.0.2.1", "for=192.0.2.2"}, "-"},
		{"Forwarded", forwarded, "Forwarded", []string{"for=192.0.2.1", `for="[2001:db8::1]", for=192.0.2.1;proto=https`}, "for=192.0.2.2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newCounted(t, httpapi.Options{ClientRate: len(c.same), Proxies: c.proxies, Now: newClock().now})
			for _, from := range c.same {
				a.status(t, 200, "GET", "/v1/parties/UA", c.header, from)
			}
			a.status(t, 429, "GET", "/v1/parties/UA", c.header, c.same[0])
			if c.other != "-" {
				a.status(t, 200, "GET", "/v1/parties/UA", c.header, c.other)
			}
		})
	}
	log := &logged{}
	a := newCounted(t, httpapi.Options{ClientRate: 1, Now: newClock().now, Log: slog.New(slog.NewTextHandler(log, nil))})
	a.status(t, 200, "GET", "/v1/parties/UA", "X-Forwarded-For", "192.0.2.1")
	for range 3 {
		a.status(t, 429, "GET", "/v1/parties/UA", "X-Forwarded-For", "192.0.2.2")
	}
	if n := strings.Count(log.text(), "PARLEY_TRUSTED_PROXIES"); n != 1 {
		t.Errorf("that a proxy may be meant is said %d times: %s", n, log.text())
	}
	for _, networks := range []string{"10.0.0.0/33", "here", "fe80::1%eth0"} {
		if _, err := httpapi.NewProxies("X-Forwarded-For", []string{networks}); err == nil {
			t.Errorf("%s is taken for a network", networks)
		}
	}
}

// TestQuotaOfKeys: who writes is held to the quota of the key, whatever others at the same address ask; and who tries keys that
// are none has to wait, also with a good one.
func TestQuotaOfKeys(t *testing.T) {
	at := newClock()
	db := pgtest.DB(t)
	key := newKey(t, db, store.Key{Name: "desk", Scopes: []string{store.ScopeWrite}})
	c := newCounted(t, httpapi.Options{DB: db, ClientRate: 1, KeyRate: 3, BadKeyRate: 2, Now: at.now})
	c.status(t, 200, "GET", "/v1/parties/UA")
	c.status(t, 429, "GET", "/v1/parties/UA")
	const write = "/v1/parties/UA?dry_run=true"
	good, bad := "Bearer "+key, "Bearer "+key[:len(key)-1]+"!"
	for _, left := range []string{"2", "1", "0"} { // refused for other reasons, but counted
		if got := c.status(t, 415, "PATCH", write, "Authorization", good).Get("RateLimit"); got != `"key";r=`+left+`;t=60` {
			t.Errorf("RateLimit of a key: %s", got)
		}
	}
	c.status(t, 429, "PATCH", write, "Authorization", good)
	at.forward(2 * time.Minute)
	c.status(t, 401, "PATCH", write, "Authorization", bad)
	c.status(t, 401, "GET", "/v1/webhooks", "Authorization", bad)
	c.status(t, 429, "PATCH", write, "Authorization", bad)
	c.status(t, 429, "PATCH", write, "Authorization", good)
	at.forward(2 * time.Minute)
	c.status(t, 415, "PATCH", write, "Authorization", good)
	c.status(t, 401, "PATCH", write) // without a key it is a request like others
	c.status(t, 429, "PATCH", write)
}

// locked holds a lock on a table, until release is called, so that who reads it waits.
func locked(t *testing.T, db *pgxpool.Pool, table string) (release func()) {
	t.Helper()
	conn, err := pgx.ConnectConfig(t.Context(), db.Config().ConnConfig)
	if err != nil {
		t.Fatal(err)
	}
	release = func() { _ = conn.Close(context.Background()) }
	t.Cleanup(release)
	if _, err := conn.Exec(t.Context(), "begin; lock table "+table+" in access exclusive mode"); err != nil {
		t.Fatal(err)
	}
	return release
}

// background asks and tells the status later.
func (c *counted) background(t *testing.T, target string) <-chan int {
	t.Helper()
	told := make(chan int, 1)
	go func() {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.URL+target, nil)
		if err != nil {
			told <- -1
			return
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			told <- -1
			return
		}
		response.Body.Close()
		told <- response.StatusCode
	}()
	return told
}

// TestShedding: while as many requests are at work as may be, others are told to come back at once; what is kept is given all
// the same, and health checks are answered.
func TestShedding(t *testing.T) {
	db := pgtest.DB(t)
	c := newCounted(t, httpapi.Options{DB: db, MaxRequests: 2, Cache: 1 << 20})
	c.status(t, 200, "GET", "/v1/parties/UA")
	release := locked(t, db, "rounds")
	first, second := c.background(t, "/v1/rounds?limit=1"), c.background(t, "/v1/rounds?limit=2")
	eventually(t, "two are at work", func() bool { return c.value(t, "parley_requests_in_flight") == 2 })
	for range 100 {
		c.status(t, 503, "GET", "/v1/parties/RU")
	}
	c.status(t, 200, "GET", "/v1/parties/UA")
	c.status(t, 200, "GET", "/readyz")
	if n := c.value(t, "parley_requests_refused_total", "reason", "overload"); n != 100 {
		t.Errorf("%v refusals are counted", n)
	}
	release()
	if a, b := <-first, <-second; a != 200 || b != 200 {
		t.Errorf("those at work ended with %d and %d", a, b)
	}
	c.status(t, 200, "GET", "/v1/parties/RU")
}

// TestSurplus: over a connection that there is no room for, what is kept is given, all else refused.
func TestSurplus(t *testing.T) {
	var full atomic.Bool
	c := newCounted(t, httpapi.Options{DB: pgtest.Shared(t), Cache: 1 << 20, Surplus: func(context.Context) bool { return full.Load() }})
	c.status(t, 200, "GET", "/v1/parties/UA")
	full.Store(true)
	for path, want := range map[string]int{"/v1/parties/UA": 200, "/v1/parties/RU": 503, "/readyz": 200} {
		response, body := c.do(t, "GET", path)
		if response.StatusCode != want || response.Close != (want == 503) || (response.Header.Get("Retry-After") != "") != (want == 503) {
			t.Errorf("%s: status %d; the connection ends: %v; Retry-After: %q; %.200s", path, response.StatusCode, response.Close, response.Header.Get("Retry-After"), body)
		}
	}
	if n := c.value(t, "parley_requests_refused_total", "reason", "overload"); n != 1 {
		t.Errorf("%v refusals are counted", n)
	}
}

// TestExportsAreBounded: exports wait for each other, of one client first, and are refused when that takes too long; pages are
// answered meanwhile, over connections that exports do not have.
func TestExportsAreBounded(t *testing.T) {
	db := pgtest.DB(t)
	exports, err := postgres.NewPool(t.Context(), postgres.PoolOptions{URL: db.Config().ConnString(), MaxConns: 3})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(exports.Close)
	proxies, err := httpapi.NewProxies("X-Forwarded-For", []string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	c := newCounted(t, httpapi.Options{DB: db, Exports: exports, MaxExports: 3, ExportPatience: 50 * time.Millisecond, Proxies: proxies})
	release := locked(t, db, "rounds")
	running := []<-chan int{c.background(t, "/v1/rounds.csv"), c.background(t, "/v1/rounds.ndjson")}
	eventually(t, "both run", func() bool { return exports.Stat().AcquiredConns() == 2 })
	c.status(t, 429, "GET", "/v1/coverage.csv")
	c.status(t, 429, "GET", "/v1/coverage.parquet")
	c.status(t, 200, "GET", "/v1/coverage.csv", "X-Forwarded-For", "192.0.2.1") // another client has its turn
	for range 3 {
		c.status(t, 200, "GET", "/v1/coverage")
	}
	if n := c.value(t, "parley_requests_refused_total", "reason", "exports"); n != 2 {
		t.Errorf("%v refusals are counted", n)
	}
	release()
	for _, one := range running {
		if status := <-one; status != 200 {
			t.Errorf("an export that waited ended with %d", status)
		}
	}
	c.status(t, 200, "GET", "/v1/coverage.csv")
	eventually(t, "all connections are given back", func() bool { return exports.Stat().AcquiredConns() == 0 })
}

// TestDeadlines: what takes too long is ended, by the database itself, and no connection is lost to it.
func TestDeadlines(t *testing.T) {
	db := pgtest.DB(t)
	pool := func(timeout time.Duration) *pgxpool.Pool {
		p, err := postgres.NewPool(t.Context(), postgres.PoolOptions{URL: db.Config().ConnString(), MaxConns: 1, StatementTimeout: timeout})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Close)
		return p
	}
	pages, exports := pool(100*time.Millisecond), pool(100*time.Millisecond)
	c := newCounted(t, httpapi.Options{DB: pages, Exports: exports, MaxExports: 1})
	c.status(t, 200, "GET", "/v1/rounds?limit=1")
	c.status(t, 200, "GET", "/v1/rounds.csv")
	release := locked(t, db, "rounds")
	for range 3 {
		c.status(t, 503, "GET", "/v1/rounds?limit=1")
		c.status(t, 503, "GET", "/v1/rounds.csv")
	}
	release()
	c.status(t, 200, "GET", "/v1/rounds?limit=1")
	c.status(t, 200, "GET", "/v1/rounds.csv")
	for name, p := range map[string]*pgxpool.Pool{"pages": pages, "exports": exports} {
		eventually(t, name+" have their connection back", func() bool { return p.Stat().AcquiredConns() == 0 })
	}
	slow := newCounted(t, httpapi.Options{DB: db, MaxExports: 1, ExportTimeout: 100 * time.Millisecond})
	locked(t, db, "parties")
	slow.status(t, 503, "GET", "/v1/parties.csv")
}

// TestSizes: addresses that are too long, and queries that compare with too much, are refused and told why.
func TestSizes(t *testing.T) {
	c := newCounted(t, httpapi.Options{MaxURL: 8192})
	long := strings.Repeat("x", 1000)
	c.status(t, 200, "GET", "/v1/rounds?limit=1&_="+long)
	c.status(t, 414, "GET", "/v1/rounds?limit=1&_="+strings.Repeat(long, 9))
	if _, body := c.do(t, "GET", "/v1/rounds?city="+strings.Repeat("a,", 249)+"a&country="+strings.Repeat("b,", 250)+"b"); !strings.Contains(string(body), "500 values") {
		t.Errorf("%s", body)
	}
	if _, body := c.do(t, "GET", "/v1/rounds?_="+strings.Repeat(long, 9)); !strings.Contains(string(body), "8192 bytes") {
		t.Errorf("%s", body)
	}
}

// TestStreamsInAll: all clients together have so many streams.
func TestStreamsInAll(t *testing.T) {
	c := newCounted(t, httpapi.Options{MaxStreamsInAll: 2})
	one, two := subscribe(t, c.URL+"/v1/rounds.sse"), subscribe(t, c.URL+"/v1/people.sse")
	one.must(t)
	two.must(t)
	c.status(t, 503, "GET", "/v1/rounds.sse")
	one.stop()
	eventually(t, "there is room", func() bool { return c.value(t, "parley_streams_open") == 1 })
	subscribe(t, c.URL+"/v1/rounds.sse").must(t)
	if n := c.value(t, "parley_requests_refused_total", "reason", "streams"); n != 1 {
		t.Errorf("%v refusals are counted", n)
	}
}
