package httpapi

import (
	"cmp"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"time"

	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/render"
	"github.com/parley-api/parley/internal/store"
	"github.com/parley-api/parley/internal/talks"
	"github.com/parley-api/parley/internal/web"
)

// pageGrammar is what pages that are no list understand: as_of and reported_by.
var pageGrammar = query.Grammar{Of: "page", Fixed: true, Figures: true}

// root is the talks at a glance; for clients that do not ask for pages, the way to the index.
func (s *server) root(w http.ResponseWriter, r *http.Request) error {
	w.Header().Add("Vary", "Accept")
	values, err := parameters(r)
	if err != nil {
		return err
	}
	if !wantsPage(r) {
		if err := query.None(values); err != nil {
			return err
		}
		http.Redirect(w, r, s.base(r)+"/v1", http.StatusTemporaryRedirect)
		return nil
	}
	l, err := query.Record(values, pageGrammar)
	if err != nil {
		return err
	}
	d, err := s.open(r, l)
	if err != nil || d.fresh(w) {
		return err
	}
	home, err := d.home()
	if err != nil {
		return err
	}
	f := d.frame("The Russia–Ukraine talks, and what came of them", "Rounds of the Russia–Ukraine talks, prisoner exchanges and repatriations of bodies: what is on record, who reported it, and what is not known.", "/v1")
	f.Type, f.Live = "website", l.AsOf == nil
	f.Alternates = []web.Form{{Media: render.DatasetForm.Media, About: "the data set for catalogues", Link: dataset}, {Media: render.DataPackageForm.Media, About: "the data set as a Data Package", Link: dataPackage}}
	d.embeddable(&f, embedOfHome(voiced(l.AsOf, r, l.ReportedBy)))
	if f.JSONLD, err = d.described(); err != nil {
		return err
	}
	body, err := s.site.Home(f, home)
	if err != nil {
		return err
	}
	return send(w, body)
}

// described is the data set as linked data, without its parts, which the catalogue has.
func (d *viewing) described() (template.JS, error) {
	whole := render.Catalogue{Base: d.base + "/v1/", Meta: render.Meta{Revision: d.moment.Revision, AsOf: d.moment.RecordedAt, Licence: Licence, Attribution: Attribution}}
	spans, _, err := list[json.RawMessage](d, store.Coverage, "limit=1000&fields=collection,starts_on,ends_on")
	for _, span := range spans {
		cover(&whole, span)
	}
	return web.Script(render.Dataset(whole)), err
}

// home reads what the first page shows.
func (d *viewing) home() (h web.Home, err error) {
	if err := d.callParties(); err != nil {
		return h, err
	}
	if h.Processes, _, err = list[talks.Process](d, store.Processes, "sort=started_on&limit=20&fields=id,name"); err != nil {
		return h, err
	}
	if h.Rounds, _, err = list[talks.Round](d, store.Rounds, "sort=starts_on&limit=1000&fields=id,process,title,starts_on,ends_on,status,city,country"); err != nil {
		return h, err
	}
	events, info, err := list[talks.Event](d, store.Events, "type=prisoner_exchange,body_repatriation&limit=1000&fields=id,date,ends_on,type,figures")
	if err != nil {
		return h, err
	}
	h.Events, h.Cut = events, info.Next != nil
	if h.Commitments, _, err = list[talks.Commitment](d, store.Commitments, "target.known=true&limit=100&fields=id,agreed_on,summary,status,progress"); err != nil {
		return h, err
	}
	for _, t := range []*store.Table{store.PrisonerExchanges, store.BodyRepatriations} {
		of := sumsOf[t.Name]
		sum, err := d.sum(t, query.List{}, of.title, of.unit)
		if err != nil {
			return h, err
		}
		sum.Kind = of.kind
		h.Sums = append(h.Sums, sum)
	}
	if h.Published, _, err = list[talks.PublishedTotal](d, store.PublishedTotals, "limit=200"); err != nil {
		return h, err
	}
	if err := d.call(web.Refs(speakers(h.Published))); err != nil {
		return h, err
	}
	if h.Placed, _, err = list[talks.Event](d, store.Events, "lat.known=true&limit=1000&fields=type,place,country,lat,lon,place_precision"); err != nil {
		return h, err
	}
	_, info, err = list[talks.Event](d, store.Events, "lat.known=false&type.not=due_date&limit=1&total_count=true&fields=id")
	if err != nil {
		return h, err
	}
	if info.Total != nil {
		h.Unplaced = *info.Total
	}
	h.Changesets, err = d.latest()
	return h, err
}

// speakers are the people who may be named for published totals, as their references.
func speakers(published []talks.PublishedTotal) any {
	var all []any
	for _, p := range published {
		if p.SaidBy != nil {
			all = append(all, map[string]any{"said_by": *p.SaidBy})
		}
	}
	return all
}

// sum reads the sums by month of the records of a list, and what is known to be missing.
func (d *viewing) sum(t *store.Table, l query.List, title, unit string) (web.Sum, error) {
	sum := web.Sum{Collection: t.Name, Title: title, Unit: unit, By: cmp.Or(l.By, "month")}
	if at := d.moment.RecordedAt; at != nil {
		sum.Today = at.UTC().Format(time.DateOnly)
	}
	var err error
	if sum.Totals, err = totals[talks.Total](d, t, l); err != nil {
		return sum, err
	}
	_, info, err := list[struct{}](d, t, "limit=1&fields=id")
	reach := coverageOf(info.Coverage)
	sum.Missing, sum.Ends = reach.missing(), reach.To
	return sum, err
}

// latest reads the newest changesets with some of the records that each changed.
func (d *viewing) latest() ([]web.Changeset, error) {
	changesets, _, err := list[talks.Changeset](d, store.Changesets, "limit=5")
	if err != nil {
		return nil, err
	}
	var all []web.Changeset
	for _, c := range changesets {
		some, info, err := list[talks.Change](d, store.Changes, fmt.Sprintf("revision=%d&limit=5&total_count=true", c.ID))
		if err != nil {
			return nil, err
		}
		one := web.Changeset{Changeset: c, Some: some}
		if info.Total != nil {
			one.Records = *info.Total
		}
		all = append(all, one)
	}
	return all, nil
}

// coverage is how far the records of a collection reach.
type coverage struct {
	To      string `json:"to"` // the last day
	Missing []struct {
		Year    *int   `json:"year"`
		Missing string `json:"missing"`
	} `json:"missing"`
}

// coverageOf reads it from JSON; it is empty where there is none.
func coverageOf(text []byte) (c coverage) {
	if text == nil || json.Unmarshal(web.Visible(text), &c) != nil {
		return coverage{}
	}
	return c
}

// missing is what is known to be missing.
func (c coverage) missing() []string {
	var all []string
	for _, m := range c.Missing {
		if m.Year != nil {
			m.Missing = fmt.Sprint(*m.Year, ": ", m.Missing)
		}
		all = append(all, m.Missing)
	}
	return all
}
