package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/url"
	"strings"
	"time"

	"github.com/parley-api/parley/internal/chart"
)

//go:embed templates/*.html
var templates embed.FS

// Site makes pages, and pictures to be shown by others.
type Site struct {
	pages   map[string]*template.Template
	files   map[string]Asset // by the names that pages use
	atlas   *chart.Atlas
	painter *chart.Painter
}

// New reads the templates and the files of the program.
func New() *Site {
	s := &Site{pages: map[string]*template.Template{}, files: map[string]Asset{}, atlas: chart.NewAtlas()}
	s.load()
	shared := template.Must(template.New("").Funcs(s.funcs()).ParseFS(templates, "templates/_*.html"))
	for _, name := range names(templates, "templates") {
		if !strings.HasPrefix(name, "_") {
			s.pages[strings.TrimSuffix(name, ".html")] = template.Must(template.Must(shared.Clone()).ParseFS(templates, "templates/"+name))
		}
	}
	return s
}

func names(from embed.FS, folder string) []string {
	entries, err := fs.ReadDir(from, folder)
	if err != nil {
		panic(err) // a folder of the program
	}
	all := make([]string, len(entries))
	for i, e := range entries {
		all[i] = e.Name()
	}
	return all
}

// Frame is what every page says beside its contents.
type Frame struct {
	Title       string
	Description string // for search engines and previews
	Base        string // what absolute addresses begin with: "https://example.org"
	Path        string // of the page, and its query: "/rounds/istanbul-2025-3?as_of=1"
	Canonical   string // the path of the page without what only some ask for
	Index       bool   // search engines may list the page
	Revision    int64
	RecordedAt  *time.Time // when that was recorded; nil before the first
	Permalink   string     // the page as it stands at this revision
	AsOf        string     // what as_of= asked for; "": the present
	ReportedBy  string     // the party whose figures are shown; "": the best-supported ones
	Licence     string     // its address
	Attribution string
	Type        string      // of Open Graph: "website" or "article"
	JSONLD      template.JS // the page as linked data; "": it has none
	Alternates  []Form      // the same in other forms
	API         string      // the path that gives the same data; "": none does
	Names       Names
	Live        bool   // where scripts run, the page keeps up with the records
	Embed       string // the path of the embed that shows the same; "": none does
	Image       string // the path of a picture of the page, for previews; "": there is none
	OEmbed      string // the address that says how the page is embedded; "": it cannot be
}

// Form is a form in which what a page shows can be had.
type Form struct {
	Name  string // and extension
	Media string // type
	About string
	Link  string // path and query
}

// Names are the titles of records, by collection and id.
type Names map[string]map[string]string

// Of is the title of a record; its id, where it is not known.
func (n Names) Of(collection, id string) string {
	if name := n[collection][id]; name != "" {
		return name
	}
	return id
}

// Knows reports whether there is a record of an id, as far as the page has asked.
func (n Names) Knows(collection, id string) bool { return n[collection][id] != "" }

// Add notes the title of a record.
func (n Names) Add(collection, id, title string) {
	if n[collection] == nil {
		n[collection] = map[string]string{}
	}
	n[collection][id] = title
}

// Link is the address of the page of a record, or of a list, at the same moment and with the same voice as this page.
func (f Frame) Link(collection, id string) string {
	if !HasPage(collection) {
		return f.List(collection, "id", id)
	}
	return f.at("/" + collection + "/" + url.PathEscape(id))
}

// List is the address of a list, with parameters in pairs.
func (f Frame) List(collection string, parameters ...string) string {
	v := url.Values{}
	for i := 0; i < len(parameters); i += 2 {
		v.Set(parameters[i], parameters[i+1])
	}
	if f.AsOf != "" {
		v.Set("as_of", f.AsOf)
	}
	return join("/explore/"+collection, v)
}

// Home is the address of the first page.
func (f Frame) Home() string { return f.at("/") }

// Explore is the address of the list of collections.
func (f Frame) Explore() string { return f.at("/explore") }

// Present is the address of this page without as_of=.
func (f Frame) Present() string { return f.without("as_of") }

// Everybody is the address of this page without reported_by=.
func (f Frame) Everybody() string { return f.without("reported_by") }

func (f Frame) without(parameter string) string {
	address, query, _ := strings.Cut(f.Path, "?")
	v, _ := url.ParseQuery(query) // our own
	v.Del(parameter)
	return join(address, v)
}

func (f Frame) at(address string) string {
	v := url.Values{}
	if f.AsOf != "" {
		v.Set("as_of", f.AsOf)
	}
	if f.ReportedBy != "" {
		v.Set("reported_by", f.ReportedBy)
	}
	return join(address, v)
}

func join(address string, v url.Values) string {
	if len(v) == 0 {
		return address
	}
	return address + "?" + v.Encode()
}

// Head is the title as it stands in the head of the page.
func (f Frame) Head() string {
	if f.Title == "" {
		return "Parley"
	}
	return shorten(f.Title, 120) + " · Parley"
}

// page makes a page.
func (s *Site) page(name string, f Frame, body any) ([]byte, error) {
	var b bytes.Buffer
	err := s.pages[name].ExecuteTemplate(&b, "page", struct {
		Frame
		Body any
	}{f, body})
	if err != nil {
		return nil, fmt.Errorf("page %s: %w", name, err)
	}
	return b.Bytes(), nil
}
