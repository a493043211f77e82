package httpapi

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"

	"github.com/go-chi/chi/v5"

	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/record"
	"github.com/parley-api/parley/internal/render"
	"github.com/parley-api/parley/internal/store"
	"github.com/parley-api/parley/internal/talks"
	"github.com/parley-api/parley/internal/web"
)

// mostChanges is how many changes a page shows of a record, or of a changeset.
const mostChanges = 20

// recordPage serves the page of a record.
func (c *collection) recordPage(w http.ResponseWriter, r *http.Request) error {
	values, err := parameters(r)
	if err != nil {
		return err
	}
	grammar := c.grammar
	grammar.Fixed = true
	l, err := query.Record(values, grammar)
	if err != nil {
		return err
	}
	id := chi.URLParam(r, "id")
	if !query.IsID(id) {
		return &store.Absent{}
	}
	d, err := c.open(r, l)
	if err != nil || d.fresh(w) {
		return err
	}
	value := reflect.New(reflect.TypeOf(c.table.Record))
	plain, err := d.one(c.table, id, value.Interface())
	if err != nil {
		return err
	}
	page := web.Record{Collection: c.table.Name, ID: id, Value: value.Elem().Interface()}
	if err := d.surroundings(&page, plain); err != nil {
		return err
	}
	path := "/v1/" + c.table.Name + "/" + url.PathEscape(id)
	parameters := func(f *render.Form) string {
		if f.Entry && !c.table.Figures {
			return voiced(l.AsOf, r, "")
		}
		return voiced(l.AsOf, r, l.ReportedBy)
	}
	page.Forms = forms(c, render.Records, path, parameters)
	f := d.frame("", "", joined(path, voiced(l.AsOf, r, l.ReportedBy)))
	f.Title, f.Description = web.Describe(d.names, page.Value)
	f.Alternates, f.Live = page.Forms, l.AsOf == nil
	d.embeddable(&f, embedOfRecord(c.table, id, voiced(l.AsOf, r, l.ReportedBy), numbered(page.Value)))
	ld, err := c.encoded(d, render.JSONLD, path, id)
	if err != nil {
		return err
	}
	bib, err := c.encoded(d, render.Bib, path, id)
	if err != nil {
		return err
	}
	f.JSONLD = web.Script(ld)
	page.Bib = string(web.Visible(bib))
	page.Citation = citation(d, f, c.table.Name, id)
	body, err := c.site.Record(f, page)
	if err != nil {
		return err
	}
	return send(w, body)
}

// voiced is the part of a query that every address of a record has: the moment and the voice.
func voiced(asOf *query.AsOf, r *http.Request, reportedBy string) string {
	v := url.Values{}
	if asOf != nil {
		v.Set("as_of", r.URL.Query().Get("as_of"))
	}
	if reportedBy != "" {
		v.Set("reported_by", reportedBy)
	}
	return v.Encode()
}

// citation is how the page's data is cited, in words. The address is that of the data at its revision.
func citation(d *viewing, f web.Frame, collection, id string) string {
	recorded := ""
	if d.moment.RecordedAt != nil {
		recorded = ", " + d.moment.RecordedAt.UTC().Format("2 January 2006")
	}
	return fmt.Sprintf("%s: “%s”. Parley, revision %d%s. %s/v1/%s/%s?as_of=%d (CC BY 4.0)", Attribution, f.Title, d.moment.Revision, recorded, d.base, collection, url.PathEscape(id), d.moment.Revision)
}

// surroundings reads what a record is shown with: names, sources, and its history.
func (d *viewing) surroundings(page *web.Record, plain map[string]any) error {
	if reports := reflect.ValueOf(page.Value).FieldByName("Reports"); reports.IsValid() {
		page.Reports, _ = reports.Interface().([]talks.FigureGiven)
	}
	refs := web.Refs(plain)
	if err := d.callParties(); err != nil {
		return err
	}
	if err := d.call(refs); err != nil {
		return err
	}
	if page.Collection == store.Changesets.Name {
		return d.changed(page)
	}
	var cited []string
	for _, ref := range refs {
		if ref.Collection == store.Sources.Name {
			cited = append(cited, ref.ID)
		}
	}
	for some := range slices.Chunk(cited, 500) {
		sources, _, err := list[talks.Source](d, store.Sources, "limit=500&sort=published_on&fields=id,url,publisher,title,title_is_descriptive,published_on,language,kind", idIs(store.Sources, some))
		if err != nil {
			return err
		}
		page.Sources = append(page.Sources, sources...)
	}
	return d.history(page)
}

// history reads the changes of a record, the newest first, with what each altered.
func (d *viewing) history(page *web.Record) error {
	changes, info, err := list[talks.Change](d, store.Changes, "sort=-id&limit="+strconv.Itoa(mostChanges)+"&collection="+url.QueryEscape(page.Collection)+"&record="+url.QueryEscape(page.ID))
	if err != nil {
		return err
	}
	page.More = info.Next != nil
	kind := record.Find(page.Collection)
	for _, c := range changes {
		shown := web.Change{Change: c}
		if c.Op == "update" && kind != nil {
			differences, err := store.DifferenceOf(d.r.Context(), d.db, kind, page.ID, c.Revision)
			if err != nil {
				return err
			}
			shown.Differences = differencesOf(differences)
		}
		page.History = append(page.History, shown)
	}
	return nil
}

// changed reads what a changeset did to the first of its records.
func (d *viewing) changed(page *web.Record) error {
	revision, err := strconv.ParseInt(page.ID, 10, 64)
	if err != nil {
		return err
	}
	for c, err := range store.Differences(d.r.Context(), d.db, revision) {
		if err != nil {
			return err
		}
		if len(page.Changed) == mostChanges {
			page.MoreChanged = true
			break
		}
		shown := web.Change{Change: talks.Change{Op: c.Op, Collection: c.Kind.Collection, Record: c.ID}}
		if c.Op == "update" {
			shown.Differences = differencesOf(c.Difference)
		}
		page.Changed = append(page.Changed, shown)
	}
	return nil
}

func differencesOf(all []record.Difference) []web.Difference {
	var shown []web.Difference
	for _, one := range all {
		shown = append(shown, web.NewDifference(one.Field.Name, one.Field.AppendValue(nil, one.Before), one.Field.AppendValue(nil, one.After)))
	}
	return shown
}

// encoded is the record in another form.
func (c *collection) encoded(d *viewing, form *render.Form, path, id string) ([]byte, error) {
	if !slices.Contains(c.forms[render.Records], form) {
		return nil, nil
	}
	q := d.question(c.table, d.list)
	q.Form = layout(form, c.table)
	a := &asked{Question: q, Form: form, kind: render.Records, base: d.base, path: path + "." + form.Name}
	body := c.body(a)
	info, err := store.One(d.r.Context(), d.db, a.Question, id, body.add)
	if err != nil {
		return nil, err
	}
	return bytes.TrimSpace(body.whole(c.meta(a, info))), nil
}
