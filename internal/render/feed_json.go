package render

import "time"

// JSONFeed is a feed in JSON (version 1.1), in pages. What the standard has no word for is in its extension _parley.
var JSONFeed = &Form{
	Name:   "feed.json",
	Media:  "application/feed+json",
	Header: "application/feed+json",
	About:  "the same feed in JSON",
	Of:     Lists | Records,
	Entry:  true,
	Recent: true,
	New:    func(s Subject) Encoder { return &jsonFeedPage{Subject: s, items: []jsonFeedItem{}} },
}

type jsonFeedPage struct {
	Subject
	items []jsonFeedItem
}

type jsonFeed struct {
	Version     string           `json:"version"`
	Title       string           `json:"title"`
	HomePageURL string           `json:"home_page_url"`
	FeedURL     string           `json:"feed_url"`
	NextURL     string           `json:"next_url,omitempty"`
	Authors     []jsonFeedAuthor `json:"authors"`
	Language    string           `json:"language"`
	Parley      jsonFeedMeta     `json:"_parley"`
	Items       []jsonFeedItem   `json:"items"`
}

type jsonFeedMeta struct {
	Revision  int64      `json:"revision"`
	AsOf      *time.Time `json:"as_of"`
	Permalink string     `json:"permalink"`
	Licence   string     `json:"licence"`
}

type jsonFeedAuthor struct {
	Name string `json:"name"`
}

type jsonFeedItem struct {
	ID            string           `json:"id"`
	URL           string           `json:"url"`
	ExternalURL   string           `json:"external_url,omitempty"`
	Title         string           `json:"title"`
	ContentText   string           `json:"content_text"`
	DatePublished *time.Time       `json:"date_published,omitempty"`
	DateModified  time.Time        `json:"date_modified"`
	Authors       []jsonFeedAuthor `json:"authors,omitempty"`
	Parley        jsonFeedRecord   `json:"_parley"`
}

type jsonFeedRecord struct {
	Revision int64            `json:"revision"`
	Sources  []jsonFeedSource `json:"sources"`
}

type jsonFeedSource struct {
	Publisher string `json:"publisher"`
	URL       string `json:"url,omitempty"`
}

func (l *jsonFeedPage) Begin(b []byte, _ Meta) []byte { return b }

func (l *jsonFeedPage) Add(b []byte, values [][]byte) []byte {
	e := l.entry(values)
	item := jsonFeedItem{
		ID: e.URL, URL: e.URL, ExternalURL: e.Page, Title: e.Title, ContentText: e.text(), DateModified: e.Recorded.UTC(),
		Parley: jsonFeedRecord{Revision: e.Revision, Sources: []jsonFeedSource{}},
	}
	if at, ok := e.happened(); ok {
		item.DatePublished = &at
	}
	if e.Author != "" {
		item.Authors = []jsonFeedAuthor{{e.Author}}
	}
	if item.ContentText == "" {
		item.ContentText = e.Title
	}
	for _, s := range e.Sources {
		item.Parley.Sources = append(item.Parley.Sources, jsonFeedSource{s.Publisher, s.URL})
	}
	l.items = append(l.items, item)
	return b
}

func (l *jsonFeedPage) End(b []byte, m Meta) []byte {
	a := newAnswer(&l.Subject, JSONFeed, m)
	f := jsonFeed{
		Version: "https://jsonfeed.org/version/1.1", Title: a.title, HomePageURL: a.page, FeedURL: a.self, NextURL: m.Next,
		Authors: []jsonFeedAuthor{{a.Attribution}}, Language: "en",
		Parley: jsonFeedMeta{Revision: a.Revision, AsOf: a.AsOf, Permalink: a.cite, Licence: a.Licence},
		Items:  l.items,
	}
	return append(appendObject(b, f), '\n')
}
