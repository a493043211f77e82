package httpapi_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-api/parley/internal/httpapi"
	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/store"
)

// BenchmarkWarm compares answers that are kept with net/http giving the same headers and bytes from memory, over loopback
// and connections that stay open, with a client that costs as little as it can. An access log is written, to nowhere.
func BenchmarkWarm(b *testing.B) {
	db := pgtest.Shared(b)
	watch := store.NewWatch(db)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); watch.Listen(ctx, slog.New(slog.DiscardHandler)) }()
	defer func() { stop(); <-done }()
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	parley := httptest.NewServer(httpapi.New(httpapi.Options{DB: db, Watch: watch, Cache: 64 << 20, Log: log}))
	defer parley.Close()
	for _, item := range []struct{ name, target, header string }{
		{"a record", "/v1/prisoner-exchanges/exchange-2025-05-23", ""},
		{"50 of a list", "/v1/prisoner-exchanges?limit=50", ""},
		{"all of a list", "/v1/prisoner-exchanges?limit=1000", ""},
		{"a round", "/v1/rounds/istanbul-2025-3", ""},
		{"a round, gzip", "/v1/rounds/istanbul-2025-3", "Accept-Encoding: gzip\r\n"},
		{"sums by month", "/v1/prisoner-exchanges/totals?by=month", ""},
		{"a round, unchanged", "/v1/rounds/istanbul-2025-3", "If-None-Match: *\r\n"},
	} {
		plain := httptest.NewServer(same(b, parley.URL+item.target, item.header))
		for _, connections := range []int{16, 64} {
			for _, server := range []struct {
				name string
				url  string
			}{{"parley", parley.URL}, {"net-http", plain.URL}} {
				b.Run(item.name+"/"+strconv.Itoa(connections)+"/"+server.name, func(b *testing.B) {
					drive(b, strings.TrimPrefix(server.url, "http://"), item.target, item.header, connections)
				})
			}
		}
		plain.Close()
	}
}

// same is a handler that gives the headers and bytes of an answer from memory.
func same(b *testing.B, url, header string) http.Handler {
	b.Helper()
	request, err := http.NewRequestWithContext(b.Context(), http.MethodGet, url, nil)
	if err != nil {
		b.Fatal(err)
	}
	if name, value, ok := strings.Cut(strings.TrimSpace(header), ": "); ok {
		request.Header.Set(name, value)
	}
	var response *http.Response
	var body []byte
	for range 2 { // the second is from the cache, with all its headers
		if response, err = uncompressed.RoundTrip(request); err != nil {
			b.Fatal(err)
		}
		body, err = io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil {
			b.Fatal(err)
		}
	}
	response.Header.Del("Date")
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		for name, values := range response.Header {
			h[name] = values
		}
		w.WriteHeader(response.StatusCode)
		_, _ = w.Write(body)
	})
}

// drive sends b.N requests over some connections and reads the answers.
func drive(b *testing.B, address, target, header string, connections int) {
	request := []byte("GET " + target + " HTTP/1.1\r\nHost: " + address + "\r\n" + header + "\r\n")
	var left atomic.Int64
	left.Store(int64(b.N))
	var group sync.WaitGroup
	begin := time.Now()
	for range connections {
		group.Go(func() {
			conn, err := net.Dial("tcp", address) //nolint:noctx // a benchmark
			if err != nil {
				b.Error(err)
				return
			}
			defer conn.Close()
			r := bufio.NewReaderSize(conn, 64<<10)
			for left.Add(-1) >= 0 {
				if _, err := conn.Write(request); err != nil {
					b.Error(err)
					return
				}
				if err := read(r); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	b.ReportMetric(float64(b.N)/time.Since(begin).Seconds(), "req/s")
}

// read reads one answer.
func read(r *bufio.Reader) error {
	length := 0
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) <= 2 {
			break
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			length, err = strconv.Atoi(string(bytes.TrimSpace(value)))
			if err != nil {
				return err
			}
		}
	}
	_, err := r.Discard(length)
	return err
}
