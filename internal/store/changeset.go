package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/record"
)

// Op is what an operation does to a record.
type Op string

// The operations: Put writes a record whole, Patch applies a merge patch (RFC 7396), Delete ends it.
const (
	Put    Op = "put"
	Patch  Op = "patch"
	Delete Op = "delete"
)

// Operation is one step of a changeset. A changeset has at most one for each record.
type Operation struct {
	Op      Op
	Kind    *record.Kind
	ID      string
	Body    map[string]any // as decoded from JSON; nil for Delete
	Guard   Guard
	Restore bool   // the record that had this id before may come back
	At      string // where the operation stands in the request, as a JSON pointer; the body of one alone is the request: ""
	Within  string // where its body stands
}

// Guard is what must hold of a record for an operation on it: no guard at all suffices only for records that are new.
type Guard struct {
	Unchanged *int64 // the record is there and has not changed since that revision
	Exists    bool   // the record is there
	OrNew     bool   // with one of these two: or it is not there, and was not at that revision
	Absent    bool   // the record is not there
}

// Changeset is what is to be recorded as one: all of it or nothing.
type Changeset struct {
	Author     string
	Message    string
	Operations []Operation
	Faults     []query.Fault       // what is wrong with other operations; the changeset is rejected with them
	DryRun     bool                // only find out what would change
	Retry      *Retry              // nil: not safe to repeat
	Progress   func(share float64) // told how much is carried out so far; may be nil
}

// Recorded is what came of a changeset.
type Recorded struct {
	Revision   int64 // of the changeset; if nothing changed or was recorded, of the data set as it stands
	RecordedAt time.Time
	Changed    bool           // false: everything was so already, or it was a dry run
	Created    bool           // the first operation made a new record
	Changes    []RecordChange // of a dry run, and of one operation that changes no record but its own; else nil: see [Differences]
	Repeated   bool           // a retry of what was recorded before
}

// Rejected is the error of a changeset that cannot be recorded, for the reason that all its faults share.
type Rejected struct {
	Reason Reason
	Faults []query.Fault
}

// Reason is why a changeset was rejected. Where several hold, it is the first.
type Reason int

// The reasons.
const (
	Missing   Reason = iota // a record to be changed is not there
	Unguarded               // a record that is there would be changed without a guard
	Stale                   // a guard does not hold
	Invalid                 // a record would not be as records are
	InUse                   // a record to be deleted is referred to by others, or an id or a value belongs to another record
)

func (e *Rejected) Error() string { return (&query.Error{Faults: e.Faults}).Error() }

// Record carries out a changeset: one transaction, one revision. One writer works at a time; so a revision is never seen
// before a smaller one. If nothing would change, nothing is recorded.
func Record(ctx context.Context, db *pgxpool.Pool, c Changeset) (Recorded, error) {
	var done Recorded
	err := pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		if c.Retry != nil {
			repeated, err := c.Retry.repeated(ctx, tx, &done)
			if err != nil || repeated {
				return err
			}
		}
		if c.Retry == nil {
			return c.record(ctx, tx, &done)
		}
		// What does not come to a revision is undone alone: that a key was used is recorded in any case.
		err := pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error { return c.record(ctx, tx, &done) })
		if err != nil && !errors.Is(err, errNothing) {
			return err
		}
		if !c.DryRun {
			return c.Retry.remember(ctx, tx, done)
		}
		return nil
	})
	if err != nil && !errors.Is(err, errNothing) {
		return Recorded{}, refusal(err)
	}
	if done.Repeated || !done.Changed && !c.DryRun {
		if err := confirm(ctx, db); err != nil {
			return Recorded{}, refusal(err)
		}
	}
	return done, nil
}

// confirm waits until all that can be seen is as safe as what is committed now, with standbys that are waited for included. Who
// finds that something is recorded already may be the first to be told so: the commit may have been cut off in that wait, and a
// transaction that writes nothing does not wait.
func confirm(ctx context.Context, db *pgxpool.Pool) error {
	_, err := db.Exec(ctx, "select pg_logical_emit_message(true, 'parley', '')")
	return err
}

// errNothing undoes a changeset that changes nothing, or is not meant to.
var errNothing = errors.New("nothing to record")

const openChangeset = "insert into changesets (author, message) values ($1, $2) returning id, recorded_at"

func (c Changeset) record(ctx context.Context, tx pgx.Tx, done *Recorded) error {
	w := &writer{ctx: ctx, db: pipeline{session: tx}, changeset: c}
	w.db.queue(openChangeset, c.Author, c.Message).QueryRow(func(row pgx.Row) error {
		err := row.Scan(&done.Revision, &done.RecordedAt)
		w.revision = done.Revision
		return err
	})
	w.db.settle()
	w.faults[Invalid] = slices.Clone(c.Faults)
	batches, err := w.check()
	if err != nil {
		return err
	}
	if err := w.carryOut(batches); err != nil {
		return err
	}
	if o := c.Operations; len(o) == 1 && o[0].Op != Delete {
		done.Created = !batches[0].there[o[0].ID]
	}
	w.db.queue("set constraints all immediate")
	w.db.queue("select exists (select from changes where revision = $1)", done.Revision).QueryRow(func(row pgx.Row) error { return row.Scan(&done.Changed) })
	if err := w.db.carryOut(ctx); err != nil {
		return err
	}
	if done.Changed && !c.DryRun {
		if len(c.Operations) == 1 && changesOne(c.Operations[0]) {
			done.Changes = []RecordChange{batches[0].change(c.Operations[0])}
		}
		return nil
	}
	if done.Changes, err = changesOf(ctx, tx, done.Revision); err != nil {
		return err
	}
	done.Revision, done.Changed = done.Revision-1, false
	return errNothing
}

// refusal makes faults of what the database refuses. The checks before should leave it nothing to refuse.
func refusal(err error) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || !strings.HasPrefix(pg.Code, "23") && !strings.HasPrefix(pg.Code, "22") {
		return fmt.Errorf("recording a changeset: %w", err)
	}
	return &Rejected{Invalid, []query.Fault{{Pointer: "", Reason: fmt.Sprintf("breaks the rule %s of %s", pg.ConstraintName, pg.TableName)}}}
}

// state is a record as a changeset finds it.
type state struct {
	revision int64 // that last changed it; 0: it is not there
	document record.Document
	shown    map[string]any // with what is computed; if a body has such keys
	deleted  int64          // the revision that deleted it; 0: none
}

// states reads the records that operations on a collection name.
func (w *writer) states(k *record.Kind, operations []Operation) (map[string]*state, error) {
	t := tableOf(k)
	ids := make([]string, len(operations))
	names := make(map[string]bool)
	for i, o := range operations {
		ids[i] = o.ID
		for _, name := range k.Shown(o.Body) {
			names[name] = true
		}
	}
	found := map[string]*state{}
	for _, id := range ids {
		found[id] = &state{}
	}
	var id string
	var revision int64
	var text []byte
	w.db.queue(t.documents(k, names), ids).Query(func(rows pgx.Rows) error {
		_, err := pgx.ForEachRow(rows, []any{&id, &revision, &text}, func() error {
			s := found[id]
			s.revision = revision
			if err := json.Unmarshal(text, &s.shown); err != nil {
				return err
			}
			s.document = k.Stored(s.shown)
			return nil
		})
		return err
	})
	w.db.queue("select id::text, max(valid_to) from ended."+t.Base+" where id = any($1::text[]) group by 1", ids).Query(func(rows pgx.Rows) error {
		_, err := pgx.ForEachRow(rows, []any{&id, &revision}, func() error {
			if s := found[id]; s.revision == 0 { // else it was only changed then, or is there again
				s.deleted = revision
			}
			return nil
		})
		return err
	})
	return found, w.db.carryOut(w.ctx)
}

// tableOf is the collection that shows the records of a kind.
func tableOf(k *record.Kind) *Table {
	for _, t := range Tables {
		if t.Name == k.Collection {
			return t
		}
	}
	return nil
}

// documents is the statement for records as documents: id, revision and JSON. names are computed keys to show beside.
func (t *Table) documents(k *record.Kind, names map[string]bool) string {
	var keys []string
	add := func(name string, expr string) { keys = append(keys, expr+` as "`+name+`"`) }
	for _, f := range k.Fields {
		c := t.column(f.Name)
		if c.Keyed {
			add(f.Name, c.Flat)
		} else {
			add(f.Name, c.shown())
		}
	}
	for _, name := range k.Computed {
		if names[name] {
			add(name, t.column(name).shown())
		}
	}
	return "select x.id::text, x.revision, (select to_json(d) from (select " + strings.Join(keys, ", ") + ") d) from " + t.from() + " where x.id = any($1::text[])"
}
