//go:build rollout

package main_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// load is what many clients ask of servers, and how that goes.
type load struct {
	reads, writes atomic.Int64
	longest       atomic.Int64 // nanoseconds that an answer took
	ended         atomic.Bool
	clients       sync.WaitGroup
	http          http.Client

	mu       sync.Mutex
	failures map[string]int
}

// startLoad has clients read every kind of answer, and write records, each its own. series tells those of one load from those
// of another.
func startLoad(base, key string, series int) *load {
	const readers, writers = 16, 2
	l := &load{failures: map[string]int{}, http: http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: readers + writers}, Timeout: time.Minute}}
	for i := range readers {
		l.clients.Go(func() {
			targets := []string{"/v1/rounds?limit=5", "/v1/prisoner-exchanges.csv", "/v1/rounds/istanbul-2025-3", "/v1/sources.ndjson", "/v1/prisoner-exchanges/totals?by=month", "/healthz", "/v1/body-repatriations.parquet"}
			for n := i; !l.ended.Load(); n++ {
				request, err := http.NewRequest(http.MethodGet, base+targets[n%len(targets)], nil)
				if err != nil {
					panic(err) // our own
				}
				if l.ask(request, http.StatusOK) {
					l.reads.Add(1)
				}
				time.Sleep(5 * time.Millisecond) // a steady load that leaves something of a small machine
			}
		})
	}
	for i := range writers {
		l.clients.Go(func() {
			for n := 0; !l.ended.Load(); n++ {
				body := fmt.Sprintf(`{"publisher": "Test", "title": "Source %d of %d", "title_is_descriptive": true, "url": "https://example.org/%d/%[2]d/%[1]d", "language": "en", "kind": "wire"}`, n, i, series)
				request, err := http.NewRequest(http.MethodPut, fmt.Sprintf("%s/v1/sources/test-%d-%d-%d", base, series, i, n), strings.NewReader(body))
				if err != nil {
					panic(err)
				}
				request.Header = http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + key}, "If-None-Match": {"*"}}
				if l.ask(request, http.StatusCreated) {
					l.writes.Add(1)
				}
				time.Sleep(20 * time.Millisecond)
			}
		})
	}
	return l
}

// ask sends a request, whose answer must come whole and with a status.
func (l *load) ask(request *http.Request, want int) bool {
	begin := time.Now()
	response, err := l.http.Do(request)
	if err != nil {
		l.failed(fmt.Sprintf("%s %s: %v", request.Method, request.URL.Path, err))
		return false
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != want {
		l.failed(fmt.Sprintf("%s %s: %s %v %.300s", request.Method, request.URL.Path, response.Status, err, body))
		return false
	}
	for took := int64(time.Since(begin)); ; {
		if n := l.longest.Load(); n >= took || l.longest.CompareAndSwap(n, took) {
			return true
		}
	}
}

func (l *load) failed(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failures[what]++
}

// stop returns when the last answer has come.
func (l *load) stop() {
	l.ended.Store(true)
	l.clients.Wait()
	l.http.CloseIdleConnections()
}

// report fails a test for each request that has failed, and one that has seen nothing.
func (l *load) report(t *testing.T) {
	t.Helper()
	for what, n := range l.failures {
		t.Errorf("%d × %s", n, what)
	}
	if l.reads.Load() == 0 || l.writes.Load() == 0 {
		t.Errorf("%d reads, %d writes: the test has seen nothing", l.reads.Load(), l.writes.Load())
	}
}

// nothingLost holds what a server has to what was acknowledged.
func (l *load) nothingLost(t *testing.T, base string) {
	t.Helper()
	response, err := http.Get(base + "/v1/sources?publisher=Test&total_count=true&limit=1&fields=id")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if want := fmt.Sprintf(`"total":%d`, l.writes.Load()); err != nil || !strings.Contains(string(body), want) {
		t.Errorf("of the acknowledged writes some are lost: %s is not in %s (%v)", want, body, err)
	}
}

// startAt starts a server and waits until it is ready.
func startAt(t *testing.T, address string, environment []string) *exec.Cmd {
	t.Helper()
	cmd := command(append(environment, "PARLEY_ADDR="+address), "serve")
	cmd.Stderr = &bytes.Buffer{}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	awaitReady(t, "http://"+address)
	return cmd
}

func awaitReady(t *testing.T, base string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		response, err := http.Get(base + "/readyz")
		if err != nil {
			continue
		}
		response.Body.Close()
		if response.StatusCode == http.StatusOK {
			return
		}
	}
	t.Fatal(base, "is not ready")
}
