package chart

import "math"

// Bar is a promise and what was delivered of it, drawn on the scale of the promise, so that promises of any size stand beside
// each other.
type Bar struct {
	Label     string // the text alternative
	Target    *int   // nil: nothing was promised
	Beside    int    // what was promised beside it, on whose scale it is drawn where it has no promise of its own; 0: nothing
	Delivered *int   // nil: not known
	Low, High *int   // the bounds of what is said of Delivered; nil: open on that side
	AtLeast   bool   // Delivered is a lower bound
	Loose     bool   // Target is not an exact number
}

const (
	barHeight = 30
	promised  = 0.84 // the share of the width at which all promises end
	barTop    = 8
	barEnd    = 22
)

// Draw draws the bar: solid as far as is on record, open at its end where that is a lower bound, hatched between the bounds that
// voices give. Not known is an empty frame with a question mark in it. Where there is no promise there is no scale, and so no bar.
func (b Bar) Draw() *Drawing {
	d := &Drawing{class: "bar", role: "img", label: b.Label, height: barHeight}
	if b.Target != nil {
		d.rect("promise", 0, barTop, promised, barEnd)
	}
	switch {
	case b.Target == nil && b.Beside == 0 && b.Delivered != nil && *b.Delivered > 0:
	case b.Delivered == nil:
		d.text("mystery", "?", promised/2, 0, 20, "middle")
	case *b.Delivered == 0:
		d.line("zero", 0, 4, 0, 26)
	default:
		b.amount(d, b.scale())
	}
	if b.Target != nil {
		class := "mark"
		if b.Loose {
			class += " loose"
		}
		d.line(class, promised, 3, promised, 27)
	}
	return d
}

// scale gives the share of the width for a number. What is far beyond the promise ends at the edge.
func (b Bar) scale() func(int) float64 {
	whole := 1.0
	switch {
	case b.Target != nil && *b.Target > 0:
		whole = float64(*b.Target) / promised
	case b.Target == nil && b.Beside > 0:
		whole = float64(b.Beside) / promised
	}
	return func(n int) float64 { return math.Min(1, float64(n)/whole) }
}

func (b Bar) amount(d *Drawing, scale func(int) float64) {
	least, most := *b.Delivered, *b.Delivered
	if b.Low != nil {
		least = min(least, *b.Low)
	}
	if b.High != nil {
		most = max(most, *b.High)
	}
	sure, end := scale(least), scale(most)
	d.rect("delivered", 0, barTop, math.Max(sure, 0.004), barEnd)
	if least < most {
		d.rect("disputed", sure, barTop, math.Max(end, sure+0.006), barEnd)
	}
	if b.AtLeast {
		for i := range 3 { // it goes on, nobody knows how far
			x, cut := end+0.014+float64(i)*0.02, float64(2*i)
			d.line("open", x, barTop+cut, x, barEnd-cut)
		}
	}
}
