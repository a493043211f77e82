package render_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/parley-api/parley/internal/render"
)

func TestJSONFeed(t *testing.T) {
	const want = `{
		"version": "https://jsonfeed.org/version/1.1", "title": "Parley: rounds, party=UA", "home_page_url": "https://parley.test/v1/rounds?party=UA&sort=-revision",
		"feed_url": "https://parley.test/v1/rounds.feed.json?party=UA", "next_url": "https://parley.test/next", "authors": [{"name": "The contributors"}], "language": "en",
		"_parley": {"revision": 8, "as_of": "2030-05-05T00:00:00Z", "permalink": "https://parley.test/v1/rounds?as_of=8&party=UA", "licence": "https://creativecommons.org/licenses/by/4.0/"},
		"items": [{
			"id": "https://parley.test/v1/rounds/geneva-1", "url": "https://parley.test/v1/rounds/geneva-1", "title": "First round; Geneva, 2 & 3 <May>",
			"content_text": "They met.\nStatus: held\nat least 390 people from RU to UA\npeople from UA to RU: number not known",
			"date_published": "2030-05-02T00:00:00Z", "date_modified": "2030-05-04T10:11:12Z",
			"_parley": {"revision": 7, "sources": [{"publisher": "Wire & Co", "url": "https://example.org/?a=1&b=2"}, {"publisher": "Paper"}]}
		}]
	}`
	m := meta()
	m.Next = "https://parley.test/next"
	got := encode(t, render.JSONFeed, render.Lists, m, meeting())
	if diff := cmp.Diff(decoded[any](t, want), decoded[any](t, got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	m = meta()
	m.AsOf = nil
	none := decoded[map[string]any](t, encode(t, render.JSONFeed, render.Lists, m))
	if items, ok := none["items"].([]any); !ok || len(items) != 0 || none["next_url"] != nil {
		t.Errorf("a feed of nothing is %v", none)
	}
}
