package web

import (
	"github.com/parley-api/parley/internal/talks"
)

// outlet is the publisher whose own figure a published total is.
func outlet(p talks.PublishedTotal) string {
	if len(p.Sources) == 0 {
		return "nobody named"
	}
	return p.Sources[0].Publisher
}

// whose figure a published total is, and who said it.
func whose(names Names, p talks.PublishedTotal) string {
	switch {
	case p.SaidBy != nil && p.Party != nil:
		return names.Of("people", *p.SaidBy) + " (" + names.Of("parties", *p.Party) + ")"
	case p.SaidBy != nil:
		return names.Of("people", *p.SaidBy)
	case p.Party != nil:
		return names.Of("parties", *p.Party)
	default:
		return outlet(p)
	}
}

// counted is what a published total counts.
func counted(p talks.PublishedTotal) string {
	text := day(p.ScopeFrom) + " to " + day(p.Date)
	if p.ScopeNote != nil {
		text += " (" + *p.ScopeNote + ")"
	}
	return text
}

// directions are those that a published total counts.
func directions(names Names, p talks.PublishedTotal) string {
	if way := Direction(names, p.From, p.To); way != "" {
		return way
	}
	return "both directions together"
}

// sumBeside is the sum of the records that counts the same as a published total; "" where that has a scope of its own.
func sumBeside(p talks.PublishedTotal) string {
	switch {
	case p.ScopeNote != nil:
		return ""
	case p.UnknownCount > 0:
		return "at least " + number(p.RecordsTotal)
	default:
		return number(p.RecordsTotal)
	}
}

// apart is how far a published total is above the sum of the records, no more exact than the two are; "" where they do not count the same,
// or where nothing can be said.
func apart(p talks.PublishedTotal) string {
	above, below := p.Qualifier == "at_least" || p.Qualifier == "more_than", p.Qualifier == "at_most" || p.Qualifier == "up_to" || p.Qualifier == "less_than"
	switch {
	case p.ScopeNote != nil:
		return ""
	case p.UnknownCount > 0 && above: // neither has an upper bound
		return ""
	case p.UnknownCount > 0 && p.Qualifier == "about":
		return "at most about " + number(p.Difference)
	case p.UnknownCount > 0 && !below:
		return "at most " + number(p.Difference)
	default:
		return hedged(p.Difference, p.Qualifier)
	}
}
