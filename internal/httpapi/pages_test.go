package httpapi_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/parley-api/parley/internal/chart"
	"github.com/parley-api/parley/internal/httpapi"
	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/store"
	"github.com/parley-api/parley/internal/talks"
	"github.com/parley-api/parley/internal/web"
)

// A browser asks like this.
var browser = http.Header{"Accept": {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}}

// sheet is a page that was parsed.
type sheet struct {
	target string
	text   string // all that can be read
	links  []string
	ids    map[string]bool
}

// voids are the elements that have no end.
var voids = []atom.Atom{atom.Base, atom.Meta, atom.Link, atom.Input, atom.Br, atom.Img, atom.Hr}

// inSVG are the elements that pages write without an end, as in XML.
var inSVG = []string{"line", "rect", "circle", "path"}

// parse reads a page strictly: what a browser would mend is a fault.
func parse(t *testing.T, target string, body []byte) sheet {
	t.Helper()
	p := sheet{target: target, ids: map[string]bool{}}
	var open []string
	var referred []string
	fault := func(format string, args ...any) { t.Errorf("%s: "+format, append([]any{target}, args...)...) }
	z := html.NewTokenizer(strings.NewReader(string(body)))
	var text strings.Builder
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			break
		}
		token := z.Token()
		if kind != html.TextToken {
			text.WriteByte(' ')
		}
		switch kind {
		case html.TextToken:
			if !slices.Contains(open, "script") {
				text.WriteString(token.Data)
			}
		case html.EndTagToken:
			if len(open) == 0 || open[len(open)-1] != token.Data {
				fault("</%s> ends what is open: %v", token.Data, open)
				return p
			}
			open = open[:len(open)-1]
		case html.StartTagToken, html.SelfClosingTagToken:
			if kind == html.StartTagToken && !slices.Contains(voids, token.DataAtom) {
				open = append(open, token.Data)
			} else if kind == html.SelfClosingTagToken && !slices.Contains(inSVG, token.Data) {
				fault("<%s/> has no end", token.Data)
			}
			seen := map[string]bool{}
			for _, a := range token.Attr {
				switch {
				case seen[a.Key]:
					fault("<%s> has %s twice", token.Data, a.Key)
				case a.Key == "id" && p.ids[a.Val]:
					fault("id %s is there twice", a.Val)
				case a.Key == "id":
					p.ids[a.Val] = true
				case a.Key == "style" || strings.HasPrefix(a.Key, "on"):
					fault("<%s> has %s, which the policy forbids", token.Data, a.Key)
				case a.Key == "href" || a.Key == "src" || a.Key == "action":
					p.links = append(p.links, a.Val)
				case slices.Contains([]string{"for", "aria-labelledby", "aria-describedby", "list"}, a.Key):
					referred = append(referred, a.Val)
				}
				seen[a.Key] = true
			}
			if token.DataAtom == atom.Style {
				fault("has a <style>, which the policy forbids")
			}
		}
	}
	if len(open) > 0 {
		fault("is not ended: %v", open)
	}
	for _, id := range referred {
		if !p.ids[id] {
			fault("nothing has the id %s that is referred to", id)
		}
	}
	p.text = strings.Join(strings.Fields(text.String()), " ")
	if strings.Contains(string(body), "ZgotmplZ") {
		fault("html/template refused a value")
	}
	return p
}

// see gets a page and checks what holds for all pages.
func (s *site) see(t *testing.T, target string, status int) sheet {
	t.Helper()
	a := s.do(t, http.MethodGet, target, browser, status)
	h := a.response.Header
	for name, want := range map[string]string{
		"Content-Type":            "text/html; charset=utf-8",
		"X-Content-Type-Options":  "nosniff",
		"Referrer-Policy":         "strict-origin-when-cross-origin",
		"Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
		"Set-Cookie":              "",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s: %s is %q, want %q", target, name, got, want)
		}
	}
	p := parse(t, target, a.body)
	for _, want := range []string{"attributed to “Parley data set contributors”", "CC BY 4.0"} {
		if !strings.Contains(p.text, want) {
			t.Errorf("%s does not say %q", target, want)
		}
	}
	return p
}

// TestEveryPage walks through the site: each page is whole, and each of its links leads somewhere, by the router, and to a record
// that there is.
func TestEveryPage(t *testing.T) {
	s := open(t, httpapi.Options{})
	router := httpapi.New(httpapi.Options{DB: pgtest.Shared(t)}).(chi.Routes)
	known := map[string]bool{}
	for _, match := range regexp.MustCompile(`<loc>([^<]*)</loc>`).FindAllStringSubmatch(string(s.get(t, "/sitemap.xml", http.StatusOK).body), -1) {
		known[strings.TrimPrefix(match[1], s.url)] = true
	}
	if len(known) < 900 {
		t.Fatalf("only %d pages are in the sitemap", len(known))
	}
	targets := []string{"/explore?q=umerof", "/?as_of=1", "/?reported_by=RU", "/explore/prisoner-exchanges?from=RU&as_of=1&reported_by=RU"}
	for target := range known {
		targets = append(targets, target)
	}
	checked := map[string]bool{}
	for _, target := range targets {
		a := s.send(t, http.MethodGet, target, browser)
		if a.response.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", target, a.response.Status)
			continue
		}
		for _, link := range parse(t, target, a.body).links {
			link = strings.TrimPrefix(link, s.url)
			path, _, _ := strings.Cut(link, "?")
			if strings.HasPrefix(link, "#") || strings.HasPrefix(link, "https://") || strings.HasPrefix(link, "http://") || checked[path] {
				continue
			}
			checked[path] = true
			if form, _, ok := strings.Cut(path, "."); ok && strings.HasPrefix(path, "/v1/") && !router.Match(chi.NewRouteContext(), http.MethodGet, path) {
				path = form // by its extension; which of them there are, the contract's tests know
			}
			if !router.Match(chi.NewRouteContext(), http.MethodGet, path) {
				t.Errorf("%s leads to %s, which there is not", target, link)
			}
			if collection, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/"); web.HasPage(collection) && !known[path] {
				t.Errorf("%s leads to the record %s, which there is not", target, link)
			}
		}
	}
}

// TestPagesAreAsTheContractSays, one of each kind, with what every page must say.
func TestPagesAreAsTheContractSays(t *testing.T) {
	s := open(t, httpapi.Options{})
	for target, want := range map[string][]string{
		"/":                               {"The Russia–Ukraine talks", "at least 7,122", "Revision 1"},
		"/?as_of=1":                       {"The past."},
		"/?reported_by=UA":                {"Figures are those that Ukraine gave"},
		"/explore":                        {"Prisoner exchanges"},
		"/explore?q=umerof":               {"Rustem Umerov"},
		"/explore/rounds?party=TR":        {"Answer", "antalya-2022"},
		"/rounds/istanbul-2025-3":         {"Vladimir Medinsky", "disputed: 34 to 90", "at most 38", "Inter Bellum"},
		"/rounds/istanbul-2025-3?as_of=1": {"The past.", "Vladimir Medinsky"},
		"/commitments/istanbul-2025-2-exchange-categories":                               {"at least 250 of at least 1,000 people", "8 events have no figure"},
		"/commitments/us-2026-05-exchange-1000":                                          {"no figure on record", "no records"},
		"/prisoner-exchanges/exchange-2024-12-30":                                        {"189 disputed: 150 to 189", "Russian Ministry of Defence", "Coordination Headquarters"},
		"/prisoner-exchanges/exchange-2024-12-30?reported_by=RU":                         {"Figures are those that Russia gave", "150 by one voice"},
		"/claims/children-list-checked-2025-07":                                          {"A claim by Russia", "Answers:"},
		"/people/rustem-umerov":                                                          {"Рустем Умєров"},
		"/changesets/1":                                                                  {"Changeset 1"},
		"/published-totals/prisoners-to-russia-2025-12-30-istanbul-civilians":            {"The figure of Mikhail Galuzin (Russia)", "civilians under the Istanbul agreements", "none: the scopes differ"},
		"/explore/published-totals?id=prisoners-to-russia-2025-12-30-istanbul-civilians": {"scope from", "civilians under the Istanbul agreements"},
	} {
		p := s.see(t, target, http.StatusOK)
		for _, words := range want {
			if !strings.Contains(p.text, words) {
				t.Errorf("%s does not say %q", target, words)
			}
		}
	}
}

// TestDownloads: every address of the API on a page answers, whatever the page was asked for.
func TestDownloads(t *testing.T) {
	s := open(t, httpapi.Options{})
	curl := regexp.MustCompile(`curl '([^']*)'`)
	for _, target := range []string{
		"/", "/rounds/istanbul-2025-3?as_of=1&reported_by=RU", "/sources/rferl-uk-2026-03-11?as_of=1", "/parties/UA", "/changesets/1", "/explore?q=umerof", "/explore/prisoner-exchanges?fields=date,from,total&sort=date&limit=3",
		"/explore/commitments?target.known=true&reported_by=UA&as_of=1", "/explore/reports?field=duration_minutes&fields=value", "/explore/rounds?q=working+groups&total_count=true",
	} {
		p := s.see(t, target, http.StatusOK)
		asked := 0
		for _, link := range p.links {
			if strings.HasPrefix(link, "/v1/") {
				asked++
				s.ask(t, link)
			}
		}
		for _, match := range curl.FindAllStringSubmatch(p.text, -1) {
			s.ask(t, strings.TrimPrefix(match[1], s.url))
		}
		if asked < 2 {
			t.Errorf("%s has only %d downloads", target, asked)
		}
	}
}

// TestPagesThatAreNot: the page of an error says what to do; a client that asks for no page gets the problem.
func TestPagesThatAreNot(t *testing.T) {
	s := open(t, httpapi.Options{})
	for target, want := range map[string]string{
		"/rounds/istanbul-2025-33": "Did you mean /rounds/istanbul-2025-3",
		"/round":                   "Did you mean /explore/rounds",
		"/rounds":                  "Did you mean /explore/rounds",
		"/explore/round":           "Did you mean /explore/rounds",
		"/nothing-of-that-kind":    "There is nothing at this address",
		"/assets/none.css":         "There is nothing at this address",
	} {
		if p := s.see(t, target, http.StatusNotFound); !strings.Contains(p.text, want) {
			t.Errorf("%s does not say %q: %s", target, want, p.text)
		}
		a := s.send(t, http.MethodGet, target, nil)
		if got := a.response.Header.Get("Content-Type"); got != "application/problem+json" {
			t.Errorf("%s without Accept: %s", target, got)
		}
	}
	for _, target := range []string{"/?party=UA", "/rounds/istanbul-2025-3?party=UA", "/rounds/istanbul-2025-3?as_of=99", "/rounds/istanbul-2025-3?reported_by=XX", "/explore?as_of=x"} {
		s.see(t, target, http.StatusBadRequest)
	}
	s.see(t, "/rounds/istanbul-2025-3?as_of=0", http.StatusNotFound)
}

// TestExplore: every collection by its own form; what the form leaves empty is not asked, and faults stand at their fields.
func TestExplore(t *testing.T) {
	s := open(t, httpapi.Options{})
	for _, table := range store.Tables {
		for _, asked := range []string{"?limit=3", "?limit=1000"} {
			s.see(t, "/explore/"+table.Name+asked, http.StatusOK)
		}
	}
	for target, want := range map[string]string{
		"/explore/rounds?party=&status=held&status=postponed&q=": "/explore/rounds?status=held%2Cpostponed",
		"/explore?collection=claims&topic=other":                 "/explore/claims?topic=other",
		"/explore?q=":                                            "/explore",
	} {
		if got := s.do(t, http.MethodGet, target, browser, http.StatusSeeOther).response.Header.Get("Location"); got != want {
			t.Errorf("%s leads to %s, want %s", target, got, want)
		}
	}
	a := s.do(t, http.MethodGet, "/explore/rounds?statuss=held&date=Juni&status=hold", browser, http.StatusBadRequest)
	for _, want := range []string{"Did you mean <code>status</code>", `id="e-date"`, `aria-describedby="e-date"`, "Did you mean <code>held</code>"} {
		if !strings.Contains(string(a.body), want) {
			t.Errorf("the refused form does not have %s", want)
		}
	}
	// A walk by the pages sees every record once.
	seen := map[string]bool{}
	next := "/explore/claims?limit=5&fields=id"
	for pages := 0; next != "" && pages < 20; pages++ {
		a := s.do(t, http.MethodGet, next, browser, http.StatusOK)
		for _, match := range regexp.MustCompile(`<td[^>]*><a href="/claims/([^"?]*)`).FindAllStringSubmatch(string(a.body), -1) {
			if seen[match[1]] {
				t.Errorf("%s came twice", match[1])
			}
			seen[match[1]] = true
		}
		match := regexp.MustCompile(`rel="next" href="([^"]*)"`).FindStringSubmatch(string(a.body))
		if next = ""; match != nil {
			next = html.UnescapeString(match[1])
		}
	}
	all := decode[struct{ Data []talks.Claim }](t, s.ask(t, "/v1/claims?limit=1000&fields=id").body)
	if len(seen) != len(all.Data) {
		t.Errorf("%d claims by pages, %d in all", len(seen), len(all.Data))
	}
}

// TestExploreDraws: above the table stands a chart of all that matches, also of what is on later pages.
func TestExploreDraws(t *testing.T) {
	s := open(t, httpapi.Options{})
	for _, c := range []struct{ drawn, same, mark string }{
		{"rounds?limit=2", "rounds?", `class="block`},
		{"rounds?status=postponed", "rounds?status=postponed&", `class="block s0 planned`},
		{"claims?limit=5", "claims?made_on.known=true&", `class="block`},
		{"proposals?proposed_by=UA&limit=3", "proposals?proposed_by=UA&", `class="block`},
		{"events?type=claim&limit=5", "events?type=claim&", `class="block`},
		{"commitments?limit=3", "commitments?target.known=true&", `class="chart bar" width="100%"`},
	} {
		want := 0
		for _, record := range decode[struct{ Data []struct{ Progress []any } }](t, s.get(t, "/v1/"+c.same+"limit=1000", http.StatusOK).body).Data {
			want += max(1, len(record.Progress)) // of a commitment, one a direction
		}
		body := string(s.do(t, http.MethodGet, "/explore/"+c.drawn, browser, http.StatusOK).body)
		if got := strings.Count(body, c.mark); got != want || want == 0 {
			t.Errorf("%s: %d are drawn, want %d", c.drawn, got, want)
		}
	}
}

// atLeast is a sum as pages say it, of which some parts have no figure.
func atLeast(sum, unknown int) string {
	if unknown > 0 {
		return "at least " + chart.Thousands(sum)
	}
	return chart.Thousands(sum)
}

// TestPageOfAChangedRecord: its history says what changed, a deleted one is gone, and the past is still there.
func TestPageOfAChangedRecord(t *testing.T) {
	d := newDesk(t, httpapi.Options{Cache: 1 << 20})
	d.write(t, http.MethodPut, "/v1/claims/a-test", newClaim, http.StatusCreated, "If-None-Match", "*")
	d.see(t, "/claims/a-test", http.StatusOK)
	d.write(t, http.MethodPatch, "/v1/claims/a-test", `{"status": "denied"}`, http.StatusOK, "If-Match", "*", "Content-Type", "application/merge-patch+json")
	if p := d.see(t, "/claims/a-test", http.StatusOK); !strings.Contains(p.text, "status disputed denied") {
		t.Errorf("the history does not say that the status was disputed and is denied: %s", p.text)
	}
	d.write(t, http.MethodDelete, "/v1/claims/a-test", "", http.StatusNoContent, "If-Match", "*", "Content-Type", "-")
	p := d.see(t, "/claims/a-test", http.StatusGone)
	if !slices.Contains(p.links, "/claims/a-test?as_of=3") {
		t.Errorf("the page of a deleted record does not lead to how it last was: %v", p.links)
	}
	if p := d.see(t, "/claims/a-test?as_of=3", http.StatusOK); !strings.Contains(p.text, "The past.") || slices.Contains(p.links, "/parties/UA") {
		t.Errorf("the page of the past does not stay in the past: %v", p.links)
	}
}

// TestDocsAreSecure: they may not be framed, load nothing from elsewhere, and run only the scripts that they are made of.
func TestDocsAreSecure(t *testing.T) {
	s := open(t, httpapi.Options{})
	a := s.do(t, http.MethodGet, "/docs/", browser, http.StatusOK)
	h := a.response.Header
	policy := h.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "connect-src 'self'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("Content-Security-Policy %s, without %s", policy, want)
		}
	}
	if strings.Contains(policy, "unsafe") || strings.Contains(policy, "http") || h.Get("Referrer-Policy") != "strict-origin-when-cross-origin" || h.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers: %v", h)
	}
	inline := regexp.MustCompile(`(?s)<(?:script|style)>(.*?)</`).FindAllSubmatch(a.body, -1)
	if len(inline) == 0 {
		t.Error("the docs have no scripts of their own: the hashes are for nothing")
	}
	for _, match := range inline {
		sum := sha256.Sum256(match[1])
		if hash := "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(policy, hash) {
			t.Errorf("the policy does not allow %.80s", match[1])
		}
	}
	if got := s.get(t, "/docs/swagger-ui.css", http.StatusOK).response.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/css") {
		t.Errorf("the style sheet is %s", got)
	}
}

// TestHostileRecord: whatever a record holds, it is text.
func TestHostileRecord(t *testing.T) {
	d := newDesk(t, httpapi.Options{})
	s := d.site
	hostile := `</script><script>alert(1)</script><img src=x onerror=alert(1)>"'&<b>` + "\u202eevil\u202c" + strings.Repeat("W", 10_000)
	for _, record := range []map[string]any{
		{"address": "/v1/sources/hostile", "publisher": hostile[:200], "title": hostile[:400], "title_is_descriptive": true, "url": "https://example.org/?a=%3Cscript%3E'", "published_on": "2026-11-24", "language": "en", "kind": "wire"},
		{"address": "/v1/claims/hostile", "topic": "other", "claimed_by": "UA", "summary": hostile, "note": hostile, "status": "disputed", "made_on": "2025-07-23", "sources": []string{"hostile"}},
	} {
		address := record["address"].(string)
		delete(record, "address")
		body, err := json.Marshal(record)
		if err != nil {
			t.Fatal(err)
		}
		d.write(t, http.MethodPut, address, string(body), http.StatusCreated, "If-None-Match", "*")
	}
	for _, target := range []string{"/sources/hostile", "/claims/hostile", "/explore/claims?id=hostile", "/explore/sources?id=hostile", "/", "/explore?q=hostile", "/changesets/2", "/explore?q=" + url.QueryEscape(`"><script>alert(1)</script>`), "/explore/rounds?date=" + url.QueryEscape(`"><script>alert(1)</script>`)} {
		a := s.send(t, http.MethodGet, target, browser)
		p := parse(t, target, a.body)
		text := string(a.body)
		if strings.Count(text, "<script") > 2 || strings.Contains(text, "<img") || strings.Contains(text, "\u202e") {
			t.Errorf("%s: what the record holds is not only text", target)
		}
		if target == "/claims/hostile" && (!strings.Contains(p.text, "alert(1)") || !strings.Contains(p.text, "[U+202E]evil") || len(p.text) < 10_000) {
			t.Errorf("%s does not show what the record holds", target)
		}
	}
}
