package dataset_test

import (
	"errors"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/parley-api/parley/internal/dataset"
	"github.com/parley-api/parley/internal/record"
)

// sample is a few records as people write them.
const sample = `# Rounds.
- id: test-1
  process: p
  number: 1
  title: 'First: a round'
  starts_on: 2025-05-16
  started_at: '2025-05-16T13:37:00+03:00'
  place: {city: Istanbul, country: TR, venue: "Çırağan \"Palace\"", lat: 41, lon: 29.0159, precision: city}
  summary: A text that goes on
    in the next line.
  delegations:
  - party: RU
    members:
    - {person: a-b, role: Head}
  sources: [a, b]
  note: null

- id: test-2
  place: null
  format: online
`

func read(t *testing.T, o dataset.Options, files map[string]string) ([]*dataset.Record, string, error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	records, err := dataset.Read(o, dir)
	return records, dir, err
}

func TestReadYAML(t *testing.T) {
	records, dir, err := read(t, dataset.Options{}, map[string]string{"rounds.yaml": sample, "README.md": "#", ".hidden.yaml": "x"})
	if err != nil {
		t.Fatal(err)
	}
	want := []map[string]any{{
		"id": "test-1", "process": "p", "number": 1.0, "title": "First: a round", "starts_on": "2025-05-16", "started_at": "2025-05-16T13:37:00+03:00",
		"city": "Istanbul", "country": "TR", "venue": `Çırağan "Palace"`, "lat": 41.0, "lon": 29.0159, "place_precision": "city",
		"summary": "A text that goes on in the next line.", "sources": []any{"a", "b"}, "note": nil,
		"delegations": []any{map[string]any{"party": "RU", "members": []any{map[string]any{"person": "a-b", "role": "Head"}}}},
	}, {"id": "test-2", "format": "online", "city": nil, "country": nil, "venue": nil, "lat": nil, "lon": nil, "place_precision": nil}}
	got := []map[string]any{records[0].Document, records[1].Document}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for pointer, line := range map[string]int{
		"": 2, "/title": 5, "/place_precision": 8, "/city": 8, "/summary": 9, "/delegations/0/members/0/role": 14, "/delegations/0/head": 12, "/hosts": 2,
	} {
		if got := records[0].Position(pointer); got != (dataset.Position{File: filepath.Join(dir, "rounds.yaml"), Line: line}) {
			t.Errorf("%s is at %v, want line %d", pointer, got, line)
		}
	}
}

// TestFaults: every fault of every file, with file and line.
func TestFaults(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{"none", nil, []string{": has no file of a data set, such as rounds.yaml"}},
		{"name", map[string]string{"round.yaml": "[]"}, []string{"round.yaml: is not named after a collection; did you mean rounds?"}},
		{"empty", map[string]string{"rounds.yaml": "# nothing\n"}, []string{"rounds.yaml: is empty; a file without records has []"}},
		{"syntax", map[string]string{"rounds.yaml": "- id: a\n  b: [1\n", "claims.ndjson": "{\"id\": \"a\"}\n\n{\"id\": }\n"}, []string{
			"claims.ndjson:3: is not JSON at byte 7", "rounds.yaml:1: is not YAML: did not find expected ',' or ']'",
		}},
		{"two documents", map[string]string{"rounds.yaml": "[]\n---\n[]\n"}, []string{"rounds.yaml:2: begins a second document; a file has one"}},
		{"records", map[string]string{"rounds.yaml": "- 5\n- {title: x}\n- {id: a, b: &x 1, c: *x}\n- {id: a, id: b}\n- {id: c, lat: .nan}\n"}, []string{
			"rounds.yaml:1: is not a record", "rounds.yaml:2: the record has no id", "rounds.yaml:3: anchors and aliases", "rounds.yaml:3: anchors and aliases",
			"rounds.yaml:4: the key id stands there already", "rounds.yaml:5: .nan is no number",
		}},
		{"twice", map[string]string{"rounds.yaml": "- id: a\n- id: b\n- id: a\n", "claims.yaml": "- id: a\n"}, []string{"rounds.yaml:3: rounds/a stands there already, at "}},
		{"place", map[string]string{"rounds.yaml": "- id: a\n  country: TR\n  place: {country: TR,\n    town: x}\n", "published_totals.yaml": "- {id: a, date: x, as_of: y}\n"}, []string{
			"published_totals.yaml:1: as_of stands there already, as date", "rounds.yaml:3: country stands there already", `rounds.yaml:4: a place has no "town"`,
		}},
		{"bytes", map[string]string{"rounds.yaml": "- id: a\n  title: \xff\n", "claims.yaml": "- id: \x00\n"}, []string{"claims.yaml:1: is not text in UTF-8", "rounds.yaml:2: is not text in UTF-8"}},
		{"csv", map[string]string{"people.csv": "id,nam,id,url\r\na,b\r\n", "rounds.csv": "id\r\na\r\n", "parties.csv": ""}, []string{
			"parties.csv: is empty", `people.csv:1: people have no column "nam"; did you mean name?`, `people.csv:1: the column "id" stands there already`, "people.csv:2: is not CSV: wrong number of fields",
			"rounds.csv: rounds have lists of objects",
		}},
		{"depth", map[string]string{"rounds.yaml": "- id: a\n  b: " + strings.Repeat("[", 30) + strings.Repeat("]", 30) + "\n"}, []string{"rounds.yaml:2: is nested too deeply"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, dir, err := read(t, dataset.Options{}, c.files)
			var e *dataset.Error
			if !errors.As(err, &e) || len(e.Faults) != len(c.want) {
				t.Fatalf("faults: %v", err)
			}
			for i, line := range strings.Split(err.Error(), "\n") {
				if got := strings.TrimPrefix(strings.TrimPrefix(line, dir), "/"); !strings.HasPrefix(got, c.want[i]) {
					t.Errorf("fault %q\nwant  %q", got, c.want[i])
				}
			}
		})
	}
}

// TestOneStream: several collections in one document, as YAML or JSON, from standard input.
func TestOneStream(t *testing.T) {
	for _, text := range []string{`{"rounds": [{"id": "a"}], "published-totals": [{"id": "b", "as_of": "2025-01-01"}]}`, "\ufeffrounds:\r\n- id: a\r\npublished_totals:\r\n- id: b\r\n  as_of: '2025-01-01'\r\n"} {
		records, err := dataset.Read(dataset.Options{Stdin: strings.NewReader(text)}, "-")
		if err != nil || len(records) != 2 || records[0].Collection != "rounds" || records[1].Document["date"] != "2025-01-01" {
			t.Errorf("%q: %v %v", text, records, err)
		}
	}
	_, err := dataset.Read(dataset.Options{Stdin: strings.NewReader("- id: a\n")}, "-")
	if err == nil || !strings.Contains(err.Error(), "say --collection") {
		t.Error(err)
	}
	records, err := dataset.Read(dataset.Options{Stdin: strings.NewReader("{\"id\": \"a\"}\n"), Format: dataset.NDJSON, Collection: "rounds"}, "-")
	if err != nil || len(records) != 1 {
		t.Error(records, err)
	}
}

// texts that a careless writer would make something else of.
var nasty = []string{
	"null", "~", "yes", "No", "on", "1e3", "0x1f", "1_000", "2025-07-23", "12:30:45", "- a", "# a", "a # b", "a: b", "a:", "'a'", `"a"`, "[a]", "{a}", "!a", "&a", "*a", "%a", "@a", "`a", "|", ">", "?", "? a",
	"=1+1", "'=1", "''=1", "+7", "-1", "a\nb", "a\n\nb\n", "\u2028", "\u0085", "\ufeff", "é", "Київ", "😀", "a\\b", "a'b", "a,b", "a;b", ".5", "<<", "a\tb", "--- a", "...", "x\u00a0y", "\u200e",
}

// document draws a document of a kind: any values of its fields.
func document(k *record.Kind) *rapid.Generator[map[string]any] {
	return rapid.Custom(func(t *rapid.T) map[string]any {
		d := object(t, k.Fields)
		d["id"] = rapid.StringMatching(`[a-z0-9]{1,8}(-[a-z0-9]{1,8}){0,2}`).Draw(t, "id")
		return d
	})
}

func object(t *rapid.T, fields []record.Field) map[string]any {
	d := map[string]any{}
	for _, f := range fields {
		d[f.Name] = value(t, f)
	}
	return d
}

func value(t *rapid.T, f record.Field) any {
	switch {
	case f.Type == record.List:
		list := []any{}
		for range rapid.IntRange(0, 3).Draw(t, "length") {
			list = append(list, value(t, *f.Elem))
		}
		return list
	case !f.Required && rapid.IntRange(0, 3).Draw(t, "null") == 0:
		return nil
	}
	switch f.Type {
	case record.Object:
		return object(t, f.Fields)
	case record.Integer:
		return float64(rapid.IntRange(0, 1<<31-1).Draw(t, f.Name))
	case record.Number:
		return rapid.Float64Range(-180, 180).Draw(t, f.Name) + 0 // not the zero below zero
	case record.Boolean:
		return rapid.Bool().Draw(t, f.Name)
	case record.Value:
		if rapid.Bool().Draw(t, "count") {
			return float64(rapid.IntRange(0, 1000).Draw(t, f.Name))
		}
	}
	text := rapid.OneOf(rapid.SampledFrom(nasty), rapid.StringMatching(`[ -~]{1,200}`), rapid.StringN(1, 40, -1)).Draw(t, f.Name)
	return strings.ReplaceAll(strings.ReplaceAll(text, "\x00", ""), "\r", "") + "."[:len(text)%2]
}

// TestWhatIsWrittenIsRead: in every format, any documents come back as they were, and writing them again is the same.
func TestWhatIsWrittenIsRead(t *testing.T) {
	dir := t.TempDir()
	for _, format := range []string{dataset.YAML, dataset.NDJSON, dataset.CSV} {
		for _, name := range record.Collections() {
			rapid.Check(t, func(t *rapid.T) {
				documents := rapid.SliceOfNDistinct(document(record.Find(name)), 0, 3, func(d map[string]any) string { return d["id"].(string) }).Draw(t, "documents")
				if format == dataset.CSV {
					documents = slices.DeleteFunc(documents, unfitForCSV)
				}
				path := write(t, dir, format, name, documents)
				first, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				records, err := dataset.Read(dataset.Options{}, path)
				if err != nil {
					t.Fatalf("%v\n%s", err, first)
				}
				read := []map[string]any{}
				for _, r := range records {
					read = append(read, r.Document)
				}
				if diff := cmp.Diff(documents, read, empty); diff != "" {
					t.Fatalf("written (-) and read (+):\n%s\n%s", diff, first)
				}
				if again, err := os.ReadFile(write(t, dir, format, name, read)); err != nil || string(again) != string(first) {
					t.Fatalf("written again: %v\n%s", err, cmp.Diff(string(first), string(again)))
				}
			})
		}
	}
}

// empty: a file without records is read as none.
var empty = cmp.FilterPath(func(p cmp.Path) bool { return len(p) == 1 }, cmp.Transformer("list", func(all []map[string]any) []map[string]any {
	if len(all) == 0 {
		return nil
	}
	return all
}))

// unfitForCSV: a table cannot tell an empty text from null, nor join what contains the joint.
func unfitForCSV(d map[string]any) bool {
	for _, value := range d {
		list, _ := value.([]any)
		if value == "" || slices.ContainsFunc(list, func(e any) bool { text, _ := e.(string); return text == "" || strings.ContainsAny(text, ";") }) {
			return true
		}
		if len(list) > 0 && len(list[0].(string)) == 0 {
			return true
		}
	}
	return false
}

func write(t *rapid.T, dir, format, name string, documents []map[string]any) string {
	n, err := dataset.Write(dir, format, name, each(documents))
	if err != nil || n != len(documents) {
		t.Fatalf("writing: %d, %v", n, err)
	}
	if format == dataset.CSV && !dataset.Flat(name) {
		format = dataset.NDJSON
	}
	return filepath.Join(dir, dataset.FileName(name)+"."+format)
}

func each(documents []map[string]any) iter.Seq2[map[string]any, error] {
	return func(yield func(map[string]any, error) bool) {
		for _, d := range documents {
			if !yield(d, nil) {
				return
			}
		}
	}
}

// TestNoHalfFile: a file whose writing fails leaves the one before as it was, and nothing else.
func TestNoHalfFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "parties.yaml")
	if err := os.WriteFile(path, []byte("[]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	fails := func(yield func(map[string]any, error) bool) {
		_ = yield(map[string]any{"id": "a"}, nil) && yield(nil, errors.New("cut off"))
	}
	if _, err := dataset.Write(dir, dataset.YAML, "parties", fails); err == nil {
		t.Error("no error")
	}
	entries, err := os.ReadDir(dir)
	if text, _ := os.ReadFile(path); err != nil || len(entries) != 1 || string(text) != "[]\n" {
		t.Error(entries, string(text), err)
	}
}

// FuzzRead: no file makes the reader panic, and every fault says where.
func FuzzRead(f *testing.F) {
	f.Add("rounds.yaml", sample)
	f.Add("claims.ndjson", `{"id": "a"}`)
	f.Add("people.csv", "id,name\r\na,b\r\n")
	f.Add("x.json", `{"rounds": [{"id": "a", "place": {"city": 1}}]}`)
	f.Fuzz(func(t *testing.T, name, text string) {
		name = filepath.Base(name)
		path := filepath.Join(t.TempDir(), name)
		if os.WriteFile(path, []byte(text), 0o600) != nil {
			t.Skip("no name of a file")
		}
		records, err := dataset.Read(dataset.Options{}, path)
		var e *dataset.Error
		if err != nil && (!errors.As(err, &e) || len(e.Faults) == 0 || e.Faults[0].File == "") {
			t.Errorf("%v", err)
		}
		for _, r := range records {
			if r.ID == "" || r.Collection == "" || r.Position("").Line == 0 {
				t.Errorf("%+v", r)
			}
		}
	})
}
