package httpapi_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/httpapi"
	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/store"
)

// way is how a server gets to the database, which may be cut off.
type way struct {
	away  atomic.Bool
	mu    sync.Mutex
	lines []net.Conn
}

// open makes connections like those of a pool.
func (y *way) open(t *testing.T, like *pgxpool.Pool) *pgxpool.Pool {
	t.Helper()
	config := like.Config()
	dial := config.ConnConfig.DialFunc
	config.ConnConfig.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if y.away.Load() {
			return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("the primary is away")}
		}
		conn, err := dial(ctx, network, addr)
		y.mu.Lock()
		defer y.mu.Unlock()
		y.lines = append(y.lines, conn)
		return conn, err
	}
	db, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// leave cuts the server off.
func (y *way) leave() {
	y.away.Store(true)
	y.mu.Lock()
	defer y.mu.Unlock()
	for _, conn := range y.lines {
		if conn != nil {
			_ = conn.Close()
		}
	}
	y.lines = nil
}

// TestStaleIfError: while the database is away what is kept is given, and says how old it is; what is not kept is a 503, and so is
// what would be older than it may be, or than what the client has seen.
func TestStaleIfError(t *testing.T) {
	db := pgtest.DB(t)
	for _, listen := range []bool{false, true} {
		var y way
		own := y.open(t, db)
		defer own.Close()
		watch := store.NewWatch(own)
		if listen {
			ctx, stop := context.WithCancel(context.Background())
			done := make(chan struct{})
			go func() { defer close(done); watch.Listen(ctx, slog.New(slog.DiscardHandler)) }()
			defer func() { stop(); <-done }()
			becomes(t, "it listens", func() bool { listening, _ := watch.Heard(); return listening })
		}
		var ahead atomic.Int64 // of the clock
		server := httptest.NewServer(httpapi.New(httpapi.Options{
			DB: own, Watch: watch, Cache: 16 << 20, Stale: time.Hour, PublicURL: "http://parley.test", Author: "test",
			Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) },
		}))
		defer server.Close()
		kept := []string{"/v1/rounds?limit=3", "/v1/rounds/istanbul-2025-3", "/v1/prisoner-exchanges.csv", "/v1/prisoner-exchanges/totals?by=year", "/explore/rounds", "/rounds/istanbul-2025-3"}
		before := map[string]*fetched{}
		for _, target := range kept {
			before[target] = fetch(t, http.MethodGet, server.URL+target, nil)
			if a := before[target]; a.StatusCode != http.StatusOK || a.Header.Get("Age") != "" || a.Header.Get("Cache-Status") != "" {
				t.Fatalf("%s: %s %v", target, a.Status, a.Header)
			}
		}
		current := before["/v1/rounds?limit=3"].Header.Get("Parley-Revision")
		// What is out of date already when the database goes is given all the same: there is nothing better.
		revision := pgtest.Change(t, db, nil, fmt.Sprintf("update rounds set duration_minutes = %d where id = 'istanbul-2025-3'", time.Now().UnixNano()%1000+100))
		if listen {
			becomes(t, "it hears", func() bool { return watch.Known() >= revision })
		}
		y.leave()
		ahead.Store(int64(30 * time.Second))

		for _, target := range kept {
			a := fetch(t, http.MethodGet, server.URL+target, nil)
			if a.StatusCode != http.StatusOK || !bytes.Equal(a.body, before[target].body) || a.Header.Get("Etag") != before[target].Header.Get("Etag") {
				t.Errorf("listening %t, %s: %s %.200s", listen, target, a.Status, a.body)
			}
			a.isStale(t, 30, 60)
			if got, want := a.Header.Get("Cache-Control"), "public, max-age=5, stale-while-revalidate=60, stale-if-error=3600"; got != want {
				t.Errorf("%s: Cache-Control: %s", target, got)
			}
			a = fetch(t, http.MethodGet, server.URL+target, map[string]string{"If-None-Match": a.Header.Get("Etag")})
			if a.StatusCode != http.StatusNotModified || len(a.body) > 0 {
				t.Errorf("listening %t, %s: %s %.200s", listen, target, a.Status, a.body)
			}
			a.isStale(t, 30, 60)
			if a = fetch(t, http.MethodHead, server.URL+target, nil); a.StatusCode != http.StatusOK {
				t.Errorf("listening %t, HEAD %s: %s", listen, target, a.Status)
			}
			a.isStale(t, 30, 60)
		}
		none := func(target string) {
			t.Helper()
			a := fetch(t, http.MethodGet, server.URL+target, nil)
			if a.StatusCode != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" || a.Header.Get("Content-Type") != "application/problem+json" ||
				a.Header.Get("Age")+a.Header.Get("Cache-Status") != "" || a.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("listening %t, %s: %s %v %.200s", listen, target, a.Status, a.Header, a.body)
			}
		}
		none("/v1/rounds?limit=4")
		none("/v1/rounds?limit=3&min_revision=" + strconv.FormatInt(revision, 10))
		ahead.Store(int64(2 * time.Hour))
		none(kept[0])
		ahead.Store(0)
		y.away.Store(false)
		becomes(t, "it is current again", func() bool {
			a := fetch(t, http.MethodGet, server.URL+kept[0], nil)
			return a.StatusCode == http.StatusOK && a.Header.Get("Age") == "" && a.Header.Get("Cache-Status") == "" && a.Header.Get("Parley-Revision") != current
		})
	}
}

var stale = regexp.MustCompile(`^parley; hit; ttl=-([1-9][0-9]*); detail=stale-if-error$`)

// isStale checks that an answer says that it is stale, and how old.
func (a *fetched) isStale(t *testing.T, least, most int) {
	t.Helper()
	age, err := strconv.Atoi(a.Header.Get("Age"))
	found := stale.FindStringSubmatch(strings.Join(a.Header["Cache-Status"], ", "))
	if err != nil || age < least || age > most || found == nil || found[1] != strconv.Itoa(age) || a.Header["Warning"] != nil {
		t.Errorf("%s: Age %s, Cache-Status %v, Warning %v", a.Request.URL, a.Header.Get("Age"), a.Header["Cache-Status"], a.Header["Warning"])
	}
}
