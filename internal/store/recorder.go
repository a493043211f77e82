package store

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Recorder carries out changesets one at a time, as [Record] does. Small ones that wait for each other are carried out
// together, in one transaction: each keeps a revision of its own, and what comes of it is what would have come of it alone.
type Recorder struct {
	db      *pgxpool.Pool
	slots   chan struct{} // of those that are carried out for themselves
	mu      sync.Mutex
	busy    bool
	waiting []*turn
	last    int // so many were carried out together the last time
}

// NewRecorder returns a recorder of changesets.
func NewRecorder(db *pgxpool.Pool) *Recorder {
	return &Recorder{db: db, slots: make(chan struct{}, alone)}
}

// turn is a changeset that waits to be carried out.
type turn struct {
	Changeset

	told chan outcome // has room for one
}

// outcome is what a turn is told: what came of its changeset, or that it is its turn to carry out what waits.
type outcome struct {
	done  Recorded
	err   error
	leads bool
}

// together is how many changesets are one transaction at the most, timeTogether how long that may take, and gathering how
// long it may wait to begin. alone is how many others the database is given at a time: it carries out one after the other;
// more would only wait there, on connections that readers need.
const (
	alone        = 2
	together     = 64
	timeTogether = 15 * time.Second
	gathering    = time.Millisecond
)

// errAlone says that some changesets cannot be carried out together.
var errAlone = errors.New("to be carried out each for itself")

// Record carries out a changeset: see the function of that name.
func (r *Recorder) Record(ctx context.Context, c Changeset) (done Recorded, err error) {
	ctx, end := traced(ctx, "Record", "")
	defer func() { end(err) }()
	if !c.groupable() {
		return r.alone(ctx, c)
	}
	t := &turn{c, make(chan outcome, 1)}
	r.mu.Lock()
	r.waiting = append(r.waiting, t)
	if r.busy {
		r.mu.Unlock()
		switch o := <-t.told; {
		case errors.Is(o.err, errAlone):
			return r.alone(ctx, c)
		case !o.leads:
			return o.done, o.err
		}
	} else {
		r.busy = true
		r.mu.Unlock()
	}
	return r.lead(ctx)
}

func (r *Recorder) alone(ctx context.Context, c Changeset) (Recorded, error) {
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return Recorded{}, ctx.Err()
	}
	return Record(ctx, r.db, c)
}

// lead carries out the changeset that has waited longest, the caller's own, together with those that go with it, and has
// the next one lead.
func (r *Recorder) lead(ctx context.Context) (Recorded, error) {
	turns := r.take()
	if len(turns) == 1 {
		defer r.pass()
		return Record(ctx, r.db, turns[0].Changeset)
	}
	done, err := r.group(ctx, turns)
	switch {
	case isUndone(err):
		return r.alone(ctx, turns[0].Changeset)
	case err != nil:
		return Recorded{}, refusal(err)
	}
	return done[0], nil
}

// group carries out changesets together and tells the others than the first what came of it, whatever that is.
func (r *Recorder) group(ctx context.Context, turns []*turn) (done []Recorded, err error) {
	err = errAlone // unless it gets further
	defer func() {
		for i, t := range turns[1:] {
			switch {
			case isUndone(err):
				t.told <- outcome{err: errAlone}
			case err != nil:
				t.told <- outcome{err: refusal(err)}
			default:
				t.told <- outcome{done: done[i+1]}
			}
		}
	}()
	pass := sync.OnceFunc(r.pass)
	defer pass()
	// What others wait for does not end with the request of one.
	all, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeTogether)
	defer cancel()
	return recordTogether(all, r.db, turns, pass)
}

// isUndone reports whether an error says that nothing is recorded. After others, such as that of a lost connection, that is
// not known, and nothing must be tried again.
func isUndone(err error) bool {
	var rejected *Rejected
	var refused *pgconn.PgError
	return errors.Is(err, errAlone) || errors.As(err, &rejected) || errors.As(err, &refused)
}

// take takes the changeset that has waited longest and those that go with it. Where more of them went together the last
// time, their writers will be back in a moment, and are waited for.
func (r *Recorder) take() []*turn {
	for begin := time.Now(); ; time.Sleep(gathering / 10) {
		r.mu.Lock()
		if len(r.waiting) >= r.last || time.Since(begin) > gathering {
			break
		}
		r.mu.Unlock()
	}
	defer r.mu.Unlock()
	var taken, others []*turn
	ids := map[string]bool{}
	for _, t := range r.waiting {
		o := t.Operations[0]
		if len(taken) < together && !ids[o.ID] && (taken == nil || taken[0].Operations[0].Kind == o.Kind) {
			taken = append(taken, t)
			ids[o.ID] = true
		} else {
			others = append(others, t)
		}
	}
	r.waiting, r.last = others, len(taken)
	return taken
}

// pass has the changeset that has waited longest lead.
func (r *Recorder) pass() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.waiting) == 0 {
		r.busy = false
		return
	}
	r.waiting[0].told <- outcome{leads: true}
}

// groupable reports whether a changeset may be carried out with others of its kind: it writes one record, whatever the
// revision, and no other.
func (c *Changeset) groupable() bool {
	if len(c.Operations) != 1 || c.DryRun || c.Retry != nil || c.Faults != nil {
		return false
	}
	o := c.Operations[0]
	return o.Op != Delete && o.Guard.Unchanged == nil && changesOne(o)
}

// recordTogether carries out changesets on one collection, each of one record that no other of them writes. If there is
// anything about one of them that is not plain success, none is carried out. When all is asked and only to be written, it
// says so by checked: from then on others may begin, which the database has wait until these are committed.
func recordTogether(ctx context.Context, db *pgxpool.Pool, turns []*turn, checked func()) (done []Recorded, err error) {
	conn, err := db.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Release()
	defer func() {
		if err != nil { // what cannot be rolled back ends with its connection
			_, _ = conn.Exec(ctx, "rollback")
		}
	}()
	done = make([]Recorded, len(turns))
	w := &writer{ctx: ctx, db: pipeline{session: conn}}
	for _, t := range turns {
		w.changeset.Operations = append(w.changeset.Operations, t.Operations[0])
	}
	w.begin(turns, done)
	batches, err := w.check()
	if err != nil {
		return nil, err
	}
	for _, ref := range w.refs { // to one that might come later
		if b := batches[0]; ref.Collection == b.kind.Collection && b.written[ref.ID] != nil {
			return nil, errAlone
		}
	}
	if err := w.carryOut(batches); err != nil {
		return nil, err
	}
	for i, t := range turns {
		o := t.Operations[0]
		done[i].Changed, done[i].Created, done[i].Changes = true, !batches[0].there[o.ID], []RecordChange{batches[0].change(o)}
	}
	w.db.queue("set constraints all immediate")
	w.db.queue("select each_changes($1, $2)", w.revision, len(turns))
	w.db.queue("commit")
	checked()
	return done, w.db.carryOut(ctx)
}

// begin opens a changeset for each turn, and has each record written under its own.
func (w *writer) begin(turns []*turn, done []Recorded) {
	var authors, messages, records []string
	for _, t := range turns {
		authors, messages, records = append(authors, t.Author), append(messages, t.Message), append(records, t.Operations[0].ID)
	}
	const open = `
		with opened as (insert into changesets (author, message) select * from unnest($1::text[], $2::text[]) returning id, recorded_at),
			under as (select *, ($3::text[])[row_number() over (order by id)] as record from opened)
		select id, recorded_at, set_config('parley.changeset', min(id) over ()::text, true), set_config('parley.changesets', ' ' || string_agg(record || '=' || id, ' ') over () || ' ', true)
		from under order by id`
	w.db.queue("begin")
	w.db.queue(open, authors, messages, records).Query(func(rows pgx.Rows) error {
		i := 0
		var revision int64
		var at time.Time
		_, err := pgx.ForEachRow(rows, []any{&revision, &at, nil, nil}, func() error {
			done[i].Revision, done[i].RecordedAt = revision, at
			i++
			return nil
		})
		w.revision = done[0].Revision
		return err
	})
	w.db.settle()
}
