package httpapi_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/parley-api/parley/internal/httpapi"
	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/store"
)

// caching is a server that keeps answers, over a database; its watch listens if it is told to.
func caching(t *testing.T, db *pgxpool.Pool, listen bool) (*httptest.Server, *store.Watch) {
	t.Helper()
	watch := store.NewWatch(db)
	if listen {
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { defer close(done); watch.Listen(ctx, slog.New(slog.DiscardHandler)) }()
		t.Cleanup(func() { stop(); <-done })
	}
	server := httptest.NewServer(httpapi.New(httpapi.Options{DB: db, Watch: watch, Cache: 16 << 20, PublicURL: "http://parley.test", Author: "test", NewID: func() string { return "id" }}))
	t.Cleanup(server.Close)
	return server, watch
}

var uncompressed = &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 16}

// fetched is an answer that was read.
type fetched struct {
	*http.Response
	body []byte
}

// fetch sends a request without the transport's own compression.
func fetch(t *testing.T, method, url string, header map[string]string) *fetched {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	response, err := uncompressed.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return &fetched{response, body}
}

// raw is what comes of a request, but the headers that are of the moment.
func raw(t *testing.T, method, url string, header map[string]string) string {
	t.Helper()
	response := fetch(t, method, url, header)
	for _, name := range []string{"Date", "X-Request-Id", "Content-Length"} {
		response.Header.Del(name)
	}
	if method == http.MethodHead {
		response.Header.Del("Content-Encoding") // only what is kept already knows it without making the body
	}
	if response.StatusCode == http.StatusNotModified {
		response.Header.Del("Link") // nor does who has not read the page know where the next one is, or what was meant
		response.Header.Del("Parley-Did-You-Mean")
	}
	vary := strings.Join(response.Header["Vary"], ", ")
	response.Header.Del("Vary")
	return fmt.Sprintf("%s\n%v\n%s\n%s", response.Status, response.Header, vary, response.body)
}

// TestWarmIsCold: what is kept is given again as it was made, byte by byte, for every form, compression and method.
func TestWarmIsCold(t *testing.T) {
	db := pgtest.Shared(t)
	cold := httptest.NewServer(httpapi.New(httpapi.Options{DB: db, PublicURL: "http://parley.test", NewID: func() string { return "id" }}))
	defer cold.Close()
	for _, listen := range []bool{false, true} {
		warm, _ := caching(t, db, listen)
		for _, target := range []string{
			"/v1/rounds/istanbul-2025-3", "/v1/rounds?limit=3", "/v1/rounds?limit=3&fields=id,title", "/v1/prisoner-exchanges.csv", "/v1/reports.ndjson",
			"/v1/prisoner-exchanges/totals?by=month", "/v1/commitments?reported_by=UA", "/v1/search?q=Umerof", "/v1/events?as_of=1", "/v1/events?as_of=2026-11-23", "/v1/rounds/nothing",
			"/v1/rounds?x=1", "/v1/changesets/1", "/v1/parties/UA/history", "/v1/rounds.xml", "/v1/rounds.parquet?limit=5", "/v1/events.geojson?bbox=22,44.3,40.3,52.4",
		} {
			etag := ""
			if response, err := http.Get(cold.URL + target); err == nil { //nolint:noctx // a test
				etag = response.Header.Get("Etag")
				response.Body.Close()
			}
			headers := []map[string]string{
				nil,
				{"Accept-Encoding": "gzip"},
				{"Accept-Encoding": "zstd, gzip"},
				{"Accept-Encoding": "gzip;q=0"},
				{"Accept": "text/csv"},
				{"Accept": "application/json;q=0.5, application/x-ndjson"},
				{"If-None-Match": etag},
				{"If-None-Match": `"something", ` + etag, "Accept-Encoding": "gzip"},
				{"If-None-Match": `W/"1-0123456789abcdef"`},
			}
			if listen { // who has it already asks first
				slices.Reverse(headers)
			}
			for _, header := range headers {
				for _, method := range []string{http.MethodGet, http.MethodGet, http.MethodHead, http.MethodGet} {
					want, got := raw(t, method, cold.URL+target, header), raw(t, method, warm.URL+target, header)
					if want != got {
						t.Fatalf("%s %s %v, listening %t: cold\n%.1500s\nand warm\n%.1500s", method, target, header, listen, want, got)
					}
				}
			}
		}
	}
}

// TestWarmIsFresh: after a changeset the very next answer is of it, on the server that wrote it at once, on others when the
// database has told, and while it cannot tell, at once as well.
func TestWarmIsFresh(t *testing.T) {
	db := pgtest.DB(t)
	writer, mine := caching(t, db, true)
	reader, theirs := caching(t, db, true)
	const target = "/v1/rounds/istanbul-2025-3?fields=duration_minutes,revision"
	duration := func(s *httptest.Server) string {
		t.Helper()
		_, body, _ := strings.Cut(raw(t, http.MethodGet, s.URL+target, nil), "{")
		return body
	}
	listening := func(w *store.Watch, revision int64) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
			if n, err := w.Revision(t.Context()); err == nil && n >= revision {
				return
			}
			if time.Now().After(end) {
				t.Fatal("the watch does not hear of changesets")
			}
		}
	}
	listening(mine, 1)
	listening(theirs, 1)
	for n := range 20 {
		minutes := 40 + n
		if n%5 == 4 { // the connections that listen are cut
			if _, err := db.Exec(t.Context(), "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and (query like '%listen %' or query like '%max(id), 0%')"); err != nil {
				t.Fatal(err)
			}
		}
		duration(writer)
		duration(reader)
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, writer.URL+"/v1/rounds/istanbul-2025-3", strings.NewReader(fmt.Sprintf(`{"duration_minutes":%d}`, minutes)))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("If-Match", "*")
		response, err := http.DefaultClient.Do(request)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatal(response.Status, err)
		}
		response.Body.Close()
		want := fmt.Sprintf(`"duration_minutes":%d,"revision":%d}`, minutes, n+2)
		if got := duration(writer); !strings.Contains(got, want) {
			t.Fatalf("the server that wrote %s answers %s", want, got)
		}
		listening(theirs, int64(n+2))
		if got := duration(reader); !strings.Contains(got, want) {
			t.Fatalf("another server than the one that wrote %s answers %s", want, got)
		}
	}
}

// TestEveryAnswerIsOfItsRevision: while writers commit, every answer is what its revision was, and no reader goes back.
func TestEveryAnswerIsOfItsRevision(t *testing.T) {
	db := pgtest.DB(t)
	server, _ := caching(t, db, true)
	targets := []string{"/v1/rounds?fields=id,duration_minutes,note&limit=5", "/v1/prisoner-exchanges?limit=3&fields=id,transfers,note", "/v1/prisoner-exchanges/totals?by=year", "/v1/commitments?fields=id,status,progress&limit=4"}
	type said struct{ permalink, body string }
	heard := make(chan said, 100_000)
	ctx, stop := context.WithCancel(t.Context())
	var readers, writers errgroup.Group
	for i := range 6 {
		readers.Go(func() error {
			last := int64(0)
			for n := 0; ctx.Err() == nil; n++ {
				target := targets[(i+n)%len(targets)]
				_, body, _ := strings.Cut(raw(t, http.MethodGet, server.URL+target, nil), "{\"data\"")
				meta := decode[struct {
					Meta struct {
						Revision  int64
						Permalink string
					}
				}](t, []byte(`{"data"`+body)).Meta
				if meta.Revision < last {
					return fmt.Errorf("%s went back from revision %d to %d", target, last, meta.Revision)
				}
				last = meta.Revision
				records, _, _ := strings.Cut(body, `],"next":`) // that of the permalink leads to other pages of the permalink
				heard <- said{strings.TrimPrefix(meta.Permalink, "http://parley.test"), records}
			}
			return nil
		})
	}
	for i := range 2 {
		writers.Go(func() error {
			for n := range 15 {
				body := fmt.Sprintf(`{"message":"test","operations":[{"op":"patch","type":"rounds","id":"istanbul-2025-3","body":{"note":"%d of %d"},"if_match":"*"},
					{"op":"patch","type":"prisoner-exchanges","id":"exchange-2026-03-06","body":{"note":"Commitment: %d of %d"},"if_match":"*"}]}`, n, i, n, i)
				response, err := http.Post(server.URL+"/v1/changesets", "application/json", strings.NewReader(body)) //nolint:noctx // a test
				if err != nil {
					return err
				}
				text, _ := io.ReadAll(response.Body)
				response.Body.Close()
				if response.StatusCode != http.StatusCreated {
					return fmt.Errorf("%s %s", response.Status, text)
				}
			}
			return nil
		})
	}
	if err := writers.Wait(); err != nil {
		t.Error(err)
	}
	stop()
	if err := readers.Wait(); err != nil {
		t.Error(err)
	}
	close(heard)
	checked := map[said]bool{}
	for s := range heard {
		if checked[s] {
			continue
		}
		checked[s] = true
		if _, body, _ := strings.Cut(raw(t, http.MethodGet, server.URL+s.permalink, nil), "{\"data\""); !strings.HasPrefix(body, s.body+`],"next":`) {
			t.Fatalf("%s answers\n%.800s\nand not\n%.800s", s.permalink, body, s.body)
		}
	}
	if len(checked) < 20 {
		t.Errorf("%d different answers: too few to tell", len(checked))
	}
}

// counter counts how often a database is asked for exchanges.
type counter struct{ asked atomic.Int64 }

func (c *counter) TraceBatchQuery(_ context.Context, _ *pgx.Conn, q pgx.TraceBatchQueryData) {
	if strings.Contains(q.SQL, "prisoner_exchange_transfers") {
		c.asked.Add(1)
	}
}

func (c *counter) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return ctx
}
func (c *counter) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

func (c *counter) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}
func (c *counter) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// TestOneMakesIt: of many who ask the same at once, one makes the answer; and other spellings of it are made, but share it.
func TestOneMakesIt(t *testing.T) {
	config := pgtest.Shared(t).Config()
	asked := &counter{}
	config.ConnConfig.Tracer = asked
	db, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	server, _ := caching(t, db, false)
	var group errgroup.Group
	for range 40 {
		group.Go(func() error {
			if got := raw(t, http.MethodGet, server.URL+"/v1/prisoner-exchanges?limit=81", nil); !strings.HasPrefix(got, "200") {
				return fmt.Errorf("got %.200s", got)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	if n := asked.asked.Load(); n != 1 {
		t.Errorf("the database was asked %d times", n)
	}
}

// TestUnchangedIsKept: where all who ask have the answer already, as after a start, that is found out once and not each time.
func TestUnchangedIsKept(t *testing.T) {
	db := pgtest.DB(t)
	server, _ := caching(t, db, false)
	var log bytes.Buffer
	const target = "/v1/rounds?limit=2"
	_, etag, _ := strings.Cut(raw(t, http.MethodGet, server.URL+target, nil), "Etag:[")
	etag, _, _ = strings.Cut(etag, "]")
	again := httptest.NewServer(httpapi.New(httpapi.Options{
		DB: db, Watch: store.NewWatch(db), Cache: 1 << 20, PublicURL: "http://parley.test", NewID: func() string { return "id" }, Log: slog.New(slog.NewTextHandler(&log, nil)),
	}))
	defer again.Close()
	unchanged := map[string]string{"If-None-Match": etag}
	first := raw(t, http.MethodGet, again.URL+target, unchanged)
	for range 3 {
		if got := raw(t, http.MethodGet, again.URL+target, unchanged); got != first || !strings.HasPrefix(got, "304") {
			t.Errorf("got\n%s\nand at first\n%s", got, first)
		}
	}
	if n := strings.Count(log.String(), "msg=request"); n != 1 { // who is given what is kept is told of only at the level of debug
		t.Errorf("of 4 requests %d were carried out", n)
	}
	for _, header := range []map[string]string{nil, {"If-None-Match": `W/"1-0123456789abcdef"`}, nil} {
		if want, got := raw(t, http.MethodGet, server.URL+target, nil), raw(t, http.MethodGet, again.URL+target, header); got != want {
			t.Errorf("who does not have it is answered\n%.500s\nand not\n%.500s", got, want)
		}
	}
	if got := raw(t, http.MethodGet, again.URL+target, unchanged); got != first {
		t.Errorf("who has it is then answered\n%s", got)
	}
}

// TestSurvival: an answer outlives the changesets that change nothing of what it was read from, and no others: it never says
// anything but what an answer would that is made now.
func TestSurvival(t *testing.T) {
	db := pgtest.DB(t)
	cold := httptest.NewServer(httpapi.New(httpapi.Options{DB: db, PublicURL: "http://parley.test"}))
	defer cold.Close()
	warm, watch := caching(t, db, true)
	var targets []string
	for _, table := range store.Tables {
		targets = append(targets, "/v1/"+table.Name+"?limit=1000", "/v1/"+table.Name+".ndjson", "/v1/"+table.Name+".csv")
	}
	targets = append(targets, "/v1/search?q=Umerof", "/v1/prisoner-exchanges?reported_by=UA", "/v1/rounds/istanbul-2025-3", "/v1/prisoner-exchanges/totals?by=month",
		"/v1/body-repatriations/totals?by=commitment", "/v1/commitments/istanbul-2025-2-bodies-6000", "/v1/delegations/istanbul-2025-3-ru", "/v1/parties/UA/history")
	said := func(s *httptest.Server, target string) (body string, revision int64) {
		t.Helper()
		response, err := http.Get(s.URL + target) //nolint:noctx // a test
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatal(target, response.Status, err)
		}
		body, _, _ = strings.Cut(string(text), `"meta":{"revision":`)
		if next := strings.Index(body, `],"next":`); next > 0 {
			body = body[:next]
		}
		revision, err = strconv.ParseInt(response.Header.Get("Parley-Revision"), 10, 64)
		if err != nil {
			t.Fatal(target, err)
		}
		return body, revision
	}
	changes := []string{
		"update parties set name = name || ' x' where id = 'UA'",
		"update people set name = name || ' x' where id = 'vladimir-medinsky'",
		"update sources set publisher = publisher || ' x'",
		"update processes set name = name || ' x'",
		"update rounds set summary = summary || ' x', starts_on = starts_on - 1 where id = 'istanbul-2025-3'",
		"update delegation_members set role = 'other'",
		"update proposals set summary = summary || ' x'",
		"update commitments set summary = summary || ' x'",
		"update claims set summary = summary || ' x'",
		"update prisoner_exchanges set note = 'x', commitment = null",
		"update body_repatriations set note = 'x', date = date - 40",
		"update published_totals set note = 'x'",
		"update coverage set missing = 'x'",
		"update reports set note = 'x'",
		"delete from body_repatriation_transfers where from_party = 'UA'",
	}
	survived, last := 0, int64(1)
	for _, change := range changes {
		for _, target := range targets {
			said(warm, target)
		}
		last = pgtest.Change(t, db, nil, change)
		knows := func() bool {
			revision, err := watch.Revision(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			known, err := watch.Holds(t.Context(), last-1, []string{})
			return revision == last && known && err == nil
		}
		for end := time.Now().Add(10 * time.Second); !knows(); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("the watch does not hear of changesets")
			}
		}
		for _, target := range targets {
			want, _ := said(cold, target)
			got, revision := said(warm, target)
			if got != want {
				t.Errorf("%s: %s is, at revision %d,\n%.1000s\nand not\n%.1000s", change, target, revision, got, want)
			}
			if revision < last {
				survived++
			}
		}
	}
	t.Logf("%d of %d answers have survived", survived, len(changes)*len(targets))
	if survived < len(changes)*len(targets)/4 {
		t.Errorf("of %d answers %d have survived a changeset", len(changes)*len(targets), survived)
	}
}
