package chart

import (
	"html"
	"html/template"
	"strconv"
	"strings"
	"unicode/utf8"
)

// svg is a drawing in the making.
type svg struct{ strings.Builder }

// open begins an element; attributes come in pairs.
func (s *svg) open(name string, attributes ...string) {
	s.tag(name, attributes)
	s.WriteByte('>')
}

func (s *svg) shut(name string) { s.WriteString("</" + name + ">") }

// draw adds an element without contents.
func (s *svg) draw(name string, attributes ...string) {
	s.tag(name, attributes)
	s.WriteString("/>")
}

// text adds a text.
func (s *svg) text(words string, attributes ...string) {
	s.open("text", attributes...)
	s.words(words)
	s.shut("text")
}

// words adds text as the contents of an element.
func (s *svg) words(words string) { s.WriteString(escaped(words)) }

// escaped is a text as it may stand in XML. What XML cannot hold becomes the character for what is not known.
func escaped(text string) string {
	return html.EscapeString(strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xfffe || r == 0xffff {
			return utf8.RuneError
		}
		return r
	}, text))
}

func (s *svg) tag(name string, attributes []string) {
	s.WriteString("<" + name)
	for i := 0; i < len(attributes); i += 2 {
		s.WriteString(" " + attributes[i] + `="` + escaped(attributes[i+1]) + `"`)
	}
}

// beginAs begins a drawing that is as wide as its place, and whose text alternative is a label. Its role is img; what holds links
// is no image to a screen reader, but a group.
func beginAs(role, class string, height int, label string) *svg {
	s := &svg{}
	s.open("svg", "class", "chart "+class, "width", "100%", "height", strconv.Itoa(height), "role", role, "aria-label", label)
	return s
}

// stretch begins a part in which across is counted in thousandths of the width, and down in pixels. Text does not belong there.
func (s *svg) stretch(height int) {
	s.open("svg", "width", "100%", "height", strconv.Itoa(height), "viewBox", "0 0 "+strconv.Itoa(stretch)+" "+strconv.Itoa(height), "preserveAspectRatio", "none")
}

const stretch = 1000

func (s *svg) done() template.HTML {
	s.shut("svg")
	return template.HTML(s.String()) //nolint:gosec // every text in it is escaped
}

// percent is a share of the width.
func percent(share float64) string { return short(100*share) + "%" }

// short is a number with at most two decimals.
func short(x float64) string {
	text := strings.TrimRight(strconv.FormatFloat(x, 'f', 2, 64), "0")
	return strings.TrimSuffix(text, ".")
}

// Thousands is a number as people read it: 12,345.
func Thousands(n int) string {
	text := strconv.Itoa(n)
	start := 1
	if n < 0 {
		start = 2
	}
	for i := len(text) - 3; i >= start; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
