package render_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/parley-api/parley/internal/render"
)

func TestBib(t *testing.T) {
	record := `@dataset{parley-rounds-geneva-1-r8,
  author = {{The contributors}},
  title = {{First round; Geneva, 2 \& 3 <May>}},
  publisher = {{Parley}},
  version = {{8}},
  date = {2030-05-05},
  year = {2030},
  url = {https://parley.test/v1/rounds?as_of=8&party=UA},
  urldate = {2030-05-05},
  note = {{Licence: https://creativecommons.org/licenses/by/4.0/}},
}
`
	if diff := cmp.Diff(record, encode(t, render.Bib, render.Records, meta(), meeting())); diff != "" {
		t.Errorf("a record (-want +got):\n%s", diff)
	}
	reported := meta()
	reported.ReportedBy = "UA"
	want := strings.NewReplacer("geneva-1-r8", "geneva-1-UA-r8", "<May>", "<May> (figures as UA reported them)").Replace(record)
	if diff := cmp.Diff(want, encode(t, render.Bib, render.Records, reported, meeting(part{"title", "First round; Geneva, 2 & 3 <May>."}))); diff != "" {
		t.Errorf("a record with the figures of one party (-want +got):\n%s", diff)
	}
	never := meta()
	never.AsOf = nil
	if got := encode(t, render.Bib, render.Lists, never); strings.Contains(got, "date = ") || strings.Contains(got, "year") {
		t.Errorf("before the first revision: %s", got)
	}
	list := encode(t, render.Bib, render.Lists, meta(), meeting())
	if strings.Count(list, "@") != 1 || !strings.Contains(list, "title = {{Parley: rounds, party=UA}}") {
		t.Errorf("a query is cited as %s", list)
	}
	sources := encode(t, render.Bib, render.Lists, meta(),
		meeting(part{"page", "https://example.org/100%25_a"}, part{"publisher", "Wire & Co"}, part{"title", "100% of_it"}),
		meeting(part{"page", nil}, part{"publisher", "Paper"}, part{"id", "paper-1"}, part{"starts_on", nil}))
	const cited = `@online{geneva-1,
  organization = {{Wire \& Co}},
  title = {{100\% of\_it}},
  date = {2030-05-02},
  year = {2030},
  url = {https://example.org/100%25_a},
}
@online{paper-1,
  organization = {{Paper}},
  title = {{First round; Geneva, 2 \& 3 <May>}},
}
`
	if diff := cmp.Diff(cited, sources); diff != "" {
		t.Errorf("sources (-want +got):\n%s", diff)
	}
}

// TestBibIsBalanced: whatever a title is, the braces of the entry are in pairs, as BibTeX counts them, and nothing is left that
// LaTeX would take for a command.
func TestBibIsBalanced(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		title := rapid.StringMatching(`[ -~\né]{1,60}`).Draw(r, "title")
		entry := encode(t, render.Bib, render.Records, meta(), meeting(part{"title", title}))
		_, rest, _ := strings.Cut(entry, "title = {{")
		line, _, _ := strings.Cut(rest, "\n")
		depth := 2
		for i, c := range line {
			switch c {
			case '{':
				depth++
			case '}':
				depth--
			case '%', '#', '$', '&', '_':
				if i == 0 || line[i-1] != '\\' {
					r.Fatalf("%q became %s", title, line)
				}
			case '~', '^':
				r.Fatalf("%q became %s", title, line)
			}
			if depth < 0 || depth == 0 && i < len(line)-2 {
				r.Fatalf("%q became %s", title, line)
			}
		}
		if depth != 0 {
			r.Fatalf("%q became %s", title, line)
		}
	})
}
