package httpapi

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"github.com/parley-api/parley/internal/store"
	"github.com/parley-api/parley/internal/web"
	"github.com/parley-api/parley/internal/webhook"
)

// Options are what a server is made of.
type Options struct {
	DB        *pgxpool.Pool // all that is read
	Writer    *pgxpool.Pool // what is written, keys and webhooks; nil: DB
	Log       *slog.Logger
	PublicURL string                      // what absolute links begin with; "": as the client addressed us
	Version   string                      // of the program; part of every validator
	Schema    func(context.Context) error // is the schema of the database that of this program? nil: it is
	Ready     func() error                // is the server willing to take requests? nil: always
	Now       func() time.Time            // nil: the clock
	NewID     func() string               // makes request ids; nil: ones of its own
	Watch     *store.Watch                // knows the revision; nil: it is asked for each time
	Replicas  *store.Replicas             // over which reads are spread; nil: all are answered by DB
	Webhooks  *webhook.Sender             // tries out webhooks, and says what may be their target; nil: one that reaches the public internet only
	Cache     int64                       // bytes of finished answers that are kept; 0: none
	Stale     time.Duration               // how old one may be that is given although nobody can say whether it still holds; 0: none is
	Metrics   prometheus.Registerer       // told what is counted; nil: nobody is
	Tracing   trace.TracerProvider        // makes the spans of requests; nil: there are none

	MaxStreams      int             // that one client address may have open; 0: any number
	MaxStreamsInAll int             // 0: any number
	Heartbeat       time.Duration   // how often a stream says that it is there; 0: every 15 seconds
	Stop            <-chan struct{} // closed when streams are to end; nil: never

	Proxies     *Proxies // whom we believe when they say which client a request comes from; nil: nobody
	MaxURL      int      // bytes of an address; 0: no limit of ours
	ClientRate  int      // requests a minute of one client address, without those that are answered from the cache; 0: any number
	KeyRate     int      // of one API key; 0: any number
	BadKeyRate  int      // keys a minute from one client address that are none; 0: any number
	MaxRequests int      // at work at a time, without those that are answered from the cache; 0: any number

	// Surplus reports, by the context of a request, whether there is no room for its connection; nil: there always is.
	Surplus func(context.Context) bool

	Exports        *pgxpool.Pool // connections for exports; nil: those of DB
	MaxExports     int           // under way at a time, half of them of one client address; 0: any number
	ExportTimeout  time.Duration // how long one may take; 0: as long as it likes
	ExportPatience time.Duration // how long one waits for others to end; 0: 5 seconds

	Author        string              // every request may write, as this author and without a key: for a handler that serves none but this process
	MaxBody       int64               // bytes of a request to write; 0: no limit
	MaxOperations int                 // of a changeset; 0: no limit
	Progress      func(share float64) // told how much of a changeset is carried out; may be nil
}

// server holds what handlers need, and what they share.
type server struct {
	Options
	docs      http.HandlerFunc
	cacheable string // the Cache-Control of what may change with the next changeset
	routing   chi.Routes
	answers   *answers // nil: none are kept
	metrics   *metrics
	recorder  *store.Recorder
	pacing    pacing
	files     *files
	streams   *streams
	exports   *exports
	quotas    quotas
	suspected sync.Once    // a proxy, and said so
	atWork    atomic.Int64 // requests that are not answered from the cache
	site      *web.Site
	painting  chan struct{} // so many pictures are painted at a time
}

// New returns the handler of the public address.
func New(o Options) http.Handler {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Ready == nil {
		o.Ready = func() error { return nil }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.NewID == nil {
		o.NewID = requestIDs()
	}
	if o.Writer == nil {
		o.Writer = o.DB
	}
	o.PublicURL = strings.TrimSuffix(o.PublicURL, "/")
	if o.Watch == nil {
		o.Watch = store.NewWatch(o.DB)
	}
	if o.ExportPatience == 0 {
		o.ExportPatience = exportPatience
	}
	if o.Heartbeat == 0 {
		o.Heartbeat = heartbeat
	}
	if o.Webhooks == nil {
		o.Webhooks = webhook.NewSender(webhook.SenderOptions{Version: o.Version})
	}
	m := newMetrics()
	s := &server{
		Options: o, docs: docs(), metrics: m, answers: newAnswers(o.Cache, m.evictions), recorder: store.NewRecorder(o.Writer), files: newFiles(o.Now, o.ExportPatience),
		streams: newStreams(&o), exports: newExports(&o), site: web.New(), painting: make(chan struct{}, paintings),
		quotas: quotas{newQuota("client", o.ClientRate), newQuota("key", o.KeyRate), newQuota("bad-keys", o.BadKeyRate)},
	}
	s.cacheable = cacheable
	if o.Stale > 0 {
		s.cacheable += fmt.Sprintf(", stale-if-error=%d", int64(o.Stale.Seconds()))
	}
	if o.Metrics != nil {
		s.register(o.Metrics)
	}
	r := s.routes()
	s.routing = r
	return s.front(r)
}

// pageTimeout is how long a page or a record may take, the answer's way to the client included.
const pageTimeout = 20 * time.Second

// stallTimeout is how long a stream waits for a client that does not read.
const stallTimeout = time.Minute

// base is what absolute addresses begin with: "https://example.org".
func (s *server) base(r *http.Request) string {
	switch {
	case s.PublicURL != "":
		return s.PublicURL
	case r.TLS != nil:
		return "https://" + r.Host
	default:
		return "http://" + r.Host
	}
}

// handler is a handler that may fail.
type handler func(w http.ResponseWriter, r *http.Request) error

// page serves answers that are made in one piece: within pageTimeout.
func (s *server) page(h handler) http.HandlerFunc { return s.handle(s.paged(h)) }

func (s *server) paged(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		s.pacing.ask(time.Now())
		ctx, cancel := context.WithTimeout(r.Context(), pageTimeout)
		defer cancel()
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(pageTimeout + stallTimeout))
		return h(w, r.WithContext(ctx))
	}
}
