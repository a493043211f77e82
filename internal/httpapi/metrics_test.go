package httpapi_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/parley-api/parley/internal/httpapi"
	"github.com/parley-api/parley/internal/pgtest"
)

// counted is a server under test with what it counts.
type counted struct {
	*testAPI
	registry *prometheus.Registry
}

func newCounted(t *testing.T, o httpapi.Options) *counted {
	t.Helper()
	registry := prometheus.NewRegistry()
	o.Metrics = registry
	if o.DB == nil {
		o.DB = pgtest.Shared(t)
	}
	server := httptest.NewServer(httpapi.New(o))
	t.Cleanup(server.Close)
	return &counted{&testAPI{server, &logged{}}, registry}
}

// value is what a metric stands at, or for a histogram how many it has seen, where its labels (in pairs) are these.
func (c *counted) value(t *testing.T, name string, labels ...string) (sum float64) {
	t.Helper()
	families, err := c.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, m := range family.GetMetric() {
			has := map[string]string{}
			for _, l := range m.GetLabel() {
				has[l.GetName()] = l.GetValue()
			}
			fits := true
			for i := 0; i < len(labels); i += 2 {
				fits = fits && has[labels[i]] == labels[i+1]
			}
			if fits {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return sum
}

// TestMetrics: each request is counted once, by what there are few of, whether it is answered from the cache or not.
func TestMetrics(t *testing.T) {
	c := newCounted(t, httpapi.Options{Cache: 1 << 20})
	first, _ := c.do(t, http.MethodGet, "/v1/rounds/istanbul-2025-3")
	for range 3 {
		c.do(t, http.MethodGet, "/v1/rounds/istanbul-2025-3")
	}
	c.do(t, http.MethodGet, "/v1/rounds/istanbul-2025-3", "If-None-Match", first.Header.Get("Etag"))
	c.do(t, http.MethodHead, "/v1/rounds/istanbul-2025-3")
	c.do(t, http.MethodGet, "/v1/rounds/none")
	c.do(t, http.MethodGet, "/nowhere/at-all")
	c.do(t, "BREW", "/v1/rounds")
	c.do(t, http.MethodGet, "/v1/rounds.csv")
	const requests, record = "parley_http_requests_total", "/v1/rounds/{id}"
	got := map[string]float64{
		"made":          c.value(t, requests, "route", record, "method", "GET", "code", "200", "cache", "miss"),
		"kept":          c.value(t, requests, "route", record, "method", "GET", "code", "200", "cache", "hit"),
		"unchanged":     c.value(t, requests, "route", record, "method", "GET", "code", "304", "cache", "hit"),
		"head":          c.value(t, requests, "route", record, "method", "HEAD", "code", "200", "cache", "hit"),
		"absent":        c.value(t, requests, "route", record, "method", "GET", "code", "404", "cache", "miss"),
		"no route":      c.value(t, requests, "route", "none", "code", "404"),
		"no method":     c.value(t, requests, "method", "other"),
		"all":           c.value(t, requests),
		"timed":         c.value(t, "parley_http_response_seconds", "route", record),
		"all timed":     c.value(t, "parley_http_response_seconds"),
		"rows":          c.value(t, "parley_export_rows_total", "form", "csv"),
		"entries":       min(1, c.value(t, "parley_cache_entries")),
		"bytes":         min(1, c.value(t, "parley_cache_bytes")),
		"not listening": c.value(t, "parley_listen_connected"),
	}
	want := map[string]float64{
		"made": 1, "kept": 3, "unchanged": 1, "head": 1, "absent": 1, "no route": 1, "no method": 1, "all": 10,
		"timed": 2, "all timed": 5, "rows": c.rows(t), "entries": 1, "bytes": 1, "not listening": 0,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("counted (-want +got):\n%s", diff)
	}
	problems, err := testutil.GatherAndLint(c.registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("names of metrics: %v %+v", err, problems)
	}
}

// rows is how many rounds there are.
func (c *counted) rows(t *testing.T) float64 {
	t.Helper()
	list := get[page[any]](t, c.testAPI, "/v1/rounds?limit=1&total_count=true")
	return list.Meta["total"].(float64)
}

// TestMetricsOfTheCache: what gives way to other answers is counted.
func TestMetricsOfTheCache(t *testing.T) {
	c := newCounted(t, httpapi.Options{Cache: 64 << 10})
	for n := 0; n < 1000 && c.value(t, "parley_cache_evictions_total") == 0; n++ {
		c.do(t, http.MethodGet, "/v1/sources?limit=1&fields=id&id.not=none-"+itoa(n))
	}
	if c.value(t, "parley_cache_evictions_total") == 0 {
		t.Error("nothing gave way")
	}
	if bytes := c.value(t, "parley_cache_bytes"); bytes > 128<<10 {
		t.Errorf("%v bytes are kept", bytes)
	}
}

// TestMetricsOfStreams: streams are counted as they come, are told and go.
func TestMetricsOfStreams(t *testing.T) {
	c := newCounted(t, httpapi.Options{})
	s := subscribe(t, c.URL+"/v1/rounds.sse?snapshot=true&fields=id")
	s.must(t)
	eventually(t, "the stream is open", func() bool { return c.value(t, "parley_streams_open") == 1 })
	eventually(t, "each round is an event", func() bool { return c.value(t, "parley_stream_events_total") == c.rows(t) })
	s.stop()
	eventually(t, "the stream has ended", func() bool {
		return c.value(t, "parley_streams_open") == 0 && c.value(t, "parley_streams_ended_total", "reason", "gone") == 1
	})
	if faults := c.value(t, "parley_streams_ended_total", "reason", "fault"); faults != 0 {
		t.Errorf("%v streams ended by a fault", faults)
	}
}

// eventually waits for what is about to be so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not so: %s", what)
		}
	}
}
