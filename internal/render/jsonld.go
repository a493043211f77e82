package render

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/parley-api/parley/internal/query"
)

// JSONLD is linked data (JSON-LD 1.1) in the words of schema.org. The context stands in the document, so that nobody has to
// fetch it. What is said is what the records say; what schema.org has no term for is left out.
var JSONLD = &Form{
	Name:     "jsonld",
	Media:    "application/ld+json",
	Header:   "application/ld+json",
	About:    "linked data in the words of schema.org",
	Of:       Lists | Records,
	Entry:    true,
	Complete: true,
	New:      func(s Subject) Encoder { return &jsonLD{Subject: s} },
}

type jsonLD struct {
	Subject
	some bool // a record has been added
}

// schemaContext is the context: the properties whose values are addresses or dates are named.
const schemaContext = `{"@vocab":"https://schema.org/",` +
	`"url":{"@type":"@id"},"license":{"@type":"@id"},"contentUrl":{"@type":"@id"},"sameAs":{"@type":"@id"},"eventStatus":{"@type":"@id"},"eventAttendanceMode":{"@type":"@id"},` +
	`"superEvent":{"@type":"@id"},"attendee":{"@type":"@id"},"organizer":{"@type":"@id"},"contributor":{"@type":"@id"},"affiliation":{"@type":"@id"},"parentOrganization":{"@type":"@id"},"subEvent":{"@type":"@id"},"member":{"@type":"@id"},` +
	`"about":{"@type":"@id"},"author":{"@type":"@id"},"object":{"@type":"@id"},"observationAbout":{"@type":"@id"},"agent":{"@type":"@id"},` +
	`"datePublished":{"@type":"Date"},"startTime":{"@type":"Date"},"endTime":{"@type":"DateTime"},"dateModified":{"@type":"DateTime"},"observations":{"@reverse":"observationAbout"},"featuredAt":{"@reverse":"workFeatured","@type":"@id"}}`

// Begin begins a list: a data feed, which schema.org counts as a data set.
func (l *jsonLD) Begin(b []byte, m Meta) []byte {
	if l.Kind == Records {
		return b
	}
	a := newAnswer(&l.Subject, JSONLD, m)
	n := node{append(b, '{')}
	n.raw("@context", schemaContext)
	n.text("@type", "DataFeed")
	n.text("@id", a.cite)
	n.text("name", a.title)
	n.text("url", a.page)
	n.text("license", a.Licence)
	n.text("creditText", a.Attribution)
	n.text("version", strconv.FormatInt(a.Revision, 10))
	n.text("dateModified", a.updated().Format(time.RFC3339Nano))
	n.raw("dataFeedElement", "[")
	return n.b
}

func (l *jsonLD) End(b []byte, _ Meta) []byte {
	if l.Kind != Records {
		b = append(b, "]}"...)
	}
	return append(b, '\n')
}

func (l *jsonLD) Add(b []byte, values [][]byte) []byte {
	if l.some {
		b = append(b, ',')
	}
	l.some = true
	e := l.entry(values)
	n := node{append(b, '{')}
	if l.Kind == Records {
		n.raw("@context", schemaContext)
	}
	n.text("@type", e.Type)
	n.text("@id", e.URL)
	n.text("name", e.Title)
	if e.Summary != e.Title {
		n.text("description", e.Summary)
	}
	n.text("url", cmp.Or(e.Page, e.URL))
	if e.Type == "Event" || e.Type == "EventSeries" {
		n.text("startDate", moment(e.StartedAt, e.StartsOn))
		n.text("endDate", moment(e.EndedAt, e.EndsOn))
	}
	n.value("location", e.location())
	for i, c := range l.Columns {
		name, ok := strings.CutPrefix(c.Name, schemaOrg)
		if v := values[i]; ok && v != nil && (c.Type != query.Texts && c.Type != query.Links || !none(v)) {
			n.raw(name, string(appendJSONValue(nil, c.Type, v, l.Base)))
		}
	}
	if e.Type == "Observation" {
		n.value("subjectOf", e.said(l.Base))
	} else {
		n.value("subjectOf", e.cited(l.Base))
	}
	n.value("observations", e.observations(l.Base))
	return append(n.b, '}')
}

// node is a JSON object in the making, without what is not known.
type node struct{ b []byte }

func (n *node) raw(name, value string) {
	if n.b[len(n.b)-1] != '{' {
		n.b = append(n.b, ',')
	}
	n.b = append(append(append(n.b, '"'), name...), `":`...)
	n.b = append(n.b, value...)
}

func (n *node) text(name, value string) {
	if value != "" {
		n.raw(name, string(quote(nil, []byte(value))))
	}
}

func (n *node) value(name string, value any) {
	if s := string(appendObject(nil, value)); s != "null" && s != "[]" {
		n.raw(name, s)
	}
}

// moment is the instant, or else the day.
func moment(at *time.Time, day string) string {
	if at != nil {
		return at.UTC().Format(time.RFC3339)
	}
	return day
}

type ldPlace struct {
	Type     string       `json:"@type"`
	Name     string       `json:"name,omitempty"`
	Address  *ldAddress   `json:"address,omitempty"`
	Geo      *ldGeo       `json:"geo,omitempty"`
	Property []ldProperty `json:"additionalProperty,omitempty"`
	Within   *ldPlace     `json:"containedInPlace,omitempty"`
}

type ldAddress struct {
	Type    string `json:"@type"`
	Country string `json:"addressCountry"`
}

type ldGeo struct {
	Type      string  `json:"@type"`
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
}

type ldProperty struct {
	Type  string `json:"@type"`
	Name  string `json:"name"`
	Value string `json:"value"`
}

// location is where it was; nil where that is not known. The position is that of the place, or of what its precision says,
// and never that of the venue, which stands in it.
func (e *Entry) location() *ldPlace {
	if e.Place == "" && e.Country == "" && e.Venue == "" && e.Lat == nil {
		return nil
	}
	p := &ldPlace{Type: "Place", Name: e.Place}
	if e.Country != "" {
		p.Address = &ldAddress{"PostalAddress", e.Country}
	}
	if e.Lat != nil && e.Lon != nil {
		p.Geo = &ldGeo{"GeoCoordinates", *e.Lat, *e.Lon}
		p.Property = []ldProperty{{"PropertyValue", "place_precision", e.Precision}}
	}
	if e.Venue == "" {
		return p
	}
	return &ldPlace{Type: "Place", Name: e.Venue, Within: p}
}

type ldSource struct {
	Type      string   `json:"@type"`
	ID        string   `json:"@id"`
	URL       string   `json:"url,omitempty"`
	Publisher *ldNamed `json:"publisher,omitempty"`
	Published string   `json:"datePublished,omitempty"`
}

type ldNamed struct {
	Type string `json:"@type"`
	Name string `json:"name"`
}

// cited are the pages that say so.
func (e *Entry) cited(base string) []ldSource {
	var all []ldSource
	for _, s := range e.Sources {
		all = append(all, ldSource{"CreativeWork", base + "sources/" + s.ID, s.URL, &ldNamed{"Organization", s.Publisher}, s.PublishedOn})
	}
	return all
}

// said is who said the number that the record is, once for each page on which that stands. Where nobody is named, it is the page
// that says so.
func (e *Entry) said(base string) []ldClaim {
	var all []ldClaim
	for _, page := range e.cited(base) {
		all = append(all, newClaim(base, e.Party, e.SaidBy, page))
	}
	return all
}

func newClaim(base, party, saidBy string, page ldSource) ldClaim {
	c := ldClaim{Type: "Claim", Credit: saidBy, Appearance: page}
	if party != "" {
		c.Author = base + "parties/" + party
	}
	return c
}

// ldObservation is a number about the record. One of its own, which stands first, has the claims that it rests on.
type ldObservation struct {
	Type     string `json:"@type"`
	Variable string `json:"variableMeasured"`
	Value    any    `json:"value,omitempty"`
	Min      any    `json:"minValue,omitempty"`
	Max      any    `json:"maxValue,omitempty"`
	Unit     string `json:"unitText,omitempty"`
	Text     string `json:"description,omitempty"`
	Claims   any    `json:"subjectOf,omitempty"` // of its own a list, else the one
}

// ldClaim is that somebody said a number, and the page on which that stands.
type ldClaim struct {
	Type       string   `json:"@type"`
	Author     string   `json:"author,omitempty"`     // the party whose figure it is
	Credit     string   `json:"creditText,omitempty"` // who said it: a person's id, or a name
	Appearance ldSource `json:"appearance"`
}

// observations are the record's figures that are known, and each value that someone gave for one, with its source.
func (e *Entry) observations(base string) []ldObservation {
	var all []ldObservation
	for _, f := range e.Figures {
		if f.Value != nil {
			o := ldObservation{Variable: f.Unit + f.direction(), Unit: f.Unit}
			if claims := e.support(f, base); claims != nil {
				o.Claims = claims
			}
			all = append(all, o.measured(*f.Value, f.Qualifier))
		}
	}
	for _, r := range e.Reports {
		o := ldObservation{Variable: r.Field, Claims: r.claim(base)}
		all = append(all, o.measured(r.Value, r.Qualifier))
	}
	return all
}

func (r *Report) claim(base string) ldClaim {
	return newClaim(base, r.Party, r.SaidBy, ldSource{Type: "CreativeWork", ID: base + "sources/" + r.Source})
}

// support are the reports that gave the value of a figure. Those of exchanges and repatriations name it transfers.RU-UA.total, those
// of commitments target.RU-UA.
func (e *Entry) support(f Figure, base string) (claims []ldClaim) {
	way := f.From + "-" + f.To
	for i, r := range e.Reports {
		if (r.Field == "transfers."+way+".total" || r.Field == "target."+way) && r.Value == float64(*f.Value) {
			claims = append(claims, e.Reports[i].claim(base))
		}
	}
	return claims
}

// measured puts a value where its qualifier says; what schema.org has no word for is said in words.
func (o ldObservation) measured(value any, qualifier string) ldObservation {
	o.Type = "Observation"
	switch qualifier {
	case "at_least", "more_than":
		o.Min = value
	case "at_most", "less_than", "up_to":
		o.Max = value
	default:
		o.Value = value
	}
	if qualifier != "exactly" {
		o.Text = fmt.Sprint(words[qualifier], value)
	}
	return o
}
