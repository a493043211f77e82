package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/parley-api/parley/internal/chart"
	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/store"
	"github.com/parley-api/parley/internal/web"
)

// embeds is what the addresses of all embeds begin with.
const embeds = "/embed/"

// embedView is a view of the answer to a query, for the pages of others.
type embedView struct {
	name string
	of   []*store.Table // whose query it understands: collection= says which, where there are several
	must bool           // collection= has to be given
	read func(url.Values, query.Grammar) (query.List, error)
	show func(d *viewing, t *store.Table, e *web.Embed) error
}

// embedViews are all.
func embedViews() []embedView {
	var withPage []*store.Table
	for _, t := range store.Tables {
		if web.HasPage(t.Name) {
			withPage = append(withPage, t)
		}
	}
	return []embedView{
		{name: "timeline", of: []*store.Table{store.Events}, read: query.Parse, show: (*viewing).embedTimeline},
		{name: "ledger", of: []*store.Table{store.Commitments}, read: query.Parse, show: (*viewing).embedLedger},
		{name: "totals", of: []*store.Table{store.PrisonerExchanges, store.BodyRepatriations}, read: totalsByTime, show: (*viewing).embedTotals},
		{name: "round", of: []*store.Table{store.Rounds}, read: query.Parse, show: (*viewing).embedRecord},
		{name: "record", of: withPage, must: true, read: query.Parse, show: (*viewing).embedRecord},
	}
}

// totalsByTime reads the query of totals over time, by month unless it says otherwise.
func totalsByTime(values url.Values, g query.Grammar) (query.List, error) {
	if !values.Has("by") {
		values.Set("by", "month")
	}
	return query.Totals(values, g, []string{"day", "week", "month", "quarter", "year"})
}

// embedForms are the extensions that an embed has, by what it then is.
var embedForms = map[string]string{"": "text/html; charset=utf-8", ".svg": "image/svg+xml", ".png": "image/png"}

// embedding is an embed that is understood.
type embedding struct {
	*viewing
	view  embedView
	table *store.Table
	form  string // its extension
	size
}

// understandEmbed reads what an address below embeds, and its query, ask for.
func (s *server) understandEmbed(r *http.Request, address string) (*embedding, error) {
	name := strings.TrimPrefix(address, embeds)
	e := &embedding{form: path.Ext(name)}
	views := embedViews()
	i := slices.IndexFunc(views, func(v embedView) bool { return v.name == strings.TrimSuffix(name, e.form) })
	if _, known := embedForms[e.form]; i < 0 || !known {
		return nil, errNoEmbed
	}
	e.view = views[i]
	values, err := parameters(r)
	if err != nil {
		return nil, err
	}
	var faults []query.Fault
	e.size, faults = sizeOf(values, e.form)
	beside := sizeParameters(e.form)
	if len(e.view.of) > 1 {
		beside = append(beside, "collection")
		faults = append(faults, e.choose(values)...)
	} else {
		e.table = e.view.of[0]
	}
	if e.table == nil {
		return nil, &query.Error{Faults: faults}
	}
	g := e.table.Grammar()
	g.Fixed, g.Beside = true, beside
	l, err := e.view.read(values, g)
	var bad *query.Error
	switch {
	case errors.As(err, &bad):
		faults = append(faults, bad.Faults...)
	case err != nil:
		return nil, err
	case l.After != nil:
		faults = append(faults, query.Fault{Parameter: "cursor", Reason: "is not understood by an embed, which shows the first page of a list; limit says how much that is"})
	}
	if len(faults) > 0 {
		return nil, &query.Error{Faults: faults}
	}
	e.viewing, err = s.open(r, l)
	return e, err
}

// errNoEmbed is the error of an address below embeds at which there is nothing.
var errNoEmbed = errors.New("there is no such embed")

// choose takes the collection from the query.
func (e *embedding) choose(values url.Values) []query.Fault {
	var names []string
	for _, t := range e.view.of {
		names = append(names, t.Name)
	}
	given := values["collection"]
	values.Del("collection")
	switch {
	case len(given) == 0 && e.view.must:
		return []query.Fault{{Parameter: "collection", Reason: "is required: of which collection the record is", Allowed: names}}
	case len(given) == 0:
		e.table = e.view.of[0]
		return nil
	}
	i := slices.Index(names, given[0])
	if i < 0 || len(given) > 1 {
		return []query.Fault{{Parameter: "collection", Reason: "is not one of the collections that this view shows", Allowed: names, Suggestion: query.Nearest(given[0], names)}}
	}
	e.table = e.view.of[i]
	return nil
}

// embed serves a view for the pages of others: as a page, as an SVG file or as a picture.
func (s *server) embed(w http.ResponseWriter, r *http.Request) error {
	e, err := s.understandEmbed(r, embeds+chi.URLParam(r, "view"))
	if errors.Is(err, errNoEmbed) {
		s.problem(w, r, notFound, "there is no such embed; there is "+strings.Join(embedNames(), ", ")+", each also with .svg and .png", nil)
		return nil
	}
	if err != nil {
		return err
	}
	e.file = e.form != ""
	h := w.Header()
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	if e.fresh(w, e.query().Encode(), e.table.Name) {
		if e.file {
			h.Del("Content-Security-Policy") // that of the file stays as it is
		}
		return nil
	}
	f, shown, err := e.show()
	if err != nil {
		return err
	}
	if !e.file {
		body, err := s.site.Embed(f, shown)
		if err != nil {
			return err
		}
		return send(w, body)
	}
	sheet := e.sheet(f, shown)
	h.Set("Content-Type", embedForms[e.form])
	if e.form == ".svg" {
		file, style := sheet.SVG(e.theme)
		if style != "" {
			style = "style-src " + style + "; "
		}
		h.Set("Content-Security-Policy", "default-src 'none'; "+style+"frame-ancestors *")
		return send(w, file)
	}
	h.Del("Content-Security-Policy")
	picture, err := s.paint(r.Context(), sheet, e.size)
	if err != nil {
		return err
	}
	return send(w, picture)
}

func embedNames() []string {
	var names []string
	for _, v := range embedViews() {
		names = append(names, v.name)
	}
	return names
}

// show reads what the embed shows.
func (e *embedding) show() (web.Frame, web.Embed, error) {
	shown := web.Embed{View: e.view.name, Theme: e.theme}
	err := e.callParties()
	if err == nil {
		err = e.view.show(e.viewing, e.table, &shown)
	}
	if err != nil {
		return web.Frame{}, shown, err
	}
	api := "/v1/" + e.table.Name
	if e.list.By != "" {
		api += "/totals"
	}
	f := e.frame(shown.Title, shown.Deck, joined(api, e.list.Canonical()))
	beside := e.query()
	if e.table != e.view.of[0] || e.view.must {
		beside.Set("collection", e.table.Name)
	}
	f.Permalink = joined(f.Canonical, and(e.list.Pinned(e.moment.Revision), beside))
	f.Embed = joined(embeds+e.view.name, and(e.list.Canonical(), beside))
	f.OEmbed = e.oembedOf(f.Embed)
	f.Live = e.list.AsOf == nil
	return f, shown, nil
}

// and is a query with parameters beside it.
func and(encoded string, beside url.Values) string {
	return strings.Trim(encoded+"&"+beside.Encode(), "&")
}

// sheet draws the embed: as tall as it needs to be, but no taller than may be asked for.
func (e *embedding) sheet(f web.Frame, shown web.Embed) *chart.Sheet {
	sheet := e.site.Sheet(f, shown, e.width, e.height)
	if sheet.Height > web.MaxHeight {
		sheet = e.site.Sheet(f, shown, e.width, web.MaxHeight)
	}
	return sheet
}

const (
	// paintings is how many pictures are painted at a time, the others wait: each takes a processor and four bytes a point.
	paintings = 2
	// mostPoints of a picture.
	mostPoints = 4_000_000
)

// paint makes a picture of a sheet.
func (s *server) paint(ctx context.Context, sheet *chart.Sheet, z size) ([]byte, error) {
	if points := sheet.Width * sheet.Height * float64(z.scale*z.scale); points > mostPoints {
		return nil, &query.Error{Faults: []query.Fault{{Parameter: "scale", Reason: fmt.Sprintf("=%d makes a picture of %.0f points; the most are %d: ask for less of width, height or scale", z.scale, points, mostPoints)}}}
	}
	select {
	case s.painting <- struct{}{}:
		defer func() { <-s.painting }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return sheet.PNG(z.theme, float64(z.scale))
}

// size is how an embed looks, which is beside its query.
type size struct {
	theme         chart.Theme
	width, height int // of a file; height 0: as tall as it needs to be
	scale         int // points a pixel of a picture
}

// sizeParameters are the parameters that say how an embed looks, by its extension.
func sizeParameters(form string) []string {
	switch form {
	case ".svg":
		return []string{"theme", "lang", "width", "height"}
	case ".png":
		return []string{"theme", "lang", "width", "height", "scale"}
	default:
		return []string{"theme", "lang"}
	}
}

// sizeOf takes from a query how the embed looks.
func sizeOf(values url.Values, form string) (size, []query.Fault) {
	z := size{theme: chart.Auto, width: web.UsualWidth, scale: 1}
	var faults []query.Fault
	word := func(name string, allowed ...string) string {
		given := values[name]
		values.Del(name)
		if len(given) == 1 && slices.Contains(allowed, given[0]) {
			return given[0]
		}
		if len(given) > 0 {
			faults = append(faults, query.Fault{Parameter: name, Reason: "is none of the words that there are", Allowed: allowed, Suggestion: query.Nearest(given[0], allowed)})
		}
		return allowed[len(allowed)-1]
	}
	number := func(name string, into *int, least, most int) {
		given := values[name]
		values.Del(name)
		if len(given) == 0 {
			return
		}
		n, err := strconv.Atoi(given[0])
		switch {
		case !slices.Contains(sizeParameters(form), name):
			reason := "belongs to the files: an embed that is a page is as large as its frame; add .svg or .png to the view"
			if form == ".svg" {
				reason = "belongs to pictures: an SVG is sharp at any size; with .png instead it is understood"
			}
			faults = append(faults, query.Fault{Parameter: name, Reason: reason, Allowed: sizeParameters(form)})
		case err != nil || n < least || n > most || len(given) > 1:
			faults = append(faults, query.Fault{Parameter: name, Reason: fmt.Sprintf("is not a whole number from %d to %d", least, most)})
		default:
			*into = n
		}
	}
	z.theme = chart.Theme(word("theme", chart.Themes...))
	word("lang", "en")
	number("width", &z.width, web.MinWidth, web.MaxWidth)
	number("height", &z.height, web.MinHeight, web.MaxHeight)
	number("scale", &z.scale, 1, 3)
	return z, faults
}

// query is how the embed looks as part of a query, without what is usual.
func (z size) query() url.Values {
	v := url.Values{}
	if z.theme != chart.Auto {
		v.Set("theme", string(z.theme))
	}
	for name, n := range map[string][2]int{"width": {z.width, web.UsualWidth}, "height": {z.height, 0}, "scale": {z.scale, 1}} {
		if n[0] != n[1] {
			v.Set(name, strconv.Itoa(n[0]))
		}
	}
	return v
}
