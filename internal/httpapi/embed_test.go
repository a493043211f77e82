package httpapi_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	_ "image/png"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/parley-api/parley/internal/httpapi"
	"github.com/parley-api/parley/internal/talks"
)

// views are embeds, one of each kind and some that are special.
var views = []string{
	"/embed/timeline", "/embed/timeline?type=round,prisoner_exchange,body_repatriation&theme=dark", "/embed/timeline?party=TR&date=2025..", "/embed/ledger?target.known=true",
	"/embed/ledger?id=istanbul-2025-2-exchange-categories&theme=light", "/embed/totals", "/embed/totals?by=year&from=RU", "/embed/totals?collection=body-repatriations", "/embed/round?id=istanbul-2025-3",
	"/embed/round?status=held", "/embed/record?collection=prisoner-exchanges&id=exchange-2024-12-30", "/embed/record?collection=people&id=rustem-umerov", "/embed/record?collection=changesets&id=1",
	"/embed/record?collection=sources&id=rferl-uk-2026-03-11", "/embed/timeline?as_of=1", "/embed/totals?reported_by=UA", "/embed/round?date=1900",
}

// as is the address of an embed as a file, by its extension.
func as(view, extension string) string {
	path, query, _ := strings.Cut(view, "?")
	return path + extension + "?" + query
}

// TestEmbeds: each view as a page, a drawing and a picture, with its validator, and stamped.
func TestEmbeds(t *testing.T) {
	s := open(t, httpapi.Options{Cache: 8 << 20})
	for _, view := range views {
		page := s.do(t, http.MethodGet, view, browser, http.StatusOK)
		if got := page.response.Header.Get("Content-Security-Policy"); !strings.HasSuffix(got, "; frame-ancestors *") || strings.Contains(got, "unsafe") {
			t.Errorf("%s: Content-Security-Policy %s", view, got)
		}
		text := parse(t, view, page.body).text
		drawing := s.get(t, as(view, ".svg"), http.StatusOK)
		written := textOfSVG(t, drawing)
		for _, stamp := range []string{"Revision 1, recorded 23 November 2026", "Sources: ", "Parley data set contributors", "CC BY 4.0"} {
			if !strings.Contains(text, stamp) || !strings.Contains(written, stamp) {
				t.Errorf("%s does not say %q, as a page and as a drawing", view, stamp)
			}
		}
		picture := s.get(t, as(view, ".png"), http.StatusOK)
		if config, form, err := image.DecodeConfig(bytes.NewReader(picture.body)); err != nil || form != "png" || config.Width != 720 || config.Height < 160 || config.Height > 1600 {
			t.Errorf("%s as a picture: %v, %v", view, config, err)
		}
		for extension, media := range map[string]string{"": "text/html; charset=utf-8", ".svg": "image/svg+xml", ".png": "image/png"} {
			target := as(view, extension)
			first := s.send(t, http.MethodGet, target, nil).response.Header
			etag := first.Get("Etag")
			if first.Get("Content-Type") != media || first.Get("Parley-Revision") != "1" || !strings.HasPrefix(etag, `W/"1-`) || first.Get("Cross-Origin-Resource-Policy") != "cross-origin" {
				t.Errorf("%s: %v", target, first)
			}
			lasts := "public, max-age=5,"
			if strings.Contains(view, "as_of") && extension != "" {
				lasts = "public, max-age=31536000, immutable"
			}
			if got := first.Get("Cache-Control"); !strings.HasPrefix(got, lasts) {
				t.Errorf("%s: Cache-Control %s", target, got)
			}
			for range 2 {
				if again := s.do(t, http.MethodGet, target, http.Header{"If-None-Match": {etag}}, http.StatusNotModified); len(again.body) > 0 {
					t.Errorf("%s: 304 with a body", target)
				}
			}
			if head := s.send(t, http.MethodHead, target, nil); head.response.StatusCode != http.StatusOK || len(head.body) > 0 || head.response.Header.Get("Etag") != etag {
				t.Errorf("HEAD %s: %s", target, head.response.Status)
			}
		}
	}
}

// textOfSVG is what can be read in a drawing, which must be well-formed and load nothing.
func textOfSVG(t *testing.T, a answer) string {
	t.Helper()
	policy := a.response.Header.Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "default-src 'none'; ") || strings.Contains(policy, "unsafe") || !strings.HasSuffix(policy, "frame-ancestors *") {
		t.Errorf("Content-Security-Policy %s", policy)
	}
	var text strings.Builder
	for d := xml.NewDecoder(bytes.NewReader(a.body)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return text.String()
		} else if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.CharData:
			text.Write(token)
			text.WriteByte(' ')
		case xml.StartElement:
			if !slices.Contains([]string{"svg", "title", "desc", "style", "rect", "line", "circle", "path", "text"}, token.Name.Local) {
				t.Errorf("a drawing has <%s>", token.Name.Local)
			}
			for _, a := range token.Attr {
				if strings.HasPrefix(a.Name.Local, "on") || a.Name.Local == "href" || a.Name.Local == "style" {
					t.Errorf("a drawing has %s=%q", a.Name.Local, a.Value)
				}
			}
		}
	}
}

// TestEmbedsRefuse what they do not understand, and say what there is.
func TestEmbedsRefuse(t *testing.T) {
	s := open(t, httpapi.Options{})
	for target, want := range map[string]string{
		"/embed/timeline?partei=UA":                          `"suggestion":"parties"`,
		"/embed/timeline?them=dark":                          `"suggestion":"theme"`,
		"/embed/timeline?theme=drak":                         `"suggestion":"dark"`,
		"/embed/timeline?lang=uk":                            `"allowed":["en"]`,
		"/embed/timeline?width=400":                          "add .svg or .png",
		"/embed/timeline.svg?scale=2":                        "with .png instead",
		"/embed/timeline.svg?width=40":                       "is not a whole number from 280 to 1600",
		"/embed/timeline.png?height=x":                       "is not a whole number from 160 to 1600",
		"/embed/timeline.png?width=1600&height=1600&scale=3": "the most are 4000000",
		"/embed/timeline?fields=id":                          "always has the same parts",
		"/embed/timeline?width=9&width=8":                    `"parameter":"width"`,
		"/embed/totals?by=mediator":                          `"allowed":["day","week","month","quarter","year"]`,
		"/embed/totals?collection=rounds":                    `"allowed":["prisoner-exchanges","body-repatriations"]`,
		"/embed/totals?sort=date":                            `"parameter":"sort"`,
		"/embed/record?id=UA":                                "is required",
		"/embed/record?collection=partys&id=UA":              `"suggestion":"parties"`,
		"/embed/round?as_of=99":                              `"parameter":"as_of"`,
		"/embed/totals?reported_by=XX":                       `"parameter":"reported_by"`,
		"/embed/ledger?limit=0&theme=blue&status=x":          `"parameter":"status"`,
		"/oembed":                    `"parameter":"url"`,
		"/oembed?url=%2F&maxwidth=0": `"parameter":"maxwidth"`,
	} {
		a := s.get(t, target, http.StatusBadRequest)
		if !strings.Contains(string(a.body), want) {
			t.Errorf("%s: the answer does not say %s: %s", target, want, a.body)
		}
	}
	for _, target := range []string{"/embed/none", "/embed/timeline.gif", "/embed/timeline.svg.png", "/embed/.svg"} {
		if a := s.get(t, target, http.StatusNotFound); !strings.Contains(string(a.body), "timeline, ledger, totals, round, record") {
			t.Errorf("%s: %s", target, a.body)
		}
	}
	refused := s.do(t, http.MethodGet, "/embed/timeline?partei=UA", browser, http.StatusBadRequest).response.Header.Get("Content-Security-Policy")
	if !strings.HasSuffix(refused, "frame-ancestors *") {
		t.Errorf("who frames an embed that is refused is not told why: %s", refused)
	}
	cursor := decode[struct{ Next string }](t, s.ask(t, "/v1/events?limit=1").body).Next
	_, asked, _ := strings.Cut(cursor, "?")
	if a := s.get(t, "/embed/timeline?"+asked, http.StatusBadRequest); !strings.Contains(string(a.body), "the first page of a list") {
		t.Errorf("an embed with a cursor: %s", a.body)
	}
}

// TestEmbedsShowTheNumbersOfTheAPI.
func TestEmbedsShowTheNumbersOfTheAPI(t *testing.T) {
	s := open(t, httpapi.Options{})
	for view, want := range map[string][]string{
		"/embed/totals":                    {"Russia → Ukraine at least 7,122", "Ukraine → Russia at least 5,967"},
		"/embed/totals?date=2025-05":       {"Only: date 2025-05", "Russia → Ukraine"},
		"/embed/ledger?target.known=true":  {"at least 250 of at least 1,000 people", "no figure on record of 1,000 people", "502 of 500 people (disputed: 500 to 502)"},
		"/embed/round?id=istanbul-2025-3":  {"34 minutes (disputed: 34 to 90)", "led by Rustem Umerov; 11 members named", "14 claims (5 disputed)"},
		"/embed/timeline":                  {"Rounds of talks", "Claims", "Days by which something is due"},
		"/embed/timeline?party=TR&limit=3": {"Only: party Türkiye", "Only 3 happenings are drawn"},
		"/embed/round?date=1900":           {"Nothing on record matches."},
		"/embed/record?collection=prisoner-exchanges&id=exchange-2024-12-30":                {"189 people (disputed: 150 to 189)"},
		"/embed/record?collection=prisoner-exchanges&id=exchange-2024-12-30&reported_by=RU": {"150 people (by one voice)", "figures as Russia gave them"},
	} {
		s.says(t, view, want)
	}
	// A sheet that is too small counts what it leaves out.
	if small := textOfSVG(t, s.get(t, "/embed/ledger.svg?target.known=true&height=315", http.StatusOK)); !regexp.MustCompile(`And \d+ more lines\.`).MatchString(small) {
		t.Errorf("a small ledger does not say that it is not all: %s", small)
	}
}

// TestOEmbed: each page that can be embedded says how, and what it says leads to an embed.
func TestOEmbed(t *testing.T) {
	s := open(t, httpapi.Options{})
	discovery := regexp.MustCompile(`<link rel="alternate" type="application/json\+oembed" href="([^"]*)"`)
	frame := regexp.MustCompile(`<iframe src="([^"]*)"`)
	for _, target := range []string{
		"/", "/?as_of=1", "/rounds/istanbul-2025-3", "/commitments/istanbul-2025-2-exchange-categories", "/people/rustem-umerov?as_of=1", "/explore/prisoner-exchanges?from=RU&sort=date&limit=5",
		"/explore/events?party=TR&fields=id", "/explore/commitments", "/explore/body-repatriations?reported_by=UA", "/embed/timeline?theme=dark", "/changesets/1",
	} {
		a := s.do(t, http.MethodGet, target, browser, http.StatusOK)
		match := discovery.FindSubmatch(a.body)
		if match == nil {
			t.Errorf("%s does not say how it is embedded", target)
			continue
		}
		link := strings.TrimPrefix(strings.ReplaceAll(string(match[1]), "&amp;", "&"), s.url)
		for _, asked := range []string{"", "&maxwidth=320&maxheight=200&dnt=1", "&maxwidth=50"} {
			e := decode[struct {
				Title, HTML  string
				Width        int
				Height       int
				ThumbnailURL string `json:"thumbnail_url"`
			}](t, s.get(t, link+asked, http.StatusOK).body)
			src := frame.FindStringSubmatch(e.HTML)
			if e.Title == "" || src == nil || e.Height < 100 || asked == "" && e.Width != 720 || strings.Contains(asked, "320") && (e.Width != 320 || e.Height != 200) || strings.Contains(asked, "50") && e.Width != 50 {
				t.Errorf("%s: %+v", link+asked, e)
				continue
			}
			s.do(t, http.MethodGet, strings.ReplaceAll(strings.TrimPrefix(src[1], s.url), "&amp;", "&"), browser, http.StatusOK)
			if e.ThumbnailURL != "" {
				s.get(t, strings.TrimPrefix(e.ThumbnailURL, s.url), http.StatusOK)
			}
		}
		if image := regexp.MustCompile(`<meta property="og:image" content="([^"]*)">`).FindSubmatch(a.body); image != nil {
			picture := s.get(t, strings.ReplaceAll(strings.TrimPrefix(string(image[1]), s.url), "&amp;", "&"), http.StatusOK)
			if config, _, err := dimensions(picture.body); err != nil || config.Width != 1200 || config.Height != 630 {
				t.Errorf("the picture of %s: %v, %v", target, config, err)
			}
		} else if !strings.HasPrefix(target, "/embed/") {
			t.Errorf("%s has no picture", target)
		}
	}
	for _, page := range []string{"/nothing", "/rounds/none", "/explore/rounds", "/explore/none", "https://example.org/", "/v1/rounds", "/embed/timeline.svg", "/embed/none", "/explore/events?x=y", "ftp://%zz", "/commitments/none", "/commitments/istanbul-2025-2-exchange-categories?as_of=0", "/commitments/istanbul-2025-2-exchange-categories?x=y"} {
		s.get(t, "/oembed?url="+url.QueryEscape(page), http.StatusNotFound)
	}
	s.get(t, "/oembed?url=%2F&format=xml", http.StatusNotImplemented)
}

// TestEmbedOfAPublishedTotal says whose figure it is and what was counted, as a page, as a drawing, and where it is announced.
func TestEmbedOfAPublishedTotal(t *testing.T) {
	s := open(t, httpapi.Options{})
	const id = "prisoners-to-russia-2025-12-30-istanbul-civilians"
	const asked = "?collection=published-totals&id=" + id
	page := s.do(t, http.MethodGet, "/published-totals/"+id, browser, http.StatusOK).body
	about := regexp.MustCompile(`<meta property="og:description" content="([^"]*)"`).FindSubmatch(page)
	if about == nil {
		t.Fatal("the page has no description")
	}
	for name, text := range map[string]string{
		"page":        parse(t, asked, s.do(t, http.MethodGet, "/embed/record"+asked, browser, http.StatusOK).body).text,
		"drawing":     textOfSVG(t, s.get(t, "/embed/record.svg"+asked, http.StatusOK)),
		"description": string(about[1]),
	} {
		for _, want := range []string{"Mikhail Galuzin", "Russia", "civilians under the Istanbul agreements"} {
			if !strings.Contains(text, want) {
				t.Errorf("the %s does not say %q: %s", name, want, text)
			}
		}
		if strings.Contains(text, "1,693") {
			t.Errorf("the %s sets the sum of all beside it: %s", name, text)
		}
	}
}

// TestEmbedsOfCommitments: each has an embed that shows it, also one without a number, and its picture is of the same view.
func TestEmbedsOfCommitments(t *testing.T) {
	s := open(t, httpapi.Options{})
	image := regexp.MustCompile(`<meta property="og:image" content="[^"]*(/embed/[a-z]*)\.png\?`)
	views := map[string]int{}
	for _, c := range decode[struct{ Data []talks.Commitment }](t, s.ask(t, "/v1/commitments?limit=1000").body).Data {
		want := "/embed/record"
		if c.Progress != nil && len(*c.Progress) > 0 {
			want = "/embed/ledger"
		}
		views[want]++
		page := s.do(t, http.MethodGet, "/commitments/"+c.ID, browser, http.StatusOK).body
		if match := image.FindSubmatch(page); match == nil || string(match[1]) != want {
			t.Errorf("%s: the picture is of %s, want %s", c.ID, match, want)
		}
		e := decode[struct{ HTML string }](t, s.get(t, "/oembed?url="+url.QueryEscape("/commitments/"+c.ID), http.StatusOK).body)
		src := regexp.MustCompile(`<iframe src="([^"]*)"`).FindStringSubmatch(e.HTML)
		if src == nil || !strings.Contains(src[1], want) {
			t.Errorf("%s: %s, want %s", c.ID, e.HTML, want)
			continue
		}
		shown := s.do(t, http.MethodGet, strings.TrimPrefix(strings.ReplaceAll(src[1], "&amp;", "&"), s.url), browser, http.StatusOK)
		if strings.Contains(string(shown.body), `<p class="none">`) {
			t.Errorf("%s: the embed shows nothing", c.ID)
		}
	}
	if views["/embed/record"] == 0 || views["/embed/ledger"] == 0 {
		t.Error(views)
	}
	if text := string(s.do(t, http.MethodGet, "/embed/ledger?id=geneva-2026-3-follow-up-round", browser, http.StatusOK).body); strings.Contains(text, "Nothing on record matches") || !strings.Contains(text, "The commitment that matches has no number") {
		t.Errorf("the ledger says of a commitment without a number that there is none: %s", text)
	}
}

// dimensions reads how large a picture is.
func dimensions(b []byte) (image.Config, string, error) {
	return image.DecodeConfig(bytes.NewReader(b))
}

// TestSnippets: the lines that a page gives to copy frame an embed that there is, and load a script that there is.
func TestSnippets(t *testing.T) {
	s := open(t, httpapi.Options{})
	for _, target := range []string{"/", "/rounds/istanbul-2025-3?as_of=1", "/explore/prisoner-exchanges?from=RU&limit=3&fields=id", "/explore/events?q=prisoners", "/parties/UA"} {
		text := s.see(t, target, http.StatusOK).text
		src := regexp.MustCompile(`<iframe src="([^"]*)".*<script src="([^"]*)" async></script>`).FindStringSubmatch(text)
		if src == nil {
			t.Errorf("%s has no lines to copy: %s", target, text)
			continue
		}
		for _, address := range src[1:] {
			s.do(t, http.MethodGet, strings.TrimPrefix(strings.ReplaceAll(address, "&amp;", "&"), s.url), browser, http.StatusOK)
		}
	}
	if text := s.see(t, "/explore/rounds", http.StatusOK).text; strings.Contains(text, "<iframe") {
		t.Error("a list that no view shows has lines to copy")
	}
}

// TestReadmeEmbeds: the embeds in the README are there.
func TestReadmeEmbeds(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, httpapi.Options{})
	addresses := regexp.MustCompile(`http://127\.0\.0\.1:8080(/(?:embed/|assets/)[^'"]+)`).FindAllStringSubmatch(string(readme), -1)
	if len(addresses) < 4 {
		t.Fatalf("only %d are found", len(addresses))
	}
	for _, match := range addresses {
		s.get(t, match[1], http.StatusOK)
	}
}

// TestHostileEmbed: whatever a record holds is text in every form of a view, and of bounded size.
func TestHostileEmbed(t *testing.T) {
	d := newDesk(t, httpapi.Options{})
	hostile := `</text></svg><script>alert(1)</script><img src=x onerror=alert(1)>"'&]]>` + "\u202eevil\u202c שלום" + strings.Repeat("W", 10_000)
	put := func(address string, record map[string]any) {
		body, err := json.Marshal(record)
		if err != nil {
			t.Fatal(err)
		}
		d.write(t, http.MethodPut, address, string(body), http.StatusCreated, "If-None-Match", "*")
	}
	put("/v1/sources/hostile", map[string]any{"publisher": hostile[:150], "title": hostile[:400], "title_is_descriptive": true, "published_on": "2026-11-24", "language": "en", "kind": "wire"})
	put("/v1/claims/hostile", map[string]any{"topic": "other", "claimed_by": "UA", "summary": hostile, "note": hostile, "status": "disputed", "made_on": "2025-07-23", "sources": []string{"hostile"}})
	put("/v1/commitments/hostile", map[string]any{
		"kind": "other", "summary": hostile, "parties": []string{"RU", "UA"}, "agreed_on": "2025-07-23", "sources": []string{"hostile"},
		"targets": []map[string]any{{"from": "RU", "to": "UA", "value": 7, "qualifier": "exactly", "unit": "people"}},
	})
	for _, view := range []string{
		"/embed/timeline?q=hostile", "/embed/timeline?date=2025-07-23", "/embed/ledger?id=hostile", "/embed/record?collection=claims&id=hostile", "/embed/record?collection=sources&id=hostile",
		"/embed/timeline?q=" + url.QueryEscape(`"><script>alert(1)</script>`), "/embed/round?city=" + url.QueryEscape(hostile[:83]),
	} {
		page := d.do(t, http.MethodGet, view, browser, http.StatusOK)
		parse(t, view, page.body)
		if text := string(page.body); strings.Count(text, "<script") != 1 || strings.Contains(text, "<img") || strings.Contains(text, "\u202e") || len(text) > 200_000 {
			t.Errorf("%s: what the record holds is not only text: %d bytes", view, len(text))
		}
		drawing := d.get(t, as(view, ".svg"), http.StatusOK)
		textOfSVG(t, drawing)
		if text := string(drawing.body); strings.Contains(text, "<script") || strings.Contains(text, "\u202e") || len(text) > 200_000 {
			t.Errorf("%s: what the record holds is not only text: %d bytes", as(view, ".svg"), len(text))
		}
		config, _, err := dimensions(d.get(t, as(view, ".png"), http.StatusOK).body)
		if err != nil || config.Height > 1600 {
			t.Errorf("%s: %v, %v", as(view, ".png"), config, err)
		}
		if strings.HasPrefix(view, "/embed/round?") { // there is none
			continue
		}
		oembed := d.get(t, "/oembed?url="+url.QueryEscape(view), http.StatusOK)
		if html := decode[struct{ HTML string }](t, oembed.body).HTML; strings.Count(html, "<") != 2 {
			t.Errorf("%s: the lines to copy are more than a frame: %s", view, html)
		}
	}
	if text := textOfSVG(t, d.get(t, "/embed/record.svg?collection=claims&id=hostile", http.StatusOK)); !strings.Contains(text, "alert(1)") || !strings.Contains(text, "[U+202E]evil") {
		t.Errorf("the drawing does not show what the record holds: %.600s", text)
	}
}

// TestEmbedsKeepUp: an answer that is kept is not given any more when the records have changed.
func TestEmbedsKeepUp(t *testing.T) {
	d := newDesk(t, httpapi.Options{Cache: 8 << 20})
	etags := map[string]string{}
	targets := []string{"/embed/timeline.png", "/embed/timeline.svg", "/embed/timeline", "/oembed?url=%2F"}
	for _, target := range targets {
		etags[target] = d.get(t, target, http.StatusOK).response.Header.Get("Etag")
	}
	d.write(t, http.MethodPut, "/v1/claims/a-test", newClaim, http.StatusCreated, "If-None-Match", "*")
	for _, target := range targets {
		a := d.do(t, http.MethodGet, target, http.Header{"If-None-Match": {etags[target]}}, http.StatusOK)
		if got := a.response.Header.Get("Parley-Revision"); got != "2" {
			t.Errorf("%s is of revision %s", target, got)
		}
	}
	text := textOfSVG(t, d.get(t, "/embed/timeline.svg?as_of=1", http.StatusOK))
	if !strings.Contains(text, "Revision 1,") || strings.Contains(text, fmt.Sprint("Revision ", 2)) {
		t.Errorf("the past is not the past: %s", text)
	}
}
