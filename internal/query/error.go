package query

import (
	"fmt"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Fault is one thing that is wrong with a request, in words for the person who sent it. It names a parameter, or else the
// place in the body by a JSON pointer (RFC 6901).
type Fault struct {
	Parameter  string   `json:"parameter,omitempty"`
	Pointer    string   `json:"pointer,omitempty"`
	Reason     string   `json:"reason"`
	Allowed    []string `json:"allowed,omitempty"`    // what there is instead
	Suggestion string   `json:"suggestion,omitempty"` // what was probably meant
}

// Error holds every fault of a request.
type Error struct{ Faults []Fault }

func (e *Error) Error() string {
	texts := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		texts[i] = f.Reason
		if name := f.Parameter + f.Pointer; name != "" {
			texts[i] = name + ": " + f.Reason
		}
		if f.Suggestion != "" {
			texts[i] += fmt.Sprintf(" (did you mean %s?)", f.Suggestion)
		}
	}
	return strings.Join(texts, "; ")
}

// Nearest returns the one of the names that a mistyped name most probably stands for, or "" if none is near. A name of
// which the given one is a part is near whatever their lengths: "mediator" for "mediators", "start" for "starts_on".
func Nearest(name string, names []string) string {
	name = strings.ToLower(name)
	best, least := "", 1+len([]rune(name))/3
	for _, candidate := range names {
		distance := levenshtein.ComputeDistance(name, strings.ToLower(candidate))
		if len(name) >= 3 && strings.Contains(strings.ToLower(candidate), name) {
			distance = min(distance, 1)
		}
		if distance <= least && (best == "" || distance < least) {
			best, least = candidate, distance
		}
	}
	return best
}
