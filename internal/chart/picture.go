package chart

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"strings"

	"git.sr.ht/~sbinet/gg"
	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// lacking is what a picture says below all else if a text on it has letters that its fonts do not have, which are drawn as boxes. In
// a drawing the fonts are those of whoever looks at it.
const lacking = "A box is a letter that only the SVG has."

// lacks reports whether a text on the sheet has a letter that the fonts do not have.
func (s *Sheet) lacks() bool {
	for _, p := range s.shapes {
		if p.kind != text {
			continue
		}
		for _, r := range isolates.Replace(p.words) {
			if glyph, err := s.painter.regular.GlyphIndex(&s.buffer, r); err != nil || glyph == 0 {
				return true
			}
		}
	}
	return false
}

// PNG is the sheet as a picture, of so many points a pixel of the sheet.
func (s *Sheet) PNG(theme Theme, scale float64) ([]byte, error) {
	if theme == Auto {
		theme = Light
	}
	c := &canvas{
		Context: gg.NewContext(int(s.Width*scale), int(s.Height*scale)),
		painter: s.painter, scale: scale, faces: map[sfntSize]font.Face{},
	}
	shapes := s.all()
	if s.lacks() {
		shapes = append(shapes, shape{kind: text, class: "stamp", words: lacking, x: s.Margin, y: s.Height - 3})
	}
	for _, p := range shapes {
		if err := c.paint(p, s.painter.style(p.class, theme)); err != nil {
			return nil, err
		}
	}
	var b bytes.Buffer
	err := png.Encode(&b, c.Image())
	return b.Bytes(), err
}

// canvas is a picture in the making.
type canvas struct {
	*gg.Context
	painter *Painter
	scale   float64
	faces   map[sfntSize]font.Face
}

type sfntSize struct {
	font *sfnt.Font
	size float64
}

func (c *canvas) paint(p shape, s style) error {
	if p.kind == text {
		return c.write(p, s)
	}
	k := c.scale
	switch p.kind {
	case line:
		c.DrawLine(k*p.x, k*p.y, k*p.x2, k*p.y2)
	case rect:
		c.DrawRectangle(k*p.x, k*p.y, k*(p.x2-p.x), k*(p.y2-p.y))
	case circle:
		c.DrawCircle(k*p.x, k*p.y, k*p.r)
	case path:
		for _, at := range p.way {
			c.LineTo(k*at.x, k*at.y)
		}
	}
	if s.fill != "none" && p.kind != line {
		fill := rgba(s.fill)
		fill.A = uint8(255 * s.fillOpacity)
		c.SetColor(fill)
		c.FillPreserve()
	}
	if s.stroke != "none" {
		c.SetColor(rgba(s.stroke))
		c.SetLineWidth(k * s.width)
		c.SetLineCapButt()
		dashes := make([]float64, len(s.dashes))
		for i, d := range s.dashes {
			dashes[i] = k * d
		}
		c.SetDash(dashes...)
		c.StrokePreserve()
	}
	c.ClearPath()
	return nil
}

// write draws a text. What isolates directions has no letter.
func (c *canvas) write(p shape, s style) error {
	f := c.painter.regular
	if s.bold {
		f = c.painter.bold
	}
	key := sfntSize{f, s.size}
	face := c.faces[key]
	if face == nil {
		var err error
		if face, err = opentype.NewFace(f, &opentype.FaceOptions{Size: c.scale * s.size, DPI: 72}); err != nil {
			return err
		}
		c.faces[key] = face
	}
	words := isolates.Replace(p.words)
	x := c.scale * p.x
	switch width := float64(font.MeasureString(face, words)) / 64; p.anchor {
	case "middle":
		x -= width / 2
	case "end":
		x -= width
	}
	draw := func(dx, dy float64, ink color.Color) {
		d := font.Drawer{Dst: c.Image().(*image.RGBA), Src: image.NewUniform(ink), Face: face, Dot: fixed.Point26_6{X: fixed.Int26_6(64 * (x + dx)), Y: fixed.Int26_6(64 * (c.scale*p.y + dy))}} //nolint:forcetypeassert // of every context
		d.DrawString(words)
	}
	if s.stroke != "none" { // letters have no outline here: what surrounds them is themselves, shifted around
		r := c.scale * s.width / 2
		for _, d := range [][2]float64{{r, 0}, {-r, 0}, {0, r}, {0, -r}, {.7 * r, .7 * r}, {-.7 * r, .7 * r}, {.7 * r, -.7 * r}, {-.7 * r, -.7 * r}} {
			draw(d[0], d[1], rgba(s.stroke))
		}
	}
	draw(0, 0, rgba(s.fill))
	return nil
}

var isolates = strings.NewReplacer("\u2066", "", "\u2067", "", "\u2068", "", "\u2069", "")
