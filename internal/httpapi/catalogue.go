package httpapi

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/render"
	"github.com/parley-api/parley/internal/store"
)

// The data set as a whole, described for programs. The extensions of these addresses are part of their names.
const (
	dataPackage = "/v1/datapackage.json"
	dataset     = "/v1/dataset.jsonld"
)

// mostCovered is more than there are spans of coverage: one for each collection and year.
const mostCovered = 10_000

// catalogue serves a description of the whole data set.
func (s *server) catalogue(form *render.Form, describe func(render.Catalogue) []byte) handler {
	c := &collection{
		server: s, table: store.Coverage, grammar: query.Grammar{Of: "catalogue", Fixed: true},
		forms: map[render.Kind]offer{render.Records: {form}},
	}
	return func(w http.ResponseWriter, r *http.Request) error {
		a, err := c.understand(w, r, render.Records)
		if err != nil {
			return err
		}
		readFrom(r.Context(), nil) // it names the revision of everything
		if fresh, err := c.unchanged(w, r, a); fresh || err != nil {
			return err
		}
		a.List.Sort, a.List.Limit = query.Order{Field: "id"}, mostCovered
		whole := collections(a.base + "/v1/")
		row := render.Record{Columns: a.Shape()}
		info, err := store.Page(r.Context(), a.db, a.Question, func(values store.Row) {
			row.Values = values
			cover(&whole, render.AppendJSON(nil, row))
		})
		if err != nil {
			return err
		}
		whole.Meta = c.meta(a, info)
		c.headers(w, a, info)
		return send(w, describe(whole))
	}
}

// collections is the catalogue of all collections, without their coverage.
func collections(base string) render.Catalogue {
	whole := render.Catalogue{Base: base}
	for _, t := range store.Tables {
		whole.Collections = append(whole.Collections, render.Catalogued{
			Name:    t.Name,
			About:   t.About,
			Columns: store.Question{Table: t, Form: store.Flat}.Shape(),
			Single:  t.Rows == nil || t.Rows.Join == "",
			Forms:   offered(render.Lists, t),
		})
	}
	return whole
}

// cover extends the days of a catalogue and of a collection in it by a span of coverage, which is given as JSON. Days compare
// as texts.
func cover(whole *render.Catalogue, text []byte) {
	var span struct {
		Collection string `json:"collection"`
		StartsOn   string `json:"starts_on"`
		EndsOn     string `json:"ends_on"`
	}
	if err := json.Unmarshal(text, &span); err != nil {
		panic(err) // our own
	}
	extend := func(from, to *string) {
		if *from == "" || span.StartsOn < *from {
			*from = span.StartsOn
		}
		*to = max(*to, span.EndsOn)
	}
	extend(&whole.From, &whole.To)
	i := slices.IndexFunc(whole.Collections, func(c render.Catalogued) bool { return c.Name == span.Collection })
	if i >= 0 {
		extend(&whole.Collections[i].From, &whole.Collections[i].To)
	}
}
