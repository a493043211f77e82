package httpapi_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/parley-api/parley/internal/httpapi"
	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/postgres"
	"github.com/parley-api/parley/internal/store"
)

// spread is a server that spreads its reads over standbys.
type spread struct {
	*httptest.Server
	way
	watch    *store.Watch
	replicas *store.Replicas
	log      *logged
}

// newSpread starts such a server; it keeps so many bytes of answers.
func newSpread(t *testing.T, primary *pgxpool.Pool, urls string, cache int64, adjust ...func(*pgxpool.Config)) *spread {
	t.Helper()
	s := &spread{log: &logged{}}
	db := s.open(t, primary)
	configs, err := postgres.StandbyConfigs(urls, postgres.PoolOptions{MaxConns: 8})
	if err != nil {
		t.Fatal(err)
	}
	for i := range adjust {
		adjust[i](configs[i])
	}
	log := slog.New(slog.NewTextHandler(s.log, nil))
	s.watch = store.NewWatch(db)
	s.watch.MaxLag = time.Minute
	s.replicas = store.NewReplicas(configs, db, s.watch, log)
	ctx, stop := context.WithCancel(context.Background())
	var group errgroup.Group
	group.Go(func() error { s.watch.Listen(ctx, log); return nil })
	group.Go(func() error { s.replicas.Run(ctx); return nil })
	s.Server = httptest.NewServer(httpapi.New(httpapi.Options{DB: db, Watch: s.watch, Replicas: s.replicas, Cache: cache, PublicURL: "http://parley.test", Author: "test", NewID: func() string { return "id" }}))
	t.Cleanup(func() {
		s.Close()
		stop()
		_ = group.Wait()
		s.replicas.Close()
		db.Close()
		if t.Failed() {
			t.Log(s.log.text())
		}
	})
	return s
}

// until waits until something is so.
func becomes(t *testing.T, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !so(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("never: " + what)
		}
	}
}

// used waits until so many standbys have all that there is.
func (s *spread) used(t *testing.T, n int) {
	t.Helper()
	becomes(t, fmt.Sprintf("%d standbys have everything", n), func() bool {
		now, err := s.watch.Revision(t.Context())
		have := 0
		for _, one := range s.replicas.Standbys() {
			if one.Usable && one.Revision >= now {
				have++
			}
		}
		return err == nil && have == n
	})
}

// chosen is how often standbys were to answer.
func (s *spread) chosen() (all int64) {
	for _, one := range s.replicas.Standbys() {
		all += one.Chosen
	}
	return all
}

// get reads, and fails if that is no answer.
func (s *spread) get(t *testing.T, target string) string {
	t.Helper()
	answer := raw(t, http.MethodGet, s.URL+target, nil)
	if !strings.HasPrefix(answer, "200") && !strings.Contains(answer, " 200 ") {
		t.Fatalf("%s: %.500s", target, answer)
	}
	return answer
}

// put has a round last some minutes, and returns the revision.
func (s *spread) put(t *testing.T, minutes int) (revision string, err error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, s.URL+"/v1/rounds/istanbul-2025-3", strings.NewReader(fmt.Sprintf(`{"duration_minutes":%d}`, minutes)))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("If-Match", "*")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return "", errors.New(response.Status)
	}
	return response.Header.Get("Parley-Revision"), nil
}

const minutesOf = "/v1/rounds/istanbul-2025-3?fields=duration_minutes"

func shows(minutes int) string { return fmt.Sprintf(`{"duration_minutes":%d}`, minutes) }

func TestReplicas(t *testing.T) {
	db := pgtest.DB(t)
	name := db.Config().ConnConfig.Database
	standbys := pgtest.StartStandbys(t, 2)
	var urls []string
	for _, one := range standbys {
		urls = append(urls, one.URL(name))
	}
	here := newSpread(t, db, strings.Join(append(urls, pgtest.URL(t, name)), " "), 0) // the primary is among them
	there := newSpread(t, db, strings.Join(urls, ","), 16<<20)
	here.used(t, 2)
	there.used(t, 2)
	minutes := 100
	write := func(t *testing.T, s *spread) string {
		t.Helper()
		minutes++
		revision, err := s.put(t, minutes)
		if err != nil {
			t.Fatal(err)
		}
		return revision
	}
	exec := func(t *testing.T, of *pgtest.Standby, sql string) {
		t.Helper()
		conn, err := pgx.Connect(t.Context(), of.URL(name))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.Background())
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}

	t.Run("every answer is that of the primary", func(t *testing.T) {
		primary := httptest.NewServer(httpapi.New(httpapi.Options{DB: db, PublicURL: "http://parley.test", NewID: func() string { return "id" }}))
		defer primary.Close()
		targets := []string{
			"/", "/explore/rounds?party=UA", "/explore?q=Umerof", "/rounds/istanbul-2025-3", "/sitemap.xml", "/v1", "/v1/datapackage.json", "/v1/search?q=Umerof", "/v1/changesets/1",
			"/v1/rounds?limit=2", "/v1/rounds.csv?as_of=2026-11-23", "/v1/rounds?as_of=1", "/v1/rounds/nothing", "/v1/commitments?reported_by=UA", "/v1/rounds?reported_by=XX", "/v1/rounds.ics",
			"/v1/prisoner-exchanges/totals?by=month", "/v1/prisoner-exchanges.parquet", "/v1/events.geojson?bbox=22,44.3,40.3,52.4", "/v1/rounds.bib", "/v1/parties/UA/history", "/v1/rounds?as_of=9", "/v1/rounds?min_revision=1",
		}
		for _, table := range store.Tables {
			targets = append(targets, "/v1/"+table.Name+"?limit=20&total_count=true", "/v1/"+table.Name+".ndjson")
		}
		for _, target := range targets {
			before := here.chosen()
			for range 2 {
				want, got := raw(t, http.MethodGet, primary.URL+target, map[string]string{"Accept": "text/html, */*;q=0.1"}), raw(t, http.MethodGet, here.URL+target, map[string]string{"Accept": "text/html, */*;q=0.1"})
				if want != got {
					t.Fatalf("%s: the primary\n%.1500s\nand with replicas\n%.1500s", target, want, got)
				}
			}
			if here.chosen() == before && target != "/v1" && target != "/v1/rounds?as_of=9" {
				t.Errorf("%s is not read from a replica", target)
			}
		}
		all := here.replicas.Standbys()
		if len(all) != 3 || all[0].Chosen == 0 || all[1].Chosen == 0 || all[2].Usable || all[2].Chosen > 0 {
			t.Errorf("reads are spread so: %+v", all)
		}
		if !strings.Contains(here.log.text(), "it is no standby") {
			t.Error("the log does not say why the primary is not used as a replica")
		}
	})

	// dial has connections to an address lead to one of the standbys.
	dial := func(to func(addr string) int) func(*pgxpool.Config) {
		return func(config *pgxpool.Config) {
			config.ConnConfig.DialFunc = func(ctx context.Context, _, addr string) (net.Conn, error) {
				var d net.Dialer
				return d.DialContext(ctx, "unix", standbys[to(addr)].Socket())
			}
		}
	}
	const named = "postgres://parley@standbys.test/"

	t.Run("a name with two addresses is two standbys", func(t *testing.T) {
		s := newSpread(t, db, named+name+"?sslmode=disable", 0, func(config *pgxpool.Config) {
			config.ConnConfig.LookupFunc = func(context.Context, string) ([]string, error) { return []string{"192.0.2.1", "192.0.2.2"}, nil }
			dial(func(addr string) int { return int(addr[len("192.0.2.")] - '1') })(config)
		})
		s.used(t, 2)
		for range 4 {
			s.get(t, minutesOf)
		}
		if all := s.replicas.Standbys(); all[0].Chosen != 2 || all[1].Chosen != 2 || all[0].Name != "standbys.test/192.0.2.1:5432" {
			t.Errorf("reads are spread so: %+v", all)
		}
	})

	t.Run("an address that leads to several is used of one only", func(t *testing.T) {
		var n atomic.Int64
		s := newSpread(t, db, named+name+"?sslmode=disable", 0, func(config *pgxpool.Config) {
			config.ConnConfig.LookupFunc = func(context.Context, string) ([]string, error) { return []string{"192.0.2.1"}, nil }
			dial(func(string) int { return int(n.Add(1)) % 2 })(config)
		})
		s.used(t, 1)
		exec(t, standbys[0], "select pg_wal_replay_pause()")
		for range 20 {
			revision := write(t, here)
			if got := s.get(t, minutesOf+"&min_revision="+revision); !strings.Contains(got, shows(minutes)) {
				t.Fatalf("after revision %s: %s", revision, got)
			}
			if got := s.get(t, minutesOf+"&as_of="+revision); !strings.Contains(got, shows(minutes)) {
				t.Fatalf("as of revision %s: %s", revision, got)
			}
		}
		exec(t, standbys[0], "select pg_wal_replay_resume()")
	})

	t.Run("who writes reads what it wrote", func(t *testing.T) {
		for range 25 {
			revision := write(t, here)
			if got := here.get(t, minutesOf); !strings.Contains(got, shows(minutes)) {
				t.Fatalf("after revision %s: %s", revision, got)
			}
			if got := there.get(t, minutesOf+"&min_revision="+revision); !strings.Contains(got, shows(minutes)) {
				t.Fatalf("at another server, with min_revision=%s: %s", revision, got)
			}
			if got := there.get(t, minutesOf); !strings.Contains(got, shows(minutes)) {
				t.Fatalf("at another server, after that: %s", got)
			}
		}
	})

	t.Run("a page of a walk is of its revision", func(t *testing.T) {
		first := here.get(t, "/v1/rounds?limit=1&fields=id")
		_, next, _ := strings.Cut(first, `"next":"http://parley.test`)
		next, _, _ = strings.Cut(next, `"`)
		want := here.get(t, next)
		write(t, there)
		here.used(t, 2)
		if got := here.get(t, next); got != want {
			t.Fatalf("%s\nis now\n%s", want, got)
		}
	})

	t.Run("one that is behind is asked for what it has", func(t *testing.T) {
		here.used(t, 2)
		for _, one := range standbys {
			exec(t, one, "select pg_wal_replay_pause()")
		}
		revision := write(t, here)
		before := here.chosen()
		for _, target := range []string{minutesOf, minutesOf + "&min_revision=" + revision, minutesOf + "&as_of=" + revision, minutesOf + "&min_revision=1"} {
			if got := here.get(t, target); !strings.Contains(got, shows(minutes)) {
				t.Fatalf("%s: %s", target, got)
			}
		}
		if got := there.get(t, minutesOf+"&min_revision="+revision); !strings.Contains(got, shows(minutes)) {
			t.Fatalf("at another server: %s", got)
		}
		if here.chosen() != before {
			t.Fatal("a replica was asked for what it does not have")
		}
		if got := here.get(t, minutesOf+"&as_of=1"); here.chosen() == before || !strings.Contains(got, shows(34)) {
			t.Fatalf("the past is not read from a replica: %s", got)
		}
		for _, bad := range []string{"min_revision=999", "min_revision=-1", "min_revision=x", "min_revision=1&min_revision=2", "min_revision="} {
			if got := raw(t, http.MethodGet, here.URL+"/v1/rounds?"+bad, nil); !strings.Contains(got, "400") || !strings.Contains(got, `"parameter":"min_revision"`) {
				t.Errorf("%s: %s", bad, got)
			}
		}
		for _, one := range standbys {
			exec(t, one, "select pg_wal_replay_resume()")
		}
		here.used(t, 2)
		here.get(t, minutesOf)
		if here.chosen() == before+1 {
			t.Error("a replica that has caught up is not used again")
		}
	})

	t.Run("while replicas go and come no read fails", func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		var readers errgroup.Group
		var reads atomic.Int64
		for i := range 4 {
			readers.Go(func() error {
				for n := i; ctx.Err() == nil; n++ {
					target := []string{minutesOf, "/v1/rounds?limit=5", "/v1/events.ndjson?limit=50", "/rounds/istanbul-2025-3"}[n%4]
					response, err := http.Get(here.URL + target) //nolint:noctx // a test
					if err != nil {
						return err
					}
					response.Body.Close()
					if reads.Add(1); response.StatusCode != http.StatusOK {
						return fmt.Errorf("%s: %s", target, response.Status)
					}
				}
				return nil
			})
		}
		some := func() {
			t.Helper()
			from := reads.Load()
			becomes(t, "reads go on", func() bool { return reads.Load() > from+40 })
		}
		some()
		for _, one := range standbys {
			one.Kill()
			some()
			here.used(t, 2)
		}
		for _, one := range standbys {
			one.Stop()
			some()
		}
		here.used(t, 0)
		write(t, here)
		some()
		for i, one := range standbys {
			one.Start()
			here.used(t, i+1)
		}
		stop()
		if err := readers.Wait(); err != nil {
			t.Error(err)
		}
		before := here.chosen()
		if got := here.get(t, minutesOf); here.chosen() == before || !strings.Contains(got, shows(minutes)) {
			t.Errorf("a replica that is back is not used: %s", got)
		}
	})

	t.Run("while the primary is away replicas answer", func(t *testing.T) {
		here.used(t, 2)
		there.used(t, 2)
		for _, s := range []*spread{here, there} {
			s.leave()
			for range 10 {
				for _, target := range []string{minutesOf, "/v1/rounds?limit=5&as_of=2026-11-23", "/v1/commitments?reported_by=UA", "/rounds/istanbul-2025-3", "/v1", "/readyz"} {
					s.get(t, target)
				}
				if got := s.get(t, minutesOf); !strings.Contains(got, shows(minutes)) {
					t.Fatal(got)
				}
			}
			if _, err := s.put(t, 1); err == nil || !strings.Contains(err.Error(), "503") {
				t.Errorf("a write without a primary: %v", err)
			}
			s.away.Store(false)
		}
		revision := ""
		becomes(t, "writes go on", func() bool {
			var err error
			revision, err = here.put(t, 77)
			return err == nil
		})
		if got := there.get(t, minutesOf+"&min_revision="+revision); !strings.Contains(got, shows(77)) {
			t.Error(got)
		}
	})

	t.Run("but not for longer than they may", func(t *testing.T) {
		s := newSpread(t, db, strings.Join(urls, ","), 0)
		s.watch.MaxLag = time.Nanosecond
		s.used(t, 2)
		s.leave()
		becomes(t, "it is noticed that the primary is away", func() bool {
			return strings.Contains(raw(t, http.MethodGet, s.URL+minutesOf, nil), "503")
		})
		if got := raw(t, http.MethodGet, s.URL+minutesOf+"&as_of=1", nil); !strings.Contains(got, shows(34)) {
			t.Errorf("the past is not answered without a primary: %s", got)
		}
	})
}
