package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/store"
	"github.com/parley-api/parley/internal/talks"
	"github.com/parley-api/parley/internal/web"
)

// oembedOf is the address that says how a page of ours is embedded.
func (d *viewing) oembedOf(page string) string {
	return d.base + "/oembed?format=json&url=" + url.QueryEscape(d.base+page)
}

// embedded says how a page is embedded (https://oembed.com).
type embedded struct {
	Version         string `json:"version"`
	Type            string `json:"type"`
	Title           string `json:"title"`
	ProviderName    string `json:"provider_name"`
	ProviderURL     string `json:"provider_url"`
	AuthorName      string `json:"author_name"`
	CacheAge        int    `json:"cache_age"` // seconds
	HTML            string `json:"html"`
	Width           int    `json:"width"` // pixels
	Height          int    `json:"height"`
	ThumbnailURL    string `json:"thumbnail_url,omitempty"`
	ThumbnailWidth  int    `json:"thumbnail_width,omitempty"`
	ThumbnailHeight int    `json:"thumbnail_height,omitempty"`
}

// oembed says how a page of ours is embedded. What it does not know it ignores, as everybody does who is asked so: consumers send
// parameters of their own.
func (s *server) oembed(w http.ResponseWriter, r *http.Request) error {
	values, err := parameters(r)
	if err != nil {
		return err
	}
	if format := values.Get("format"); format != "" && format != "json" {
		s.problem(w, r, notImplemented, fmt.Sprintf("format=%.40q is not there; format=json is", format), nil)
		return nil
	}
	most, faults := map[string]int{"maxwidth": web.UsualWidth, "maxheight": web.MaxHeight}, []query.Fault(nil)
	for _, name := range []string{"maxheight", "maxwidth"} {
		if given := values.Get(name); given != "" {
			n, err := strconv.Atoi(given)
			if err != nil || n < 1 {
				faults = append(faults, query.Fault{Parameter: name, Reason: "is not a whole number from 1"})
			}
			most[name] = min(n, most[name])
		}
	}
	if values.Get("url") == "" {
		faults = append(faults, query.Fault{Parameter: "url", Reason: "is required: the address of the page that is to be embedded"})
	}
	if len(faults) > 0 {
		return &query.Error{Faults: faults}
	}
	e, err := s.embedOfPage(r, values.Get("url"))
	var bad *query.Error
	if errors.Is(err, errNoEmbed) || errors.As(err, &bad) {
		s.problem(w, r, notFound, "url is not the address of a page here that can be embedded", nil)
		return nil
	}
	if err != nil {
		return err
	}
	if e.fresh(w, "oembed", fmt.Sprint(most), e.r.URL.RequestURI()) {
		return nil
	}
	f, shown, err := e.show()
	if err != nil {
		return err
	}
	if shown.None != "" && (e.view.name == "record" || e.view.name == "round") {
		s.problem(w, r, notFound, "there is no such record", nil)
		return nil
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Del("Content-Security-Policy")
	body, err := json.Marshal(s.describeEmbed(e, f, shown, most["maxwidth"], most["maxheight"]))
	if err != nil {
		return err
	}
	return send(w, append(body, '\n'))
}

// embedOfPage is the embed that shows a page of ours, by its address or by its path.
func (s *server) embedOfPage(r *http.Request, address string) (*embedding, error) {
	page, err := url.Parse(address)
	if err != nil {
		return nil, errNoEmbed
	}
	base, err := url.Parse(s.base(r))
	if err != nil {
		return nil, err
	}
	if page.Host != "" && (page.Host != base.Host || page.Scheme != "http" && page.Scheme != "https") {
		return nil, errNoEmbed
	}
	asked, err := url.ParseQuery(page.RawQuery)
	if err != nil {
		return nil, errNoEmbed
	}
	parts := strings.Split(strings.Trim(page.Path, "/"), "/")
	table := func(name string) *store.Table {
		i := slices.IndexFunc(store.Tables, func(t *store.Table) bool { return t.Name == name })
		if i < 0 {
			return nil
		}
		return store.Tables[i]
	}
	target := ""
	switch t := table(parts[0]); {
	case page.Path == "/" || page.Path == "":
		target = embedOfHome(asked.Encode())
	case len(parts) != 2:
	case parts[0] == "embed":
		target = page.RequestURI()
	case parts[0] == "explore" && table(parts[1]) != nil:
		tidy(asked, table(parts[1]).Grammar())
		target = embedOfList(table(parts[1]), asked)
	case t != nil && web.HasPage(t.Name):
		drawn, err := s.drawn(r, t, parts[1], asked)
		if err != nil {
			return nil, err
		}
		target = embedOfRecord(t, parts[1], asked.Encode(), drawn)
	}
	at, err := url.Parse(target)
	if err != nil || target == "" || strings.Contains(at.Path, ".") {
		return nil, errNoEmbed
	}
	inner := r.WithContext(r.Context())
	inner.URL = at
	return s.understandEmbed(inner, at.Path)
}

// drawn reports whether the ledger draws a record, at the moment that its page is asked for.
func (s *server) drawn(r *http.Request, t *store.Table, id string, asked url.Values) (bool, error) {
	if t != store.Commitments {
		return false, nil
	}
	l, err := query.Record(maps.Clone(asked), pageGrammar)
	if err != nil {
		return false, err
	}
	d, err := s.open(r, l)
	if err != nil {
		return false, err
	}
	found, _, err := list[talks.Commitment](d, t, "limit=1&fields=progress", idIs(t, []string{id}))
	return len(found) == 1 && numbered(found[0]), err
}

// describeEmbed says how an embed is shown within a width and a height. How tall it will be in a browser is an estimate: it is as the
// file, with a line to open the table by, and larger letters.
func (s *server) describeEmbed(e *embedding, f web.Frame, shown web.Embed, width, height int) embedded {
	e.width = min(max(width, web.MinWidth), web.MaxWidth)
	tall := e.sheet(f, shown).Height
	out := embedded{
		Version: "1.0", Type: "rich", Title: f.Title, ProviderName: "Parley", ProviderURL: f.Base + "/", AuthorName: Attribution, CacheAge: 3600,
		Width: width, Height: min(height, int(math.Ceil(1.2*tall))+60),
	}
	out.HTML = web.Snippet(f.Base, f.Embed, f.Title, strconv.Itoa(out.Width), out.Height)
	thumbnail := size{theme: e.theme, width: min(width, 600), height: min(height, 315), scale: 1}
	if thumbnail.width >= web.MinWidth && thumbnail.height >= web.MinHeight {
		_, asked, _ := strings.Cut(f.Embed, "?")
		v, _ := url.ParseQuery(asked) // our own
		v.Del("theme")
		out.ThumbnailURL = f.Base + joined(embeds+e.view.name+".png", and(v.Encode(), thumbnail.query()))
		out.ThumbnailWidth, out.ThumbnailHeight = thumbnail.width, thumbnail.height
	}
	return out
}
