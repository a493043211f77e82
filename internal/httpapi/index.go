package httpapi

import (
	"net/http"

	"github.com/parley-api/parley/internal/render"
	"github.com/parley-api/parley/internal/store"
)

// index is /v1: everything that there is, with examples to paste.
type index struct {
	About       string            `json:"about"`
	Version     string            `json:"version"` // of the program
	Revision    int64             `json:"revision"`
	Licence     string            `json:"licence"`
	Attribution string            `json:"attribution"`
	Links       map[string]string `json:"links"`
	Grammar     []grammarForm     `json:"grammar"`
	Forms       []formEntry       `json:"forms"`
	Collections []indexEntry      `json:"collections"`
}

// formEntry is a form. Which collections have it, they say themselves.
type formEntry struct {
	Name      string   `json:"name"` // and extension
	MediaType string   `json:"media_type"`
	About     string   `json:"about"`
	Of        []string `json:"of"` // the kinds of answers that have it
	Complete  bool     `json:"complete"`
}

type grammarForm struct {
	Form    string `json:"form"`
	Meaning string `json:"meaning"`
}

type indexEntry struct {
	Name     string              `json:"name"`
	URL      string              `json:"url"`
	About    string              `json:"about"`
	Forms    []string            `json:"forms"` // of its lists and records
	Fields   []string            `json:"fields"`
	Filters  map[string][]string `json:"filters"` // with their operators; "" is equality
	Sort     []string            `json:"sort"`
	Examples []string            `json:"examples"`
}

// grammarForms sums up the grammar for those who read only this page.
var grammarForms = []grammarForm{
	{"party=UA,TR · party.not=RU", "any of these · none of these"},
	{"date=2025-07-23 · date=2025-07 · date=2025", "that day · all that month · all that year"},
	{"date=2025-05-01..2025-07-31 · total=100..", "inclusive ranges; either end may be open"},
	{"venue.known=true", "known, or with false unknown"},
	{"q=working groups", "full text, best first"},
	{"sort=-date", "one key, - for descending; ties by id"},
	{"limit=50", "1 to 1000, 100 unless given; next has the following page"},
	{"fields=id,date,transfers", "only these"},
	{"bbox=22,44.3,40.3,52.4", "west,south,east,north in degrees: only what has a place there"},
	{"reported_by=UA", "the figures as that party gave them; null where it gave none"},
	{"disputed=true", "only records with a figure on which voices contradict each other"},
	{"total_count=true", "adds meta.total"},
	{"min_revision=42", "as of that revision or a later one, whichever server answers"},
	{`said_by="Kyiv, Lviv"`, "a value that contains a comma stands in quotation marks"},
	{"rounds.sse?snapshot=true", "a stream: every record, then what changes; without snapshot only that; last_event_id=42 goes on from revision 42"},
	{".csv", "as extension: the same query in another form; forms lists them"},
}

func (s *server) index(w http.ResponseWriter, r *http.Request) error {
	revision, err := s.Watch.Revision(r.Context())
	if err != nil {
		return err
	}
	base := s.base(r)
	page := index{
		About:       "Negotiations and their humanitarian results, every figure with who said it and where. Reads need no key.",
		Version:     s.Version,
		Revision:    revision,
		Licence:     Licence,
		Attribution: Attribution,
		Links: map[string]string{
			"search": base + "/v1/search?q=working+groups", "prisoner_exchange_totals": base + "/v1/prisoner-exchanges/totals?by=month",
			"body_repatriation_totals": base + "/v1/body-repatriations/totals?by=year",
			"contract":                 base + "/openapi.yaml", "documentation": base + "/docs/", "coverage": base + "/v1/coverage",
		},
		Grammar: grammarForms,
	}
	for _, f := range render.Forms {
		page.Forms = append(page.Forms, formEntry{Name: f.Name, MediaType: f.Media, About: f.About, Of: f.Of.Names(), Complete: f.Complete})
	}
	for _, t := range store.Tables {
		page.Collections = append(page.Collections, describe(t, base+"/v1/"+t.Name))
	}
	return document(w, r, page)
}

func describe(t *store.Table, url string) indexEntry {
	g := t.Grammar()
	entry := indexEntry{
		Name:    t.Name,
		URL:     url,
		About:   t.About,
		Forms:   offered(render.Lists|render.Records, t).names(),
		Fields:  g.Shown(),
		Filters: map[string][]string{},
		Sort:    g.SortKeys(),
	}
	for _, f := range g.Fields {
		if ops := f.Operators(); ops != nil {
			entry.Filters[f.Name] = ops
		}
	}
	if g.Located() {
		entry.Filters["bbox"] = []string{""}
	}
	for _, example := range t.Try {
		entry.Examples = append(entry.Examples, "curl '"+url+example+"'")
	}
	return entry
}
