package dataset

import (
	"cmp"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/record"
)

// Options say what cannot be told from the names of files.
type Options struct {
	Format     string    // of standard input; "": YAML, of which JSON is a part
	Collection string    // "": by the name of the file, or by the keys of the document
	Stdin      io.Reader // what "-" stands for
}

// maxSize of a file, in bytes: more than any data set that people keep by hand, less than would exhaust the machine.
const maxSize = 256 << 20

// reader gathers records and faults of all files.
type reader struct {
	Options
	records []*Record
	faults  []Fault
}

// Read reads the records of files, of all files of folders, and of standard input ("-"). All faults of all files are in
// the [*Error].
func Read(o Options, paths ...string) ([]*Record, error) {
	r := &reader{Options: o}
	if o.Collection != "" && !slices.Contains(record.Collections(), o.Collection) {
		return nil, fmt.Errorf("there is no collection %q%s", o.Collection, meant(o.Collection, record.Collections()))
	}
	for _, path := range paths {
		if path == "-" {
			r.file("standard input", "."+cmp.Or(o.Format, YAML), o.Collection, o.Stdin)
			continue
		}
		info, err := os.Stat(path)
		switch {
		case err != nil:
			r.fault(path, 0, "cannot be read: %v", reason(err))
		case info.IsDir():
			r.folder(path)
		default:
			r.path(path, true)
		}
	}
	r.twice()
	if r.faults != nil {
		return nil, &Error{r.faults}
	}
	return r.records, nil
}

func (r *reader) fault(file string, line int, format string, args ...any) {
	r.faults = append(r.faults, Fault{Position{file, line}, fmt.Sprintf(format, args...)})
}

// reason is an error of the file system without the path, which stands before it anyway.
func reason(err error) error {
	if path, ok := err.(*fs.PathError); ok { //nolint:errorlint // os returns it bare
		return path.Err
	}
	return err
}

func meant(name string, names []string) string {
	if near := query.Nearest(name, names); near != "" {
		return fmt.Sprintf("; did you mean %s?", near)
	}
	return ""
}

var extensions = []string{".yaml", ".yml", ".json", ".ndjson", ".csv"}

// folder reads the files of a folder that are named after collections. Others of the same kinds are probably mistyped.
func (r *reader) folder(path string) {
	entries, err := os.ReadDir(path)
	if err != nil {
		r.fault(path, 0, "cannot be read: %v", reason(err))
		return
	}
	before := len(r.records)
	for _, e := range entries {
		if !e.IsDir() && !strings.HasPrefix(e.Name(), ".") && slices.Contains(extensions, filepath.Ext(e.Name())) {
			r.path(filepath.Join(path, e.Name()), false)
		}
	}
	if len(r.records) == before && r.faults == nil {
		r.fault(path, 0, "has no file of a data set, such as rounds.yaml")
	}
}

// path reads a file. One that is named by itself may have any name, if its content or the options tell the collection.
func (r *reader) path(path string, byItself bool) {
	collection := collectionOf(path)
	if byItself && r.Collection != "" {
		collection = r.Collection
	}
	if !byItself && collection == "" {
		var names []string
		for _, name := range record.Collections() {
			names = append(names, FileName(name))
		}
		base := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
		r.fault(path, 0, "is not named after a collection%s", meant(base, names))
		return
	}
	f, err := os.Open(path)
	if err != nil {
		r.fault(path, 0, "cannot be read: %v", reason(err))
		return
	}
	defer f.Close()
	r.file(path, filepath.Ext(path), collection, f)
}

// file reads one file in the format that the extension names.
func (r *reader) file(name, extension, collection string, from io.Reader) {
	text, err := io.ReadAll(io.LimitReader(from, maxSize+1))
	switch {
	case err != nil:
		r.fault(name, 0, "cannot be read: %v", reason(err))
		return
	case len(text) > maxSize:
		r.fault(name, 0, "is larger than %d MiB; divide it", maxSize>>20)
		return
	}
	text = []byte(strings.TrimPrefix(string(text), "\ufeff"))
	if i := invalid(text); i >= 0 {
		r.fault(name, lineAt(text, i), "is not text in UTF-8")
		return
	}
	switch extension {
	case ".yaml", ".yml", ".json":
		r.yaml(name, collection, text)
	case ".ndjson":
		r.ndjson(name, collection, text)
	case ".csv":
		r.csv(name, collection, text)
	default:
		r.fault(name, 0, "is of a format that is not understood; there is %s", strings.Join(extensions, ", "))
	}
}

// invalid finds the first byte that is not text, -1 if all is.
func invalid(text []byte) int {
	for i := 0; i < len(text); {
		c, n := utf8.DecodeRune(text[i:])
		if c == utf8.RuneError && n == 1 || c == 0 {
			return i
		}
		i += n
	}
	return -1
}

func lineAt(text []byte, offset int) int {
	return 1 + strings.Count(string(text[:min(offset, len(text))]), "\n")
}

// add takes a record in, with its keys as the API has them.
func (r *reader) add(file, collection string, document map[string]any, lines map[string]int) {
	rec := &Record{Collection: collection, Document: document, lines: lines, file: file}
	id, ok := document["id"].(string)
	if !ok || id == "" {
		r.faults = append(r.faults, Fault{rec.Position(""), "the record has no id"})
		return
	}
	rec.ID = id
	r.faults = append(r.faults, rec.toAPI()...)
	r.records = append(r.records, rec)
}

// twice finds records that stand in the files more than once.
func (r *reader) twice() {
	first := map[string]*Record{}
	for _, rec := range r.records {
		name := rec.Collection + "/" + rec.ID
		if other := first[name]; other != nil {
			r.faults = append(r.faults, Fault{rec.Position("/id"), fmt.Sprintf("%s stands there already, at %s", name, other.Position("/id"))})
		} else {
			first[name] = rec
		}
	}
}

// unnamed is the fault of a file that does not tell its collection.
func (r *reader) unnamed(file string) {
	r.fault(file, 0, "does not tell the collection of its records: name the file after it, such as rounds.yaml, or say --collection")
}
