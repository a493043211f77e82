package httpapi_test

import (
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/parley-api/parley/internal/httpapi"
	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/render"
	"github.com/parley-api/parley/internal/store"
)

// TestEveryForm: every list and a record of it answers in every form that it has, the same each time, by HEAD, pinned to its
// revision and with one party's figures; and in none that it does not have.
func TestEveryForm(t *testing.T) {
	s := open(t, httpapi.Options{})
	for _, table := range append([]*store.Table{store.Found}, store.Tables...) {
		t.Run(table.Name, func(t *testing.T) {
			t.Parallel()
			list, query := "/v1/"+table.Name, "?limit=3"
			if table == store.Found {
				query += "&q=talks"
			}
			first := decode[struct{ Data []struct{ ID any } }](t, s.ask(t, list+query).body).Data[0].ID
			for _, f := range render.Forms {
				if f.Live { // streams do not end
					continue
				}
				for kind, target := range map[render.Kind]string{render.Lists: list, render.Records: fmt.Sprintf("%s/%v", list, first)} {
					target += "." + f.Name
					if kind == render.Lists {
						target += query
					} else if table == store.Found {
						continue
					}
					if !f.Fits(kind, table.Grammar().Fields, table.EntryShape()) {
						s.do(t, http.MethodGet, target, nil, http.StatusNotAcceptable)
						continue
					}
					s.hasForm(t, target)
					if table.Figures {
						parameter := "?reported_by=UA"
						if strings.Contains(target, "?") {
							parameter = "&reported_by=UA"
						}
						s.hasForm(t, target+parameter)
					}
				}
			}
		})
	}
	s.hasForm(t, "/v1/rounds/istanbul-2025-3/history.atom")
	for _, form := range []string{"bib", "csl.json"} {
		s.hasForm(t, "/v1/prisoner-exchanges/totals."+form+"?by=month&reported_by=UA")
		s.hasForm(t, "/v1/body-repatriations/totals."+form+"?by=year&bbox=22,44.3,40.3,52.4")
	}
	s.hasForm(t, "/v1/datapackage.json")
	s.hasForm(t, "/v1/dataset.jsonld")
	s.do(t, http.MethodGet, "/v1/rounds.atom?fields=id", nil, http.StatusBadRequest)
	s.do(t, http.MethodGet, "/v1/datapackage.json?fields=id", nil, http.StatusBadRequest)
}

// hasForm checks an answer in some form: that it is always the same one.
func (s *site) hasForm(t *testing.T, target string) {
	t.Helper()
	a := s.get(t, target, http.StatusOK)
	etag := a.response.Header.Get("Etag")
	head := s.send(t, http.MethodHead, target, nil)
	if head.response.StatusCode != http.StatusOK || len(head.body) > 0 || head.response.Header.Get("Etag") != etag {
		t.Errorf("HEAD %s: %s, ETag %s, want %s", target, head.response.Status, head.response.Header.Get("Etag"), etag)
	}
	s.do(t, http.MethodGet, target, http.Header{"If-None-Match": {etag}}, http.StatusNotModified)
	if again := s.ask(t, target); !bytes.Equal(again.body, a.body) {
		t.Errorf("%s: once (-) and again (+):\n%s", target, cmp.Diff(string(a.body), string(again.body)))
	}
	for _, link := range a.response.Header.Values("Link") {
		if address, ok := strings.CutSuffix(link, `>; rel="memento"`); ok {
			pinned := strings.TrimPrefix(address, "<"+s.url)
			once, again := s.get(t, pinned, http.StatusOK), s.ask(t, pinned)
			if !bytes.Equal(once.body, again.body) {
				t.Errorf("%s: once (-) and again (+):\n%s", pinned, cmp.Diff(string(once.body), string(again.body)))
			}
		}
	}
}

// change changes a record.
func (s *site) change(t *testing.T, target, patch string) {
	t.Helper()
	etag := s.ask(t, target).response.Header.Get("Etag")
	s.do(t, http.MethodPatch, target, http.Header{"If-Match": {etag}, "Content-Type": {"application/json"}}, http.StatusOK, patch)
}

type feed struct {
	ID      string `xml:"id"`
	Updated string `xml:"updated"`
	Links   []struct {
		Rel  string `xml:"rel,attr"`
		Href string `xml:"href,attr"`
	} `xml:"link"`
	Entries []struct {
		ID      string    `xml:"id"`
		Updated time.Time `xml:"updated"`
	} `xml:"entry"`
}

func (f *feed) link(rel string) string {
	for _, l := range f.Links {
		if l.Rel == rel {
			return l.Href
		}
	}
	return ""
}

// TestFeedsAreWalked: a walk along a feed's pages meets every record once, what was recorded last first; all pages are of one
// feed, and what they link to is there.
func TestFeedsAreWalked(t *testing.T) {
	s := open(t, httpapi.Options{DB: pgtest.DB(t), Author: "test"})
	changed := "/v1/prisoner-exchanges/exchange-2024-12-30"
	s.change(t, changed, `{"note": "Changed for this test."}`)
	var ids []string
	var of, last string
	for next := "/v1/prisoner-exchanges.atom?limit=7"; next != ""; {
		var f feed
		if err := xml.Unmarshal(s.get(t, next, http.StatusOK).body, &f); err != nil {
			t.Fatal(err)
		}
		if of == "" {
			of = f.ID
		}
		if f.ID != of || f.link("first") != of {
			t.Errorf("a page is of the feed %s, whose first page is %s, want %s", f.ID, f.link("first"), of)
		}
		for _, rel := range []string{"self", "alternate", "memento"} {
			s.get(t, strings.TrimPrefix(f.link(rel), s.url), http.StatusOK)
		}
		for _, e := range f.Entries {
			if updated := e.Updated.Format(time.RFC3339Nano); last != "" && updated > last {
				t.Errorf("%s was recorded after what comes before it", e.ID)
			} else {
				last = updated
			}
			ids = append(ids, e.ID)
		}
		next = strings.TrimPrefix(f.link("next"), s.url)
	}
	if ids[0] != s.url+changed {
		t.Errorf("%s comes first, not what was recorded last", ids[0])
	}
	total := decode[struct{ Meta struct{ Total int } }](t, s.ask(t, "/v1/prisoner-exchanges?limit=1&total_count=true").body).Meta.Total
	slices.Sort(ids)
	if n := len(slices.Compact(ids)); n != total || n != len(ids) {
		t.Errorf("%d entries of %d records, want %d", len(ids), n, total)
	}

	type page struct {
		Next  string                `json:"next_url"`
		Items []struct{ ID string } `json:"items"`
	}
	var items []string
	for next := "/v1/prisoner-exchanges.feed.json?limit=7"; next != ""; {
		p := decode[page](t, s.get(t, next, http.StatusOK).body)
		for _, item := range p.Items {
			items = append(items, item.ID)
		}
		next = strings.TrimPrefix(p.Next, s.url)
	}
	slices.Sort(items)
	if diff := cmp.Diff(ids, items); diff != "" {
		t.Errorf("entries of Atom (-) and items of JSON Feed (+):\n%s", diff)
	}
}

// TestFeedsInTheirOrder: a feed in the order that a list has by itself is a feed of its own, which is walked as any other, and
// whose address in other forms has the same records. Where none is asked for there is one order, named or not.
func TestFeedsInTheirOrder(t *testing.T) {
	s := open(t, httpapi.Options{})
	read := func(target string) (f feed) {
		t.Helper()
		if err := xml.Unmarshal(s.get(t, target, http.StatusOK).body, &f); err != nil {
			t.Fatal(err)
		}
		return f
	}
	for list, sort := range map[string]string{
		"rounds": "-date", "people": "name", "prisoner-exchanges": "-date", "changes": "id", "sources": "-published_on", "events": "-date", "coverage": "id",
		"rounds/istanbul-2025-1/history": "id",
	} {
		address := "/v1/" + list + ".atom?limit=2&sort="
		sorted, usual := read(address+sort), read("/v1/"+list+".atom?limit=2")
		if sorted.ID == usual.ID || sorted.ID != s.url+"/v1/"+list+".atom?limit=2&sort="+url.QueryEscape(sort) || sorted.link("self") != sorted.ID {
			t.Errorf("%s is the feed %s, and without sort %s", address+sort, sorted.ID, usual.ID)
		}
		if next := sorted.link("next"); next != "" {
			if page := read(strings.TrimPrefix(next, s.url)); page.ID != sorted.ID || page.Entries[0].ID == sorted.Entries[0].ID {
				t.Errorf("after %s comes %s of %s", address+sort, page.Entries[0].ID, page.ID)
			}
		} else if list != "rounds/istanbul-2025-1/history" {
			t.Errorf("nothing comes after %s", address+sort)
		}
		if named := read(address + render.RecentFirst); named.ID != usual.ID || named.link("self") != usual.link("self") {
			t.Errorf("%s is the feed %s, and without sort %s", address+render.RecentFirst, named.ID, usual.ID)
		}
		for _, f := range []feed{sorted, usual} {
			for _, rel := range []string{"memento", "alternate"} {
				there := decode[struct{ Data []struct{ ID any } }](t, s.get(t, strings.TrimPrefix(f.link(rel), s.url), http.StatusOK).body).Data
				var want, got []string
				for i, e := range f.Entries {
					want, got = append(want, path.Base(e.ID)), append(got, fmt.Sprint(there[i].ID))
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("entries of %s (-) and its %s (+):\n%s", f.ID, rel, diff)
				}
			}
		}
	}
	items := decode[struct {
		Next string `json:"next_url"`
	}](t, s.get(t, "/v1/prisoner-exchanges.feed.json?sort=-date&limit=3", http.StatusOK).body)
	s.get(t, strings.TrimPrefix(items.Next, s.url), http.StatusOK)
}

// TestFormsByAccept: what an answer links to comes in its form to whoever follows, as do those who know nothing of Accept.
func TestFormsByAccept(t *testing.T) {
	s := open(t, httpapi.Options{Cache: 1 << 20})
	for _, f := range render.Forms {
		if !f.Fits(render.Lists, store.Rounds.Grammar().Fields, store.Rounds.EntryShape()) || f.Live {
			continue
		}
		asked := s.do(t, http.MethodGet, "/v1/rounds?limit=1", http.Header{"Accept": {f.Media}}, http.StatusOK)
		again := s.do(t, http.MethodGet, "/v1/rounds?limit=1", http.Header{"Accept": {f.Media}}, http.StatusOK)
		named := s.get(t, "/v1/rounds."+f.Name+"?limit=1", http.StatusOK)
		if again.response.Header.Get("Vary") != asked.response.Header.Get("Vary") || !strings.Contains(asked.response.Header.Get("Vary"), "Accept") || strings.Contains(named.response.Header.Get("Vary"), "Accept,") {
			t.Errorf("%s: Vary is %s, then %s, and by extension %s", f.Name, asked.response.Header["Vary"], again.response.Header["Vary"], named.response.Header["Vary"])
		}
		for _, links := range asked.response.Header["Link"] {
			for link := range strings.SplitSeq(links, ", ") {
				address, rel, _ := strings.Cut(strings.TrimPrefix(link, "<"), ">; ")
				if rel == `rel="license"` {
					continue
				}
				if there := s.get(t, strings.TrimPrefix(address, s.url), http.StatusOK); there.response.Header.Get("Content-Type") != asked.response.Header.Get("Content-Type") {
					t.Errorf("%s by Accept: %s is %s", f.Name, link, there.response.Header.Get("Content-Type"))
				}
			}
		}
	}
	feed := decode[struct {
		Next string `json:"next_url"`
		Self string `json:"feed_url"`
	}](t, s.do(t, http.MethodGet, "/v1/rounds?limit=1", http.Header{"Accept": {"application/feed+json"}}, http.StatusOK).body)
	if next := s.get(t, strings.TrimPrefix(feed.Next, s.url), http.StatusOK); next.response.Header.Get("Content-Type") != "application/feed+json" || feed.Self != s.url+"/v1/rounds.feed.json?limit=1" {
		t.Errorf("%+v leads to %s", feed, next.response.Header.Get("Content-Type"))
	}
}

// TestCataloguesLead: every address of ours that the descriptions of the whole name answers.
func TestCataloguesLead(t *testing.T) {
	s := open(t, httpapi.Options{})
	var follow func(any)
	seen := map[string]bool{}
	follow = func(value any) {
		switch value := value.(type) {
		case map[string]any:
			for key, of := range value {
				if key != "@context" {
					follow(of)
				}
			}
		case []any:
			for _, of := range value {
				follow(of)
			}
		case string:
			if strings.HasPrefix(value, s.url) && !seen[value] {
				seen[value] = true
				if a := s.send(t, http.MethodHead, strings.TrimPrefix(value, s.url), nil); a.response.StatusCode != http.StatusOK {
					t.Errorf("%s: %s", value, a.response.Status)
				}
			}
		}
	}
	follow(decode[any](t, s.get(t, "/v1/datapackage.json", http.StatusOK).body))
	follow(decode[any](t, s.get(t, "/v1/dataset.jsonld", http.StatusOK).body))
	if len(seen) < len(store.Tables) {
		t.Errorf("only %d addresses", len(seen))
	}
}

// TestCitationsLast: the address in a citation answers the same after the data set has changed, and so does the citation.
func TestCitationsLast(t *testing.T) {
	s := open(t, httpapi.Options{DB: pgtest.DB(t), Author: "test"})
	type citation struct{ ID, URL, Version, Title string }
	cited := func(target string) citation {
		items := decode[[]citation](t, s.get(t, target, http.StatusOK).body)
		if len(items) != 1 {
			t.Fatalf("%s: %d citations, want one", target, len(items))
		}
		return items[0]
	}
	for target, title := range map[string]string{
		"/v1/prisoner-exchanges/totals.csl.json?by=year&date=2025": "Parley: totals of prisoner-exchanges, by=year, date=2025", "/v1/search.csl.json?q=Umerof&limit=2": "Parley: search, limit=2, q=Umerof",
		"/v1/rounds/istanbul-2025-3/history.csl.json": "Parley: history of rounds/istanbul-2025-3",
	} {
		c := cited(target)
		s.get(t, strings.TrimPrefix(c.URL, s.url), http.StatusOK)
		if !strings.HasPrefix(c.URL, s.url+strings.Split(target, ".csl.json")[0]+"?as_of="+c.Version) || c.Title != title {
			t.Errorf("%s: %+v", target, c)
		}
	}
	for _, target := range []string{"/v1/rounds/istanbul-2025-3", "/v1/rounds", "/v1/prisoner-exchanges/exchange-2024-12-30"} {
		before := cited(target + ".csl.json?reported_by=RU")
		there := strings.TrimPrefix(before.URL, s.url)
		was := s.get(t, there, http.StatusOK)
		s.change(t, "/v1/rounds/istanbul-2025-3", fmt.Sprintf(`{"note": "Changed after %s was cited."}`, target))
		if is := s.get(t, there, http.StatusOK); !bytes.Equal(was.body, is.body) {
			t.Errorf("%s: when it was cited (-) and later (+):\n%s", there, cmp.Diff(string(was.body), string(is.body)))
		}
		after := cited(target + ".csl.json?reported_by=RU&as_of=" + before.Version)
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("%s: cited (-) and cited as of then (+):\n%s", target, diff)
		}
		if now := cited(target + ".csl.json?reported_by=RU"); strings.Contains(target, "rounds") && now.Version == before.Version {
			t.Errorf("%s: still cited as of revision %s", target, now.Version)
		}
	}
	if n := len(decode[[]any](t, s.ask(t, "/v1/sources.csl.json?limit=5").body)); n != 5 {
		t.Errorf("%d citations of five sources", n)
	}
}

// TestCatalogueFollows: what describes the whole names the newest revision, also where finished answers are kept.
func TestCatalogueFollows(t *testing.T) {
	s := open(t, httpapi.Options{DB: pgtest.DB(t), Author: "test", Cache: 1 << 20})
	for _, target := range []string{"/v1/datapackage.json", "/v1/dataset.jsonld"} {
		version := func() string {
			return decode[struct{ Version string }](t, s.get(t, target, http.StatusOK).body).Version
		}
		before := version()
		if again := version(); again != before {
			t.Errorf("%s: version %s, and then %s", target, before, again)
		}
		s.change(t, "/v1/rounds/istanbul-2025-3", fmt.Sprintf(`{"note": "Changed for %s."}`, target))
		if after := version(); after == before {
			t.Errorf("%s: still of version %s after a change", target, before)
		}
	}
}

// TestDataPackageIsTrue: every CSV that the Data Package names has the columns that it says, with values of their types.
func TestDataPackageIsTrue(t *testing.T) {
	s := open(t, httpapi.Options{})
	type field struct {
		Name, Type  string
		Constraints struct {
			Required bool
			Enum     []string
		}
	}
	type dataPackage struct {
		Version   string
		Resources []struct {
			Name, Path string
			Schema     struct {
				Fields     []field
				PrimaryKey string
			}
		}
	}
	p := decode[dataPackage](t, s.get(t, "/v1/datapackage.json", http.StatusOK).body)
	if len(p.Resources) != len(store.Tables) {
		t.Errorf("%d resources, want one for each of %d collections", len(p.Resources), len(store.Tables))
	}
	for _, r := range p.Resources {
		t.Run(r.Name, func(t *testing.T) {
			u, err := url.Parse(r.Path)
			if err != nil || u.Query().Get("as_of") != p.Version {
				t.Errorf("%s is not pinned to revision %s", r.Path, p.Version)
			}
			rows, err := csv.NewReader(bytes.NewReader(s.ask(t, strings.TrimPrefix(r.Path, s.url)).body)).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			ids := map[string]bool{}
			for i, f := range r.Schema.Fields {
				if rows[0][i] != f.Name {
					t.Fatalf("column %d is %s, want %s", i, rows[0][i], f.Name)
				}
				for _, row := range rows[1:] {
					if !fitsField(row[i], f.Type, f.Constraints.Required, f.Constraints.Enum) {
						t.Errorf("%s is %q, and not a %s as the schema says", f.Name, row[i], f.Type)
					}
					if r.Schema.PrimaryKey == f.Name {
						if ids[row[i]] {
							t.Errorf("%s is there twice", row[i])
						}
						ids[row[i]] = true
					}
				}
			}
		})
	}
}

func fitsField(value, kind string, required bool, enum []string) bool {
	if value == "" {
		return !required
	}
	var err error
	switch kind {
	case "integer":
		_, err = strconv.ParseInt(value, 10, 64)
	case "number":
		_, err = strconv.ParseFloat(value, 64)
	case "boolean":
		_, err = strconv.ParseBool(value)
	case "date":
		_, err = time.Parse(time.DateOnly, value)
	case "datetime":
		_, err = time.Parse(time.RFC3339, value)
	}
	return err == nil && (enum == nil || slices.Contains(enum, value))
}

// TestTitles: a feed and a calendar of one record bear its title, one of a list that of the query.
func TestTitles(t *testing.T) {
	s := open(t, httpapi.Options{})
	const round = "/v1/rounds/istanbul-2025-3"
	record := "Parley: " + decode[struct{ Title string }](t, s.ask(t, round).body).Title
	for target, want := range map[string]string{
		round: record, "/v1/rounds": "Parley: rounds", round + "/history": "Parley: history of rounds/istanbul-2025-3", "/v1/rounds?party=TR": "Parley: rounds, party=TR",
	} {
		path, query, _ := strings.Cut(target, "?")
		var f struct {
			Title string `xml:"title"`
		}
		if err := xml.Unmarshal(s.get(t, path+".atom?"+query, http.StatusOK).body, &f); err != nil || f.Title != want {
			t.Errorf("%s: %v, %q, want %q", target, err, f.Title, want)
		}
		if title := decode[struct{ Title string }](t, s.get(t, path+".feed.json?"+query, http.StatusOK).body).Title; title != want {
			t.Errorf("%s: %q, want %q", target, title, want)
		}
		if strings.HasSuffix(path, "history") {
			continue
		}
		calendar := strings.ReplaceAll(string(s.get(t, path+".ics?"+query, http.StatusOK).body), "\r\n ", "")
		if !strings.Contains(calendar, "\r\nNAME:"+strings.ReplaceAll(want, ",", `\,`)+"\r\n") {
			t.Errorf("%s, want %q: %.300s", target, want, calendar)
		}
	}
}

// TestUIDs: what calendars tell in words of their own has UIDs of their own, each once.
func TestUIDs(t *testing.T) {
	s := open(t, httpapi.Options{})
	of := map[string]string{}
	for _, target := range []string{"/v1/rounds.ics", "/v1/commitments.ics", "/v1/events.ics"} {
		for line := range strings.SplitSeq(strings.ReplaceAll(string(s.ask(t, target).body), "\r\n ", ""), "\r\n") {
			if uid, ok := strings.CutPrefix(line, "UID:"); ok && of[uid] != "" {
				t.Errorf("%s is in %s and in %s", uid, of[uid], target)
			} else if ok {
				of[uid] = target
			}
		}
	}
	if len(of) < 100 {
		t.Errorf("only %d UIDs", len(of))
	}
}
