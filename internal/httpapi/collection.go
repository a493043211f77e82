package httpapi

import (
	"fmt"
	"iter"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/render"
	"github.com/parley-api/parley/internal/store"
)

// Licence and attribution of the data, part of every list.
const (
	Licence     = "https://creativecommons.org/licenses/by/4.0/"
	Attribution = "Parley data set contributors"
)

// collection serves the lists and records of a table.
type collection struct {
	*server
	table   *store.Table
	grammar query.Grammar
}

// list serves a page of the collection, or all of it in a form that is not paged.
func (c *collection) list(w http.ResponseWriter, r *http.Request) error {
	form, err := negotiate(w, r)
	if err != nil {
		return err
	}
	values, err := parameters(r)
	if err != nil {
		return err
	}
	l, err := query.Parse(values, c.grammar)
	if err != nil {
		return err
	}
	if fresh, err := c.unchanged(w, r, form, l); fresh || err != nil {
		return err
	}
	if form.unpaged && l.Limit == 0 && l.After == nil {
		return c.stream(w, r, form, l)
	}
	if l.Limit == 0 {
		l.Limit = c.grammar.Limits.Default
	}
	c.page(func(w http.ResponseWriter, r *http.Request) error { return c.listPage(w, r, form, l) })(w, r)
	return nil
}

// listPage answers with one page, made in one piece.
func (c *collection) listPage(w http.ResponseWriter, r *http.Request, form *form, l query.List) error {
	body := c.body(r, form, l)
	info, err := store.Page(r.Context(), c.DB, c.table, l, form.layout, body.add)
	if err != nil {
		return err
	}
	next := ""
	if info.Next != nil {
		path, _, _ := strings.Cut(r.RequestURI, "?")
		next = c.base(r) + path + "?" + l.Next(*info.Next)
		w.Header().Set("Link", "<"+next+`>; rel="next"`)
	}
	c.headers(w, r, form, l, info.Revision)
	return send(w, body.page(next, info))
}

// record serves a single record.
func (c *collection) record(w http.ResponseWriter, r *http.Request) error {
	form, err := negotiate(w, r)
	if err != nil {
		return err
	}
	values, err := parameters(r)
	if err != nil {
		return err
	}
	l, err := query.Record(values, c.grammar)
	if err != nil {
		return err
	}
	id := chi.URLParam(r, "id")
	if !query.IsID(id) {
		return store.ErrNotFound
	}
	if fresh, err := c.unchanged(w, r, form, l); fresh || err != nil {
		return err
	}
	body := c.body(r, form, l)
	revision, err := store.One(r.Context(), c.DB, c.table, id, l, form.layout, body.add)
	if err != nil {
		return err
	}
	c.headers(w, r, form, l, revision)
	return send(w, body.single())
}

// headers sets what every successful answer says of itself.
func (c *collection) headers(w http.ResponseWriter, r *http.Request, form *form, l query.List, revision int64) {
	h := w.Header()
	h.Set("Content-Type", form.header)
	h.Set("Cache-Control", cacheable)
	h.Set("Etag", c.etag(r, form, l, revision))
	h.Set("Parley-Revision", fmt.Sprint(revision))
	h.Add("Link", "<"+Licence+`>; rel="license"`)
	if form.layout == store.Flat {
		h.Set("Content-Disposition", `inline; filename="`+c.table.Name+"."+form.name+`"`)
	}
}

// body makes the body of an answer in one piece.
type body struct {
	form    *form
	record  render.Record
	records render.List
	buf     []byte
}

func (c *collection) body(r *http.Request, form *form, l query.List) *body {
	b := &body{form: form, record: render.Record{Columns: c.table.Shape(form.layout, l.Fields), Base: c.base(r) + "/v1/"}}
	if form.name == "csv" {
		b.buf = render.AppendCSVHeader(b.buf, b.record.Columns)
	}
	return b
}

func (b *body) add(row store.Row) {
	b.record.Values = row
	switch b.form.name {
	case "csv":
		b.buf = render.AppendCSV(b.buf, b.record)
	case "ndjson":
		b.buf = append(render.AppendJSON(b.buf, b.record), '\n')
	default:
		b.records.Add(b.record)
	}
}

// page is the body of a list.
func (b *body) page(next string, info store.Info) []byte {
	if b.form.name != "json" {
		return b.buf
	}
	return b.records.Close(next, render.Meta{
		Revision:    info.Revision,
		Total:       info.Total,
		Undated:     info.Undated,
		Coverage:    info.Coverage,
		Licence:     Licence,
		Attribution: Attribution,
	})
}

// single is the body of a record.
func (b *body) single() []byte {
	if b.form.name != "json" {
		return b.buf
	}
	return b.records.Single()
}

// stream answers with the whole list in constant memory. The first row is read before the first header is written, so
// that early errors have their status; after that an error cuts the connection, and no half answer looks whole.
func (c *collection) stream(w http.ResponseWriter, r *http.Request, form *form, l query.List) error {
	var revision int64
	next, stop := iter.Pull2(store.Each(r.Context(), c.DB, c.table, l, form.layout, &revision))
	defer stop()
	row, err, more := next()
	if err != nil {
		return err
	}
	c.headers(w, r, form, l, revision)
	if r.Method == http.MethodHead {
		return nil
	}
	b := c.body(r, form, l)
	control := http.NewResponseController(w)
	flush := func() error {
		_ = control.SetWriteDeadline(time.Now().Add(stallTimeout))
		_, err := w.Write(b.buf)
		b.buf = b.buf[:0]
		return err
	}
	for ; more; row, err, more = next() {
		if err == nil {
			b.add(row)
			if len(b.buf) < chunk {
				continue
			}
			err = flush()
		}
		if err != nil {
			c.Log.Info("export cut off", "request_id", requestID(w), "error", err)
			panic(http.ErrAbortHandler)
		}
	}
	return flush()
}

// chunk is how many bytes of a stream are written at a time.
const chunk = 64 << 10
