package chart

import (
	"html/template"
	"math"
	"strconv"
)

// Bar is a promise and what was delivered of it, drawn on the scale of the promise, so that promises of any size stand beside
// each other.
type Bar struct {
	Label     string // the text alternative
	Target    *int   // nil: nothing was promised
	Delivered *int   // nil: not known
	Low, High *int   // the bounds of what is said of Delivered; nil: none
	AtLeast   bool   // Delivered is a lower bound
	Loose     bool   // Target is not an exact number
}

const (
	barHeight = 30
	promised  = 0.84 // the share of the width at which all promises end
	barTop    = 8
	barThick  = 14
)

// SVG draws the bar: solid as far as is on record, open at its end where that is a lower bound, hatched between the bounds that
// voices give. Not known is an empty frame with a question mark in it.
func (b Bar) SVG() template.HTML {
	d := begin("bar", barHeight, b.Label)
	scale := b.scale()
	top, thick := strconv.Itoa(barTop), strconv.Itoa(barThick)
	if b.Target != nil {
		d.draw("rect", "class", "promise", "x", "0", "width", percent(promised), "y", top, "height", thick)
	}
	switch {
	case b.Delivered == nil:
		d.text("?", "class", "mystery", "x", percent(promised/2), "y", "20", "text-anchor", "middle")
	case *b.Delivered == 0:
		d.draw("line", "class", "zero", "x1", "0", "x2", "0", "y1", "4", "y2", "26")
	default:
		b.amount(d, scale)
	}
	if b.Target != nil {
		class := "mark"
		if b.Loose {
			class += " loose"
		}
		d.draw("line", "class", class, "x1", percent(promised), "x2", percent(promised), "y1", "3", "y2", "27")
	}
	return d.done()
}

// scale gives the share of the width for a number. What is far beyond the promise ends at the edge.
func (b Bar) scale() func(int) float64 {
	whole := 1.0
	switch {
	case b.Target != nil && *b.Target > 0:
		whole = float64(*b.Target) / promised
	case b.Delivered != nil && *b.Delivered > 0:
		whole = float64(*b.Delivered) / (promised / 2)
	}
	return func(n int) float64 { return math.Min(1, float64(n)/whole) }
}

func (b Bar) amount(d *svg, scale func(int) float64) {
	top, thick := strconv.Itoa(barTop), strconv.Itoa(barThick)
	end, sure := scale(*b.Delivered), scale(*b.Delivered)
	disputed := b.Low != nil && b.High != nil && *b.Low < *b.High
	if disputed {
		sure = math.Min(sure, scale(*b.Low))
		end = math.Max(end, scale(*b.High))
	}
	d.draw("rect", "class", "delivered", "x", "0", "width", percent(math.Max(sure, 0.004)), "y", top, "height", thick)
	if disputed {
		width := math.Max(end-sure, 0.006)
		d.draw("rect", "class", "disputed", "x", percent(sure), "width", percent(width), "y", top, "height", thick)
	}
	if b.AtLeast {
		for i := range 3 { // it goes on, nobody knows how far
			x := end + 0.008 + float64(i)*0.012
			d.draw("line", "class", "open", "x1", percent(x), "x2", percent(x), "y1", strconv.Itoa(barTop+2*i), "y2", strconv.Itoa(barTop+barThick-2*i))
		}
	}
}
