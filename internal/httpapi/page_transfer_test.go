package httpapi_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/parley-api/parley/internal/httpapi"
)

// TestWeight: what a first visit loads, as it goes over the line.
func TestWeight(t *testing.T) {
	s := open(t, httpapi.Options{})
	zipped := func(target string) int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+target, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header = http.Header{"Accept": browser["Accept"], "Accept-Encoding": {"gzip"}}
		response, err := s.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		size, err := io.Copy(io.Discard, response.Body)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatal(target, response.Status, err)
		}
		return int(size)
	}
	for _, target := range []string{"/", "/rounds/istanbul-2025-3", "/explore", "/explore/prisoner-exchanges", "/explore?q=umerof", "/parties/UA", "/embed/ledger", "/embed/timeline"} {
		weight := zipped(target)
		for _, link := range parse(t, target, s.send(t, http.MethodGet, target, browser).body).links {
			if strings.HasPrefix(link, "/assets/") {
				weight += zipped(link)
			}
		}
		if weight > 100_000 {
			t.Errorf("%s weighs %d bytes", target, weight)
		}
		t.Logf("%s weighs %d bytes", target, weight)
	}
}

// TestPageValidators: a page is told by the revision; its files, whose names change with them, are kept for ever.
func TestPageValidators(t *testing.T) {
	s := open(t, httpapi.Options{Cache: 1 << 20})
	for _, target := range []string{"/", "/rounds/istanbul-2025-3", "/explore/rounds?party=TR", "/sitemap.xml"} {
		etag := s.do(t, http.MethodGet, target, browser, http.StatusOK).response.Header.Get("Etag")
		if !strings.HasPrefix(etag, `W/"1-`) {
			t.Errorf("%s: ETag %s", target, etag)
		}
		for range 2 {
			s.do(t, http.MethodGet, target, http.Header{"Accept": browser["Accept"], "If-None-Match": {etag}}, http.StatusNotModified)
			if head := s.send(t, http.MethodHead, target, browser); head.response.Header.Get("Etag") != etag || len(head.body) > 0 {
				t.Errorf("HEAD %s: %s, %d bytes", target, head.response.Status, len(head.body))
			}
		}
	}
	for _, link := range s.see(t, "/", http.StatusOK).links {
		if strings.HasPrefix(link, "/assets/") {
			if got := s.get(t, link, http.StatusOK).response.Header.Get("Cache-Control"); !strings.Contains(got, "immutable") {
				t.Errorf("%s: Cache-Control %s", link, got)
			}
		}
	}
	older := s.get(t, "/assets/parley.000000000000.css", http.StatusOK)
	if got := older.response.Header.Get("Cache-Control"); strings.Contains(got, "immutable") {
		t.Errorf("an older name: Cache-Control %s", got)
	}
}
