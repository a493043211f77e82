package httpapi

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/maypok86/otter/v2"
)

// answers keeps finished answers: the bytes as they go out, compressed or not, with their headers. It is exact: an answer
// about the present is given again only while the data set is at the revision that it was made at, one about the past for
// ever. Which answers those are it learns from their own headers.
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
	vary     []string // depends on how the form was asked for
}

// finished is an answer.
type finished struct {
	revision  int64
	immutable bool
	etag      string
	header    http.Header
	body      []byte
}

// newAnswers returns a cache of so many bytes; nil for none.
func newAnswers(bytes int64) *answers {
	if bytes <= 0 {
		return nil
	}
	const entry = 500 // bytes, about, that an entry costs beside its contents
	return &answers{
		most:   int(min(bytes/32, 2<<20)),
		making: map[string]chan struct{}{},
		kept: otter.Must(&otter.Options[string, any]{
			MaximumWeight: uint64(bytes),
			Weigher: func(key string, value any) uint32 {
				if f, ok := value.(*finished); ok {
					size := entry + len(key) + len(f.body)
					for name, values := range f.header {
						size += len(name) + len(strings.Join(values, ""))
					}
					return uint32(size)
				}
				return uint32(entry + len(key))
			},
		}),
	}
}

// warm answers from the cache if it can, and otherwise keeps what is answered. Of several requests for the same one makes
// the answer, and the others wait for it.
func (s *server) warm(next http.Handler) http.Handler {
	if s.answers == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead || !strings.HasPrefix(r.RequestURI, "/v1/") {
			next.ServeHTTP(w, r)
			return
		}
		asking := s.asking(r)
		if s.again(w, r, asking) {
			return
		}
		if r.Method == http.MethodHead {
			next.ServeHTTP(w, r)
			return
		}
		known, mine := s.answers.begin(asking, nil)
		if mine {
			s.keep(w, r, asking, known, next)
			return
		}
		patient := time.NewTimer(patience)
		defer patient.Stop()
		select {
		case <-known:
			if !s.again(w, r, asking) { // it is not kept: each for itself
				next.ServeHTTP(w, r)
			}
		case <-patient.C: // who makes it may have a slow client: somebody else does it anew
			if known, mine = s.answers.begin(asking, known); mine {
				s.keep(w, r, asking, known, next)
			} else {
				next.ServeHTTP(w, r)
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

// again answers from the cache, and reports whether it could.
func (s *server) again(w http.ResponseWriter, r *http.Request, asking string) bool {
	found, _ := s.answers.kept.GetIfPresent(asking)
	l, ok := found.(*lead)
	if !ok {
		return false
	}
	found, _ = s.answers.kept.GetIfPresent(l.identity)
	f, ok := found.(*finished)
	if !ok {
		return false
	}
	if !f.immutable {
		revision, err := s.Watch.Revision(r.Context())
		if err != nil || f.revision < revision {
			return false
		}
	}
	chi.RouteContext(r.Context()).RoutePatterns = []string{l.route}
	h := w.Header()
	for name, values := range f.header {
		h[name] = values
	}
	h["Vary"] = l.vary
	switch {
	case r.Header.Get("If-None-Match") != "" && matches(r, f.etag):
		h.Del("Content-Type")
		h.Del("Content-Length")
		h.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
	case r.Method == http.MethodHead:
	default:
		_, _ = w.Write(f.body)
	}
	return true
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
	before := w.Header().Clone()
	t := &tee{ResponseWriter: w, most: a.most, lost: func() { a.end(asking, known) }}
	next.ServeHTTP(t, r)
	f := t.finished(before)
	if f == nil {
		return
	}
	l := &lead{
		identity: f.header.Get("Content-Encoding") + "\n" + f.etag[strings.IndexByte(f.etag, '-'):],
		route:    chi.RouteContext(r.Context()).RoutePattern(),
		vary:     w.Header()["Vary"],
	}
	s.Watch.Advance(f.revision)
	a.kept.Set(l.identity, f)
	a.kept.Set(asking, l)
}

// tee takes down an answer on its way to the client, as long as it may be kept.
type tee struct {
	http.ResponseWriter
	most   int
	lost   func() // called once, when it is known that the answer is not kept
	status int
	body   []byte
	gone   bool
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
		if _, ok := revisionOf(t.Header().Get("Etag")); status != http.StatusOK || !ok {
			t.lose()
		}
	}
	t.ResponseWriter.WriteHeader(status)
}

func (t *tee) Write(b []byte) (int, error) {
	if t.status == 0 {
		t.WriteHeader(http.StatusOK)
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

// Unwrap lets deadlines be set and streams be flushed.
func (t *tee) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// finished is the answer that was taken down, with the headers that it added to those before; nil if it is not kept.
func (t *tee) finished(before http.Header) *finished {
	header := t.Header()
	etag := header.Get("Etag")
	revision, ok := revisionOf(etag)
	if t.gone || t.status != http.StatusOK || !ok || !strings.Contains(etag, "-") {
		return nil
	}
	f := &finished{revision: revision, immutable: header.Get("Cache-Control") == immutable, etag: etag, header: http.Header{}, body: t.body}
	for name, values := range header {
		if before[name] == nil && name != "Vary" {
			f.header[name] = values
		}
	}
	f.header.Set("Content-Length", strconv.Itoa(len(f.body)))
	return f
}
