package dataset

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/parley-api/parley/internal/record"
)

// ndjson reads a record a line.
func (r *reader) ndjson(file, collection string, text []byte) {
	if collection == "" {
		r.unnamed(file)
		return
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, maxSize)
	for n := 1; lines.Scan(); n++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		var value any
		err := json.Unmarshal(lines.Bytes(), &value)
		document, ok := value.(map[string]any)
		var syntax *jsontext.SyntacticError
		switch {
		case errors.As(err, &syntax):
			r.fault(file, n, "is not JSON at byte %d: %v", syntax.ByteOffset, syntax.Err)
		case err != nil || !ok:
			r.fault(file, n, "is not a record: an object with an id")
		default:
			r.add(file, collection, document, map[string]int{"": n})
		}
	}
	if err := lines.Err(); err != nil {
		r.fault(file, 0, "cannot be read: %v", err)
	}
}

// csv reads a table with a header: the documents of the API, lists joined by semicolons, as its own CSV has them. What is
// computed is left out.
func (r *reader) csv(file, collection string, text []byte) {
	switch {
	case collection == "":
		r.unnamed(file)
		return
	case !Flat(collection):
		r.fault(file, 0, "%s have lists of objects, which CSV cannot hold; use YAML, JSON or NDJSON", collection)
		return
	}
	table := csv.NewReader(bytes.NewReader(text))
	header, err := table.Read()
	if err != nil {
		r.csvFault(file, err)
		return
	}
	kind := record.Find(collection)
	fields := make([]*record.Field, len(header))
	known := []string{"id"}
	for _, f := range kind.Fields {
		known = append(known, f.Name)
	}
	for i, name := range header {
		f, ok := kind.Field(name)
		switch {
		case slices.Contains(header[:i], name):
			r.fault(file, 1, "the column %q stands there already", name)
		case ok:
			fields[i] = &f
		case name == "id":
			fields[i] = &record.Field{Name: "id", Type: record.Text}
		case !slices.Contains(kind.Computed, name):
			r.fault(file, 1, "%s have no column %q%s", collection, name, meant(name, known))
		}
	}
	for {
		cells, err := table.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			r.csvFault(file, err)
			return
		}
		document, lines := map[string]any{}, map[string]int{}
		lines[""], _ = table.FieldPos(0)
		for i, cell := range cells {
			if f := fields[i]; f != nil {
				document[f.Name] = fromCell(*f, cell)
				lines["/"+f.Name], _ = table.FieldPos(i)
			}
		}
		r.add(file, collection, document, lines)
	}
}

func (r *reader) csvFault(file string, err error) {
	var at *csv.ParseError
	switch {
	case errors.Is(err, io.EOF):
		r.fault(file, 0, "is empty; a table has a header")
	case errors.As(err, &at):
		r.fault(file, at.Line, "is not CSV: %v", at.Err)
	default:
		r.fault(file, 0, "cannot be read: %v", err)
	}
}

// formula are the characters with which a spreadsheet's formula begins; a text that does gets an apostrophe in front.
const formula = "=+-@\t\r"

// guarded reports whether a text has an apostrophe in front of it in a cell: it looks like a formula, or like a text that
// has one already.
func guarded(text string) bool {
	text = strings.TrimLeft(text, "'")
	return text != "" && strings.IndexByte(formula, text[0]) >= 0
}

// fromCell reads a cell as what the field holds. What it is not is left a text, for the API to say so.
func fromCell(f record.Field, cell string) any {
	if cell == "" {
		if f.Type == record.List {
			return []any{}
		}
		return nil
	}
	if guarded(cell[1:]) && cell[0] == '\'' {
		cell = cell[1:]
	}
	switch f.Type {
	case record.Integer, record.Number:
		if n, err := strconv.ParseFloat(cell, 64); err == nil {
			return n
		}
	case record.Boolean:
		if cell == "true" || cell == "false" {
			return cell == "true"
		}
	case record.List:
		var list []any
		for _, text := range strings.Split(cell, ";") {
			list = append(list, text)
		}
		return list
	}
	return cell
}
