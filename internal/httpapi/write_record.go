package httpapi

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/record"
	"github.com/parley-api/parley/internal/render"
	"github.com/parley-api/parley/internal/store"
)

// writer serves writes of single records of a collection.
type writer struct {
	*collection
	kind *record.Kind
}

func (c *writer) put(w http.ResponseWriter, r *http.Request, a *writing) error {
	return c.one(w, r, a, store.Put)
}

func (c *writer) patch(w http.ResponseWriter, r *http.Request, a *writing) error {
	return c.one(w, r, a, store.Patch)
}

func (c *writer) delete(w http.ResponseWriter, r *http.Request, a *writing) error {
	return c.one(w, r, a, store.Delete)
}

// one carries out an operation on one record: a changeset of one. The answer is the record as it then stands.
func (c *writer) one(w http.ResponseWriter, r *http.Request, a *writing, op store.Op) error {
	o := store.Operation{Op: op, Kind: c.kind, ID: chi.URLParam(r, "id"), Guard: a.guard, Restore: a.restore}
	if a.restore {
		if err := a.key.Require("admin"); err != nil {
			return err
		}
	}
	if !query.IsID(o.ID) {
		return &store.Absent{}
	}
	if op != store.Delete {
		body, err := decode(a.body)
		if err != nil {
			return err
		}
		o.Body = body
	} else if len(a.body) > 0 {
		return &query.Error{Faults: []query.Fault{{Pointer: "", Reason: "a DELETE has no body"}}}
	}
	message := a.message
	if message == "" {
		message = strings.ToUpper(string(op[:1])) + string(op[1:]) + " " + c.kind.Collection + "/" + o.ID
	}
	done, err := c.commit(r, a, store.Changeset{Message: message, Operations: []store.Operation{o}})
	var rejected *store.Rejected
	if errors.As(err, &rejected) && rejected.Reason == store.Missing {
		return store.WhyAbsent(r.Context(), c.DB, c.table, o.ID)
	}
	if rejected != nil && (rejected.Reason == store.Unguarded || rejected.Reason == store.Stale) {
		rejected.Faults[0] = query.Fault{Parameter: "If-Match", Reason: rejected.Faults[0].Reason}
		if a.guard.Absent {
			rejected.Faults[0].Parameter = "If-None-Match"
		}
	}
	if err != nil {
		return err
	}
	if a.dryRun {
		return c.preview(w, r, done, a.dryRun)
	}
	wrote(w, done)
	if op == store.Delete {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return c.show(w, r, o.ID, done)
}

// show answers with a record as a changeset left it.
func (c *writer) show(w http.ResponseWriter, r *http.Request, id string, done store.Recorded) error {
	a, err := c.written(r, r.URL.EscapedPath(), done.Revision)
	if err != nil {
		return err
	}
	body := c.body(a)
	info, err := store.One(r.Context(), c.DB, a.Question, id, body.add)
	if err != nil {
		return err
	}
	c.headers(w, a, info)
	w.Header().Set("Cache-Control", "no-store")
	if done.Created {
		w.Header().Set("Location", a.base+a.path)
		w.WriteHeader(http.StatusCreated)
	}
	return body.send(w, c.meta(a, info))
}

// wrote sets the headers that tell what a write led to. The revision is the changeset's id.
func wrote(w http.ResponseWriter, done store.Recorded) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Parley-Revision", fmt.Sprint(done.Revision))
	if done.Repeated {
		h.Set("Idempotency-Replayed", "true")
	}
}

// written is the question for what a write led to: the record at an address, as JSON, as of a revision.
func (c *collection) written(r *http.Request, path string, revision int64) (*asked, error) {
	l, err := query.Record(nil, c.grammar)
	if err != nil {
		return nil, err
	}
	return &asked{
		Question: store.Question{Table: c.table, List: l, At: &revision, Newest: true},
		Form:     c.forms[render.Records][0], kind: render.Records, base: c.base(r), path: path,
	}, nil
}
