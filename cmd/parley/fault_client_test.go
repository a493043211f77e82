//go:build rollout && linux

package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-api/parley/api/client"
	"github.com/parley-api/parley/internal/postgres"
)

// TestFaultsOfProcesses: the program is killed in the middle of writes and streams, clients leave in the middle of exports.
func TestFaultsOfProcesses(t *testing.T) {
	t.Cleanup(func() { t.Log("\n" + strings.Join(table, "\n")) })
	t.Run("program_killed", func(t *testing.T) {
		s := setScene(t, postgres.EmbeddedOptions{})
		s.hold = 0
		follower := s.follow()
		s.under("the program killed (KILL) and started again", func() func() {
			if err := s.program.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = s.program.Wait()
			return s.start
		})
		follower.complete(t, s.load.acked)
	})
	t.Run("client_gone", func(t *testing.T) {
		s := setScene(t, postgres.EmbeddedOptions{}, "PARLEY_MAX_BODY=100000000")
		s.many(10_000)
		files := s.deleted()
		s.hold = time.Second
		var gone atomic.Int64
		s.under("60 clients gone in the middle of an export", func() func() {
			var all sync.WaitGroup
			for n := range 60 {
				all.Go(func() {
					form := []string{"ndjson", "csv", "parquet"}[n%3]
					// Of the file nothing comes before it is whole: its client does not wait for that.
					read := map[string]int{"ndjson": 1000, "csv": 1000, "parquet": 0}[form]
					request := fmt.Sprintf("GET /v1/sources.%s?publisher=Many HTTP/1.1\r\nHost: gone\r\nConnection: close\r\n\r\n", form)
					conn, err := silentReader(t.Context(), strings.TrimPrefix(s.base, "http://"), request, read)
					if err != nil {
						return
					}
					time.Sleep(50 * time.Millisecond)
					reset(conn)
					gone.Add(1)
				})
				time.Sleep(20 * time.Millisecond)
			}
			all.Wait()
			return func() {}
		})
		for end := time.Now().Add(recovery); s.count("select count(*) from pg_stat_activity where application_name = 'parley' and state = 'active' and query ilike '%sources%'") > 0; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Error("statements go on whose client is gone")
				break
			}
		}
		if left := s.deleted(); left > files+1 { // a finished file is kept for a minute
			t.Errorf("%d spooled files, %d before", left, files)
		}
		if all, err := filepath.Glob(filepath.Join(s.tmp, "parley-*")); err != nil || len(all) > 0 {
			t.Errorf("temporary files are left: %v %v", all, err)
		}
		t.Logf("%d clients were gone", gone.Load())
		if gone.Load() < 30 {
			t.Error("the test has seen little")
		}
	})
}

// following is who follows what is written.
type following struct {
	mu    sync.Mutex
	told  map[string]int
	other []string
	stop  context.CancelFunc
	ended chan struct{}
}

// follow follows what the load writes.
func (s *scene) follow() *following {
	s.t.Helper()
	c, err := client.New(s.base)
	if err != nil {
		s.t.Fatal(err)
	}
	f := &following{told: map[string]int{}, ended: make(chan struct{})}
	var ctx context.Context
	ctx, f.stop = context.WithCancel(context.Background())
	s.t.Cleanup(f.stop)
	go func() {
		defer close(f.ended)
		for event, err := range client.Stream(ctx, c, client.Sources, client.Where("publisher", "Test").Since("1")) {
			f.mu.Lock()
			switch {
			case ctx.Err() != nil:
			case err != nil:
				f.other = append(f.other, err.Error())
			case event.Kind == client.Upsert:
				f.told[event.Record.ID]++
			case event.Kind == client.Reset:
				f.other = append(f.other, "reset")
			}
			f.mu.Unlock()
		}
	}()
	return f
}

// complete waits until all was told that was acknowledged, nothing of it twice.
func (f *following) complete(t *testing.T, acked []acked) {
	t.Helper()
	missing := 0
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		f.mu.Lock()
		missing = 0
		for _, a := range acked {
			if f.told[a.id] == 0 {
				missing++
			}
		}
		f.mu.Unlock()
		if missing == 0 {
			break
		}
	}
	f.stop()
	<-f.ended
	twice := 0
	for _, n := range f.told {
		if n > 1 {
			twice++
		}
	}
	if missing > 0 || twice > 0 || len(f.other) > 0 {
		t.Errorf("the stream missed %d of %d writes, told %d twice, and told of %v", missing, len(acked), twice, f.other)
	}
	t.Logf("the stream told of %d records, and missed none of %d acknowledged", len(f.told), len(acked))
}

// many records so many sources, for exports that take a while.
func (s *scene) many(n int) {
	s.t.Helper()
	for from := 0; from < n; from += 10_000 {
		var operations []map[string]any
		for i := from; i < from+10_000; i++ {
			operations = append(operations, map[string]any{"op": "put", "type": "sources", "id": fmt.Sprintf("many-%d", i), "if_none_match": "*", "body": map[string]any{
				"publisher": "Many", "title": "Many " + strings.Repeat("words ", 20) + "end", "title_is_descriptive": true, "url": fmt.Sprintf("https://example.org/many/%d", i), "language": "en", "kind": "wire",
			}})
		}
		body, err := json.Marshal(map[string]any{"message": "Many", "operations": operations})
		if err != nil {
			s.t.Fatal(err)
		}
		request, err := http.NewRequest(http.MethodPost, s.base+"/v1/changesets", strings.NewReader(string(body)))
		if err != nil {
			s.t.Fatal(err)
		}
		request.Header = http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + s.key}}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			s.t.Fatal(err)
		}
		answer, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != http.StatusCreated {
			s.t.Fatalf("%s %.1000s", response.Status, answer)
		}
	}
}

// deleted counts the files without a name that the program has open.
func (s *scene) deleted() (n int) {
	s.t.Helper()
	folder := fmt.Sprintf("/proc/%d/fd", s.program.Process.Pid)
	all, err := os.ReadDir(folder)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, one := range all {
		if target, _ := os.Readlink(filepath.Join(folder, one.Name())); strings.HasSuffix(target, " (deleted)") {
			n++
		}
	}
	return n
}
