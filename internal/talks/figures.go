package talks

import "math"

// Statement is what somebody says of a figure.
type Statement struct {
	Value     int
	Qualifier string // one of ReportQualifiers
	Voice     string // whose it is: a party, or for an outlet's own the source
}

// Figure is how a figure stands, given what is said of it. The rules, which the database applies to every record (its
// function figure):
//
//   - A figure that the record does not have is unknown, whatever is reported: no report was found good enough to adopt.
//   - What is said of a figure is what reports give; and the record's own value, if no report gives it.
//   - "At least" and "more than" bound it from below only, "at most" and "less than" from above only, everything else from
//     both sides. Low is the least bound from below that is said, High the greatest from above; nil: none is said, or it
//     would leave out what somebody says.
//   - It is disputed if two of the statements cannot both be true, be they of one party or of two. Who says "about" does
//     not contradict who is within a tenth of it.
//   - Otherwise it is agreed if there are several voices, and rests on a single source if there is one. A party is one
//     voice however many report it; of sources that name no party each is one.
type Figure struct {
	Low    *int
	High   *int
	Status string // one of FigureStatuses
}

// FigureOf applies the rules of [Figure] to the value that a record has, which its qualifier says how to take, and what
// reports say of it.
func FigureOf(own *int, qualifier string, said []Statement) Figure {
	if own == nil {
		return Figure{Status: "unknown"}
	}
	given := false
	for _, s := range said {
		given = given || s.Value == *own
	}
	if !given {
		said = append([]Statement{{Value: *own, Qualifier: qualifier}}, said...)
	}
	var f Figure
	var mostLeast, leastMost *int // the greatest bound from below, the least from above
	var floor, ceiling *int       // the same with the slack of "about"
	voices := map[string]bool{}
	for _, s := range said {
		voices[s.Voice] = true
		slack := 0
		if s.Qualifier == "about" {
			slack = s.Value / 10
		}
		if least, ok := s.least(); ok {
			f.Low, mostLeast = lesser(f.Low, least), greater(mostLeast, least)
			floor = greater(floor, least-slack)
		}
		if most, ok := s.most(); ok {
			f.High, leastMost = greater(f.High, most), lesser(leastMost, most)
			ceiling = lesser(ceiling, most+slack)
		}
	}
	if f.Low != nil && leastMost != nil && *leastMost < *f.Low {
		f.Low = nil
	}
	if f.High != nil && mostLeast != nil && *mostLeast > *f.High {
		f.High = nil
	}
	if f.Low != nil {
		f.Low = new(min(*f.Low, math.MaxInt32)) // the greatest number that a figure can be
	}
	switch {
	case floor != nil && ceiling != nil && *floor > *ceiling:
		f.Status = "disputed"
	case len(voices) > 1:
		f.Status = "agreed"
	default:
		f.Status = "single_source"
	}
	return f
}

// FigureOfParty is a figure as one party gave it, which is one voice: the record's own value if that is among its reports,
// else the first of them; nil if there is none.
func FigureOfParty(own *int, said []Statement) (*int, Figure) {
	if len(said) == 0 {
		return nil, FigureOf(nil, "", nil)
	}
	value := said[0].Value
	of := make([]Statement, len(said))
	for i, s := range said {
		if own != nil && s.Value == *own {
			value = *own
		}
		of[i] = Statement{Value: s.Value, Qualifier: s.Qualifier}
	}
	return &value, FigureOf(&value, "exactly", of)
}

// least is the bound from below, if it says one.
func (s Statement) least() (bound int, ok bool) {
	switch s.Qualifier {
	case "at_most", "less_than":
		return 0, false
	case "more_than":
		return s.Value + 1, true
	default:
		return s.Value, true
	}
}

// most is the bound from above, if it says one.
func (s Statement) most() (bound int, ok bool) {
	switch s.Qualifier {
	case "at_least", "more_than":
		return 0, false
	case "less_than":
		return s.Value - 1, true
	default:
		return s.Value, true
	}
}

func lesser(a *int, b int) *int {
	if a != nil && *a < b {
		return a
	}
	return &b
}

func greater(a *int, b int) *int {
	if a != nil && *a > b {
		return a
	}
	return &b
}
