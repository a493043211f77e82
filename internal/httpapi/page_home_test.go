package httpapi_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/parley-api/parley/internal/httpapi"
	"github.com/parley-api/parley/internal/talks"
	"github.com/parley-api/parley/internal/web"
)

// TestPagesShowTheNumbersOfTheAPI, all of them, where both are about the same.
func TestPagesShowTheNumbersOfTheAPI(t *testing.T) {
	s := open(t, httpapi.Options{})
	home := s.see(t, "/", http.StatusOK)
	for _, c := range []string{"prisoner-exchanges", "body-repatriations"} {
		totals := decode[struct{ Data []talks.Total }](t, s.ask(t, "/v1/"+c+"/totals?by=month").body).Data
		for _, total := range totals[len(totals)-2:] {
			words := atLeast(*total.RunningTotal, *total.RunningUnknownCount)
			if !strings.Contains(home.text, words) {
				t.Errorf("the first page does not say %q", words)
			}
		}
	}
	for _, c := range decode[struct{ Data []talks.Commitment }](t, s.ask(t, "/v1/commitments?target.known=true&limit=1000").body).Data {
		page := s.see(t, "/commitments/"+c.ID, http.StatusOK)
		for _, p := range *c.Progress {
			if p.Delivered == nil {
				continue
			}
			words := atLeast(*p.Delivered, p.UnknownCount)
			for _, text := range []string{page.text, home.text} {
				if !strings.Contains(text, words) {
					t.Errorf("%s: %q is not said", c.ID, words)
				}
			}
		}
	}
	list := decode[struct{ Data []talks.PrisonerExchange }](t, s.ask(t, "/v1/prisoner-exchanges?limit=1000").body).Data
	for _, e := range list {
		page := s.see(t, "/prisoner-exchanges/"+e.ID, http.StatusOK)
		for _, transfer := range e.Transfers {
			words := web.NewFigure(transfer.Total, transfer.TotalLow, transfer.TotalHigh, transfer.TotalStatus, "").Text
			if transfer.Total != nil && !strings.Contains(words, fmt.Sprint(*transfer.Total%1000)) || !strings.Contains(page.text, words) {
				t.Errorf("%s does not say %q", e.ID, words)
			}
		}
	}
}

// TestPublishedTotalsKeepTheirScope: the first page says what each counts, keeps every voice, and sets our sum only beside what counts
// the same.
func TestPublishedTotalsKeepTheirScope(t *testing.T) {
	s := open(t, httpapi.Options{})
	page := string(s.do(t, http.MethodGet, "/", browser, http.StatusOK).body)
	all := decode[struct{ Data []talks.PublishedTotal }](t, s.ask(t, "/v1/published-totals?limit=1000").body).Data
	shown := map[string]string{}
	for _, match := range regexp.MustCompile(`<tr><td><a href="/published-totals/([^"]*)">(.*)</tr>`).FindAllStringSubmatch(page, -1) {
		shown[match[1]] = match[2]
	}
	type scope struct{ kind, from, to, party, voice, since, what any }
	is := func(text *string) string {
		if text == nil {
			return ""
		}
		return *text
	}
	seen, alone, beside := map[scope]bool{}, 0, 0
	for _, p := range all { // the newest first
		row := html.UnescapeString(shown[p.ID])
		k := scope{p.Kind, is(p.From), is(p.To), is(p.Party), is(p.SaidBy), p.ScopeFrom, is(p.ScopeNote)}
		switch {
		case row == "" && !seen[k]:
			t.Errorf("%s is not shown", p.ID)
		case row == "":
		case p.ScopeNote != nil:
			if alone++; !strings.Contains(row, *p.ScopeNote) || !strings.Contains(row, "the scopes differ") {
				t.Errorf("%s: %s", p.ID, row)
			}
		default:
			if beside++; !strings.Contains(row, ">"+atLeast(p.RecordsTotal, p.UnknownCount)+"<") {
				t.Errorf("%s: %s", p.ID, row)
			}
		}
		seen[k] = true
	}
	if alone < 5 || beside < 5 {
		t.Errorf("%d with a scope of their own, %d beside our sum", alone, beside)
	}
}

// TestFirstPageOfAVoiceAndOfBefore: it says whose figures the sums are of, and when nothing was on record it counts nothing.
func TestFirstPageOfAVoiceAndOfBefore(t *testing.T) {
	s := open(t, httpapi.Options{})
	if text := s.see(t, "/?reported_by=RU", http.StatusOK).text; !strings.Contains(text, "Sums of the figures that Russia gave") || strings.Contains(text, "best-supported figure of") {
		t.Error("the sums of a voice are said to be of others")
	}
	if text := s.see(t, "/?as_of=2020-01-01T00:00:00Z", http.StatusOK).text; !strings.Contains(text, "Nothing was on record then") || strings.Contains(text, "rounds of talks held") {
		t.Errorf("before the first revision: %s", text)
	}
	if text := s.see(t, "/", http.StatusOK).text; !strings.Contains(text, "Sums of the best-supported figure") || strings.Contains(text, "Nothing was on record") {
		t.Error("the first page does not say of what its sums are")
	}
}

// TestFirstPageIsAnnounced by what it is about, and as a data set.
func TestFirstPageIsAnnounced(t *testing.T) {
	s := open(t, httpapi.Options{})
	page := string(s.do(t, http.MethodGet, "/", browser, http.StatusOK).body)
	for _, want := range []string{"<title>%s</title>", `<meta property="og:title" content="%s">`, `<meta property="og:image:alt" content="%s">`} {
		if want = fmt.Sprintf(want, "The Russia–Ukraine talks, and what came of them · Parley"); !strings.Contains(page, want) {
			t.Errorf("the first page does not have %s", want)
		}
	}
	match := regexp.MustCompile(`(?s)<script type="application/ld\+json">(.*?)</script>`).FindStringSubmatch(page)
	if match == nil {
		t.Fatal("the first page has no linked data")
	}
	type described struct {
		ID          string   `json:"@id"`
		Type        []string `json:"@type"`
		Name        string   `json:"name"`
		Description string   `json:"description"`
		License     string   `json:"license"`
		Version     string   `json:"version"`
		Modified    string   `json:"dateModified"`
		Coverage    string   `json:"temporalCoverage"`
	}
	got, want := decode[described](t, []byte(match[1])), decode[described](t, s.ask(t, "/v1/dataset.jsonld").body)
	if diff := cmp.Diff(want, got); diff != "" || !slices.Contains(got.Type, "Dataset") || got.Coverage == "" {
		t.Errorf("the linked data is not that of the catalogue (-want +got):\n%s", diff)
	}
}
