package chart

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/image/font/sfnt"
	"pgregory.net/rapid"
)

const (
	testTokens = `/* a comment: with a colon */ :root { --paper: #fff; --ink: #000; --s0: #1f5fa6; --tint: #eee; --line: #888; } @media (prefers-color-scheme: dark) { :root { --paper: #111; --ink: #eee; } }`
	testRules  = `.chart .s0 { --c: var(--s0); }
.chart .line { fill: none; stroke: var(--c); stroke-width: 2; }
.chart .line.bound { stroke-dasharray: 6 4; }
.chart .paper { fill: var(--paper); }
.chart .big { font-size: 40px; font-weight: 700; }
.chart .label { stroke: var(--paper); stroke-width: 4px; paint-order: stroke; }
`
)

func TestPainterReadsTheStyleSheet(t *testing.T) {
	p := NewPainter(testTokens, testRules)
	bound := p.style("line bound s0", Light)
	if bound.stroke != "#1f5fa6" || bound.fill != "none" || bound.width != 2 || len(bound.dashes) != 2 {
		t.Errorf("a bound looks like %+v", bound)
	}
	if light, dark := p.style("", Light), p.style("", Dark); light.fill != "#000" || dark.fill != "#eee" || p.style("line s0", Dark).stroke != "#1f5fa6" {
		t.Errorf("text looks like %+v and %+v", light, dark)
	}
	if css := p.Themes(); !strings.Contains(css, `:root[data-theme="dark"] { color-scheme: dark; --ink: #eee; --paper: #111; }`) {
		t.Error(css)
	}
}

// TestLetters: the fonts have what the names and titles of the data set are written with.
func TestLetters(t *testing.T) {
	p := NewPainter(testTokens, testRules)
	var buffer sfnt.Buffer
	for _, font := range []*sfnt.Font{p.regular, p.bold} {
		for _, r := range "Türkiye İstanbul Łukašenka Žižek Søren Çelik ąęßŐ – “…” → · АБВГҐДЕЄЖЗИІЇЙ абвгґдеєжзиіїй Ёё Ъъ Ыы Ўў 0123456789" {
			if glyph, err := font.GlyphIndex(&buffer, r); err != nil || glyph == 0 {
				t.Errorf("there is no letter for %q", r)
			}
		}
	}
}

// TestPictureSaysWhatItLacks: where a text has letters that the fonts do not have, the picture says so in its margin.
func TestPictureSaysWhatItLacks(t *testing.T) {
	for words, lacks := range map[string]bool{"Київ, Αθήνα, Türkiye": false, "\u2068Київ\u2069": false, "القاهرة": true, "ירושלים": true, "თბილისი": true} {
		s := NewPainter(testTokens, testRules).Sheet("", 600)
		s.Height, s.Margin = 100, 16
		s.Text("big", words, 16, 60, "")
		b, err := s.PNG(Light, 1)
		if err != nil {
			t.Fatal(err)
		}
		picture, err := png.Decode(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		inked := 0
		for y := 85; y < 100; y++ {
			for x := range 600 {
				if r, g, b, _ := picture.At(x, y).RGBA(); r&g&b != 0xffff {
					inked++
				}
			}
		}
		if (inked > 100) != lacks {
			t.Errorf("%s: %d points of the margin are not white", words, inked)
		}
	}
}

// TestPicture: what is on the sheet is in the picture, where it stands.
func TestPicture(t *testing.T) {
	s := NewPainter(testTokens, testRules).Sheet("Різниця", 300)
	s.Height = 100
	s.Text("big", "Київ", 20, 60, "")
	s.Place(&Drawing{shapes: []shape{{kind: path, class: "line s0", way: []point{{0, 0}, {1, 0}}}, {kind: circle, class: "paper", x: 0.5, r: 4}}}, 100, 90, 100)
	for _, scale := range []float64{1, 2} {
		for theme, paper := range map[Theme]color.NRGBA{Light: {0xff, 0xff, 0xff, 0xff}, Auto: {0xff, 0xff, 0xff, 0xff}, Dark: {0x11, 0x11, 0x11, 0xff}} {
			b, err := s.PNG(theme, scale)
			if err != nil {
				t.Fatal(err)
			}
			picture, err := png.Decode(bytes.NewReader(b))
			if err != nil || picture.Bounds() != image.Rect(0, 0, int(300*scale), int(100*scale)) {
				t.Fatal(picture.Bounds(), err)
			}
			at := func(x, y float64) color.NRGBA {
				c, _ := color.NRGBAModel.Convert(picture.At(int(x*scale), int(y*scale))).(color.NRGBA)
				return c
			}
			inked := 0
			for y := 20.0; y < 62; y++ {
				for x := 20.0; x < 130; x++ {
					if at(x, y) != paper {
						inked++
					}
				}
			}
			if inked < 500 || inked > 3000 {
				t.Errorf("%s, %g: %d pixels of the letters are inked", theme, scale, inked)
			}
			if at(5, 5) != paper || at(150, 90) != paper {
				t.Errorf("%s, %g: the paper is %v", theme, scale, at(5, 5))
			}
			if line := at(110, 90); line != (color.NRGBA{0x1f, 0x5f, 0xa6, 0xff}) {
				t.Errorf("%s, %g: the line is %v", theme, scale, line)
			}
		}
	}
}

// TestWrap: no line is wider than asked for, nothing is lost but behind an ellipsis, and any text comes to an end.
func TestWrap(t *testing.T) {
	s := NewPainter(testTokens, testRules).Sheet("", 100)
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.OneOf(rapid.String(), rapid.StringN(0, 80, -1), rapid.StringMatching(`([a-z]{1,30} ){0,12}`)).Draw(t, "words")
		width, most := rapid.Float64Range(30, 300).Draw(t, "width"), rapid.IntRange(1, 5).Draw(t, "most")
		lines := s.Wrap("", words, width, most)
		if len(lines) > most {
			t.Fatalf("%d lines, %d are wanted: %q", len(lines), most, lines)
		}
		for _, line := range lines {
			if utf8.RuneCountInString(line) > 1 && s.width("", line) > width+0.1 {
				t.Fatalf("%q is %g wide, %g is there", line, s.width("", line), width)
			}
		}
		got, want := strings.Join(strings.Fields(strings.Join(lines, "")), ""), strings.Join(strings.Fields(words), "")
		if cut := strings.TrimSuffix(got, "…"); got != want && (!strings.HasSuffix(got, "…") || !strings.HasPrefix(want, cut)) {
			t.Fatalf("%q became %q", words, lines)
		}
	})
}

// TestSheetIsWellFormed, whatever is written on it, and looks without a style sheet as with one.
func TestSheetIsWellFormed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := NewPainter(testTokens, testRules).Sheet(rapid.String().Draw(t, "label"), 300)
		s.Text("big", rapid.String().Draw(t, "text"), 0, 0, "end")
		file, style := s.SVG(Auto)
		classes(t, string(file))
		if !strings.HasPrefix(style, "'sha256-") || !bytes.Contains(file, []byte(`fill="#000"`)) || !bytes.Contains(file, []byte(".big{fill:#eee;stroke:none}")) {
			t.Fatal(style, string(file))
		}
		if file, style := s.SVG(Dark); style != "" || bytes.Contains(file, []byte("<style")) {
			t.Fatal(style, string(file))
		}
	})
}
