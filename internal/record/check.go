package record

import (
	"fmt"
	"maps"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/parley-api/parley/internal/query"
)

// Checked is a document that was checked: free of faults, or with all of them.
type Checked struct {
	Document
	Refs   []Reference
	Faults []query.Fault
}

// Reference is a record that a document refers to: it must exist when the document is recorded.
type Reference struct {
	Pointer    string // where in the document, as a JSON pointer
	Collection string
	ID         string
}

// Check checks the body of a record, as decoded from JSON, against all that holds within one document. Pointers of faults
// and references begin with at. What is computed is left aside; see [Kind.Shown].
func (k *Kind) Check(id, at string, body map[string]any) Checked {
	c := &checker{kind: k, id: id}
	if !k.ID.Match(id) {
		c.fault(at+"/id", fmt.Sprintf("%q is no id: write %s", id, k.ID.about))
	}
	if given, ok := body["id"]; ok && given != id {
		c.fault(at+"/id", fmt.Sprintf("is %s, but the record is %q; an id never changes", show(given), id))
	}
	d := c.object(at, k.Fields, append([]string{"id"}, k.Computed...), body)
	if k.rules != nil {
		c.at = at
		k.rules(c, d)
	}
	return Checked{Document: d, Refs: c.refs, Faults: c.faults}
}

// Shown lists the keys of a body that are computed: their values must be those that the record shows. The address, the
// revision and the time of recording are not among them: they differ by the address asked and move with every change.
func (k *Kind) Shown(body map[string]any) []string {
	var keys []string
	for _, name := range k.Computed {
		value, ok := body[name]
		nobodys := name == "figures_from" && value == nil // the figures are the record's own
		if ok && !nobodys && !slices.Contains(always, name) {
			keys = append(keys, name)
		}
	}
	return keys
}

// checker gathers what a check finds.
type checker struct {
	kind   *Kind
	id     string
	at     string // where the document begins, for rules
	refs   []Reference
	faults []query.Fault
}

func (c *checker) fault(pointer, reason string) {
	c.faults = append(c.faults, query.Fault{Pointer: pointer, Reason: reason})
}

// object checks the keys and values of an object. Fields that are absent are null, or an empty list.
func (c *checker) object(at string, fields []Field, computed []string, body map[string]any) Document {
	d := Document{}
	for _, fault := range UnknownKeys(at, body, append(names(fields), computed...)) {
		fault.Allowed = names(fields)
		c.faults = append(c.faults, fault)
	}
	for i := range fields {
		f := &fields[i]
		d[f.Name] = c.value(at+"/"+f.Name, f, body[f.Name])
	}
	return d
}

// UnknownKeys returns a fault for every key of an object that is not allowed.
func UnknownKeys(at string, body map[string]any, allowed []string) []query.Fault {
	var faults []query.Fault
	for _, name := range slices.Sorted(maps.Keys(body)) {
		if !slices.Contains(allowed, name) {
			faults = append(faults, query.Fault{Pointer: at + "/" + escape(name), Reason: "there is no such field", Allowed: allowed, Suggestion: query.Nearest(name, allowed)})
		}
	}
	return faults
}

// escape writes a key as a part of a JSON pointer.
func escape(key string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
}

// value checks one value and returns it as documents have it; what is at fault becomes null.
func (c *checker) value(at string, f *Field, value any) any {
	if f.Type == List {
		return c.list(at, f, value)
	}
	if value == nil {
		if f.Required {
			c.fault(at, "is required")
		}
		return nil
	}
	switch f.Type {
	case Object:
		body, ok := value.(map[string]any)
		if !ok {
			return c.wrong(at, value, "an object")
		}
		return c.object(at, f.Fields, f.Computed, body)
	case Integer:
		return c.integer(at, f, value)
	case Number:
		n, ok := number(value)
		if !ok || n < f.Min || n > f.Max {
			return c.wrong(at, value, fmt.Sprintf("a number from %v to %v", f.Min, f.Max))
		}
		return n + 0 // zero has no sign
	case Boolean:
		if b, ok := value.(bool); ok {
			return b
		}
		return c.wrong(at, value, "true or false")
	case Ref:
		if shown, ok := value.(map[string]any); ok {
			value = shown["id"] // a citation as records show it
		}
	case Value:
		if n, ok := number(value); ok {
			return c.integer(at, &Field{Min: math.MinInt32, Max: maxInteger}, n)
		}
	}
	text, ok := value.(string)
	if !ok {
		return c.wrong(at, value, f.wants())
	}
	return c.text(at, f, text)
}

func (f *Field) wants() string {
	switch f.Type {
	case Code:
		return f.Pattern.about
	case Enum:
		return "one of " + strings.Join(f.Values, ", ")
	case Ref:
		return "the id of a record of " + f.To
	case Date:
		return "a day such as 2025-07-23"
	case Time:
		return "a time to the second with its offset, such as 2025-07-23T20:40:00+03:00"
	case Address:
		return "the address of a page, beginning with https:// or http://"
	case Value:
		return "an integer or a text"
	default:
		return "a text"
	}
}

// wrong is the fault of a value of another type or form.
func (c *checker) wrong(at string, value any, wants string) any {
	c.fault(at, "is "+show(value)+", not "+wants)
	return nil
}

// show is a value in words, short enough for a message.
func show(value any) string {
	switch value := value.(type) {
	case nil:
		return "null"
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	case string:
		if len(value) > 60 {
			return fmt.Sprintf("%.50q…", value)
		}
		return strconv.Quote(value)
	default:
		return fmt.Sprint(value)
	}
}

func number(value any) (float64, bool) {
	switch n := value.(type) {
	case float64:
		return n, true
	case int64:
		return float64(n), true
	case int:
		return float64(n), true
	}
	return 0, false
}

func (c *checker) integer(at string, f *Field, value any) any {
	n, ok := number(value)
	if !ok || n != math.Trunc(n) || n < f.Min || n > f.Max {
		return c.wrong(at, value, fmt.Sprintf("an integer from %.0f to %.0f", f.Min, f.Max))
	}
	return int64(n)
}

// The longest texts, in characters. Short ones are kept in indexes, which have limits of their own.
const (
	maxText    = 500
	maxAddress = 2000
	maxProse   = 20_000
)

func (c *checker) text(at string, f *Field, text string) any {
	most := maxText
	switch f.Type {
	case Prose:
		most = maxProse
	case Address:
		most = maxAddress
	}
	switch {
	case text == "":
		c.fault(at, "is empty; write null for what is unknown")
	case strings.TrimSpace(text) != text:
		c.fault(at, "begins or ends with white space")
	case strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && (r != '\n' && r != '\t' || f.Type != Prose) }):
		c.fault(at, "contains control characters; line breaks are for notes and summaries only")
	case utf8.RuneCountInString(text) > most:
		c.fault(at, fmt.Sprintf("has %d characters; %d are allowed", utf8.RuneCountInString(text), most))
	default:
		return c.form(at, f, text)
	}
	return nil
}

// form checks a text of a certain form.
func (c *checker) form(at string, f *Field, text string) any {
	ok := true
	switch f.Type {
	case Code:
		ok = f.Pattern.Match(text)
	case Enum:
		if !slices.Contains(f.Values, text) {
			c.faults = append(c.faults, query.Fault{
				Pointer: at, Reason: "is " + show(text) + ", which is not one of the values", Allowed: f.Values, Suggestion: query.Nearest(text, f.Values),
			})
			return nil
		}
	case Ref:
		c.refer(at, f.To, text)
	case Speaker:
		if IsPerson(text) {
			c.refer(at, "people", text)
		}
	case Date:
		ok = isDay(text)
	case Time:
		at, err := time.Parse(time.RFC3339, text)
		_, offset := at.Zone()
		if ok = err == nil && at.Nanosecond() == 0 && offset >= -12*3600 && offset <= 14*3600 && plausible(at); ok {
			return at.Format("2006-01-02T15:04:05-07:00")
		}
	case Address:
		u, err := url.Parse(text)
		ok = err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && !strings.ContainsAny(text, " <>\"\\^`{|}")
	}
	if !ok {
		return c.wrong(at, text, f.wants())
	}
	return text
}

func (c *checker) refer(at, collection, id string) {
	c.refs = append(c.refs, Reference{Pointer: at, Collection: collection, ID: id})
}

// IsPerson reports whether a text that says who spoke has the form of a person's id. Names are written as people write
// them, so that a mistyped id is a fault and does not become a name.
func IsPerson(text string) bool { return strings.Contains(text, "-") && slug.Match(text) }

func isDay(text string) bool {
	day, err := time.Parse(time.DateOnly, text)
	return err == nil && plausible(day)
}

// plausible: PostgreSQL writes years of four digits only as RFC 3339 does.
func plausible(at time.Time) bool { return at.Year() >= 1000 && at.Year() < 9999 }

// maxElements of a list: far more than any record has, few enough to check at once.
const maxElements = 1000

func (c *checker) list(at string, f *Field, value any) any {
	elements, ok := value.([]any)
	switch {
	case value == nil || ok && len(elements) == 0:
		if f.Required {
			c.fault(at, "is empty: name at least one")
		}
		return []any{}
	case !ok:
		return c.wrong(at, value, "a list")
	case len(elements) > maxElements:
		c.fault(at, fmt.Sprintf("has %d elements; %d are allowed", len(elements), maxElements))
		return []any{}
	}
	checked := make([]any, len(elements))
	first := map[any]int{}
	for i, e := range elements {
		here := at + "/" + strconv.Itoa(i)
		checked[i] = c.value(here, f.Elem, e)
		if text, ok := checked[i].(string); ok {
			if j, twice := first[text]; twice {
				c.fault(here, fmt.Sprintf("is there already, at %s/%d", at, j))
			} else {
				first[text] = i
			}
		}
	}
	return checked
}
