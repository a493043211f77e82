package httpapi

import (
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/render"
	"github.com/parley-api/parley/internal/store"
)

// Licence and attribution of the data, part of every list.
const (
	Licence     = "https://creativecommons.org/licenses/by/4.0/"
	Attribution = "Parley data set contributors"
)

// license links every answer to the licence.
const license = "<" + Licence + `>; rel="license"`

// collection serves the lists and records of a table.
type collection struct {
	*server
	table   *store.Table
	grammar query.Grammar
	forms   map[render.Kind]offer
}

func newCollection(s *server, t *store.Table) *collection {
	c := &collection{server: s, table: t, grammar: t.Grammar(), forms: map[render.Kind]offer{}}
	for _, k := range []render.Kind{render.Lists, render.Records, render.Totals} {
		c.forms[k] = offered(k, t)
	}
	return c
}

// asked is a request that is understood: a question to the store, and how its answer is to look.
type asked struct {
	store.Question
	*render.Form
	kind   render.Kind
	db     *pgxpool.Pool // that answers
	moment *store.Moment // what as_of stands for; nil: not given
	base   string
	path   string // as the client wrote it, with the extension of a form that does not come by itself
	file   string // what the answer is called where it is saved

	history struct{ Collection, ID string } // of one record; "": not of one

	pinned   string // the permalink, once it is made
	pinnedAt int64
}

// readings are the ways to read the query of an answer of each kind.
var readings = map[render.Kind]func(url.Values, query.Grammar) (query.List, error){
	render.Lists:   query.Parse,
	render.Records: query.Record,
	render.Totals:  func(v url.Values, g query.Grammar) (query.List, error) { return query.Totals(v, g, store.TotalsBy) },
}

// understand reads what the form, the query and as_of ask for.
func (c *collection) understand(w http.ResponseWriter, r *http.Request, kind render.Kind) (*asked, error) {
	form, err := c.forms[kind].negotiate(w, r)
	if err != nil {
		return nil, err
	}
	values, err := parameters(r)
	if err != nil {
		return nil, err
	}
	grammar := c.grammar
	grammar.Flat, grammar.Fixed = form.Flat, grammar.Fixed || form.Entry
	if form.Recent && kind == render.Lists && slices.Contains(grammar.SortKeys(), render.RecentFirst[1:]) {
		grammar.DefaultSort = "" // whatever the order is, the query names it: in other forms it is the same one
		if !values.Has("sort") {
			values.Set("sort", render.RecentFirst)
		}
	}
	read := readings[kind]
	if form.Live {
		read = ofStream(r)
	}
	l, err := read(values, grammar)
	if err != nil {
		return nil, err
	}
	path, _, _ := strings.Cut(r.RequestURI, "?")
	if !strings.HasPrefix(path, "/") { // through a proxy: the whole address
		if u, err := url.Parse(path); err == nil && u.Host != "" {
			path = u.EscapedPath()
		}
	}
	if form != c.forms[kind][0] && r.Header.Get(byExtension) == "" { // so that what the answer links to has its form
		path += "." + form.Name
	}
	a := &asked{
		Question: store.Question{Table: c.table, List: l, Form: layout(form, c.table), Needs: form.Needs, Counts: form.Meta},
		Form:     form,
		kind:     kind,
		base:     c.base(r),
		path:     path,
		file:     strings.ReplaceAll(strings.TrimPrefix(r.URL.Path, "/v1/"), "/", "-") + "." + form.Name,
	}
	from := a.ReadFrom()
	if err := c.settle(r.Context(), a); err != nil {
		return nil, err
	}
	if a.moment == nil {
		readFrom(r.Context(), from)
	}
	return a, nil
}

// layout is what a form needs to know of the records of a collection.
func layout(f *render.Form, t *store.Table) store.Form {
	switch {
	case f.Flat:
		return store.Flat
	case f.Entry && t.Entry != nil:
		return store.Entries
	default:
		return store.Nested
	}
}

// list serves a page of the collection, or all of it in a form that is not paged.
func (c *collection) list(w http.ResponseWriter, r *http.Request) error {
	a, err := c.understand(w, r, render.Lists)
	if err != nil {
		return err
	}
	return c.answer(w, r, a)
}

// totals serves sums over the records that a list would have.
func (c *collection) totals(w http.ResponseWriter, r *http.Request) error {
	a, err := c.understand(w, r, render.Totals)
	if err != nil {
		return err
	}
	if fresh, err := c.unchanged(w, r, a); fresh || err != nil {
		return err
	}
	if a.File {
		return c.file(w, r, a, c.sums(a))
	}
	body := c.body(a)
	info, err := store.Totals(r.Context(), a.db, a.Question, body.add)
	if err != nil {
		return err
	}
	c.headers(w, a, info)
	return body.send(w, c.meta(a, info))
}

// history serves the changes of one record: the feed of changes, cut down to it.
func (c *collection) history(w http.ResponseWriter, r *http.Request) error {
	name, id := chi.URLParam(r, "collection"), chi.URLParam(r, "id")
	kept := slices.ContainsFunc(store.Tables, func(t *store.Table) bool {
		return t.Name == name && t.Base != "" && t != store.Reports // a report is part of the record that it is about
	})
	if !kept || !query.IsID(id) {
		return c.notFound(w, r)
	}
	of := *c
	of.grammar.Of = "history of " + name + "/" + id
	a, err := of.understand(w, r, render.Lists)
	if err != nil {
		return err
	}
	if a.history.Collection, a.history.ID = name, id; !a.Live { // which may wait for the answer
		if err := store.HasHistory(r.Context(), a.db, name, id); err != nil {
			return err
		}
	}
	for field, value := range map[string]string{"collection": name, "record": id} {
		f, _ := c.grammar.Field(field)
		a.List.Where = append(a.List.Where, query.Condition{Field: f, Texts: []string{value}})
	}
	return of.answer(w, r, a)
}

// answer serves the answer to a list that is understood.
func (c *collection) answer(w http.ResponseWriter, r *http.Request, a *asked) error {
	if a.Live {
		return c.follow(w, r, a)
	}
	if fresh, err := c.unchanged(w, r, a); fresh || err != nil {
		return err
	}
	if a.Cites && !slices.Contains(a.Shape().Names(), "page") {
		return c.paged(func(w http.ResponseWriter, r *http.Request) error { return c.cite(w, r, a) })(w, r)
	}
	whole := a.Complete && a.List.Limit == 0 && a.List.After == nil
	if !whole && a.List.Limit == 0 {
		a.List.Limit = c.grammar.Limits.Default
	}
	switch {
	case a.File && whole:
		return c.file(w, r, a, c.all(a))
	case a.File:
		return c.file(w, r, a, c.some(a))
	case whole:
		return c.stream(w, r, a)
	}
	return c.paged(func(w http.ResponseWriter, r *http.Request) error { return c.listPage(w, r, a) })(w, r)
}

// cite answers with the citation of a list, of which only the moment is read.
func (c *collection) cite(w http.ResponseWriter, r *http.Request, a *asked) error {
	body, q := c.body(a), a.Question
	q.List.Limit = 1
	info, err := store.Page(r.Context(), a.db, q, func(store.Row) {})
	if err != nil {
		return err
	}
	info.Next = nil
	c.headers(w, a, info)
	return body.send(w, c.meta(a, info))
}

// listPage answers with one page, made in one piece.
func (c *collection) listPage(w http.ResponseWriter, r *http.Request, a *asked) error {
	body := c.body(a)
	info, err := store.Page(r.Context(), a.db, a.Question, body.add)
	if err != nil {
		return err
	}
	m := c.meta(a, info)
	if m.Next != "" {
		w.Header().Set("Link", "<"+m.Next+`>; rel="next"`)
	}
	c.headers(w, a, info)
	return body.send(w, m)
}

// meta is what an answer says of itself.
func (c *collection) meta(a *asked, info store.Info) render.Meta {
	next := ""
	if info.Next != nil {
		next = a.base + a.path + "?" + a.List.Next(*info.Next)
	}
	return render.Meta{
		Next:        next,
		Revision:    info.Revision,
		AsOf:        info.RecordedAt,
		Permalink:   a.permalink(info.Revision),
		ReportedBy:  a.List.ReportedBy,
		DidYouMean:  info.DidYouMean,
		By:          a.List.By,
		Total:       info.Total,
		Undated:     info.Undated,
		Unplaced:    info.Unplaced,
		Coverage:    info.Coverage,
		Licence:     Licence,
		Attribution: Attribution,
	}
}

// record serves a single record.
func (c *collection) record(w http.ResponseWriter, r *http.Request) error {
	a, err := c.understand(w, r, render.Records)
	if err != nil {
		return err
	}
	id := chi.URLParam(r, "id")
	if !query.IsID(id) {
		return &store.Absent{}
	}
	body := c.body(a)
	info, err := store.One(r.Context(), a.db, a.Question, id, body.add)
	if err != nil {
		return err
	}
	c.headers(w, a, info)
	if matches(r, w.Header().Get("Etag")) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return body.send(w, c.meta(a, info))
}

// permalink is the address that answers the same for ever.
func (a *asked) permalink(revision int64) string {
	if a.pinned == "" || a.pinnedAt != revision {
		a.pinned, a.pinnedAt = a.base+a.path+"?"+a.List.Pinned(revision), revision
	}
	return a.pinned
}

// headers sets what every successful answer says of itself.
func (c *collection) headers(w http.ResponseWriter, a *asked, info store.Info) {
	h, control := w.Header(), c.cacheable
	if a.moment != nil && a.moment.Settled {
		control = immutable
	}
	own := [...]string{a.Header, c.etag(a, info.Revision), strconv.FormatInt(info.Revision, 10), control} // in one piece of memory
	h["Content-Type"], h["Etag"], h["Parley-Revision"], h["Cache-Control"] = own[0:1:1], own[1:2:2], own[2:3:3], own[3:4:4]
	h["Link"] = append(h["Link"], license, "<"+a.permalink(info.Revision)+`>; rel="memento"`)
	c.Watch.Advance(info.Revision) // before the client knows: no later answer is older
	if a.List.ReportedBy != "" {
		h.Set("Parley-Reported-By", a.List.ReportedBy)
	}
	if info.DidYouMean != "" {
		h.Set("Parley-Did-You-Mean", mime.QEncoding.Encode("utf-8", info.DidYouMean))
	}
	if a.moment != nil && info.RecordedAt != nil {
		h.Set("Memento-Datetime", info.RecordedAt.UTC().Format(http.TimeFormat))
	}
	if a.Form != c.forms[a.kind][0] {
		h.Set("Content-Disposition", `inline; filename="`+a.file+`"`)
	}
}
