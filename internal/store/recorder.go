package store

import (
	"context"
	"errors"
	"fmt"
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
func (r *Recorder) Record(ctx context.Context, c Changeset) (Recorded, error) {
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

// lead carries out the changeset that has waited longest, the caller's own, together with those that go with it, and then
// has the next one lead.
func (r *Recorder) lead(ctx context.Context) (Recorded, error) {
	defer r.pass()
	turns := r.take()
	if len(turns) == 1 {
		return Record(ctx, r.db, turns[0].Changeset)
	}
	done, err := r.group(ctx, turns)
	switch {
	case isUndone(err):
		return Record(ctx, r.db, turns[0].Changeset)
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
	// What others wait for does not end with the request of one.
	all, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeTogether)
	defer cancel()
	return recordTogether(all, r.db, turns)
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
// anything about one of them that is not plain success, none is carried out.
func recordTogether(ctx context.Context, db *pgxpool.Pool, turns []*turn) (done []Recorded, err error) {
	err = pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		if done, err = begin(ctx, tx, turns); err != nil {
			return err
		}
		w := &writer{ctx: ctx, tx: tx, revision: done[0].Revision, changeset: Changeset{}}
		for _, t := range turns {
			w.changeset.Operations = append(w.changeset.Operations, t.Operations[0])
		}
		batches, err := w.check()
		if err != nil {
			return err
		}
		for _, ref := range w.refs { // to one that might come later
			if b := batches[0]; ref.Collection == b.kind.Collection && b.written[ref.ID] != nil {
				return errAlone
			}
		}
		if err := w.carryOut(batches); err != nil {
			return err
		}
		for i, t := range turns {
			o := t.Operations[0]
			done[i].Changed, done[i].Created, done[i].Changes = true, !batches[0].there[o.ID], []RecordChange{batches[0].change(o)}
		}
		return w.eachChanges(len(turns))
	})
	return done, err
}

// begin opens a changeset for each turn, and has each record written under its own.
func begin(ctx context.Context, tx pgx.Tx, turns []*turn) ([]Recorded, error) {
	var done []Recorded
	var authors, messages []string
	for _, t := range turns {
		authors, messages = append(authors, t.Author), append(messages, t.Message)
	}
	var batch pgx.Batch
	const open = "insert into changesets (author, message) select * from unnest($1::text[], $2::text[]) returning id, recorded_at"
	batch.Queue(open, authors, messages).Query(func(rows pgx.Rows) (err error) {
		done, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (d Recorded, err error) {
			return d, row.Scan(&d.Revision, &d.RecordedAt)
		})
		return err
	})
	batch.Queue("set constraints all deferred")
	batch.Queue("set local plan_cache_mode = force_generic_plan") // of few records by id: no plan is better
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, err
	}
	under := " "
	for i, t := range turns {
		under += fmt.Sprintf("%s=%d ", t.Operations[0].ID, done[i].Revision)
	}
	_, err := tx.Exec(ctx, "select set_config('parley.changeset', $1, true), set_config('parley.changesets', $2, true)", fmt.Sprint(done[0].Revision), under)
	return done, err
}

// eachChanges makes sure that so many changesets, of which the writer has the first, have all changed something: one that
// does not must not become a revision.
func (w *writer) eachChanges(n int) error {
	var changed int
	var batch pgx.Batch
	batch.Queue("set constraints all immediate")
	batch.Queue("select count(distinct revision) from changes where revision >= $1", w.revision).QueryRow(func(row pgx.Row) error { return row.Scan(&changed) })
	if err := w.tx.SendBatch(w.ctx, &batch).Close(); err != nil {
		return err
	}
	if changed != n {
		return errAlone
	}
	return nil
}
