package httpapi_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/httpapi"
	"github.com/parley-api/parley/internal/pgtest"
)

// severed is a pool of connections to the same database that can be taken away.
func severed(t *testing.T, db *pgxpool.Pool) (pool *pgxpool.Pool, sever func(), mend func()) {
	t.Helper()
	var away atomic.Bool
	config := db.Config()
	dial := config.ConnConfig.DialFunc
	config.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		if away.Load() {
			return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
		}
		return dial(ctx, network, address)
	}
	config.ConnConfig.RuntimeParams["application_name"] = "served"
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool, func() {
		away.Store(true)
		if _, err := db.Exec(t.Context(), "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'served'"); err != nil {
			t.Fatal(err)
		}
	}, func() { away.Store(false) }
}

// comment waits for one.
func (s *stream) comment(t *testing.T) {
	t.Helper()
	for line := ""; line != ":\n"; {
		var err error
		if line, err = s.lines.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
}

// TestStreamWaitsForTheDatabase: who connects anew while it is away, as browsers do by themselves and only until they are refused,
// is told later of what has changed; and of a question that is none, then as ever.
func TestStreamWaitsForTheDatabase(t *testing.T) {
	db := pgtest.DB(t)
	pool, sever, mend := severed(t, db)
	a := listening(t, pool, httpapi.Options{Heartbeat: 20 * time.Millisecond})
	const path, exchange = "/v1/prisoner-exchanges.sse?reported_by=UA&fields=id,note", "exchange-2025-05-23"
	kept := subscribe(t, a.URL+path)
	first := kept.must(t)
	sever()
	resumed := subscribe(t, a.URL+path, "Last-Event-ID", first.id)
	history := subscribe(t, a.URL+"/v1/prisoner-exchanges/"+exchange+"/history.sse?fields=record", "Last-Event-ID", first.id)
	nobody := subscribe(t, a.URL+"/v1/prisoner-exchanges.sse?reported_by=NATO")
	nothing := subscribe(t, a.URL+"/v1/prisoner-exchanges/nothing/history.sse")
	for _, s := range []*stream{resumed, history, nobody, nothing} {
		s.comment(t)
		s.comment(t)
		if s.response.Header.Get("Parley-Revision") != "" {
			t.Error(s.response.Header)
		}
	}
	status := func(method, target string) int {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, a.URL+target, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		return response.StatusCode
	}
	if got := status(http.MethodHead, path); got != http.StatusServiceUnavailable {
		t.Errorf("HEAD: %d", got)
	}
	if got := status(http.MethodGet, path+"&sort=id"); got != http.StatusBadRequest {
		t.Errorf("a question that is no stream's: %d", got)
	}
	revision := pgtest.Change(t, db, nil, "update prisoner_exchanges set note = 'While it was away.' where id = '"+exchange+"'")
	mend()
	id := fmt.Sprintf("%d-1", revision)
	for _, s := range []*stream{resumed, kept} {
		wants(t, s.until(t, id), event{"upsert", id, `{"id":"` + exchange + `","note":"While it was away."}`})
	}
	wants(t, history.until(t, id), event{"upsert", id, `{"record":"` + exchange + `"}`})
	for target, s := range map[string]*stream{"/v1/prisoner-exchanges.sse?reported_by=NATO": nobody, "/v1/prisoner-exchanges/nothing/history.sse": nothing} {
		if e, err := s.next(); !errors.Is(err, io.EOF) {
			t.Errorf("%s: %v, %v", target, e, err)
		}
		if got := status(http.MethodGet, target); got != http.StatusBadRequest && got != http.StatusNotFound {
			t.Errorf("%s: %d", target, got)
		}
	}
}

// TestStreamAheadOfTheDatabase: a client that knows a later revision, as one does from a server that has gone or from a copy that is
// further, goes on from there as soon as it comes; and is told to fetch again if it does not.
func TestStreamAheadOfTheDatabase(t *testing.T) {
	db := pgtest.DB(t)
	a, hasty := listening(t, db, httpapi.Options{}), listening(t, db, httpapi.Options{Heartbeat: time.Millisecond})
	const path = "/v1/parties.sse?fields=id,name"
	ahead := subscribe(t, a.URL+path, "Last-Event-ID", "3-1")
	lost := subscribe(t, hasty.URL+path, "Last-Event-ID", "99-7")
	if e := lost.must(t); e.name != "reset" || e.id != "1" || !strings.Contains(e.data, `"reason":"there is no revision 99: the data set is at revision 1","url":"http://parley.test/v1/parties?as_of=1\u0026fields=`) {
		t.Error(e)
	}
	snapshot := subscribe(t, hasty.URL+path+"&snapshot=true", "Last-Event-ID", "99@TR")
	if e := snapshot.must(t); e.name != "reset" || e.id != "1" {
		t.Error(e)
	}
	if e := snapshot.must(t); e.name != "upsert" || !strings.HasPrefix(e.id, "1@") {
		t.Error(e)
	}
	for i := range 4 {
		pgtest.Change(t, db, nil, fmt.Sprintf("update parties set name = name || ' %d' where id in ('TR', 'UA')", i))
	}
	wants(t, ahead.until(t, "4-1"), event{"upsert", "3-2", `{"id":"UA"`}, event{"upsert", "4-1", `{"id":"TR"`})
	if e := lost.must(t); e.id != "2-1" {
		t.Error(e)
	}
}
