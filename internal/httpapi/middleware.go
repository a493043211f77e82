package httpapi

import (
	"crypto/rand"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/klauspost/compress/gzhttp"
)

// Values of headers that every answer has, shared by all of them: never appended to.
var (
	nosniff     = []string{"nosniff"}
	everyOrigin = []string{"*"}
	exposed     = []string{"Accept-Ranges, Age, Cache-Status, Content-Disposition, Content-Range, ETag, Link, Parley-Did-You-Mean, Parley-Reported-By, Parley-Revision, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id"}
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
		resting, s.traced, s.identify, s.log, s.recover, s.cors, s.short, s.limit, s.warm, s.shed, func(h http.Handler) http.Handler { return besideStreams(compress(h), h) }, s.extension, middleware.GetHead,
	}
}

// identify gives every request an id: the client's own if it looks like one.
func (s *server) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del(byExtension) // it is ours to set
		if len(r.TransferEncoding) > 0 && r.ProtoMajor == 1 {
			// Where a body has a length besides, net/http passes over that, and a proxy perhaps over the chunks: what follows
			// may then be a request that it has not seen as one. So nothing follows.
			w.Header().Set("Connection", "close")
		}
		s.introduce(w, r)
		next.ServeHTTP(w, r)
	})
}

// introduce sets the headers that every answer begins with.
func (s *server) introduce(w http.ResponseWriter, r *http.Request) {
	id := r.Header.Get("X-Request-Id")
	if id == "" || !plainID.MatchString(id) {
		id = s.NewID()
	}
	h := w.Header()
	h["X-Request-Id"] = []string{id}
	h["X-Content-Type-Options"] = nosniff
}

// requestIDs returns what makes request ids, of which no two are the same, in this process or another: they begin with what is random,
// once, and are counted from there. To draw each one would take as long as to find an answer that is kept.
func requestIDs() func() string {
	begin := rand.Text()
	var n atomic.Uint64
	return func() string {
		var id [64]byte
		return string(strconv.AppendUint(append(id[:0], begin...), n.Add(1), 36))
	}
}

var plainID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

func requestID(w http.ResponseWriter) string { return w.Header().Get("X-Request-Id") }

// log counts each request and writes a line about it, by the pattern of its route: addresses are too many to count.
func (s *server) log(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o := &observed{ResponseWriter: w, begin: s.Now(), now: s.Now, cache: cacheBypass}
		defer func() {
			route := chi.RouteContext(r.Context()).RoutePattern()
			o.silent(r)
			s.metrics.answered(r, route, o)
			spanAnswer(r.Context(), r.Method, route, requestID(w), o.status, o.bytes, o.cache)
			s.access(slog.LevelInfo, r, requestID(w), route, o.status, o.bytes, o.begin)
		}()
		next.ServeHTTP(o, r)
	})
}

// access writes the line about a request.
func (s *server) access(level slog.Level, r *http.Request, id, route string, status, bytes int, start time.Time) {
	if !s.Log.Enabled(r.Context(), level) {
		return
	}
	s.Log.LogAttrs(r.Context(), level, "request", slog.String("request_id", id), slog.String("method", r.Method), slog.String("path", r.URL.Path),
		slog.String("route", route), slog.Int("status", status), slog.Int("bytes", bytes), slog.Duration("duration", s.Now().Sub(start)), slog.String("client", s.Proxies.address(r)))
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
			s.Log.ErrorContext(r.Context(), "panic", "request_id", requestID(w), "path", r.URL.Path, "fault", fault, "stack", string(debug.Stack()))
			s.problem(w, r, internal, internal.About, nil)
		}()
		next.ServeHTTP(w, r)
	})
}

// openToAll lets pages of every origin read an answer.
func openToAll(w http.ResponseWriter) {
	h := w.Header()
	h["Access-Control-Allow-Origin"], h["Access-Control-Expose-Headers"] = everyOrigin, exposed
}

// cors opens reads to every page, without credentials, and answers OPTIONS.
func (s *server) cors(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		openToAll(w)
		if r.Method != http.MethodOptions {
			next.ServeHTTP(w, r)
			return
		}
		h := w.Header()
		h.Set("Allow", s.allowed(r.URL.Path))
		h.Set("Access-Control-Allow-Methods", readOnly)
		h.Set("Access-Control-Allow-Headers", "Accept, If-None-Match, If-Range, Last-Event-ID, Range, X-Request-Id")
		h.Set("Access-Control-Max-Age", "86400")
		w.WriteHeader(http.StatusNoContent)
	})
}
