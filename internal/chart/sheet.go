package chart

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// Sheet is a picture of a fixed size with all that it needs to stand alone: in pixels, with the origin at the top left. It is used
// by one at a time.
type Sheet struct {
	Width, Height float64
	Margin        float64 // around what is put on it
	Label         string  // the text alternative
	About         string  // what it is and where it comes from, for programs; it is not seen
	painter       *Painter
	shapes        []shape
	buffer        sfnt.Buffer
}

// Sheet begins a sheet, whose height is to be set.
func (p *Painter) Sheet(label string, width float64) *Sheet {
	return &Sheet{painter: p, Label: label, Width: width}
}

// Text writes one line. It stands at x, or by its anchor ("middle" or "end") around or before it; y is its base line.
func (s *Sheet) Text(class, words string, x, y float64, anchor string) {
	s.shapes = append(s.shapes, shape{kind: text, class: class, words: words, x: x, y: y, anchor: anchor})
}

// Line draws a line.
func (s *Sheet) Line(class string, x, y, x2, y2 float64) {
	s.shapes = append(s.shapes, shape{kind: line, class: class, x: x, y: y, x2: x2, y2: y2})
}

// Place puts a drawing on the sheet, with its top left at x and y and so wide.
func (s *Sheet) Place(d *Drawing, x, y, width float64) {
	for _, p := range d.shapes {
		p.x, p.x2 = x+width*p.x+p.dx, x+width*p.x2
		p.dx, p.link = 0, ""
		p.y, p.y2 = y+p.y, y+p.y2
		p.way = slices.Clone(p.way)
		for i := range p.way {
			p.way[i] = point{x + width*p.way[i].x, y + p.way[i].y}
		}
		s.shapes = append(s.shapes, p)
	}
}

// Tall is the height of the drawing in pixels.
func (d *Drawing) Tall() float64 { return float64(d.height) }

// Size is the height of the letters of a class.
func (s *Sheet) Size(class string) float64 { return s.painter.style(class, Light).size }

// width is how wide a text is with the letters of a class.
func (s *Sheet) width(class, words string) float64 {
	style := s.painter.style(class, Light)
	f := s.painter.regular
	if style.bold {
		f = s.painter.bold
	}
	ppem := fixed.Int26_6(style.size * 64)
	var sum fixed.Int26_6
	for _, r := range words {
		glyph, err := f.GlyphIndex(&s.buffer, r)
		if err != nil {
			continue
		}
		advance, err := f.GlyphAdvance(&s.buffer, glyph, ppem, font.HintingNone)
		if err == nil {
			sum += advance
		}
	}
	return float64(sum) / 64
}

// Wrap breaks a text into lines of a width, at most so many: what is left ends with an ellipsis. A word that is wider than a line
// is broken.
func (s *Sheet) Wrap(class, words string, width float64, most int) []string {
	var lines []string
	current := ""
	rest := strings.Fields(words)
	for len(rest) > 0 {
		word := rest[0]
		joined := strings.TrimSpace(current + " " + word)
		switch {
		case s.width(class, joined) <= width:
			current, rest = joined, rest[1:]
			continue
		case current == "": // the word alone is too wide
			head := s.head(class, word, width)
			current, rest[0] = head, word[len(head):]
		}
		if len(lines) == most-1 {
			return append(lines, s.cut(class, current, width))
		}
		lines, current = append(lines, current), ""
	}
	if current != "" {
		lines = append(lines, current)
	}
	return lines
}

// head is as much of a word as fits, at least a letter.
func (s *Sheet) head(class, word string, width float64) string {
	_, end := utf8.DecodeRuneInString(word)
	for i, r := range word {
		next := i + utf8.RuneLen(r)
		if r == utf8.RuneError {
			next = i + 1
		}
		if i > 0 && s.width(class, word[:next]) > width {
			break
		}
		end = max(end, next)
	}
	return word[:min(end, len(word))]
}

// cut ends a line of which more would follow.
func (s *Sheet) cut(class, words string, width float64) string {
	for s.width(class, words+"…") > width && words != "" {
		_, size := utf8.DecodeLastRuneInString(words)
		words = strings.TrimRight(words[:len(words)-size], " ,.;:")
	}
	return words + "…"
}

// SVG is the sheet as a file, and the policy by which its style may be used: a source of style-src, or "" if it has none. Its looks
// stand at its shapes, so that programs which know no style sheets see them too.
func (s *Sheet) SVG(theme Theme) (file []byte, styleSource string) {
	base := theme
	if theme == Auto {
		base = Light
	}
	d := &svg{}
	width, height := short(s.Width), short(s.Height)
	d.open("svg", "xmlns", "http://www.w3.org/2000/svg", "width", width, "height", height, "viewBox", "0 0 "+width+" "+height, "role", "img", "aria-label", s.Label, "font-family", "Arial, 'Liberation Sans', Helvetica, sans-serif")
	d.open("title")
	d.words(s.Label)
	d.shut("title")
	d.open("desc")
	d.words(s.About)
	d.shut("desc")
	if theme == Auto {
		css := s.dark()
		sum := sha256.Sum256([]byte(css))
		styleSource = "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
		d.WriteString("<style>" + css + "</style>")
	}
	for _, p := range s.all() {
		p.write(d, short, 1, s.painter.style(p.class, base).attributes(p.kind)...)
	}
	d.shut("svg")
	return []byte(d.String() + "\n"), styleSource
}

// all are the shapes, on paper.
func (s *Sheet) all() []shape {
	return append([]shape{{kind: rect, class: "paper", x2: s.Width, y2: s.Height}}, s.shapes...)
}

// dark is the style sheet that gives the classes that there are their colours where it is dark.
func (s *Sheet) dark() string {
	css := "@media (prefers-color-scheme:dark){"
	seen := map[string]bool{}
	for _, p := range s.all() {
		selector := "." + strings.Join(strings.Fields(p.class), ".")
		if !seen[selector] {
			seen[selector] = true
			css += selector + "{" + s.painter.style(p.class, Dark).colours() + "}"
		}
	}
	return css + "}"
}
