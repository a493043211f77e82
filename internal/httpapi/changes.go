package httpapi

import (
	"fmt"
	"iter"
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/parley-api/parley/internal/render"
	"github.com/parley-api/parley/internal/store"
)

// appendChange appends what a changeset did to a record, as JSON:
// {"op": …, "collection": …, "record": …, "url": …, "difference": [{"field": …, "before": …, "after": …}]}.
func appendChange(b []byte, base string, c store.RecordChange) []byte {
	b = append(append(append(b, `{"op":"`...), c.Op...), `","collection":"`...)
	b = append(append(append(b, c.Kind.Collection...), `","record":"`...), c.ID...)
	b = append(b, `","url":`...)
	b, _ = jsontext.AppendQuote(b, base+"/v1/"+c.Kind.Collection+"/"+c.ID)
	b = append(b, `,"difference":[`...)
	for i, d := range c.Difference {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, `{"field":"`...), d.Field.Name...), `","before":`...)
		b = append(d.Field.AppendValue(b, d.Before), `,"after":`...)
		b = append(d.Field.AppendValue(b, d.After), '}')
	}
	return append(b, "]}"...)
}

// preview answers with what a changeset would change, or with the news that it changes nothing.
func (s *server) preview(w http.ResponseWriter, r *http.Request, done store.Recorded, dryRun bool) error {
	b := fmt.Appendf(nil, `{"dry_run":%t,"revision":%d,"changes":[`, dryRun, done.Revision)
	for i, c := range done.Changes {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendChange(b, s.base(r), c)
	}
	wrote(w, done)
	w.Header().Set("Content-Type", "application/json")
	return send(w, append(b, "]}\n"...))
}

// changeset serves one changeset with what it changed.
func (c *collection) changeset(w http.ResponseWriter, r *http.Request) error {
	a, err := c.understand(w, r, render.Records)
	if err != nil {
		return err
	}
	revision, err := strconv.ParseInt(chi.URLParam(r, "id"), 10, 64)
	if !a.Object || a.List.Fields != nil || err != nil {
		return c.record(w, r)
	}
	body := c.body(a)
	info, err := store.One(r.Context(), a.db, a.Question, strconv.FormatInt(revision, 10), body.add)
	if err != nil {
		return err
	}
	c.headers(w, a, info)
	if matches(r, w.Header().Get("Etag")) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return c.streamChanges(w, r, http.StatusOK, store.Differences(r.Context(), a.db, revision), body.whole(c.meta(a, info)))
}

// changesetDocument answers with a changeset that was just recorded.
func (s *server) changesetDocument(w http.ResponseWriter, r *http.Request, done store.Recorded) error {
	revision := done.Revision
	c := newCollection(s, store.Changesets)
	a, err := c.written(r, "/v1/changesets/"+strconv.FormatInt(revision, 10), revision)
	if err != nil {
		return err
	}
	body := c.body(a)
	info, err := store.One(r.Context(), s.DB, a.Question, strconv.FormatInt(revision, 10), body.add)
	if err != nil {
		return err
	}
	c.headers(w, a, info)
	w.Header().Set("Cache-Control", "no-store")
	changes := store.Differences(r.Context(), s.DB, revision)
	if done.Changes != nil {
		changes = func(yield func(store.RecordChange, error) bool) {
			for _, c := range done.Changes {
				if !yield(c, nil) {
					return
				}
			}
		}
	}
	return c.streamChanges(w, r, http.StatusCreated, changes, body.whole(c.meta(a, info)))
}

// streamChanges answers with a changeset, whose JSON is head, and what it changed, in constant memory. What was done to
// the first record is read before the first header is written.
func (c *collection) streamChanges(w http.ResponseWriter, r *http.Request, status int, changes iter.Seq2[store.RecordChange, error], head []byte) error {
	next, stop := iter.Pull2(changes)
	defer stop()
	change, err, more := next()
	if err != nil {
		return err
	}
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return nil
	}
	base, control := c.base(r), http.NewResponseController(w)
	b := append(head[:len(head)-len("}\n")], `,"changes":[`...)
	for first := true; more; change, err, more = next() {
		if err != nil {
			c.Log.InfoContext(r.Context(), "changeset cut off", "request_id", requestID(w), "error", err)
			panic(http.ErrAbortHandler)
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		if b = appendChange(b, base, change); len(b) >= chunk {
			_ = control.SetWriteDeadline(time.Now().Add(stallTimeout))
			if _, err := w.Write(b); err != nil {
				panic(http.ErrAbortHandler)
			}
			b = b[:0]
		}
	}
	_ = control.SetWriteDeadline(time.Now().Add(stallTimeout))
	return send(w, append(b, "]}\n"...))
}
