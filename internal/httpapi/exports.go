package httpapi

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// exports bounds what is fetched in bulk: so many at a time, of all and of one client, on connections of their own. So
// pages and records have theirs, whatever is exported.
type exports struct {
	db       *pgxpool.Pool
	slots    chan struct{} // nil: any number
	each     int           // of one client
	waiting  atomic.Int64
	patience time.Duration

	mu      sync.Mutex
	clients map[string]*exporting
}

// exporting is a client with exports under way, or waiting.
type exporting struct {
	slots chan struct{}
	all   int // guarded by exports.mu
}

// errTooManyExports is the error of a client that has as many exports under way as it may.
var errTooManyExports = errors.New("too many exports")

// exportPatience is how long an export waits for others to end, before it is refused.
const exportPatience = 5 * time.Second

// newExports lets so many exports be under way at a time, of one client half of them.
func newExports(o *Options) *exports {
	e := &exports{db: o.DB, patience: o.ExportPatience, clients: map[string]*exporting{}}
	if o.Exports != nil {
		e.db = o.Exports
	}
	if o.MaxExports > 0 {
		e.slots, e.each = make(chan struct{}, o.MaxExports), (o.MaxExports+1)/2
	}
	return e
}

// enter waits a moment for the turn of a client's export.
func (e *exports) enter(ctx context.Context, client string) (leave func(), err error) {
	if e.slots == nil {
		return func() {}, nil
	}
	own := e.join(client)
	e.waiting.Add(1)
	defer e.waiting.Add(-1)
	patient := time.NewTimer(e.patience)
	defer patient.Stop()
	if err := take(ctx, own.slots, patient.C, errTooManyExports); err != nil {
		e.part(client, own)
		return nil, err
	}
	if err := take(ctx, e.slots, patient.C, errBusy); err != nil {
		<-own.slots
		e.part(client, own)
		return nil, err
	}
	return func() {
		<-e.slots
		<-own.slots
		e.part(client, own)
	}, nil
}

// take takes a slot, or gives up with an error.
func take(ctx context.Context, slots chan struct{}, enough <-chan time.Time, tooLate error) error {
	select {
	case slots <- struct{}{}:
		return nil
	case <-enough:
		return tooLate
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (e *exports) join(client string) *exporting {
	e.mu.Lock()
	defer e.mu.Unlock()
	own := e.clients[client]
	if own == nil {
		own = &exporting{slots: make(chan struct{}, e.each)}
		e.clients[client] = own
	}
	own.all++
	return own
}

func (e *exports) part(client string, own *exporting) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if own.all--; own.all == 0 {
		delete(e.clients, client)
	}
}

// export begins an export: it waits for its turn, and has until the deadline of exports from then on.
func (s *server) export(ctx context.Context, client string) (context.Context, func(), error) {
	leave, err := s.exports.enter(ctx, client)
	if err != nil {
		if errors.Is(err, errBusy) || errors.Is(err, errTooManyExports) {
			s.metrics.refused.WithLabelValues(refusedExports).Inc()
		}
		return nil, nil, err
	}
	if s.ExportTimeout == 0 {
		return ctx, leave, nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.ExportTimeout)
	return ctx, func() { cancel(); leave() }, nil
}

// reader is a client that reads an export, who must not hold a connection for ever: it may stall for stallTimeout, and on the
// whole read no slower than leastRate.
type reader struct {
	sent  int64
	spent time.Duration // in sending
}

const leastRate = 32 << 10 // bytes a second

// deadline is when the next part must have been sent.
func (r *reader) deadline(now time.Time) time.Time {
	allowed := stallTimeout + time.Duration(r.sent)*time.Second/leastRate - r.spent
	return now.Add(min(stallTimeout, allowed))
}

// read tells that a part was sent.
func (r *reader) read(bytes int, took time.Duration) {
	r.sent += int64(bytes)
	r.spent += took
}

// bulk is the database that an export is read from, on connections of its own where it is the primary.
func (c *collection) bulk(a *asked) *pgxpool.Pool {
	if a.db == c.DB {
		return c.exports.db
	}
	return a.db
}
