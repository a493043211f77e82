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

// yearWide is how much of the width the label of a year takes on the smallest screen.
const yearWide = 0.125

// years draws a line for the beginning of each year, and labels for as many years as there is room for.
func (s Span) years(d *Drawing, bottom float64) {
	every := 1 + (s.To.Year()-s.From.Year())/6
	end := 0.0 // of the label before
	for year := s.From.Year(); year <= s.To.Year(); year++ {
		first := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
		x := s.at(first)
		if year == s.From.Year() {
			if s.at(first.AddDate(1, 0, 0)) < yearWide && year != s.To.Year() {
				every = 1 + (s.To.Year()-year-1)/6
				continue
			}
			x = 0
		} else {
			d.line("grid", x, 0, x, bottom)
		}
		left, at, dx, anchor := x, x, 3.0, ""
		switch {
		case x >= 1-yearWide/5: // the year is hardly there
			continue
		case x >= 1-yearWide/2:
			left, at, dx, anchor = 1-yearWide, 1, 0, "end"
		case x >= 1-yearWide:
			left, at, dx, anchor = x-yearWide/2, x, 0, "middle"
		}
		if left >= end && year%every == 0 {
			d.text("tick", strconv.Itoa(year), at, dx, bottom+16, anchor)
			end = left + yearWide
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
