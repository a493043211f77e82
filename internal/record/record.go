// Package record is the documents that people write: of which fields a record of each collection consists, what each may
// hold, and which rules hold between them. It reads no database: whether what a document refers to exists is asked
// elsewhere, from the references that a check collects.
//
// A document is a record without what is computed: no url, revision or recorded_at, no lists of what refers to it, sources
// as ids. Texts are trimmed already, integers are int64, other numbers float64.
package record

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Kind says what the records of a collection are made of.
type Kind struct {
	Collection string     // as in the URL
	Name       string     // one record, as the tables of its parts call it: "prisoner_exchange"
	Fields     []Field    // what is written, in the order of the record
	Computed   []string   // what records show beside, and nobody writes
	PartOf     string     // the collection whose records these are parts of and are written with; "": written by themselves
	Unique     [][]string // fields that together differ from record to record
	ID         *Pattern
	rules      func(c *checker, d Document) // what holds between fields
}

// Field is a key of a document.
type Field struct {
	Name     string
	Type     Type
	Required bool     // null is not allowed; a list must not be empty
	Values   []string // an Enum's
	To       string   // the collection that a Ref refers to
	Pattern  *Pattern // a Code's
	Min, Max float64  // an Integer's or a Number's
	Elem     *Field   // a List's
	Fields   []Field  // an Object's
	Computed []string // what an Object shows beside, and nobody writes
}

// Type says what a value is.
type Type uint8

// The types of values.
const (
	Text    Type = iota // a short text, on one line
	Prose               // a long text
	Code                // a text of a Pattern
	Address             // of a page: http or https
	Enum                // one of Values
	Ref                 // the id of a record of the collection To; accepted as an object with that id, too
	Speaker             // the id of a person, or else the name of an official or a body
	Date                // YYYY-MM-DD
	Time                // RFC 3339 to the second, with the offset of the clock that it was read from
	Integer
	Number
	Boolean
	Value  // an integer or a text: a reported value
	List   // of Elem; elements that are no objects differ
	Object // with Fields
)

// Pattern is a form that a text must have, and how to say so.
type Pattern struct {
	match *regexp.Regexp
	about string
}

// Match reports whether a text has the form.
func (p *Pattern) Match(text string) bool { return len(text) <= maxID && p.match.MatchString(text) }

// maxID is shorter than the database allows, because ids of parts begin with that of their record.
const maxID = 100

var (
	slug     = &Pattern{regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`), "lower-case letters and digits in words joined by -, 100 characters at the most, such as exchange-2025-07-23"}
	partyID  = &Pattern{regexp.MustCompile(`^[A-Z]{2,12}$`), "two to twelve capital letters: ISO 3166-1 alpha-2 for a state, an acronym for an organisation"}
	country  = &Pattern{regexp.MustCompile(`^[A-Z]{2}$`), "an ISO 3166-1 alpha-2 code such as TR"}
	language = &Pattern{regexp.MustCompile(`^[a-z]{2}$`), "an ISO 639-1 code such as uk"}
	wikidata = &Pattern{regexp.MustCompile(`^Q[1-9][0-9]{0,18}$`), "an item of Wikidata such as Q123"}
)

// Document is the written part of a record. A part that is an object is a Document, too.
type Document map[string]any

// Find returns the kind of a collection's records; nil if the collection only shows what others hold.
func Find(collection string) *Kind {
	i := slices.IndexFunc(Kinds, func(k *Kind) bool { return k.Collection == collection })
	if i < 0 {
		return nil
	}
	return Kinds[i]
}

// Collections lists the collections whose records are written by themselves.
func Collections() []string {
	var names []string
	for _, k := range Kinds {
		if k.PartOf == "" {
			names = append(names, k.Collection)
		}
	}
	return names
}

// Field finds a field by its name.
func (k *Kind) Field(name string) (Field, bool) { return find(k.Fields, name) }

func find(fields []Field, name string) (Field, bool) {
	i := slices.IndexFunc(fields, func(f Field) bool { return f.Name == name })
	if i < 0 {
		return Field{}, false
	}
	return fields[i], true
}

func names(fields []Field) []string {
	all := make([]string, len(fields))
	for i, f := range fields {
		all[i] = f.Name
	}
	return all
}

// Strings returns a field that is a list of texts.
func (d Document) Strings(name string) []string {
	list, _ := d[name].([]any)
	texts := make([]string, len(list))
	for i, e := range list {
		texts[i], _ = e.(string)
	}
	return texts
}

// Documents returns a field that is a list of objects.
func (d Document) Documents(name string) []Document {
	list, _ := d[name].([]any)
	objects := make([]Document, len(list))
	for i, e := range list {
		objects[i], _ = e.(Document)
	}
	return objects
}

// String returns a field that is a text; "" for null.
func (d Document) String(name string) string {
	text, _ := d[name].(string)
	return text
}

// Int returns a field that is an integer, and whether it is known.
func (d Document) Int(name string) (int64, bool) {
	n, ok := d[name].(int64)
	return n, ok
}

// JSON returns a document with its keys in the order of the fields.
func (k *Kind) JSON(d Document) []byte { return appendObject(nil, k.Fields, d) }

func appendObject(b []byte, fields []Field, d Document) []byte {
	b = append(b, '{')
	for i, f := range fields {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), f.Name...), '"', ':')
		b = f.AppendValue(b, d[f.Name])
	}
	return append(b, '}')
}

// AppendValue appends a value of the field as JSON.
func (f Field) AppendValue(b []byte, value any) []byte {
	switch value := value.(type) {
	case Document:
		return appendObject(b, f.Fields, value)
	case []any:
		b = append(b, '[')
		for i, e := range value {
			if i > 0 {
				b = append(b, ',')
			}
			b = f.Elem.AppendValue(b, e)
		}
		return append(b, ']')
	}
	return AppendJSON(b, value)
}

// AppendJSON appends a value as JSON. HTML is not escaped, because this is no page; numbers never have an exponent.
func AppendJSON(b []byte, value any) []byte {
	if n, ok := value.(float64); ok {
		return strconv.AppendFloat(b, n+0, 'f', -1, 64) // and zero no sign
	}
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value) // of what JSON was decoded to
	return append(b, strings.TrimSuffix(text.String(), "\n")...)
}
