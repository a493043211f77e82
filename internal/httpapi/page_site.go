package httpapi

import (
	"fmt"
	"html"
	"net/http"
	"net/url"

	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/store"
	"github.com/parley-api/parley/internal/web"
)

// robots keeps crawlers out of nothing but the endless queries, and shows them the pages.
func (s *server) robots(w http.ResponseWriter, r *http.Request) error {
	return static(w, r, "text/plain; charset=utf-8", []byte("User-agent: *\nDisallow: /explore/*?\n\nSitemap: "+s.base(r)+"/sitemap.xml\n"))
}

// mostMapped is how many addresses a sitemap may have.
const mostMapped = 50_000

// sitemap lists the pages of all records, as many as a sitemap may have, by collection.
func (s *server) sitemap(w http.ResponseWriter, r *http.Request) error {
	d, err := s.open(r, query.List{})
	if err != nil || d.fresh(w) {
		return err
	}
	b := []byte(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">` + "\n")
	left := mostMapped
	add := func(path, recordedAt string) {
		b = append(b, "<url><loc>"+html.EscapeString(d.base+path)+"</loc>"...)
		if recordedAt != "" {
			b = fmt.Appendf(b, "<lastmod>%s</lastmod>", recordedAt)
		}
		b = append(b, "</url>\n"...)
		left--
	}
	add("/", "")
	add("/explore", "")
	for _, t := range store.Tables {
		add("/explore/"+t.Name, "")
	}
	for _, t := range store.Tables {
		if !web.HasPage(t.Name) || left <= 0 {
			continue
		}
		l, err := query.Parse(url.Values{"fields": {"id,recorded_at"}}, t.Grammar())
		if err != nil {
			return err
		}
		l.Limit = left
		q := d.question(t, l)
		type listed struct {
			ID         any    `json:"id"`
			RecordedAt string `json:"recorded_at"`
		}
		var all []listed
		if _, err := store.Page(r.Context(), d.db, q, rows(d, q.Shape(), &all)); err != nil {
			return err
		}
		for _, one := range all {
			add("/"+t.Name+"/"+url.PathEscape(fmt.Sprint(one.ID)), one.RecordedAt)
		}
	}
	w.Header().Set("Content-Type", "application/xml")
	return send(w, append(b, "</urlset>\n"...))
}
