package dataset

import (
	"encoding/csv"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/parley-api/parley/internal/record"
)

// Write writes the records of a collection to its file in a folder, in the order in which they come, and returns how many
// there were. The documents are those of the API; what is computed in them is left out. Collections that are no tables are
// written as NDJSON where the format is CSV. The file appears whole or not at all.
func Write(dir, format, collection string, documents iter.Seq2[map[string]any, error]) (count int, err error) {
	if format == CSV && !Flat(collection) {
		format = NDJSON
	}
	path := filepath.Join(dir, FileName(collection)+"."+format)
	f, err := os.CreateTemp(dir, "."+FileName(collection)+"-*")
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name()) // there is none, once it has its name
	defer f.Close()
	if err := f.Chmod(0o644); err != nil { //nolint:gosec // the data are public
		return 0, err
	}
	w := &writer{file: f, collection: collection, format: format}
	switch format {
	case YAML:
		count, err = w.all(w.yaml, documents)
	case NDJSON:
		count, err = w.all(w.ndjson, documents)
	case CSV:
		w.table = csv.NewWriter(f)
		w.table.UseCRLF = true
		header := []string{"id"}
		for _, f := range record.Find(collection).Fields {
			header = append(header, f.Name)
		}
		if err := w.table.Write(header); err != nil {
			return 0, err
		}
		count, err = w.all(w.csv, documents)
	default:
		return 0, fmt.Errorf("there is no format %q; there is %s, %s and %s", format, YAML, NDJSON, CSV)
	}
	if err != nil {
		return count, err
	}
	if err := f.Close(); err != nil {
		return count, err
	}
	return count, os.Rename(f.Name(), path)
}

// writer writes the file of one collection.
type writer struct {
	file       io.Writer
	collection string
	format     string
	table      *csv.Writer
	buf        []byte
	begun      bool // a record is written
}

// all writes every document by one of the methods below, which append to the buffer or write to the table.
func (w *writer) all(one func(map[string]any) error, documents iter.Seq2[map[string]any, error]) (count int, err error) {
	for document, err := range documents {
		if err != nil {
			return count, err
		}
		if err := one(w.written(document)); err != nil {
			return count, err
		}
		count++
		if len(w.buf) >= 64<<10 {
			if err := w.flush(); err != nil {
				return count, err
			}
		}
	}
	if count == 0 {
		w.nothing()
	}
	if w.table != nil {
		w.table.Flush()
		return count, w.table.Error()
	}
	return count, w.flush()
}

// written is what people write of a record that the API shows: nothing computed, sources as ids.
func (w *writer) written(shown map[string]any) map[string]any {
	kind := record.Find(w.collection)
	document := kind.Merge(kind.Stored(shown), nil)
	document["id"] = shown["id"]
	return document
}

func (w *writer) flush() error {
	_, err := w.file.Write(w.buf)
	w.buf = w.buf[:0]
	return err
}

// ndjson appends a record as a line of JSON.
func (w *writer) ndjson(document map[string]any) error {
	w.buf = append(w.buf, '{')
	for i, key := range keysOf(w.collection) {
		if i > 0 {
			w.buf = append(w.buf, ',')
		}
		w.buf = append(strconv.AppendQuote(w.buf, key), ':')
		w.value(layoutOf(w.collection, key), toFile(w.collection, key, document))
	}
	w.buf = append(w.buf, "}\n"...)
	return nil
}

// value appends a value as JSON, objects with their keys in the order of their layout.
func (w *writer) value(l layout, value any) {
	switch value := value.(type) {
	case map[string]any:
		w.buf = append(w.buf, '{')
		for i, inner := range l {
			if i > 0 {
				w.buf = append(w.buf, ',')
			}
			w.buf = append(strconv.AppendQuote(w.buf, inner.key), ':')
			w.value(inner.layout, value[inner.key])
		}
		w.buf = append(w.buf, '}')
	case []any:
		w.buf = append(w.buf, '[')
		for i, e := range value {
			if i > 0 {
				w.buf = append(w.buf, ',')
			}
			w.value(l, e)
		}
		w.buf = append(w.buf, ']')
	default:
		w.buf = record.AppendJSON(w.buf, value)
	}
}

// csv writes a record as a row of the table.
func (w *writer) csv(document map[string]any) error {
	fields := record.Find(w.collection).Fields
	row := make([]string, 1+len(fields))
	row[0], _ = document["id"].(string)
	for i, f := range fields {
		cell, err := toCell(document[f.Name])
		if err != nil {
			return fmt.Errorf("%s/%s: %s: %w", w.collection, row[0], f.Name, err)
		}
		row[1+i] = cell
	}
	return w.table.Write(row)
}

func toCell(value any) (string, error) {
	text := ""
	switch value := value.(type) {
	case nil:
		return "", nil
	case string:
		text = value
	case []any:
		texts := make([]string, len(value))
		for i, e := range value {
			texts[i], _ = e.(string)
			if strings.Contains(texts[i], ";") {
				return "", fmt.Errorf("%q contains a semicolon, which joins lists in CSV; use another format", texts[i])
			}
		}
		text = strings.Join(texts, ";")
	default:
		return string(record.AppendJSON(nil, value)), nil
	}
	if guarded(text) {
		return "'" + text, nil
	}
	return text, nil
}

// layout is the keys of an object in their order, with the layouts of their values. That of a list is its elements'.
type layout []entry

type entry struct {
	key string
	layout
}

// layoutOf is the layout of the value of a key of a file.
func layoutOf(collection, key string) layout {
	if key == "place" && places[collection] != nil {
		var l layout
		for _, pair := range places[collection] {
			l = append(l, entry{key: pair[0]})
		}
		return l
	}
	f, _ := record.Find(collection).Field(key)
	return fieldLayout(f)
}

func fieldLayout(f record.Field) layout {
	if f.Type == record.List {
		return fieldLayout(*f.Elem)
	}
	var l layout
	for _, inner := range f.Fields {
		l = append(l, entry{inner.Name, fieldLayout(inner)})
	}
	return l
}
