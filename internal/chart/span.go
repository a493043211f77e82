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

// years draws a line and a label for the beginning of each year, and for that of the span if there is room.
func (s Span) years(d *Drawing, bottom float64) {
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
		if x < 0.955 {
			d.text("tick", strconv.Itoa(year), x, 3, bottom+16, "")
		}
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
