package dataset

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/parley-api/parley/internal/record"
)

// wide is where lists and objects no longer fit a line.
const wide = 140

// nothing is a file without records.
func (w *writer) nothing() {
	if w.table == nil && w.format == YAML {
		w.buf = append(w.buf, "[]\n"...)
	}
}

// yaml appends a record, set off from the one before by an empty line: made to be read, and to be compared line by line.
func (w *writer) yaml(document map[string]any) error {
	if w.begun {
		w.buf = append(w.buf, '\n')
	}
	w.begun = true
	for i, key := range keysOf(w.collection) {
		indent := "  "
		if i == 0 {
			indent = "- "
		}
		w.buf = append(append(append(w.buf, indent...), key...), ':')
		w.block("  ", len(indent)+len(key)+1, layoutOf(w.collection, key), toFile(w.collection, key, document))
	}
	return nil
}

// block appends a value behind its key: on the same line if it fits there, else its elements on lines of their own.
func (w *writer) block(indent string, column int, l layout, value any) {
	flow := appendFlow(nil, l, value)
	list, isList := value.([]any)
	if !isList || len(list) == 0 || l == nil && column+1+utf8.RuneCount(flow) <= wide {
		w.buf = append(append(append(w.buf, ' '), flow...), '\n')
		return
	}
	w.buf = append(w.buf, '\n')
	for _, e := range list {
		object, isObject := e.(map[string]any)
		element := appendFlow(nil, l, e)
		w.buf = append(append(w.buf, indent...), "- "...)
		if !isObject || len(indent)+2+utf8.RuneCount(element) <= wide {
			w.buf = append(append(w.buf, element...), '\n')
			continue
		}
		for i, inner := range l {
			if i > 0 {
				w.buf = append(append(w.buf, indent...), "  "...)
			}
			w.buf = append(append(w.buf, inner.key...), ':')
			w.block(indent+"  ", len(indent)+2+len(inner.key)+1, inner.layout, object[inner.key])
		}
	}
}

// appendFlow appends a value in one line.
func appendFlow(b []byte, l layout, value any) []byte {
	switch value := value.(type) {
	case map[string]any:
		b = append(b, '{')
		for i, inner := range l {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = append(append(b, inner.key...), ": "...)
			b = appendFlow(b, inner.layout, value[inner.key])
		}
		return append(b, '}')
	case []any:
		b = append(b, '[')
		for i, e := range value {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = appendFlow(b, l, e)
		}
		return append(b, ']')
	case string:
		return appendText(b, value)
	default:
		return record.AppendJSON(b, value)
	}
}

// plain are texts that are the same without quotation marks, to every reader: words that begin with a letter, without the
// characters that mean something to YAML in one place or another.
var plain = regexp.MustCompile(`^\p{L}[\p{L}\p{N} _./()+–—’%$-]*$`)

// words that stand for something else when they are not quoted.
var words = regexp.MustCompile(`^(?i:null|true|false|yes|no|on|off|y|n|inf|nan)$`)

// appendText appends a text: plain where that is safe, in single quotation marks where it is on one line, else in double
// ones with escapes.
func appendText(b []byte, text string) []byte {
	switch {
	case plain.MatchString(text) && !words.MatchString(text) && !strings.HasSuffix(text, " "):
		return append(b, text...)
	case !strings.ContainsFunc(text, awkward):
		return append(append(append(b, '\''), strings.ReplaceAll(text, "'", "''")...), '\'')
	}
	b = append(b, '"')
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', byte(c))
		case !awkward(c):
			b = utf8.AppendRune(b, c)
		case c == '\n':
			b = append(b, `\n`...)
		case c > 0xffff:
			b = append(append(b, `\U`...), hex(c, 8)...)
		default:
			b = append(append(b, `\u`...), hex(c, 4)...)
		}
	}
	return append(b, '"')
}

// awkward characters cannot be seen or break lines; they are written as escapes.
func awkward(c rune) bool { return !unicode.IsPrint(c) }

func hex(c rune, digits int) string {
	text := strconv.FormatInt(int64(c), 16)
	return strings.Repeat("0", digits-len(text)) + text
}
