package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"time"
)

// While the database cannot be asked, or does not answer, or there is no room to make an answer, the one that was kept last is better than none, if it says so: by Age how
// long ago it was certain to hold, and by Cache-Status (RFC 9211) that it is stale. That is what stale-if-error (RFC 5861) lets caches do.

// doubt is how long it is tried to find out whether a kept answer still holds.
const doubt = 500 * time.Millisecond

// holds finds out whether an answer still holds.
func (s *server) holds(r *http.Request, f *finished) (bool, error) {
	if s.Stale == 0 || !s.Watch.Deaf() {
		return s.Watch.Holds(r.Context(), f.revision, f.readFrom)
	}
	ctx, cancel := context.WithTimeout(r.Context(), doubt)
	defer cancel()
	return s.Watch.Holds(ctx, f.revision, f.readFrom)
}

// stale is the answer that was kept last, if it is not too old and the client has seen none that is newer; else nil. The headers say
// that it is stale.
func (s *server) stale(w http.ResponseWriter, r *http.Request, asking string) (*finished, *lead) {
	if s.Stale == 0 || r.Context().Err() != nil {
		return nil, nil
	}
	f, l := s.answers.last(r, asking)
	if f == nil || f.revision < seen(r) {
		return nil, nil
	}
	age := s.age(f)
	if age > s.Stale {
		return nil, nil
	}
	text := strconv.Itoa(seconds(age))
	w.Header()["Age"] = []string{text}
	w.Header()["Cache-Status"] = []string{"parley; hit; ttl=-" + text + "; detail=stale-if-error"}
	return f, l
}

// insteadOf gives a stale answer in place of the problem that there is none just now, if it can.
func (s *server) insteadOf(w http.ResponseWriter, r *http.Request, asking string) bool {
	f, l := s.stale(w, r, asking)
	if f == nil {
		return false
	}
	for _, name := range []string{"Cache-Control", "Content-Encoding", "Content-Length", "Content-Type", "Retry-After", "Vary"} { // of the problem
		w.Header().Del(name)
	}
	f.give(w, r, l)
	if o, ok := w.(*observed); ok {
		o.cache = cacheStale
	}
	return true
}

// orStale has an answer that is not kept replaced by a stale one where it says that there is none just now.
func (s *server) orStale(w http.ResponseWriter, r *http.Request, asking string) http.ResponseWriter {
	return &tee{ResponseWriter: w, gone: true, instead: func() bool { return s.insteadOf(w, r, asking) }}
}

// age is how long ago it was last certain that an answer holds.
func (s *server) age(f *finished) time.Duration {
	certain := f.made
	if last := s.Watch.Held(f.revision, f.readFrom); last.After(certain) {
		certain = last
	}
	return max(s.Now().Sub(certain), 0)
}

// seen is the revision that an answer must at least be of, because the client has seen it.
func seen(r *http.Request) int64 {
	n, _ := strconv.ParseInt(r.URL.Query().Get("min_revision"), 10, 64) // what is none was refused, and never kept
	return n
}
