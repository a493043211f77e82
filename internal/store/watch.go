package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Watch knows the revision of the data set without asking for it, while it listens to what changesets tell at their
// commit. While it does not, it asks each time. The zero of known is "not known"; a revision is kept one greater.
type Watch struct {
	db      *pgxpool.Pool
	known   atomic.Int64
	floor   atomic.Int64 // what this process itself has recorded or read, heard of or not
	listens atomic.Bool  // it is to

	// When the database was asked last that has answered, so that nothing was missed; nil: never. It goes by no clock that somebody sets.
	asked atomic.Pointer[time.Time]

	// MaxLag is how long after that what was known then does for the present while the database cannot be asked: as long as it is
	// away, others can answer, and nobody records anything. Set before use; 0: the database is to be asked, and it must answer.
	MaxLag time.Duration

	// Anew is called when the database is connected to anew: connections that were made before may lead to a server that is no longer
	// there, or no longer the primary. Set before use, if others than those that the watch was given are to be made anew as well.
	Anew func()

	// Lines are the connections of others to the same database: they are cut when it does not answer, and none is made until it does.
	// Otherwise each waits by itself until its time is up, and all together take the connections away from who could be answered
	// again. Set before use; nil: there are none.
	Lines *Lines

	touched atomic.Pointer[touched]

	mu     sync.Mutex
	moved  chan struct{} // closed, and another one made, when the revision moves, or is no longer listened to
	asking sync.Mutex    // of several that wait while nobody listens, one asks
	asks   bool          // the database is being asked for the revision
	next   *question     // of those who wait for the next time; nil: nobody does
}

// NewWatch returns a watch that asks, until [Watch.Listen] is called.
func NewWatch(db *pgxpool.Pool) *Watch {
	return &Watch{db: db, moved: make(chan struct{}), Anew: db.Reset}
}

// Revision returns the revision of the data set: the one that every changeset committed by this process is at or before,
// and those of others from the moment at which the database has told of them.
func (w *Watch) Revision(ctx context.Context) (int64, error) {
	if n := w.known.Load(); n > 0 {
		return max(n-1, w.floor.Load()), nil
	}
	if _, last := w.Heard(); w.MaxLag > 0 && time.Since(last) < w.MaxLag {
		return w.floor.Load(), nil
	}
	if !w.listens.Load() {
		return Revision(ctx, w.db)
	}
	return w.ask(ctx)
}

// question is what several want to know at the same time: which revision the data set is at.
type question struct {
	answered chan struct{}
	revision int64 // valid then
	err      error
}

// ask asks the database, once for all who come before it is asked; who comes later waits for the next time. So each is told of what
// was there when it came, and a database that does not answer has one of them waiting for it, whatever their number.
func (w *Watch) ask(ctx context.Context) (int64, error) {
	w.mu.Lock()
	if w.next == nil {
		w.next = &question{answered: make(chan struct{})}
	}
	q := w.next
	if !w.asks {
		w.asks = true
		go w.askAll()
	}
	w.mu.Unlock()
	select {
	case <-q.answered:
		return q.revision, q.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// askAll asks until nobody wants to know any more.
func (w *Watch) askAll() {
	for {
		w.mu.Lock()
		q := w.next
		w.next, w.asks = nil, q != nil
		w.mu.Unlock()
		if q == nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), mute)
		q.revision, q.err = Revision(ctx, w.db)
		cancel()
		close(q.answered)
	}
}

// Known is the newest revision that is known without asking; 0: none is.
func (w *Watch) Known() int64 { return max(w.known.Load()-1, w.floor.Load(), 0) }

// Heard says whether changesets are listened to, and when it was last certain that none was missed; the zero time: never.
func (w *Watch) Heard() (listening bool, last time.Time) {
	if asked := w.asked.Load(); asked != nil {
		last = *asked
	}
	return w.known.Load() != 0, last
}

// Deaf reports whether changesets are to be listened to, and are not just now.
func (w *Watch) Deaf() bool { return w.listens.Load() && w.known.Load() == 0 }

// Advance tells of a revision that was recorded or read: it is there, whether the database has told of it yet or not.
func (w *Watch) Advance(revision int64) {
	for {
		n := w.floor.Load()
		if n >= revision {
			return
		}
		if w.floor.CompareAndSwap(n, revision) {
			w.wake()
			return
		}
	}
}

// wake has all who wait look again.
func (w *Watch) wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.moved)
	w.moved = make(chan struct{})
}

func (w *Watch) whenMoved() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.moved
}

// After waits until the data set is at a later revision than one, and returns it. While nobody listens, it asks now and then.
func (w *Watch) After(ctx context.Context, revision int64) (int64, error) {
	for {
		moved := w.whenMoved()
		if now := w.floor.Load(); now > revision {
			return now, nil
		}
		var again <-chan time.Time
		if w.known.Load() == 0 {
			if w.asking.TryLock() {
				now, err := Revision(ctx, w.db)
				w.asking.Unlock()
				if err != nil {
					return 0, err
				}
				if w.Advance(now); now > revision {
					return now, nil
				}
			}
			again = time.After(silence)
		}
		select {
		case <-moved:
		case <-again:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// How long a silent connection is trusted, how long after a failure the next one is tried, how long after one that is not answered,
// and after how long without an answer to any the database counts as one that does not answer.
const (
	silence = time.Second
	respite = 100 * time.Millisecond
	anew    = silence / 2
	mute    = 2 * silence
)

// ErrLost is the error of a database that has not what it had: an older state of it was restored, or a standby has taken over
// that lacked something. Nothing that is kept of it may be shown any more.
var ErrLost = errors.New("the database has lost revisions")

// Listen listens until the context ends, on a connection of its own, which it makes anew whenever it is lost. The error is an
// [ErrLost], or nil.
func (w *Watch) Listen(ctx context.Context, log *slog.Logger) error {
	reason := ""
	w.listens.Store(true)
	for ctx.Err() == nil {
		err := w.listen(ctx)
		w.known.Store(0)
		w.wake()
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, ErrLost) {
			return err
		}
		if err.Error() != reason {
			reason = err.Error()
			log.Warn("not listening to changesets", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(respite):
		}
	}
	return nil
}

func (w *Watch) listen(ctx context.Context) error {
	conn, err := w.connect(ctx)
	if err != nil {
		return err
	}
	defer w.hangUp(conn)
	w.Anew()
	if _, err := conn.Exec(ctx, "set plan_cache_mode = force_generic_plan; listen parley_changesets"); err != nil {
		return err
	}
	for {
		// What was committed before listening began, or is told only later, is found here; and that the connection lives.
		revision, err := w.learn(ctx, conn)
		if err != nil {
			return err
		}
		w.known.CompareAndSwap(0, revision+1)
		if err := w.hear(ctx, conn); err != nil {
			return err
		}
	}
}

// connect connects to the database. What was sent to a server that did not take it in is never answered, also when it is there again:
// so after a while it tries anew, beside the attempts that there are.
func (w *Watch) connect(ctx context.Context) (*pgx.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	type outcome struct {
		conn *pgx.Conn
		err  error
	}
	outcomes := make(chan outcome)
	trying := 0
	defer func() {
		cancel() // a connection that is made is not affected
		go func(n int) {
			for range n {
				if o := <-outcomes; o.err == nil {
					w.hangUp(o.conn)
				}
			}
		}(trying)
	}()
	config := w.db.Config().ConnConfig
	if w.Lines != nil {
		config.DialFunc = w.Lines.dial
	}
	begun := time.Now()
	for {
		trying++
		go func() {
			conn, err := pgx.ConnectConfig(ctx, config)
			outcomes <- outcome{conn, err}
		}()
		select {
		case o := <-outcomes:
			trying--
			timedOut := o.err != nil && (errors.Is(o.err, context.DeadlineExceeded) || errors.Is(o.err, os.ErrDeadlineExceeded))
			if timedOut && trying > 0 && ctx.Err() == nil {
				continue // others are under way
			}
			if w.Lines != nil && !timedOut {
				w.Lines.found() // whatever it says
			}
			return o.conn, o.err
		case <-time.After(anew):
			if w.Lines != nil && time.Since(begun) >= mute {
				w.Lines.silence()
			}
		}
	}
}

// hangUp ends a connection, without waiting long for a server that may not listen.
func (w *Watch) hangUp(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), respite)
	defer cancel()
	_ = conn.Close(ctx)
}

// hear waits for what changesets tell, until there is silence.
func (w *Watch) hear(ctx context.Context, conn *pgx.Conn) error {
	waiting, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	for {
		told, err := conn.WaitForNotification(waiting)
		switch {
		case err != nil && waiting.Err() != nil && ctx.Err() == nil:
			return nil // nothing was told
		case err != nil:
			return err
		}
		revision, err := strconv.ParseInt(told.Payload, 10, 64)
		if err != nil {
			return fmt.Errorf("a changeset told %q: %w", told.Payload, err)
		}
		w.Advance(revision) // at once; what it is about may take a moment longer
		if w.touched.Load().through < revision {
			if _, err := w.learn(ctx, conn); err != nil {
				return err
			}
		}
	}
}
