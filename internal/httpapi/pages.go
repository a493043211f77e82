package httpapi

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/elnormous/contenttype"
	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/render"
	"github.com/parley-api/parley/internal/store"
	"github.com/parley-api/parley/internal/web"
)

// policy is what pages may do: nothing but what they need of us. Who may frame them stands at its end.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors "

// secure sets the headers that every page has. Embeds may be framed by everybody, all others by nobody.
func secure(h http.Header, path string) {
	framedBy := "'none'"
	if strings.HasPrefix(path, embeds) {
		framedBy = "*"
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy+framedBy)
	h.Set("Referrer-Policy", "strict-origin-when-cross-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
}

// viewing is a page in the making: all that it shows is read at one moment, with one voice.
type viewing struct {
	*server
	r      *http.Request
	list   query.List // what the page is asked for
	db     *pgxpool.Pool
	moment store.Moment
	base   string
	names  web.Names
	file   bool // no page, but a file of what a page shows: of a settled moment it stays as it is
}

// open begins a page that is asked for by a query.
func (s *server) open(r *http.Request, l query.List) (*viewing, error) {
	if err := s.reached(r.Context(), l.MinRevision); err != nil {
		return nil, err
	}
	asOf := l.AsOf
	if asOf == nil {
		revision, err := s.Watch.Revision(r.Context())
		if err != nil {
			return nil, err
		}
		if l.After != nil { // the pages of a walk are all of one revision
			revision = l.After.Revision
		}
		asOf = &query.AsOf{Revision: &revision}
	}
	moment, err := s.resolve(r.Context(), *asOf)
	if err != nil {
		return nil, err
	}
	db := s.at(moment.Revision)
	if l.ReportedBy != "" {
		if err := store.IsParty(r.Context(), db, l.ReportedBy); err != nil {
			return nil, err
		}
	}
	readFrom(r.Context(), nil) // it names the revision of everything
	return &viewing{server: s, r: r, list: l, db: db, moment: moment, base: s.base(r), names: web.Names{}}, nil
}

// fresh sets the headers of the page, which depends on the query and on what is beside it. It reports whether the client has it
// already, and has been told so.
func (d *viewing) fresh(w http.ResponseWriter, beside ...string) bool {
	h := w.Header()
	h.Set("Etag", d.tag(d.moment.Revision, append([]string{"page", d.base, d.r.URL.Path, d.list.Canonical(), cursorOf(d.list)}, beside...)...))
	h.Set("Parley-Revision", fmt.Sprint(d.moment.Revision))
	d.Watch.Advance(d.moment.Revision) // before the client knows: no later answer is older
	if h.Set("Cache-Control", d.cacheable); d.file && d.list.AsOf != nil && d.moment.Settled {
		h.Set("Cache-Control", immutable)
	}
	if d.list.AsOf != nil && d.moment.RecordedAt != nil {
		h.Set("Memento-Datetime", d.moment.RecordedAt.UTC().Format(http.TimeFormat))
	}
	secure(h, d.r.URL.Path)
	if matches(d.r, h.Get("Etag")) {
		h.Del("Content-Type")
		w.WriteHeader(http.StatusNotModified)
		return true
	}
	return false
}

// question asks a collection at the moment of the page, with its voice.
func (d *viewing) question(t *store.Table, l query.List) store.Question {
	if t.Figures {
		l.ReportedBy = d.list.ReportedBy
	}
	return store.Question{Table: t, List: l, At: &d.moment.Revision, Newest: d.moment.Newest, Segment: d.moment.Segment}
}

// rows answers with a decoder of the rows of a shape.
func rows[T any](d *viewing, shape store.Shape, all *[]T) func(store.Row) {
	row := render.Record{Columns: shape, Base: d.base + "/v1/"}
	var b []byte
	return func(values store.Row) {
		row.Values = values
		b = render.AppendJSON(b[:0], row)
		var value T
		if err := json.Unmarshal(web.Visible(b), &value); err != nil {
			panic(err) // our own
		}
		*all = append(*all, value)
	}
}

// list asks a collection in the words of its own grammar, and conditions beside.
func list[T any](d *viewing, t *store.Table, asked string, where ...query.Condition) ([]T, store.Info, error) {
	values, err := url.ParseQuery(asked)
	if err != nil {
		return nil, store.Info{}, err
	}
	l, err := query.Parse(values, t.Grammar())
	if err != nil {
		return nil, store.Info{}, fmt.Errorf("our own query %s to %s: %w", asked, t.Name, err)
	}
	l.Where = append(l.Where, where...)
	q := d.question(t, l)
	var all []T
	info, err := store.Page(d.r.Context(), d.db, q, rows(d, q.Shape(), &all))
	return all, info, err
}

// totals asks for sums, by month unless the list says by what, over the records that it would have.
func totals[T any](d *viewing, t *store.Table, l query.List) ([]T, error) {
	l.By, l.Sort, l.Fields, l.After, l.Limit = cmp.Or(l.By, "month"), query.Order{}, nil, nil, 0
	q := d.question(t, l)
	var all []T
	_, err := store.Totals(d.r.Context(), d.db, q, rows(d, q.TotalsShape(), &all))
	return all, err
}

// one reads a record, decoded and as JSON without types.
func (d *viewing) one(t *store.Table, id string, into any) (map[string]any, error) {
	q := d.question(t, query.List{})
	var all []json.RawMessage
	if _, err := store.One(d.r.Context(), d.db, q, id, rows(d, q.Shape(), &all)); err != nil {
		return nil, err
	}
	var plain map[string]any
	if err := json.Unmarshal(all[0], &plain); err != nil {
		return nil, err
	}
	return plain, json.Unmarshal(all[0], into)
}

// call learns the names of records that the page refers to.
func (d *viewing) call(refs []web.Ref) error {
	ids := map[string][]string{}
	for _, ref := range refs {
		ids[ref.Collection] = append(ids[ref.Collection], ref.ID)
	}
	for _, t := range store.Tables {
		field := web.Titled(t.Name)
		if field == "" || ids[t.Name] == nil {
			continue
		}
		for some := range slices.Chunk(ids[t.Name], 500) {
			found, _, err := list[map[string]any](d, t, "limit=500&fields=id,"+field, idIs(t, some))
			if err != nil {
				return err
			}
			for _, record := range found {
				d.names.Add(t.Name, fmt.Sprint(record["id"]), fmt.Sprint(record[field]))
			}
		}
	}
	return nil
}

// callParties learns the names of all parties.
func (d *viewing) callParties() error {
	parties, _, err := list[struct{ ID, Name string }](d, store.Parties, "limit=1000&fields=id,name")
	for _, p := range parties {
		d.names.Add("parties", p.ID, p.Name)
	}
	return err
}

// idIs is the condition that a record is one of some.
func idIs(t *store.Table, ids []string) query.Condition {
	f, _ := t.Grammar().Field("id")
	return query.Condition{Field: f, Texts: ids}
}

// frame is what the page says beside its contents. api is the path that gives the same data.
func (d *viewing) frame(title, description, api string) web.Frame {
	f := web.Frame{
		Title: title, Description: description, Base: d.base, Path: joined(d.r.URL.Path, d.list.Canonical()), Canonical: d.r.URL.EscapedPath(), Type: "article",
		Index: d.list.Canonical() == "", Revision: d.moment.Revision, RecordedAt: d.moment.RecordedAt, Permalink: joined(d.r.URL.EscapedPath(), d.list.Pinned(d.moment.Revision)),
		ReportedBy: d.list.ReportedBy, Licence: Licence, Attribution: Attribution, API: api, Names: d.names,
	}
	if d.list.AsOf != nil {
		f.AsOf = d.r.URL.Query().Get("as_of")
	}
	return f
}

func joined(path, query string) string {
	if query == "" {
		return path
	}
	return path + "?" + query
}

// forms are the forms in which an address of the API can be saved, with a query: a stream does not end.
func forms(c *collection, k render.Kind, path string, parameters func(*render.Form) string) []web.Form {
	var all []web.Form
	for _, f := range c.forms[k] {
		if f.Live {
			continue
		}
		all = append(all, web.Form{Name: f.Name, Media: f.Media, About: f.About, Link: joined(path+"."+f.Name, parameters(f))})
	}
	return all
}

// wantsPage reports whether a client prefers pages to JSON, which it gets unless it says so.
func wantsPage(r *http.Request) bool {
	accept := strings.Join(r.Header.Values("Accept"), ",")
	if !strings.Contains(accept, "text/html") { // most clients of the API
		return false
	}
	chosen, _, err := contenttype.GetAcceptableMediaTypeFromHeader(parametersOfMedia.ReplaceAllString(accept, ""),
		[]contenttype.MediaType{contenttype.NewMediaType("application/json"), contenttype.NewMediaType("text/html")})
	return err == nil && chosen.Subtype == "html"
}

// isPage reports whether an address is one of a page.
func isPage(path string) bool {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return first == "" || first == "explore" || first == "embed" || first == "oembed" || web.HasPage(first)
}

// failurePage answers with a problem as a page.
func (s *server) failurePage(w http.ResponseWriter, r *http.Request, p problem) {
	secure(w.Header(), r.URL.Path)
	e := web.Failure{Status: p.Status, Title: p.Title, Detail: p.Detail, Faults: p.Errors, RequestID: p.RequestID}
	if p.Memento != "" {
		e.Memento = strings.TrimPrefix(p.Memento, s.base(r))
	}
	f := web.Frame{Title: p.Title, Description: p.Title, Base: s.base(r), Path: r.URL.Path, Canonical: r.URL.EscapedPath(), Type: "website", Licence: Licence, Attribution: Attribution}
	if p.Status == http.StatusNotFound {
		e.Near = s.near(r)
	}
	body, err := s.site.Failure(f, e)
	if err != nil {
		s.Log.ErrorContext(r.Context(), "page of an error", "request_id", p.RequestID, "error", err)
		body = []byte(p.Title)
	}
	w.WriteHeader(p.Status)
	_, _ = w.Write(body)
}

// near is the page that was probably meant by an address at which there is none; "" if none is near.
func (s *server) near(r *http.Request) string {
	name, id, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	var collections []string
	for _, t := range store.Tables {
		if t.Name == name && id == "" {
			return "/explore/" + name
		}
		collections = append(collections, t.Name)
	}
	i := slices.IndexFunc(store.Tables, func(t *store.Table) bool { return t.Name == name && web.HasPage(name) && t.Base != "" })
	if i < 0 {
		if near := query.Nearest(strings.TrimPrefix(r.URL.Path, "/explore/"), collections); near != "" {
			return "/explore/" + near
		}
		if near := query.Nearest(name, collections); near != "" {
			return "/explore/" + near
		}
		return ""
	}
	d, err := s.open(r, query.List{})
	if err != nil {
		return ""
	}
	all, _, err := list[struct{ ID string }](d, store.Tables[i], "limit=1000&fields=id")
	if err != nil {
		return ""
	}
	ids := make([]string, len(all))
	for i, record := range all {
		ids[i] = record.ID
	}
	if near := query.Nearest(id, ids); near != "" {
		return "/" + name + "/" + url.PathEscape(near)
	}
	return ""
}

// asset serves what pages load. Its name changes with its contents; by an older name it is served too, and not kept.
func (s *server) asset(w http.ResponseWriter, r *http.Request) error {
	name := chi.URLParam(r, "name")
	a, ok := s.site.Asset(name)
	if !ok {
		return s.notFound(w, r)
	}
	if a.Name == name {
		return lasting(w, r, a.Type, a.Body)
	}
	return static(w, r, a.Type, a.Body)
}
