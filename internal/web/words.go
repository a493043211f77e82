package web

import (
	"encoding/json"
	"fmt"
	"html/template"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/parley-api/parley/internal/chart"
)

// funcs are what templates may call.
func (s *Site) funcs() template.FuncMap {
	return template.FuncMap{
		"embedAs": EmbedAs,
		"asset":   func(name string) string { return "/assets/" + s.files[name].Name },
		"day":     day,
		"days":    days,
		"moment":  moment,
		"number":  number,
		"words":   words,
		"capital": capital,
		"figure":  NewFigure,
		"scale":   func() string { return Scale },
		"shorten": shorten,
		"deref":   deref,
		"dict":    dict,
		"noun":    Noun,
		"title":   Title,
		"hedged":  hedged,
		"outlet":  outlet,
		"apart":   apart,
		"unit":    unit,
		"way":     Direction,
		"dispute": disputed,
		"did":     func(op string) string { return strings.TrimSuffix(op, "e") + "ed" },
		"field":   field,
		"plural":  plural,
		"long":    func(text string) bool { return utf8.RuneCountInString(text) > 90 },
		"attr":    func(value any) string { return fmt.Sprint(deref(value)) },
	}
}

// deref is what a pointer points to; "" for nil.
func deref(value any) any {
	v := reflect.ValueOf(value)
	if v.Kind() != reflect.Pointer {
		return value
	}
	if v.IsNil() {
		return ""
	}
	return v.Elem().Interface()
}

// dict makes a map of pairs, for templates that need several things.
func dict(pairs ...any) map[string]any {
	m := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		m[pairs[i].(string)] = pairs[i+1] //nolint:forcetypeassert // our own templates
	}
	return m
}

// day is a day as people write it: 23 July 2025.
func day(value any) string {
	text := fmt.Sprint(deref(value))
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return text
	}
	return at.Format("2 January 2006")
}

// days are a span of days: 23–24 January 2026.
func days(from, to any) string {
	a, errA := time.Parse(time.DateOnly, fmt.Sprint(deref(from)))
	b, errB := time.Parse(time.DateOnly, fmt.Sprint(deref(to)))
	switch {
	case errA != nil || errB != nil || a.Equal(b):
		return day(from)
	case a.Year() == b.Year() && a.Month() == b.Month():
		return a.Format("2") + "–" + b.Format("2 January 2006")
	case a.Year() == b.Year():
		return a.Format("2 January") + " – " + b.Format("2 January 2006")
	default:
		return day(from) + " – " + day(to)
	}
}

// moment is an instant: 23 July 2025, 20:38 (UTC+03:00).
func moment(value any) string {
	at, ok := deref(value).(time.Time)
	if !ok {
		var err error
		if at, err = time.Parse(time.RFC3339Nano, fmt.Sprint(deref(value))); err != nil {
			return fmt.Sprint(deref(value))
		}
	}
	if _, offset := at.Zone(); offset == 0 {
		return at.Format("2 January 2006, 15:04 UTC")
	}
	return at.Format("2 January 2006, 15:04 (UTC-07:00)")
}

// number is a count with its thousands, any other number as it is.
func number(value any) string {
	switch n := deref(value).(type) {
	case int:
		return chart.Thousands(n)
	case int64:
		return chart.Thousands(int(n))
	case float64:
		if n == float64(int(n)) {
			return chart.Thousands(int(n))
		}
		return fmt.Sprint(n)
	default:
		return fmt.Sprint(n)
	}
}

// words are a word of an enumeration as people write it.
func words(value any) string { return strings.ReplaceAll(fmt.Sprint(deref(value)), "_", " ") }

// capital begins a word with a capital letter.
func capital(word string) string { return strings.ToUpper(word[:1]) + word[1:] }

// shorten cuts a text at the end of a word.
func shorten(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	text = string([]rune(text)[:most])
	if i := strings.LastIndexByte(text, ' '); i > most/2 {
		text = text[:i]
	}
	return strings.TrimRight(text, " ,.;:") + "…"
}

// hedges stand before a number.
var hedges = map[string]string{"about": "about ", "at_least": "at least ", "up_to": "up to ", "more_than": "more than ", "at_most": "at most ", "less_than": "less than "}

// hedged is a value with its qualifier.
func hedged(value, qualifier any) string {
	text := hedges[fmt.Sprint(deref(qualifier))]
	if s, ok := deref(value).(string); ok {
		return text + moment(s)
	}
	return text + number(value)
}

// unit is the word for what is counted.
func unit(n any, name string) string {
	if singular := map[string]string{"people": "person", "bodies": "body", "groups": "group", "hours": "hour", "days": "day"}[name]; number(n) == "1" && singular != "" {
		return singular
	}
	return name
}

// plural is a count with its noun.
func plural(n any, one, many string) string {
	if text := number(n); text != "1" {
		return text + " " + many
	}
	return "1 " + one
}

// compact is a value of a difference as short JSON.
func compact(value any) string {
	switch v := value.(type) {
	case nil:
		return "nothing"
	case string:
		return v
	}
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(text)
}

// visible shows the characters that turn the direction of text, which could make a text read as what it does not say.
var visible = strings.NewReplacer(
	"\u202a", "[U+202A]", "\u202b", "[U+202B]", "\u202c", "[U+202C]", "\u202d", "[U+202D]", "\u202e", "[U+202E]",
	"\u2066", "[U+2066]", "\u2067", "[U+2067]", "\u2068", "[U+2068]", "\u2069", "[U+2069]",
)

// inScript keeps JSON what it is, and shows a browser neither a tag nor a character that turns the direction of text.
var inScript = strings.NewReplacer(
	"<", `\u003c`, "\u202a", `\u202a`, "\u202b", `\u202b`, "\u202c", `\u202c`, "\u202d", `\u202d`, "\u202e", `\u202e`,
	"\u2066", `\u2066`, "\u2067", `\u2067`, "\u2068", `\u2068`, "\u2069", `\u2069`,
)

// Script is a JSON document as it may stand in a page.
func Script(document []byte) template.JS {
	return template.JS(inScript.Replace(string(document))) //nolint:gosec // no tag can end the script
}

// Visible is a record, as JSON, whose texts can be shown as they stand.
func Visible(record []byte) []byte { return []byte(visible.Replace(string(record))) }
