package store

import (
	"context"
	"fmt"
	"reflect"

	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/record"
)

// writer carries out one changeset within its transaction.
type writer struct {
	ctx       context.Context //nolint:containedctx // a writer lives as long as one call of Record
	db        pipeline
	revision  int64 // that the changeset makes
	changeset Changeset
	faults    [InUse + 1][]query.Fault // by reason
	refs      []record.Reference
}

func (w *writer) fault(r Reason, pointer, format string, args ...any) {
	w.faults[r] = append(w.faults[r], query.Fault{Pointer: pointer, Reason: fmt.Sprintf(format, args...)})
}

// rejected is the error for the faults so far: those of the first reason that has any.
func (w *writer) rejected() error {
	for reason, faults := range w.faults {
		if faults != nil {
			return &Rejected{Reason(reason), faults}
		}
	}
	return nil
}

// batch is the operations of a changeset on one collection, made ready.
type batch struct {
	kind    *record.Kind
	before  map[string]record.Document // those of the ids that are records already, if they are few
	written map[string]record.Document
	ids     []string        // of written, in the order of the operations
	there   map[string]bool // those of the ids that are records already
	known   map[string]bool // those of the ids that are records, or were
	deleted []string
}

// check finds out what the operations come to, by collection.
func (w *writer) check() (batches []*batch, err error) {
	for _, k := range record.Kinds {
		var operations []Operation
		for _, o := range w.changeset.Operations {
			if o.Kind == k {
				operations = append(operations, o)
			}
		}
		if operations == nil {
			continue
		}
		b, err := w.checkKind(k, operations)
		if err != nil {
			return nil, err
		}
		batches = append(batches, b)
	}
	return batches, nil
}

// carryOut writes what was checked if there is no fault. Whether others refer to what is deleted, and whether values are
// unique, is asked of what is then written; the database checks its own constraints last.
func (w *writer) carryOut(batches []*batch) error {
	if err := w.referencesExist(batches); err != nil {
		return err
	}
	if err := w.rejected(); err != nil {
		return err
	}
	if err := w.write(batches); err != nil {
		return err
	}
	for _, check := range []func([]*batch) error{w.nothingRefersTo, w.unique} {
		if err := check(batches); err != nil {
			return err
		}
	}
	return w.rejected()
}

// checkKind finds out what the operations on one collection come to.
func (w *writer) checkKind(k *record.Kind, operations []Operation) (*batch, error) {
	states, err := w.states(k, operations)
	if err != nil {
		return nil, err
	}
	b := &batch{kind: k, before: map[string]record.Document{}, written: map[string]record.Document{}, there: map[string]bool{}, known: map[string]bool{}}
	for _, o := range operations {
		s := states[o.ID]
		if !w.allowed(o, s) {
			continue
		}
		if s.revision != 0 && len(operations) <= together {
			b.before[o.ID] = s.document
		}
		if o.Op == Delete {
			b.deleted = append(b.deleted, o.ID)
			continue
		}
		checked := w.body(o, s)
		w.faults[Invalid] = append(w.faults[Invalid], checked.Faults...)
		w.refs = append(w.refs, checked.Refs...)
		b.written[o.ID] = checked.Document
		b.ids = append(b.ids, o.ID)
		if s.revision != 0 {
			b.there[o.ID] = true
		}
		if s.revision != 0 || s.deleted != 0 {
			b.known[o.ID] = true
		}
	}
	return b, nil
}

// changesOne reports whether an operation changes no other record than that which it names: one that has none within it.
func changesOne(o Operation) bool { return o.Kind != record.Rounds }

// change is what such an operation did, if it did anything.
func (b *batch) change(o Operation) RecordChange {
	c := RecordChange{Op: "update", Kind: o.Kind, ID: o.ID, Difference: o.Kind.Diff(b.before[o.ID], b.written[o.ID])}
	switch {
	case o.Op == Delete:
		c.Op = "delete"
	case b.before[o.ID] == nil:
		c.Op = "create"
	}
	return c
}

// allowed reports whether an operation may go on: the record is there if it must be, and its guard holds.
func (w *writer) allowed(o Operation, s *state) bool {
	id, there := o.At+"/id", s.revision != 0
	name := o.Kind.Collection + "/" + o.ID
	switch {
	case !there && o.Op != Put && s.deleted != 0:
		w.fault(Missing, id, "%s was deleted by revision %d", name, s.deleted)
	case !there && o.Op != Put:
		w.fault(Missing, id, "there is no record %s", name)
	case o.Guard.Unchanged != nil && *o.Guard.Unchanged >= w.revision:
		w.fault(Stale, id, "revision %d is not there: the data set is at revision %d", *o.Guard.Unchanged, w.revision-1)
	case there && o.Guard.Absent:
		w.fault(Stale, id, "%s is there already; revision %d last changed it", name, s.revision)
	case !there && o.Guard.OrNew && o.Guard.Unchanged != nil && *o.Guard.Unchanged < s.deleted:
		w.fault(Stale, id, "%s was deleted by revision %d, after revision %d", name, s.deleted, *o.Guard.Unchanged)
	case !there && !o.Guard.OrNew && (o.Guard.Exists || o.Guard.Unchanged != nil):
		w.fault(Stale, id, "%s is not there", name)
	case there && o.Guard.Unchanged != nil && *o.Guard.Unchanged < s.revision:
		w.fault(Stale, id, "%s has changed since revision %d: revision %d last changed it; read it again, and repeat the change on what it is now", name, *o.Guard.Unchanged, s.revision)
	case there && o.Guard == (Guard{}) && !w.changeset.DryRun:
		w.fault(Unguarded, id, "%s is there already: say which revision of it you have seen, such as %d, so that nobody's change is lost", name, s.revision)
	case !there && s.deleted != 0 && !o.Restore:
		w.fault(InUse, id, "%s belonged to a record that revision %d deleted, and is never given to another; to bring that record back, say restore", name, s.deleted)
	default:
		return true
	}
	return false
}

// body checks the body that an operation comes to.
func (w *writer) body(o Operation, s *state) record.Checked {
	body := o.Body
	if o.Op == Patch {
		body = o.Kind.Merge(s.document, o.Body)
		for _, name := range o.Kind.Computed {
			if _, ok := o.Body[name]; ok {
				w.fault(Invalid, o.Within+"/"+name, "is computed, and cannot be written")
				delete(body, name)
			}
		}
	}
	for _, name := range o.Kind.Shown(body) {
		switch {
		case s.revision == 0:
			w.fault(Invalid, o.Within+"/"+name, "is computed: leave it out")
		case !reflect.DeepEqual(s.shown[name], body[name]):
			w.fault(Invalid, o.Within+"/"+name, "is computed, and differs from what the record shows: leave it out")
		}
	}
	return o.Kind.Check(o.ID, o.Within, body)
}
