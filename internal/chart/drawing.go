package chart

import (
	"html/template"
	"strconv"
)

// Drawing is a chart in shapes. It is drawn as wide as its place by [Drawing.SVG], or put on a [Sheet], which has a size.
type Drawing struct {
	class, role, label string
	height             int // pixels
	shapes             []shape
}

type kind uint8

const (
	line   kind = iota // from x, y to x2, y2
	rect               // between them
	circle             // around x, y
	text               // at x, y
	path               // along way, up or down and across
)

// shape is one element. Of a drawing it is measured in shares of the width across, so that text keeps its size whatever the width,
// and in pixels down; of a sheet in pixels.
type shape struct {
	kind   kind
	class  string
	x, x2  float64
	dx     float64 // pixels, added to the x of a text
	y, y2  float64
	r      float64 // of a circle; of the corners of a rectangle
	anchor string  // of a text: "", "middle" or "end" stands at x
	words  string  // the text; what is shown for any other shape on being pointed at
	link   string  // where it leads; "": nowhere
	way    []point // of a path
}

func (d *Drawing) add(s shape) { d.shapes = append(d.shapes, s) }

func (d *Drawing) line(class string, x, y, x2, y2 float64) {
	d.add(shape{kind: line, class: class, x: x, y: y, x2: x2, y2: y2})
}

func (d *Drawing) rect(class string, x, y, x2, y2 float64) {
	d.add(shape{kind: rect, class: class, x: x, y: y, x2: x2, y2: y2})
}

// text adds a text: dx pixels right of x.
func (d *Drawing) text(class, words string, x, dx, y float64, anchor string) {
	d.add(shape{kind: text, class: class, words: words, x: x, dx: dx, y: y, anchor: anchor})
}

// SVG is the drawing as part of a page, as wide as its place. Its looks are left to the style sheet.
func (d *Drawing) SVG() template.HTML {
	s := beginAs(d.role, d.class, d.height, d.label)
	stretched := false
	for _, p := range d.shapes {
		if stretches := p.kind == path; stretches != stretched {
			if stretched = stretches; stretches {
				s.stretch(d.height)
			} else {
				s.shut("svg")
			}
		}
		p.write(s, percent, stretch)
	}
	if stretched {
		s.shut("svg")
	}
	return s.done()
}

// write writes the shape as SVG, with attributes beside its own, which come in pairs. Positions across are written by at; those of
// a path are in so many parts of the width.
func (p shape) write(s *svg, at func(float64) string, parts float64, beside ...string) {
	if p.link != "" {
		s.open("a", "href", p.link, "aria-label", p.words)
		defer s.shut("a")
	}
	name, attributes := p.element(at, parts)
	attributes = append([]string{"class", p.class}, append(attributes, beside...)...)
	switch {
	case p.kind == text:
		s.text(p.words, attributes...)
	case p.words != "":
		s.open(name, attributes...)
		s.open("title")
		s.words(p.words)
		s.shut("title")
		s.shut(name)
	default:
		s.draw(name, attributes...)
	}
}

// element is the shape as an element with its geometry.
func (p shape) element(at func(float64) string, parts float64) (name string, attributes []string) {
	switch p.kind {
	case line:
		return "line", []string{"x1", at(p.x), "x2", at(p.x2), "y1", short(p.y), "y2", short(p.y2)}
	case rect:
		attributes = []string{"x", at(p.x), "width", at(p.x2 - p.x), "y", short(p.y), "height", short(p.y2 - p.y)}
		if p.r > 0 {
			attributes = append(attributes, "rx", short(p.r))
		}
		return "rect", attributes
	case circle:
		return "circle", []string{"cx", at(p.x), "cy", short(p.y), "r", short(p.r)}
	case path:
		return "path", []string{"d", along(p.way, parts), "vector-effect", "non-scaling-stroke"}
	default:
		attributes = []string{"x", at(p.x)}
		if p.dx != 0 {
			attributes = append(attributes, "dx", short(p.dx))
		}
		attributes = append(attributes, "y", short(p.y))
		if p.anchor != "" {
			attributes = append(attributes, "text-anchor", p.anchor)
		}
		return "text", attributes
	}
}

// along is a way as the data of a path, in so many parts of the width.
func along(way []point, parts float64) string {
	d := ""
	for i, p := range way {
		x, y := short(parts*p.x), short(p.y)
		switch {
		case i == 0:
			d += "M" + x + " " + y
		case p.x == way[i-1].x:
			d += "V" + y
		case p.y == way[i-1].y:
			d += "H" + x
		default:
			d += "L" + x + " " + y
		}
	}
	return d
}

// look is the class of a series, which has a look of its own.
func look(i int) string { return " s" + strconv.Itoa(i%series) }
