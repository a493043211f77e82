package render_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/parley-api/parley/internal/render"
)

func TestCSL(t *testing.T) {
	for _, tt := range []struct {
		name    string
		kind    render.Kind
		records [][]part
		want    string
	}{
		{"a record", render.Records, [][]part{meeting()}, `[{
			"id": "parley-rounds-geneva-1-r8", "type": "dataset", "author": [{"literal": "The contributors"}], "title": "First round; Geneva, 2 & 3 <May>",
			"publisher": "Parley", "version": "8", "issued": {"date-parts": [[2030, 5, 5]]}, "accessed": {"date-parts": [[2030, 5, 5]]},
			"URL": "https://parley.test/v1/rounds?as_of=8&party=UA", "license": "https://creativecommons.org/licenses/by/4.0/"}]`},
		{
			"sources", render.Lists,
			[][]part{
				meeting(part{"page", "https://example.org/"}, part{"publisher", "Wire"}, part{"language", "en"}),
				meeting(part{"page", nil}, part{"publisher", "Paper"}, part{"language", nil}, part{"id", "paper-1"}, part{"starts_on", nil}),
			},
			`[{"id": "geneva-1", "type": "webpage", "title": "First round; Geneva, 2 & 3 <May>", "publisher": "Wire", "issued": {"date-parts": [[2030, 5, 2]]},
				"URL": "https://example.org/", "language": "en"},
			{"id": "paper-1", "type": "webpage", "title": "First round; Geneva, 2 & 3 <May>", "publisher": "Paper"}]`,
		},
	} {
		if diff := cmp.Diff(decoded[any](t, tt.want), decoded[any](t, encode(t, render.CSL, tt.kind, meta(), tt.records...))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	query := decoded[[]map[string]any](t, encode(t, render.CSL, render.Lists, meta(), meeting(), meeting()))
	if len(query) != 1 || query[0]["title"] != "Parley: rounds, party=UA" || query[0]["URL"] != "https://parley.test/v1/rounds?as_of=8&party=UA" {
		t.Errorf("a query is cited as %v", query)
	}
}
