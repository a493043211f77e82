package web

import "github.com/parley-api/parley/internal/chart"

// Figure is a number in words that claim no more than is known.
type Figure struct {
	Text   string // "at least 250", "no figure on record"
	Class  string // of FigureStatuses, for the style
	Unit   string // what is counted; "": the context says
	Detail string // "disputed: 150 to 189"; "": nothing more to say
}

// In is the figure with its unit, if it has a number.
func (f Figure) In(unit string) Figure {
	if f.Class != "unknown" {
		f.Unit = unit
	}
	return f
}

// NewFigure puts a figure into words: a value with its bounds, its status and how it is meant.
func NewFigure(value, low, high *int, status, qualifier string) Figure {
	if value == nil {
		return Figure{Text: "no figure on record", Class: "unknown"}
	}
	f := Figure{Text: hedged(*value, qualifier), Class: status}
	switch {
	case status == "disputed":
		f.Detail = "disputed: " + bounds(low, high)
	case low == nil && high != nil:
		f.Detail = "at most that is said"
	case low != nil && high == nil && qualifier != "at_least":
		f.Detail = "no upper bound is given"
	case low != nil && high != nil && *low != *high:
		f.Detail = "reported: " + bounds(low, high)
	case status == "single_source":
		f.Detail = "by one voice"
	case status == "agreed":
		f.Detail = "agreed by several"
	}
	return f
}

func bounds(low, high *int) string {
	switch {
	case low != nil && high != nil:
		return chart.Thousands(*low) + " to " + chart.Thousands(*high)
	case low != nil:
		return chart.Thousands(*low) + " or more"
	case high != nil:
		return chart.Thousands(*high) + " or fewer"
	default:
		return "the bounds contradict each other"
	}
}
