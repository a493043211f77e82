package httpapi

import (
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// How the cache had to do with an answer.
const (
	cacheHit    = "hit"    // it was given from there
	cacheStale  = "stale"  // it was given from there, though nobody can say whether it still holds
	cacheMiss   = "miss"   // it was not there
	cacheBypass = "bypass" // it is none that is kept
)

// Why a stream ended.
const (
	endGone     = "gone"     // its client left
	endSlow     = "slow"     // its client did not read
	endStopping = "stopping" // the server stops
	endFault    = "fault"    // the database did not answer
)

// metrics are what the server counts. All that may be one of a few is there from the start, at 0, so that the first event is
// seen to be one.
type metrics struct {
	requests  *prometheus.CounterVec   // by route, method, code, cache
	responses *prometheus.HistogramVec // by route, method
	evictions prometheus.Counter

	changesets prometheus.Counter
	exportRows *prometheus.CounterVec // by form
	events     prometheus.Counter
	ended      *prometheus.CounterVec // streams, by reason

	refused *prometheus.CounterVec // by reason

	given sync.Map // route → *given
}

// given counts the kept answers of a route that were given. They are so many, and so cheap, that nothing is looked up for
// them, nor the time taken.
type given struct{ whole, unchanged prometheus.Counter }

func newMetrics() *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	m := &metrics{
		requests: counter("parley_http_requests_total", "Requests answered, by the pattern of the route, method, status, and whether the answer came from the cache.", "route", "method", "code", "cache"),
		responses: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "parley_http_response_seconds",
			Help:    "Time from a request to the first byte of its answer. Answers from the cache are not timed: they take microseconds.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20},
		}, []string{"route", "method"}),
		evictions:  counter("parley_cache_evictions_total", "Finished answers that gave way to others.").WithLabelValues(),
		changesets: counter("parley_changesets_recorded_total", "Changesets that this process recorded.").WithLabelValues(),
		exportRows: counter("parley_export_rows_total", "Rows of exports, by form.", "form"),
		events:     counter("parley_stream_events_total", "Events sent on streams of changes.").WithLabelValues(),
		ended:      counter("parley_streams_ended_total", "Streams of changes that ended, by reason.", "reason"),
	}
	m.refused = counter("parley_requests_refused_total", "Requests that were turned away so that others are answered, by reason.", "reason")
	for _, reason := range []string{refusedRate, refusedOverload, refusedExports, refusedStreams} {
		m.refused.WithLabelValues(reason)
	}
	for _, reason := range []string{endGone, endSlow, endStopping, endFault} {
		m.ended.WithLabelValues(reason)
	}
	return m
}

// register registers what is counted, and what there is of it now.
func (s *server) register(r prometheus.Registerer) {
	gauge := func(name, help string, value func() float64) {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
	}
	m := s.metrics
	r.MustRegister(m.requests, m.responses, m.evictions, m.changesets, m.exportRows, m.events, m.ended, m.refused)
	gauge("parley_cache_bytes", "Bytes of finished answers that are kept.", func() float64 {
		if s.answers == nil {
			return 0
		}
		return float64(s.answers.kept.WeightedSize())
	})
	gauge("parley_cache_entries", "Finished answers that are kept, and ways to ask for them.", func() float64 {
		if s.answers == nil {
			return 0
		}
		return float64(s.answers.kept.EstimatedSize())
	})
	gauge("parley_streams_open", "Streams of changes that are open.", func() float64 { return float64(s.streams.open()) })
	gauge("parley_exports_running", "Exports that are under way.", func() float64 { return float64(s.pacing.exports.Load()) })
	gauge("parley_exports_waiting", "Exports that wait for others to end.", func() float64 { return float64(s.exports.waiting.Load()) })
	gauge("parley_requests_in_flight", "Requests at work, without those that are answered from the cache, and streams that have begun.", func() float64 { return float64(s.atWork.Load()) })
	gauge("parley_listen_connected", "1 while changesets are heard of as they are committed; 0: each request asks.", func() float64 {
		if listening, _ := s.Watch.Heard(); !listening {
			return 0
		}
		return 1
	})
	gauge("parley_listen_last_heard_timestamp_seconds", "When it was last certain that every changeset was heard of; while connected, that is within about a second.", func() float64 {
		if _, last := s.Watch.Heard(); !last.IsZero() {
			return float64(last.UnixMicro()) / 1e6
		}
		return 0
	})
	gauge("parley_revision", "The newest revision of the data set that this process knows of.", func() float64 { return float64(s.Watch.Known()) })
}

// answered counts an answer that was made.
func (m *metrics) answered(r *http.Request, route string, o *observed) {
	method := methodLabel(r.Method)
	m.requests.WithLabelValues(routeLabel(route), method, strconv.Itoa(o.status), o.cache).Inc()
	if o.cache != cacheHit && o.cache != cacheStale {
		m.responses.WithLabelValues(routeLabel(route), method).Observe(o.wait.Seconds())
	}
}

// givenOf is what counts the kept answers of a route.
func (m *metrics) givenOf(route string) *given {
	if g, ok := m.given.Load(route); ok {
		return g.(*given) //nolint:forcetypeassert // there is nothing else
	}
	of := func(status int) prometheus.Counter {
		return m.requests.WithLabelValues(routeLabel(route), http.MethodGet, strconv.Itoa(status), cacheHit)
	}
	g, _ := m.given.LoadOrStore(route, &given{of(http.StatusOK), of(http.StatusNotModified)})
	return g.(*given) //nolint:forcetypeassert // there is nothing else
}

// gave counts a kept answer that was given.
func (m *metrics) gave(r *http.Request, l *lead, status int, how string) {
	switch {
	case r.Method != http.MethodGet || how != cacheHit:
		m.requests.WithLabelValues(routeLabel(l.route), r.Method, strconv.Itoa(status), how).Inc()
	case status == http.StatusOK:
		l.given.whole.Inc()
	default:
		l.given.unchanged.Inc()
	}
}

// routeLabel is the pattern of a route, which there are few of; addresses are as many as clients like.
func routeLabel(route string) string {
	if route == "" {
		return "none"
	}
	return route
}

// methodLabel is one of the methods that there are: a client may write any.
func methodLabel(method string) string {
	if slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}, method) {
		return method
	}
	return "other"
}

// observed is an answer on its way to the client, looked at.
type observed struct {
	http.ResponseWriter
	begin  time.Time
	wait   time.Duration // from begin to the first byte
	status int
	bytes  int
	cache  string
	now    func() time.Time
}

// WriteHeader notes the status and when it came.
func (o *observed) WriteHeader(status int) {
	if o.status == 0 && status >= http.StatusOK {
		o.status, o.wait = status, o.now().Sub(o.begin)
	}
	o.ResponseWriter.WriteHeader(status)
}

func (o *observed) Write(b []byte) (int, error) {
	if o.status == 0 {
		o.WriteHeader(http.StatusOK)
	}
	n, err := o.ResponseWriter.Write(b)
	o.bytes += n
	return n, err
}

// clientGone is the status of a request whose client left before there was an answer, as nginx has it: none is sent.
const clientGone = 499

// silent settles the status of an answer of which nothing was written.
func (o *observed) silent(r *http.Request) {
	if o.status != 0 {
		return
	}
	o.status, o.wait = http.StatusOK, o.now().Sub(o.begin)
	if r.Context().Err() != nil {
		o.status = clientGone
	}
}

// Unwrap lets deadlines be set, and what is written be flushed.
func (o *observed) Unwrap() http.ResponseWriter { return o.ResponseWriter }

// Flush sends what is written so far.
func (o *observed) Flush() { _ = http.NewResponseController(o.ResponseWriter).Flush() }
