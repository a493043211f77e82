package chart

import (
	"encoding/hex"
	"fmt"
	"image/color"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"
)

// Theme is how a sheet is coloured.
type Theme string

// The themes. A file in the theme Auto is light or dark as whoever looks at it prefers; a picture, which cannot ask, is light.
const (
	Light Theme = "light"
	Dark  Theme = "dark"
	Auto  Theme = "auto"
)

// Themes lists the themes.
var Themes = []string{string(Light), string(Dark), string(Auto)}

// Painter makes sheets in the style of a style sheet, and with the Go fonts, which have the letters of Latin with diacritics, Greek
// and Cyrillic: a picture says so where a text has others. It may be used by several at once.
type Painter struct {
	tokens        map[Theme]map[string]string
	rules         []rule
	regular, bold *sfnt.Font
}

// rule is a rule of a style sheet: of elements that have all of some classes.
type rule struct {
	classes    []string
	properties [][2]string
}

var (
	comments = regexp.MustCompile(`(?s)/\*.*?\*/`)
	roots    = regexp.MustCompile(`:root \{([^}]*)\}`)
	flat     = regexp.MustCompile(`(?m)^\.chart \.([a-z0-9.]+) \{([^}]*)\}$`)
)

// NewPainter reads the two parts of the style sheet that charts need: the tokens, first of the theme Light and then of Dark, and
// the rules of charts, one a line.
func NewPainter(tokens, rules string) *Painter {
	p := &Painter{tokens: map[Theme]map[string]string{Light: {}, Dark: {}}, regular: parse(goregular.TTF), bold: parse(gobold.TTF)}
	blocks := roots.FindAllStringSubmatch(comments.ReplaceAllString(tokens, ""), -1)
	for i, theme := range []Theme{Light, Dark} {
		for _, d := range declarations(blocks[0][1] + blocks[i][1]) {
			p.tokens[theme][d[0]] = d[1]
		}
	}
	for _, match := range flat.FindAllStringSubmatch(comments.ReplaceAllString(rules, ""), -1) {
		p.rules = append(p.rules, rule{strings.Split(match[1], "."), declarations(match[2])})
	}
	return p
}

func parse(font []byte) *sfnt.Font {
	f, err := sfnt.Parse(font)
	if err != nil {
		panic(err) // a font of the program
	}
	return f
}

func declarations(block string) [][2]string {
	var all [][2]string
	for one := range strings.SplitSeq(block, ";") {
		if name, value, ok := strings.Cut(one, ":"); ok {
			all = append(all, [2]string{strings.TrimSpace(name), strings.TrimSpace(value)})
		}
	}
	return all
}

// style is how a shape looks. Colours are written as in SVG.
type style struct {
	fill, stroke  string // "none": none
	fillOpacity   float64
	width         float64 // of the stroke
	dashes        []float64
	size          float64 // of letters
	bold          bool
	strokeIsFirst bool // around letters, and below them
}

// style is how shapes of a class look in a theme, Light or Dark: as the rules say, of which the later wins.
func (p *Painter) style(class string, theme Theme) style {
	s := style{fill: "var(--ink)", stroke: "none", fillOpacity: 1, width: 1, size: 13}
	classes, own := strings.Fields(class), map[string]string{}
	for _, r := range p.rules {
		if slices.ContainsFunc(r.classes, func(c string) bool { return !slices.Contains(classes, c) }) {
			continue
		}
		for _, d := range r.properties {
			switch name, value := d[0], d[1]; name {
			case "fill":
				s.fill = value
			case "fill-opacity":
				s.fillOpacity = number(value)
			case "stroke":
				s.stroke = value
			case "stroke-width":
				s.width = number(value)
			case "stroke-dasharray":
				s.dashes = nil
				for dash := range strings.FieldsSeq(value) {
					s.dashes = append(s.dashes, number(dash))
				}
			case "font-size":
				s.size = number(value)
			case "font-weight":
				s.bold = number(value) >= 600
			case "paint-order":
				s.strokeIsFirst = value == "stroke"
			default:
				own[name] = value
			}
		}
	}
	resolve := func(value string) string {
		for strings.HasPrefix(value, "var(") {
			name := strings.TrimSuffix(strings.TrimPrefix(value, "var("), ")")
			if value = own[name]; value == "" {
				value = p.tokens[theme][name]
			}
		}
		return value
	}
	s.fill, s.stroke = resolve(s.fill), resolve(s.stroke)
	return s
}

func number(value string) float64 {
	x, err := strconv.ParseFloat(strings.TrimSuffix(value, "px"), 64)
	if err != nil {
		panic(err) // of our own style sheet
	}
	return x
}

// attributes are the style as SVG, in pairs; of a text or of any other shape.
func (s style) attributes(k kind) []string {
	var all []string
	if k != line {
		all = append(all, "fill", s.fill)
	}
	if s.fillOpacity != 1 {
		all = append(all, "fill-opacity", short(s.fillOpacity))
	}
	if s.stroke != "none" {
		all = append(all, "stroke", s.stroke, "stroke-width", short(s.width))
	}
	if s.dashes != nil {
		dashes := make([]string, len(s.dashes))
		for i, d := range s.dashes {
			dashes[i] = short(d)
		}
		all = append(all, "stroke-dasharray", strings.Join(dashes, " "))
	}
	if k == text {
		all = append(all, "font-size", short(s.size))
		if s.bold {
			all = append(all, "font-weight", "700")
		}
		if s.strokeIsFirst {
			all = append(all, "paint-order", "stroke", "stroke-linejoin", "round")
		}
	}
	return all
}

// colours are what of a style depends on the theme, as CSS.
func (s style) colours() string { return fmt.Sprintf("fill:%s;stroke:%s", s.fill, s.stroke) }

// rgba is a colour, written as #rgb or #rrggbb.
func rgba(written string) color.NRGBA {
	digits := strings.TrimPrefix(written, "#")
	if len(digits) == 3 {
		digits = string([]byte{digits[0], digits[0], digits[1], digits[1], digits[2], digits[2]})
	}
	b, err := hex.DecodeString(digits)
	if err != nil || len(b) != 3 {
		panic("no colour: " + written) // of our own style sheet
	}
	return color.NRGBA{b[0], b[1], b[2], 0xff}
}

// Themes is the part of the style sheet of pages that gives the root its colours where it has data-theme="light" or "dark", and on
// paper those of Light.
func (p *Painter) Themes() string {
	colours := func(theme Theme) string {
		css := "color-scheme: " + string(theme) + ";"
		for _, name := range slices.Sorted(maps.Keys(p.tokens[theme])) {
			if p.tokens[Light][name] != p.tokens[Dark][name] && name != "color-scheme" {
				css += " " + name + ": " + p.tokens[theme][name] + ";"
			}
		}
		return css
	}
	return `:root[data-theme="light"] { ` + colours(Light) + " }\n" + `:root[data-theme="dark"] { ` + colours(Dark) + " }\n@media print { :root, :root[data-theme] { " + colours(Light) + " } }\n"
}
