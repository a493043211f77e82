package httpapi

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/maypok86/otter/v2"
	"github.com/prometheus/client_golang/prometheus"
)

// answers keeps finished answers: the bytes as they go out, compressed or not, with their headers. It is exact: an answer
// about the present is given again only while no changeset has changed a collection that it was read from, one about the
// past for ever. Which answers those are it learns from their own headers. Where that cannot be found out, or the answer that
// is due not made, see stale.go.
//
// What was asked, as the client wrote it, leads to an answer; different spellings of one query share the answer. Both
// are bounded together, in bytes, and by how often they are used, so that who asks for everything once drives out
// nothing that others need.
type answers struct {
	kept   *otter.Cache[string, any] // asking → *lead; identity of an answer → *finished
	most   int                       // bytes of an answer that is kept
	mu     sync.Mutex
	making map[string]chan struct{} // by asking: closed when it is known whether the answer is kept
}

// lead says which answer a request asked for the last time.
type lead struct {
	identity string
	route    string   // its pattern, for the log
	given    *given   // counts it
	vary     []string // depends on how the form was asked for
}

// finished is an answer; or, where only such have asked who had it already, no more than its headers.
type finished struct {
	revision  int64
	made      time.Time // not before
	bare      bool      // without the body
	immutable bool
	readFrom  []string // the collections that it was read from; nil: all
	etag      string
	header    []headerField
	body      []byte
}

// headerField is a field of a header, shared by all answers: never appended to.
type headerField struct {
	name   string
	values []string
}

// newAnswers returns a cache of so many bytes; nil for none.
func newAnswers(bytes int64, evictions prometheus.Counter) *answers {
	if bytes <= 0 {
		return nil
	}
	const entry = 500 // bytes, about, that an entry costs beside its contents
	return &answers{
		most:   int(min(bytes/32, 2<<20)),
		making: map[string]chan struct{}{},
		kept: otter.Must(&otter.Options[string, any]{
			MaximumWeight: uint64(bytes),
			OnAtomicDeletion: func(e otter.DeletionEvent[string, any]) {
				if _, ok := e.Value.(*finished); ok && e.WasEvicted() {
					evictions.Inc()
				}
			},
			Weigher: func(key string, value any) uint32 {
				if f, ok := value.(*finished); ok {
					size := entry + len(key) + len(f.body)
					for _, field := range f.header {
						size += len(field.name) + len(strings.Join(field.values, ""))
					}
					return uint32(size)
				}
				return uint32(entry + len(key))
			},
		}),
	}
}

// front answers from the cache if it can, before anything else is done with a request.
func (s *server) front(routes http.Handler) http.Handler {
	if s.answers == nil {
		return routes
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !keepable(r) {
			routes.ServeHTTP(w, r)
			return
		}
		start := s.Now()
		asking := s.asking(r)
		f, l, err := s.find(r, asking)
		how := cacheHit
		if err != nil && away(err) {
			f, l = s.stale(w, r, asking)
			how = cacheStale
		}
		if f == nil {
			routes.ServeHTTP(w, r)
			return
		}
		s.pacing.ask(start)
		if s.Tracing == nil {
			s.give(w, r, f, l, how, start)
			return
		}
		s.traced(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.give(w, r, f, l, how, start) })).ServeHTTP(w, r)
	})
}

// give sends a kept answer and counts it.
func (s *server) give(w http.ResponseWriter, r *http.Request, f *finished, l *lead, how string, start time.Time) {
	s.introduce(w, r)
	openToAll(w)
	status, bytes := f.give(w, r, l)
	s.metrics.gave(r, l, status, how)
	if s.Tracing != nil {
		spanAnswer(r.Context(), r.Method, l.route, requestID(w), status, bytes, how)
	}
	// To say so takes longer than half of the rest: so only who looks closely is told.
	s.access(slog.LevelDebug, r, requestID(w), l.route, status, bytes, start)
}

// keepable reports whether the answer to a request may be kept.
func keepable(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && (strings.HasPrefix(r.RequestURI, "/v1/") && !wantsStream(r) || isPage(r.URL.Path))
}

// warm keeps what is answered. Of several requests for the same answer one makes it, and the others wait for it.
func (s *server) warm(next http.Handler) http.Handler {
	if s.answers == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !keepable(r) {
			next.ServeHTTP(w, r)
			return
		}
		asking := s.asking(r)
		if r.Method == http.MethodHead {
			next.ServeHTTP(s.orStale(w, r, asking), r)
			return
		}
		cached := func(how string) {
			if o, ok := w.(*observed); ok {
				o.cache = how
			}
		}
		cached(cacheMiss)
		known, mine := s.answers.begin(asking, nil)
		if mine {
			s.keep(w, r, asking, known, next)
			return
		}
		patient := time.NewTimer(patience)
		defer patient.Stop()
		select {
		case <-known:
			f, l, _ := s.find(r, asking)
			if f == nil { // it is not kept: each for itself
				next.ServeHTTP(s.orStale(w, r, asking), r)
				return
			}
			chi.RouteContext(r.Context()).RoutePatterns = []string{l.route} // for the log
			cached(cacheHit)
			f.give(w, r, l)
		case <-patient.C: // who makes it may have a slow client: somebody else does it anew
			if known, mine = s.answers.begin(asking, known); mine {
				s.keep(w, r, asking, known, next)
			} else {
				next.ServeHTTP(s.orStale(w, r, asking), r)
			}
		case <-r.Context().Done():
		}
	})
}

// patience is how long a request waits for another one that makes the same answer.
const patience = time.Second

// asking is all of a request that its answer depends on.
func (s *server) asking(r *http.Request) string {
	scheme := "http:"
	if r.TLS != nil {
		scheme = "https:"
	}
	return scheme + r.Host + r.RequestURI + "\n" + strings.Join(r.Header["Accept"], ",") + "\n" + strings.Join(r.Header["Accept-Encoding"], ",")
}

// find finds an answer that holds; nil if there is none. The error is that nobody can say whether one does.
func (s *server) find(r *http.Request, asking string) (*finished, *lead, error) {
	f, l := s.answers.last(r, asking)
	if f != nil && !f.immutable {
		if holds, err := s.holds(r, f); err != nil || !holds {
			return nil, nil, err
		}
	}
	return f, l, nil
}

// last is the answer that was kept last of those to a request, whether it holds or not; nil if there is none.
func (a *answers) last(r *http.Request, asking string) (*finished, *lead) {
	found, _ := a.kept.GetIfPresent(asking)
	l, ok := found.(*lead)
	if !ok {
		return nil, nil
	}
	found, _ = a.kept.GetIfPresent(l.identity)
	f, ok := found.(*finished)
	if !ok || f.bare && !matches(r, f.etag) {
		return nil, nil
	}
	return f, l
}

// give sends an answer, or that the client has it already.
func (f *finished) give(w http.ResponseWriter, r *http.Request, l *lead) (status, bytes int) {
	h := w.Header()
	h["Vary"] = l.vary
	if f.bare || matches(r, f.etag) {
		for _, field := range f.header {
			switch field.name {
			case "Content-Type", "Content-Length", "Content-Encoding":
			default:
				h[field.name] = field.values
			}
		}
		w.WriteHeader(http.StatusNotModified)
		return http.StatusNotModified, 0
	}
	for _, field := range f.header {
		h[field.name] = field.values
	}
	if r.Method != http.MethodHead {
		bytes, _ = w.Write(f.body)
	}
	return http.StatusOK, bytes
}

// begin claims the making of an answer, also from a maker that is too slow. If somebody else makes it, known is closed when
// it is known whether it is kept.
func (a *answers) begin(asking string, slow chan struct{}) (known chan struct{}, mine bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if known := a.making[asking]; known != nil && known != slow {
		return known, false
	}
	known = make(chan struct{})
	a.making[asking] = known
	return known, true
}

// end tells that it is known whether the answer of a maker is kept.
func (a *answers) end(asking string, known chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.making[asking] == known {
		delete(a.making, asking)
	}
	select {
	case <-known:
	default:
		close(known)
	}
}

// keep has an answer made and keeps it if it may be given again.
func (s *server) keep(w http.ResponseWriter, r *http.Request, asking string, known chan struct{}, next http.Handler) {
	a := s.answers
	defer a.end(asking, known)
	before, begun := slices.AppendSeq(make([]string, 0, len(w.Header())), maps.Keys(w.Header())), s.Now()
	t := &tee{ResponseWriter: w, most: a.most, lost: func() { a.end(asking, known) }, instead: func() bool { return s.insteadOf(w, r, asking) }}
	var from []string
	r = r.WithContext(context.WithValue(r.Context(), origin{}, &from))
	next.ServeHTTP(t, r)
	f := t.finished(before)
	if f == nil {
		return
	}
	f.readFrom, f.made = from, begun
	form := w.Header().Get("Content-Encoding")
	if f.bare {
		form = "unchanged"
	}
	route := chi.RouteContext(r.Context()).RoutePattern()
	l := &lead{
		identity: form + "\n" + f.etag[strings.IndexByte(f.etag, '-'):],
		route:    route,
		given:    s.metrics.givenOf(route),
		vary:     w.Header()["Vary"],
	}
	a.kept.Set(l.identity, f)
	a.kept.Set(asking, l)
}

// origin is the key, in the context of a request, of the collections that the answer is read from: a *[]string.
type origin struct{}

// readFrom tells the cache which collections the answer to a request is read from. It does not when it is not told.
func readFrom(ctx context.Context, collections []string) {
	if from, ok := ctx.Value(origin{}).(*[]string); ok {
		*from = collections
	}
}

// tee takes down an answer on its way to the client, as long as it may be kept.
type tee struct {
	http.ResponseWriter
	most   int
	lost   func() // called once, as soon as it is known that the answer is not kept
	status int
	body   []byte
	gone   bool

	instead  func() bool // gives another answer than that there is none just now, if it can
	replaced bool        // it did
}

func (t *tee) lose() {
	if !t.gone {
		t.gone, t.body = true, nil
		t.lost()
	}
}

func (t *tee) WriteHeader(status int) {
	if t.status == 0 {
		t.status = status
		if t.replaced = t.instead != nil && status == http.StatusServiceUnavailable && t.instead(); t.replaced {
			t.lose()
			return
		}
		_, ok := revisionOf(t.Header().Get("Etag"))
		if status != http.StatusOK && status != http.StatusNotModified || !ok || t.Header().Get("Accept-Ranges") != "" {
			t.lose()
		}
	}
	if !t.replaced {
		t.ResponseWriter.WriteHeader(status)
	}
}

func (t *tee) Write(b []byte) (int, error) {
	if t.status == 0 {
		t.WriteHeader(http.StatusOK)
	}
	if t.replaced {
		return len(b), nil
	}
	switch {
	case t.gone:
	case len(t.body)+len(b) > t.most:
		t.lose()
	default:
		t.body = append(t.body, b...)
	}
	n, err := t.ResponseWriter.Write(b)
	if err != nil {
		t.lose() // what comes after it may not have come at all
	}
	return n, err
}

// Flush sends what is written so far.
func (t *tee) Flush() { _ = http.NewResponseController(t.ResponseWriter).Flush() }

// Unwrap lets deadlines be set.
func (t *tee) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// finished is the answer that was taken down, with the headers that it added to those of these names; nil if it is not kept.
func (t *tee) finished(before []string) *finished {
	header := t.Header()
	etag := header.Get("Etag")
	revision, ok := revisionOf(etag)
	if t.gone || t.status == 0 || !ok || !strings.Contains(etag, "-") {
		return nil
	}
	f := &finished{revision: revision, bare: t.status == http.StatusNotModified, immutable: header.Get("Cache-Control") == immutable, etag: etag, body: t.body}
	f.header = make([]headerField, 0, len(header))
	for name, values := range header {
		if !slices.Contains(before, name) && name != "Vary" && name != "Content-Length" {
			f.header = append(f.header, headerField{name, values})
		}
	}
	f.header = append(f.header, headerField{"Content-Length", []string{strconv.Itoa(len(f.body))}})
	return f
}
