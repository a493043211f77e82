package render

import (
	"encoding/xml"
	"time"
)

// Atom is a feed (RFC 4287) in pages (RFC 5005). A record's sources are its links of the relation "via".
var Atom = &Form{
	Name:   "atom",
	Media:  "application/atom+xml",
	Header: "application/atom+xml; charset=utf-8",
	About:  "a feed for feed readers, what was recorded last first",
	Of:     Lists | Records,
	Entry:  true,
	Recent: true,
	New:    func(s Subject) Encoder { return &atom{Subject: s} },
}

type atom struct {
	Subject
	entries []atomEntry
}

type atomFeed struct {
	XMLName   xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	ID        string      `xml:"id"`
	Title     string      `xml:"title"`
	Updated   string      `xml:"updated"`
	Author    atomAuthor  `xml:"author"`
	Generator string      `xml:"generator"`
	Rights    string      `xml:"rights"`
	Links     []atomLink  `xml:"link"`
	Entries   []atomEntry `xml:"entry"`
}

type atomAuthor struct {
	Name string `xml:"name"`
}

type atomLink struct {
	Rel   string `xml:"rel,attr"`
	Type  string `xml:"type,attr,omitempty"`
	Href  string `xml:"href,attr"`
	Title string `xml:"title,attr,omitempty"`
}

type atomEntry struct {
	ID        string      `xml:"id"`
	Title     string      `xml:"title"`
	Updated   string      `xml:"updated"`
	Published string      `xml:"published,omitempty"`
	Author    *atomAuthor `xml:"author"`
	Links     []atomLink  `xml:"link"`
	Content   string      `xml:"content"`
}

func (l *atom) Begin(b []byte, _ Meta) []byte { return b }

func (l *atom) Add(b []byte, values [][]byte) []byte {
	e := l.entry(values)
	a := atomEntry{
		ID: e.URL, Title: e.Title, Updated: e.Recorded.UTC().Format(time.RFC3339Nano), Content: e.text(),
		Links: []atomLink{{Rel: "alternate", Type: "application/json", Href: e.URL}},
	}
	if at, ok := e.happened(); ok {
		a.Published = at.Format(time.RFC3339)
	}
	if e.Author != "" {
		a.Author = &atomAuthor{e.Author}
	}
	if a.Content == "" {
		a.Content = e.Title
	}
	if e.Page != "" {
		a.Links = append(a.Links, atomLink{Rel: "related", Href: e.Page, Title: e.Publisher})
	}
	for _, s := range e.Sources {
		if s.URL != "" {
			a.Links = append(a.Links, atomLink{Rel: "via", Href: s.URL, Title: s.Publisher})
		}
	}
	l.entries = append(l.entries, a)
	return b
}

func (l *atom) End(b []byte, m Meta) []byte {
	a := newAnswer(&l.Subject, Atom, m)
	f := atomFeed{
		ID: a.first, Title: a.title, Updated: a.updated().Format(time.RFC3339Nano),
		Author: atomAuthor{a.Attribution}, Generator: "Parley", Rights: a.Attribution + ", " + a.Licence,
		Links: []atomLink{
			{Rel: "self", Type: "application/atom+xml", Href: a.self},
			{Rel: "alternate", Type: "application/json", Href: a.page},
			{Rel: "first", Type: "application/atom+xml", Href: a.first},
			{Rel: "license", Href: a.Licence},
			{Rel: "memento", Type: "application/json", Href: a.cite},
		},
		Entries: l.entries,
	}
	if m.Next != "" {
		f.Links = append(f.Links, atomLink{Rel: "next", Type: "application/atom+xml", Href: m.Next})
	}
	text, err := xml.MarshalIndent(f, "", " ")
	if err != nil {
		panic(err) // texts only
	}
	return append(append(append(b, xml.Header...), text...), '\n')
}
