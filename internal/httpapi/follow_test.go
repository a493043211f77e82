package httpapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/httpapi"
	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/query"
)

// TestStream: what changes within a list is told as it does, with what a change elsewhere means for it.
func TestStream(t *testing.T) {
	db := pgtest.DB(t)
	a := listening(t, db, httpapi.Options{})
	exchanges := subscribe(t, a.URL+"/v1/prisoner-exchanges?date=2025-07&fields=id,date", "Accept", "text/event-stream", "Accept-Encoding", "gzip")
	commitments := subscribe(t, a.URL+"/v1/commitments.sse?fields=id,progress&id=istanbul-2025-2-exchange-categories")
	changes := subscribe(t, a.URL+"/v1/changes.sse?fields=id,collection,record,op&op=update")
	for name, want := range map[string]string{
		"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no", "Content-Encoding": "", "Parley-Revision": "1", "Etag": "", "No-Gzip-Compression": "",
		"Access-Control-Allow-Origin": "*",
	} {
		if got := exchanges.response.Header.Get(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	for _, s := range []*stream{exchanges, commitments, changes} {
		wants(t, []event{s.must(t)}, event{"revision", "1", `{"revision":1}`})
		if s.retry != "3000" {
			t.Errorf("retry is %q", s.retry)
		}
	}
	day := "2026-11-23T01:00:00Z" // that of the revision before
	pgtest.Change(t, db, &day, "update prisoner_exchange_transfers set total = 251, pows = null, civilians = null where prisoner_exchange = 'exchange-2025-07-23' and from_party = 'RU'")
	pgtest.Change(t, db, &day, "update prisoner_exchanges set date = '2025-07-24' where id = 'exchange-2025-07-23'")
	pgtest.Change(t, db, &day, "update prisoner_exchanges set date = '2024-07-24' where id = 'exchange-2025-07-23'", "update sources set title = 'other' where id = 'tass-2025-07-25-erdogan'")
	pgtest.Change(t, db, &day, "update prisoner_exchanges set date = '2025-07-23' where id = 'exchange-2025-07-23'")
	pgtest.Change(t, db, &day, "delete from reports where prisoner_exchange = 'exchange-2025-07-23'", "delete from prisoner_exchanges where id = 'exchange-2025-07-23'")
	const id = "exchange-2025-07-23"
	wants(t, exchanges.until(t, "6-1"),
		event{"upsert", "3-1", `{"id":"` + id + `","date":"2025-07-24"}`},
		event{"leave", "4-1", `{"id":"` + id + `","url":"http://parley.test/v1/prisoner-exchanges/` + id + `","revision":4}`},
		event{"upsert", "5-1", `{"id":"` + id + `","date":"2025-07-23"}`},
		event{"delete", "6-1", `{"id":"` + id + `","url":"http://parley.test/v1/prisoner-exchanges/` + id + `","revision":6}`})
	const commitment = `{"id":"istanbul-2025-2-exchange-categories"`
	wants(t, commitments.until(t, "6-1"), event{"upsert", "2-1", commitment}, event{"upsert", "3-1", commitment}, event{"upsert", "4-1", commitment},
		event{"upsert", "5-1", commitment}, event{"upsert", "6-1", commitment})
	var told []string
	for _, e := range changes.until(t, "5-1") {
		told = append(told, e.id+" "+e.data[strings.Index(e.data, `"op"`):])
	}
	if diff := cmp.Diff([]string{
		`2-1 "op":"update","collection":"prisoner-exchanges","record":"exchange-2025-07-23"}`,
		`3-1 "op":"update","collection":"prisoner-exchanges","record":"exchange-2025-07-23"}`,
		`4-1 "op":"update","collection":"prisoner-exchanges","record":"exchange-2025-07-23"}`,
		`4-2 "op":"update","collection":"sources","record":"tass-2025-07-25-erdogan"}`,
		`5-1 "op":"update","collection":"prisoner-exchanges","record":"exchange-2025-07-23"}`,
	}, told); diff != "" {
		t.Error(diff)
	}
	for db.Stat().AcquiredConns() > 0 { // they wait without
		time.Sleep(time.Millisecond)
	}
}

// TestStreamGoesOn: wherever a stream is cut off, and whatever server it goes on at, nothing is missing and nothing comes twice.
func TestStreamGoesOn(t *testing.T) {
	db := pgtest.DB(t)
	a, b := listening(t, db, httpapi.Options{}), listening(t, db, httpapi.Options{Cache: 1 << 20})
	const path = "/v1/people.sse?party=RU&fields=id,name,party"
	whole := subscribe(t, a.URL+path)
	whole.must(t)
	kept := subscribe(t, a.URL+path+"&snapshot=true")
	first := kept.must(t)
	if !strings.HasPrefix(first.id, "1@") || first.name != "upsert" {
		t.Fatal(first)
	}
	last := int64(1)
	for i := range 5 {
		last = pgtest.Change(t, db, nil, fmt.Sprintf("update people set name = name || ' %d' where party = 'RU'", i))
		pgtest.Change(t, db, nil, "update sources set title = title || '.'") // nothing to them
	}
	all := whole.until(t, fmt.Sprintf("%d-%d", last, len(people(t, a, path))))
	for i := 0; i < len(all); i += 3 {
		other := []*httptest.Server{a, b}[i%2]
		var s *stream
		if i%2 == 0 {
			s = subscribe(t, other.URL+path, "Last-Event-ID", all[i].id)
		} else {
			s = subscribe(t, other.URL+path+"&last_event_id="+all[i].id)
		}
		if i+1 < len(all) {
			if diff := cmp.Diff(all[i+1:], s.until(t, all[len(all)-1].id), cmp.AllowUnexported(event{})); diff != "" {
				t.Fatalf("after %s, told (-) and told again (+):\n%s", all[i].id, diff)
			}
		}
		s.stop()
	}
	// A whole revision: from the list of that revision on.
	s := subscribe(t, b.URL+path+"&last_event_id=1")
	if diff := cmp.Diff(all, s.until(t, all[len(all)-1].id), cmp.AllowUnexported(event{})); diff != "" {
		t.Errorf("after the revision:\n%s", diff)
	}
	// Within what was there at first, at another server; and the header counts, not the address that is repeated.
	kept.stop()
	records := []event{first}
	for {
		s := subscribe(t, b.URL+path+"&snapshot=true&last_event_id=3", "Last-Event-ID", records[len(records)-1].id)
		e := s.must(t)
		s.stop()
		if e.name == "revision" {
			if e.id != "1" {
				t.Errorf("as of %s", e.id)
			}
			break
		}
		records = append(records, e)
	}
	fold := map[string]string{}
	apply(t, fold, append(records, all...)...)
	if diff := cmp.Diff(people(t, a, path), fold); diff != "" {
		t.Errorf("list (-) and stream (+):\n%s", diff)
	}
}

// TestStreamStarts: at the present, or with what there is; and the seam does not show.
func TestStreamStarts(t *testing.T) {
	db := pgtest.DB(t)
	a := listening(t, db, httpapi.Options{Cache: 1 << 20})
	const path = "/v1/sources.sse?kind=wire&fields=id,title"
	fold := map[string]string{}
	done := make(chan int64)
	go func() {
		for i := range 30 {
			pgtest.Change(t, db, nil, fmt.Sprintf("update sources set title = 'Title %d' where kind = 'wire' and id < 'n'", i))
		}
		done <- pgtest.Change(t, db, nil, "update sources set title = 'The last one' where id = (select min(id) from sources where kind = 'wire')")
	}()
	s := subscribe(t, a.URL+path+"&snapshot=true")
	n, last := len(people(t, a, path)), fmt.Sprintf("%d-1", <-done)
	for snapshot, id := true, ""; id != last; {
		e := s.must(t)
		id = e.id
		place, err := query.ParseEventID(e.id)
		if err != nil {
			t.Fatal(e, err)
		}
		switch {
		case e.name == "revision":
			if snapshot = false; len(fold) != n {
				t.Errorf("%d of %d records at first", len(fold), n)
			}
			continue
		case snapshot != (place.Record != ""):
			t.Errorf("%s comes too early or too late", e.id)
		}
		apply(t, fold, e)
	}
	if diff := cmp.Diff(people(t, a, path), fold); diff != "" {
		t.Errorf("list (-) and stream (+):\n%s", diff)
	}
}

// TestStreamFallsBehind: who is too far behind is told to fetch again, from where the stream goes on.
func TestStreamFallsBehind(t *testing.T) {
	db := pgtest.DB(t)
	a := listening(t, db, httpapi.Options{})
	many := func(n int) int64 {
		if _, err := db.Exec(t.Context(), "insert into changesets (author, message) select 'test', 'nothing' from generate_series(1, $1)", n); err != nil {
			t.Fatal(err)
		}
		return pgtest.Change(t, db, nil, "update parties set name = name || '.' where id = 'TR'")
	}
	const path = "/v1/parties.sse?fields=id,name&kind=state"
	now := many(998) // 999 changesets with this one
	wants(t, subscribe(t, a.URL+path+"&last_event_id=1").until(t, fmt.Sprintf("%d-1", now)), event{"upsert", fmt.Sprintf("%d-1", now), `{"id":"TR"`})
	now = many(5)
	for heard := ""; heard != fmt.Sprint(now); { // the database tells of it in a moment
		response, err := http.Head(a.URL + path) //nolint:noctx // a test
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		heard = response.Header.Get("Parley-Revision")
	}
	s := subscribe(t, a.URL+path, "Last-Event-ID", "1")
	reset := s.must(t)
	var told struct {
		Reason, URL string
		Revision    int64
	}
	if err := json.Unmarshal([]byte(reset.data), &told); err != nil {
		t.Fatal(err)
	}
	if reset.name != "reset" || reset.id != fmt.Sprint(told.Revision) || told.Revision != now || !strings.HasPrefix(told.Reason, "more than 1000 changesets") ||
		told.URL != fmt.Sprintf("http://parley.test/v1/parties?as_of=%d&fields=id%%2Cname&kind=state", told.Revision) {
		t.Error(reset)
	}
	next := pgtest.Change(t, db, nil, "update parties set name = name || '.' where id in ('TR', 'UA')")
	wants(t, s.until(t, fmt.Sprintf("%d-2", next)), event{"upsert", fmt.Sprintf("%d-1", next), `{"id":"TR"`}, event{"upsert", fmt.Sprintf("%d-2", next), `{"id":"UA"`})

	s = subscribe(t, a.URL+path+"&snapshot=true", "Last-Event-ID", "1")
	if e := s.must(t); e.name != "reset" {
		t.Error(e)
	}
	fold := map[string]string{}
	for e := s.must(t); e.name != "revision"; e = s.must(t) {
		apply(t, fold, e)
	}
	if diff := cmp.Diff(people(t, a, path), fold); diff != "" {
		t.Errorf("list (-) and stream (+):\n%s", diff)
	}
}

// TestStreamIsRefused: what a stream cannot be asked is a problem that says why.
func TestStreamIsRefused(t *testing.T) {
	s := open(t, httpapi.Options{DB: pgtest.Shared(t)})
	for target, want := range map[string]string{
		"/v1/rounds.sse?sort=date":                                  "sort: is not for a stream",
		"/v1/rounds.sse?limit=5":                                    "limit: is not for a stream",
		"/v1/rounds.sse?cursor=x":                                   "last_event_id continues one",
		"/v1/rounds.sse?as_of=1":                                    "last_event_id=REVISION tells",
		"/v1/rounds.sse?total_count=true":                           "total_count: is not for a stream",
		"/v1/rounds.sse?last_event_id=x":                            "last_event_id: is not the id of an event, such as 42-3",
		"/v1/rounds.sse?last_event_id=99":                           "last_event_id: is in the future: the data set is at revision 1",
		"/v1/rounds.sse?snapshot=yes":                               "snapshot: is neither true nor false",
		"/v1/rounds.sse?partty=RU":                                  "did you mean party?",
		"/v1/rounds.sse?reported_by=NATO":                           "is not a party",
		"/v1/rounds?snapshot=true":                                  "there is no such parameter here",
		"/v1/rounds/istanbul-2025-1/history.sse?last_event_id=2-1":  "is in the future",
		"/v1/rounds/istanbul-2025-1/history.sse?snapshot=x&limit=1": "limit: is not for a stream",
	} {
		if got := string(s.get(t, target, http.StatusBadRequest).body); !strings.Contains(got, want) {
			t.Errorf("%s: %s", target, got)
		}
	}
	header := http.Header{"Last-Event-Id": {"x"}, "Accept": {"text/event-stream"}}
	if got := string(s.do(t, http.MethodGet, "/v1/rounds?last_event_id=1", header, http.StatusBadRequest).body); !strings.Contains(got, "Last-Event-ID: is not the id") {
		t.Error(got)
	}
	for _, target := range []string{"/v1/rounds/istanbul-2025-1.sse", "/v1/prisoner-exchanges/totals.sse?by=month", "/v1/search.sse?q=Umerov"} {
		if got := string(s.get(t, target, http.StatusNotAcceptable).body); !strings.Contains(got, "there is json") || strings.Contains(got, "ndjson, sse") {
			t.Errorf("%s: %s", target, got)
		}
	}
	head, _ := newAPI(t).do(t, http.MethodHead, "/v1/rounds.sse?party=RU")
	if h := head.Header; head.StatusCode != http.StatusOK || h.Get("Content-Type") != "text/event-stream" || h.Get("Cache-Control") != "no-store" || h.Get("No-Gzip-Compression") != "" {
		t.Error(head.Status, h)
	}
}

// TestStreamsAreBounded: one client address may have so many, and gets the place of one that ends.
func TestStreamsAreBounded(t *testing.T) {
	a := listening(t, pgtest.DB(t), httpapi.Options{MaxStreams: 2})
	first, second := subscribe(t, a.URL+"/v1/rounds.sse"), subscribe(t, a.URL+"/v1/claims.sse")
	first.must(t)
	second.must(t)
	get := func() *http.Response {
		t.Helper()
		response, err := http.Get(a.URL + "/v1/rounds.sse") //nolint:noctx // a test
		if err != nil {
			t.Fatal(err)
		}
		return response
	}
	response := get()
	text, _ := io.ReadAll(response.Body)
	response.Body.Close()
	if response.StatusCode != http.StatusTooManyRequests || response.Header.Get("Retry-After") == "" || response.Header.Get("Content-Type") != "application/problem+json" {
		t.Error(response.Status, response.Header, string(text))
	}
	first.stop()
	for {
		response := get()
		response.Body.Close()
		if response.StatusCode == http.StatusOK {
			break
		}
	}
}

// TestStreamEnds: with the server, cleanly, whatever it is doing.
func TestStreamEnds(t *testing.T) {
	stop := make(chan struct{})
	db := pgtest.DB(t)
	a := listening(t, db, httpapi.Options{Stop: stop})
	s := subscribe(t, a.URL+"/v1/rounds.sse")
	s.must(t)
	close(stop)
	if e, err := s.next(); !errors.Is(err, io.EOF) {
		t.Error("the end, and no fault:", e, err)
	}
	if n, err := strconv.Atoi(s.retry); err != nil || n < 200 || n >= 3000 || s.comments != 1 {
		t.Errorf("it is told to come back after %s ms, by %d comments", s.retry, s.comments)
	}
	if e, err := subscribe(t, a.URL+"/v1/rounds.sse?snapshot=true").next(); !errors.Is(err, io.EOF) {
		t.Error("the end at once:", e, err)
	}
}

// TestStreamBeats: a stream says that it is there, and how far it is.
func TestStreamBeats(t *testing.T) {
	db := pgtest.DB(t)
	a := listening(t, db, httpapi.Options{Heartbeat: time.Millisecond})
	s := subscribe(t, a.URL+"/v1/rounds.sse?fields=id")
	s.must(t)
	revision := pgtest.Change(t, db, nil, "update processes set summary = 'other'") // rounds do not show it
	wants(t, []event{s.must(t)}, event{"revision", fmt.Sprint(revision), fmt.Sprintf(`{"revision":%d}`, revision)})
	revision = pgtest.Change(t, db, nil, "update processes set summary = 'another'")
	wants(t, []event{s.must(t)}, event{"revision", fmt.Sprint(revision), fmt.Sprintf(`{"revision":%d}`, revision)})
	if s.comments == 0 {
		t.Error("no comments")
	}
}

// TestStreamOutlivesListening: what was recorded while nobody could be heard is told.
func TestStreamOutlivesListening(t *testing.T) {
	db := pgtest.DB(t)
	config := db.Config()
	config.ConnConfig.RuntimeParams["application_name"] = "served"
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	a := listening(t, pool, httpapi.Options{})
	s := subscribe(t, a.URL+"/v1/parties.sse?fields=id,name")
	s.must(t)
	for i := range 5 {
		if _, err := db.Exec(t.Context(), "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'served'"); err != nil {
			t.Fatal(err)
		}
		revision := pgtest.Change(t, db, nil, fmt.Sprintf("update parties set name = 'Türkiye %d' where id = 'TR'", i))
		wants(t, s.until(t, fmt.Sprintf("%d-1", revision)), event{"upsert", fmt.Sprintf("%d-1", revision), fmt.Sprintf(`{"id":"TR","name":"Türkiye %d"`, i)})
	}
}

// stalled is a client that takes so many writes, and no more: its request ends then, as it does for net/http.
type stalled struct {
	*httptest.ResponseRecorder
	takes int
	end   context.CancelFunc
}

func (s *stalled) Write(b []byte) (int, error) {
	if s.takes--; s.takes < 0 {
		s.end()
		return 0, fmt.Errorf("write: %w", os.ErrDeadlineExceeded)
	}
	return s.ResponseRecorder.Write(b)
}

func (s *stalled) SetWriteDeadline(at time.Time) error {
	if at.IsZero() {
		return errors.New("no deadline")
	}
	return nil
}

// TestSlowReader: one that does not take what is written is cut off, and goes on where it was.
func TestSlowReader(t *testing.T) {
	db := pgtest.DB(t)
	a := listening(t, db, httpapi.Options{})
	whole := subscribe(t, a.URL+"/v1/sources.sse?snapshot=true&fields=id")
	var all []event
	for e := whole.must(t); e.name != "revision"; e = whole.must(t) {
		all = append(all, e)
	}
	log := &logged{}
	handler := httpapi.New(httpapi.Options{DB: db, Log: slog.New(slog.NewTextHandler(log, nil))})
	ctx, end := context.WithCancel(t.Context())
	defer end()
	w := &stalled{httptest.NewRecorder(), 2, end} // the beginning, and the first piece
	handler.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/v1/sources.sse?snapshot=true", nil))
	if text := log.text(); !strings.Contains(text, `reason="the client has read nothing for 1m0s"`) {
		t.Errorf("logged: %s", text)
	}
	s := &stream{lines: bufio.NewReader(w.Body)}
	n := 0
	for _, err := s.next(); err == nil; _, err = s.next() {
		n++
	}
	if n == 0 || n == len(all) {
		t.Fatalf("%d of %d records came", n, len(all))
	}
	if diff := cmp.Diff(all[n:], subscribe(t, a.URL+"/v1/sources.sse?snapshot=true&fields=id", "Last-Event-ID", s.lastID).until(t, all[len(all)-1].id), cmp.AllowUnexported(event{})); diff != "" {
		t.Error(diff)
	}
}

// TestStreamsAndTheCache: a stream is not kept, and nobody waits for its end: neither one who asks the same, nor others.
func TestStreamsAndTheCache(t *testing.T) {
	db := pgtest.DB(t)
	a := listening(t, db, httpapi.Options{Cache: 1 << 20})
	var all []*stream
	for range 3 {
		s := subscribe(t, a.URL+"/v1/rounds.sse?fields=id,title", "Accept", "text/event-stream")
		s.must(t)
		all = append(all, s)
		if n := len(people(t, a, "/v1/rounds.sse?fields=id,title")); n == 0 {
			t.Error("no list")
		}
	}
	revision := pgtest.Change(t, db, nil, "update rounds set title = 'other' where id = 'istanbul-2025-1'")
	for _, s := range all {
		wants(t, s.until(t, fmt.Sprintf("%d-1", revision)), event{"upsert", fmt.Sprintf("%d-1", revision), `{"id":"istanbul-2025-1","title":"other"}`})
	}
}

// TestStreamsOfHistories: each tells of its own record alone, whoever followed what first, and goes on where it was cut off.
func TestStreamsOfHistories(t *testing.T) {
	db := pgtest.DB(t)
	a := listening(t, db, httpapi.Options{})
	const query = "?fields=collection,record"
	party, round, source, all := "/v1/parties/TR/history.sse", "/v1/rounds/istanbul-2025-1/history.sse", "/v1/sources/tass-2025-07-25-erdogan/history.sse", "/v1/changes.sse"
	told := func(revision int64, n int, collection, record string) event {
		return event{"upsert", fmt.Sprintf("%d-%d", revision, n), fmt.Sprintf(`{"collection":"%s","record":"%s"}`, collection, record)}
	}
	for i, order := range [][]string{{party, round, source, all}, {all, source, round, party}} {
		var open []*stream
		var since string
		for _, path := range order {
			s := subscribe(t, a.URL+path+query)
			since = s.must(t).id
			open = append(open, s)
		}
		first := pgtest.Change(t, db, nil, fmt.Sprintf("update parties set name = 'Türkiye %d' where id = 'TR'", i))
		second := pgtest.Change(t, db, nil, fmt.Sprintf("update rounds set title = 'Round %d' where id = 'istanbul-2025-1'", i), fmt.Sprintf("update sources set title = 'Title %d' where id = 'tass-2025-07-25-erdogan'", i))
		want := map[string][]event{
			party:  {told(first, 1, "parties", "TR")},
			round:  {told(second, 1, "rounds", "istanbul-2025-1")},
			source: {told(second, 1, "sources", "tass-2025-07-25-erdogan")},
			all:    {told(first, 1, "parties", "TR"), told(second, 1, "rounds", "istanbul-2025-1"), told(second, 2, "sources", "tass-2025-07-25-erdogan")},
		}
		for j, path := range order {
			last := want[path][len(want[path])-1].id
			wants(t, open[j].until(t, last), want[path]...)
			open[j].stop()
			again := subscribe(t, a.URL+path+query, "Last-Event-ID", since)
			wants(t, again.until(t, last), want[path]...)
			again.stop()
		}
	}
}
