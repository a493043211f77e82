package httpapi

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/render"
	"github.com/parley-api/parley/internal/store"
	"github.com/parley-api/parley/internal/talks"
	"github.com/parley-api/parley/internal/web"
)

// onPage is how many records a page of a query shows unless it is asked for another number.
const onPage = 50

// explore serves the list of collections, with what a search through all records finds.
func (s *server) explore(w http.ResponseWriter, r *http.Request) error {
	values, err := parameters(r)
	if err != nil {
		return err
	}
	if name := values.Get("collection"); name != "" {
		values.Del("collection")
		http.Redirect(w, r, joined("/explore/"+url.PathEscape(name), values.Encode()), http.StatusSeeOther)
		return nil
	}
	if tidy(values, query.Grammar{}) {
		http.Redirect(w, r, joined("/explore", values.Encode()), http.StatusSeeOther)
		return nil
	}
	index := web.Index{Query: values.Get("q"), Searched: values.Has("q")}
	for _, t := range store.Tables {
		index.Collections = append(index.Collections, web.Collection{Name: t.Name, About: t.About})
	}
	understood := func(values url.Values) (query.List, error) { return query.Record(values, pageGrammar) }
	if index.Searched {
		understood = func(values url.Values) (query.List, error) { return query.Parse(values, store.Found.Grammar()) }
	}
	l, err := understood(values)
	var faulty *query.Error
	if errors.As(err, &faulty) && index.Searched {
		index.Faults, index.Searched = faulty.Faults, false
		return s.refused(w, r, func(d *viewing) ([]byte, error) {
			return s.site.Index(d.frame("Explore", "All collections, and a search through all records.", "/v1"), index)
		})
	}
	if err != nil {
		return err
	}
	d, err := s.open(r, l)
	if err != nil || d.fresh(w) {
		return err
	}
	api := "/v1"
	if index.Searched {
		if err := d.search(&index); err != nil {
			return err
		}
		api = joined("/v1/search", l.Canonical())
	}
	f := d.frame("Explore", "All collections, and a search through all records.", api)
	f.Type = "website"
	body, err := s.site.Index(f, index)
	if err != nil {
		return err
	}
	return send(w, body)
}

// search finds records for the list of collections.
func (d *viewing) search(index *web.Index) error {
	q := d.question(store.Found, d.list)
	if q.List.Limit == 0 {
		q.List.Limit = onPage
	}
	var found []talks.Found
	info, err := store.Page(d.r.Context(), d.db, q, rows(d, q.Shape(), &found))
	if err != nil {
		return err
	}
	for _, f := range found {
		kind := web.Noun(f.Type)
		if kind == "" {
			kind = f.Type
		}
		index.Found = append(index.Found, web.Hit{Collection: f.Type, ID: f.Record, Title: f.Title, Kind: kind})
	}
	index.Meant, index.More = info.DidYouMean, joined("/v1/search", d.list.Canonical())
	return nil
}

// tidy drops from a query what a form left empty, and joins the values that were chosen of an enumeration. It reports whether
// that changed anything.
func tidy(values url.Values, g query.Grammar) (changed bool) {
	for name, given := range values {
		kept := slices.DeleteFunc(slices.Clone(given), func(v string) bool { return strings.TrimSpace(v) == "" })
		if f, ok := g.Field(name); ok && f.Values != nil && len(kept) > 1 {
			kept = []string{strings.Join(kept, ",")}
		}
		if changed = changed || !slices.Equal(kept, given); len(kept) == 0 {
			delete(values, name)
		} else {
			values[name] = kept
		}
	}
	return changed
}

// exploreCollection serves a query to a collection as a form and a table.
func (s *server) exploreCollection(w http.ResponseWriter, r *http.Request) error {
	i := slices.IndexFunc(store.Tables, func(t *store.Table) bool { return t.Name == chi.URLParam(r, "collection") })
	if i < 0 {
		return s.notFound(w, r)
	}
	c := newCollection(s, store.Tables[i])
	values, err := parameters(r)
	if err != nil {
		return err
	}
	if tidy(values, c.grammar) {
		http.Redirect(w, r, joined(r.URL.EscapedPath(), values.Encode()), http.StatusSeeOther)
		return nil
	}
	grammar := c.grammar
	grammar.Flat = true
	l, err := query.Parse(values, grammar)
	var faulty *query.Error
	if err == nil {
		var d *viewing
		if d, err = s.open(r, l); err == nil {
			if d.fresh(w) {
				return nil
			}
			err = c.explored(w, d, values)
		}
	}
	if !errors.As(err, &faulty) {
		return err
	}
	return s.refused(w, r, func(d *viewing) ([]byte, error) {
		page := web.Explore{Collection: c.table.Name, About: c.table.About}
		page.Form(grammar, flatten(values), faulty.Faults)
		page.Parties = options(d.names)
		return s.site.Explore(d.frame(web.Title(c.table.Name), c.table.About, "/v1/"+c.table.Name), page)
	})
}

// refused answers a query that is not understood with the page that it came from, which says at its fields what is wrong.
func (s *server) refused(w http.ResponseWriter, r *http.Request, page func(*viewing) ([]byte, error)) error {
	d, err := s.open(r, query.List{})
	if err != nil {
		return err
	}
	if err := d.callParties(); err != nil {
		return err
	}
	body, err := page(d)
	if err != nil {
		return err
	}
	w.Header().Del("Etag")
	w.Header().Set("Cache-Control", "no-store")
	secure(w.Header(), r.URL.Path)
	w.WriteHeader(http.StatusBadRequest)
	return send(w, body)
}

func flatten(values url.Values) map[string]string {
	flat := map[string]string{}
	for name := range values {
		flat[name] = strings.Join(values[name], ",")
	}
	return flat
}

func options(names web.Names) []web.Option {
	var all []web.Option
	for id, name := range names["parties"] {
		all = append(all, web.Option{Value: id, Words: name})
	}
	slices.SortFunc(all, func(a, b web.Option) int { return strings.Compare(a.Value, b.Value) })
	return all
}

// explored answers a query that is understood.
func (c *collection) explored(w http.ResponseWriter, d *viewing, values url.Values) error {
	if err := d.callParties(); err != nil {
		return err
	}
	page := web.Explore{Collection: c.table.Name, About: c.table.About, Parties: options(d.names)}
	page.Form(c.grammar, flatten(values), nil)
	path := "/v1/" + c.table.Name
	// Columns of rows are understood by flat forms only.
	ofRows := slices.ContainsFunc(d.list.Fields, func(name string) bool { f, _ := c.grammar.Field(name); return f.OfRow })
	api := path
	if ofRows {
		api += "." + render.CSV.Name
	}
	f := d.frame(web.Title(c.table.Name), c.table.About, joined(api, d.list.Canonical()))
	f.Type = "website"
	if err := c.tabulate(d, &page, f, values); err != nil {
		return err
	}
	if d.list.After == nil {
		if err := c.drawn(d, &page); err != nil {
			return err
		}
	}
	page.Forms = forms(c, render.Lists, path, func(form *render.Form) string {
		v := url.Values{}
		for name := range values {
			if name != "cursor" && (name != "fields" || !form.Entry && (form.Flat || !ofRows)) {
				v.Set(name, values.Get(name))
			}
		}
		return v.Encode()
	})
	f.Alternates = page.Forms
	d.embeddable(&f, embedOfList(c.table, values))
	body, err := c.site.Explore(f, page)
	if err != nil {
		return err
	}
	return send(w, body)
}

// drawn fills in the chart of all that matches, where there is something to draw: sums, the ledger, or a timeline.
func (c *collection) drawn(d *viewing, page *web.Explore) (err error) {
	whole := *d
	whole.list.Limit = 0
	switch c.table {
	case store.PrisonerExchanges, store.BodyRepatriations:
		sum, err := d.sum(c.table, d.list, web.Title(c.table.Name), "")
		if err != nil {
			return err
		}
		steps := web.NewSteps(d.names, sum)
		page.Drawn.Steps = &steps
	case store.Commitments:
		err = whole.embedLedger(c.table, &page.Drawn)
	case store.Events:
		err = whole.embedTimeline(c.table, &page.Drawn)
	case store.Rounds, store.Proposals, store.Claims:
		err = whole.happened(c.table, &page.Drawn)
	}
	return err
}

// happened draws when the records of a list happened.
func (d *viewing) happened(t *store.Table, e *web.Embed) error {
	records, info, err := chosen[struct{ ID string }](d, t, "id")
	if err != nil {
		return err
	}
	record, _ := store.Events.Grammar().Field("record")
	ids := make([]string, len(records))
	for i, r := range records {
		ids[i] = r.ID
	}
	var events []talks.Event
	for some := range slices.Chunk(ids, 500) {
		found, _, err := list[talks.Event](d, store.Events, "limit=500&fields=id,date,ends_on,type,collection,record,title,figures&type="+eventType[t], query.Condition{Field: record, Texts: some})
		if err != nil {
			return err
		}
		events = append(events, found...)
	}
	cut(e, info, len(records), "records")
	if undated := len(records) - len(events); undated > 0 {
		e.Left = append(e.Left, fmt.Sprintf("Not drawn, for want of a date: %d.", undated))
	}
	statuses, err := d.statuses(events)
	e.Timeline = web.NewTimeline(d.frame("", "", ""), events, statuses)
	return err
}

// eventType is what happenings are called that the records of a collection are.
var eventType = map[*store.Table]string{store.Rounds: "round", store.Proposals: "proposal", store.Claims: "claim"}

// tabulate fills in the table of the answer.
func (c *collection) tabulate(d *viewing, page *web.Explore, f web.Frame, values url.Values) error {
	l := d.list
	if l.Fields == nil {
		l.Fields = strings.Split(web.Shown(c.table.Name), ",")
	}
	if l.Limit == 0 {
		l.Limit = onPage
	}
	l.TotalCount = true
	q := d.question(c.table, l)
	q.Form = store.Flat
	shape := q.Shape()
	var found []map[string]any
	info, err := store.Page(d.r.Context(), d.db, q, rows(d, shape, &found))
	if err != nil {
		return err
	}
	for _, field := range shape {
		page.Columns = append(page.Columns, c.column(d, field, values))
	}
	for _, row := range found {
		cells := make([]web.Cell, len(shape))
		for i, field := range shape {
			cells[i] = f.NewCell(c.table.Name, field.Name, row)
		}
		page.Rows = append(page.Rows, cells)
	}
	page.Count, page.Total, page.Undated, page.Unplaced, page.Meant = len(page.Rows), info.Total, info.Undated, info.Unplaced, info.DidYouMean
	page.Several, page.Missing = c.table.Rows != nil && c.table.Rows.Join != "", coverageOf(info.Coverage).missing()
	if info.Next != nil {
		page.Next = joined(d.r.URL.EscapedPath(), l.Next(*info.Next))
	}
	if l.After != nil {
		page.First = joined(d.r.URL.EscapedPath(), l.Canonical())
	}
	return nil
}

// column is a column of the table, with the address of the list sorted by it.
func (c *collection) column(d *viewing, field query.Field, values url.Values) web.Column {
	column := web.Column{Name: field.Name, Number: field.Type == query.Integer || field.Type == query.Number}
	if known, ok := c.grammar.Field(field.Name); !ok || !known.Sortable {
		return column
	}
	key := field.Name
	if d.list.Sort.Field == field.Name {
		column.Sorted = "ascending"
		if d.list.Sort.Descending {
			column.Sorted = "descending"
		} else {
			key = "-" + key
		}
	}
	v := url.Values{"sort": {key}}
	for name := range values {
		if name != "sort" && name != "cursor" {
			v[name] = values[name]
		}
	}
	column.Sort = joined(d.r.URL.EscapedPath(), v.Encode())
	return column
}
