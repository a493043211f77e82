package httpapi

import (
	"net/http"
	"regexp"
	"runtime/debug"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/klauspost/compress/gzhttp"
)

// readOnly are the methods that pages of other origins may use.
const readOnly = "GET, HEAD, OPTIONS"

// middleware is what every request goes through, the outermost first.
func (s *server) middleware() []func(http.Handler) http.Handler {
	compress, err := gzhttp.NewWrapper(gzhttp.EnableZstd(true), gzhttp.MinSize(1024))
	if err != nil {
		panic(err) // our own constants
	}
	return []func(http.Handler) http.Handler{
		s.identify, s.log, s.recover, s.cors, func(h http.Handler) http.Handler { return compress(h) }, s.extension, middleware.GetHead,
	}
}

// identify gives every request an id: the client's own if it looks like one.
func (s *server) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("X-Request-Id")
		if !plainID.MatchString(id) {
			id = s.NewID()
		}
		w.Header().Set("X-Request-Id", id)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

var plainID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

func requestID(w http.ResponseWriter) string { return w.Header().Get("X-Request-Id") }

// log writes a line a request, by the pattern of its route: addresses are too many to count.
func (s *server) log(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := s.Now()
		ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		defer func() {
			s.Log.Info("request", "request_id", requestID(w), "method", r.Method, "path", r.URL.Path, "route", chi.RouteContext(r.Context()).RoutePattern(),
				"status", ww.Status(), "bytes", ww.BytesWritten(), "duration", s.Now().Sub(start), "client", r.RemoteAddr)
		}()
		next.ServeHTTP(ww, r)
	})
}

// recover turns a panic, which is always a fault of ours, into a problem, and logs where it was.
func (s *server) recover(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			fault := recover()
			if fault == nil {
				return
			}
			if fault == http.ErrAbortHandler { //nolint:errorlint // net/http's own sentinel, compared as net/http does
				panic(fault)
			}
			s.Log.Error("panic", "request_id", requestID(w), "path", r.URL.Path, "fault", fault, "stack", string(debug.Stack()))
			s.problem(w, r, internal, internal.About, nil)
		}()
		next.ServeHTTP(w, r)
	})
}

// cors opens reads to every page, without credentials, and answers OPTIONS.
func (s *server) cors(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Access-Control-Expose-Headers", "ETag, Link, Parley-Did-You-Mean, Parley-Reported-By, Parley-Revision, Retry-After, X-Request-Id")
		if r.Method != http.MethodOptions {
			next.ServeHTTP(w, r)
			return
		}
		h.Set("Allow", s.allowed(r.URL.Path))
		h.Set("Access-Control-Allow-Methods", readOnly)
		h.Set("Access-Control-Allow-Headers", "Accept, If-None-Match, X-Request-Id")
		h.Set("Access-Control-Max-Age", "86400")
		w.WriteHeader(http.StatusNoContent)
	})
}
