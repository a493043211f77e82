package chart

import (
	"math"
	"strconv"
	"time"
)

// Span is the days that a chart shows, both included.
type Span struct{ From, To time.Time }

// at is where a day begins, as a share of the width.
func (s Span) at(day time.Time) float64 {
	return day.Sub(s.From).Hours() / s.To.AddDate(0, 0, 1).Sub(s.From).Hours()
}

// How labels of years stand on the smallest screen, as shares of its width: so much a label takes, and so much two do that stand
// side by side, the later one around its line.
const yearWide, yearsApart = 0.115, 0.18

// years draws a line for the beginning of each year, and a label for as many of them as there is room for, and for that of the span.
func (s Span) years(d *Drawing, bottom float64) {
	every := 1 + (s.To.Year()-s.From.Year())/6
	labelled := -1.0
	for year := s.From.Year(); year <= s.To.Year(); year++ {
		first := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
		x := s.at(first)
		if year == s.From.Year() {
			if s.at(first.AddDate(1, 0, 0)) < 0.06 && year != s.To.Year() {
				continue
			}
			x = 0
		} else {
			d.line("grid", x, 0, x, bottom)
		}
		words := strconv.Itoa(year)
		switch {
		case (year-s.From.Year())%every != 0 || labelled >= 0 && x-labelled < yearsApart && x > 1-yearWide:
			continue
		case x < 1-yearWide:
			d.text("tick", words, x, 3, bottom+16, "")
		case x < 1-yearWide/2:
			d.text("tick", words, x, 0, bottom+16, "middle")
		case x < 1-yearWide/5:
			d.text("tick", words, 1, 0, bottom+16, "end")
		default: // it is hardly there
			continue
		}
		labelled = x
	}
}

// ticks are round numbers from 0 up to a maximum, four or five of them.
func ticks(most int) []int {
	if most <= 0 {
		return []int{0}
	}
	rough := float64(most) / 4
	power := math.Pow(10, math.Floor(math.Log10(rough)))
	step := 10 * power
	for _, m := range []float64{1, 2, 2.5, 5} {
		if m*power >= rough {
			step = m * power
			break
		}
	}
	step = math.Max(1, math.Ceil(step))
	var all []int
	for v := 0; v <= most; v += int(step) {
		all = append(all, v)
	}
	return all
}
