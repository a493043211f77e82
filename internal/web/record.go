package web

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/parley-api/parley/internal/chart"
	"github.com/parley-api/parley/internal/talks"
)

// Record is a record with all that its page shows of it.
type Record struct {
	Collection string
	ID         string
	Value      any // of the type of package talks
	Reports    []talks.FigureGiven
	Sources    []talks.Source // that the record or one of its reports cites
	History    []Change       // newest first
	More       bool           // there are earlier changes
	Forms      []Form         // in which the record can be had
	Citation   string         // in words
	Bib        string         // in BibLaTeX

	Changed     []Change // by a changeset: the first of its records
	MoreChanged bool     // it changed more
}

// Ledger is a commitment by direction.
func (r Record) Ledger(names Names) []LedgerRow {
	c, ok := r.Value.(talks.Commitment)
	if !ok {
		return nil
	}
	return Ledger(names, []talks.Commitment{c})
}

// Change is what a changeset did to the record.
type Change struct {
	talks.Change
	Differences []Difference // of an update
}

// Difference is a field that a changeset altered: JSON, or a text as it is; "nothing" for null.
type Difference struct{ Field, Before, After string }

// NewDifference is a difference of which both sides are JSON.
func NewDifference(field string, before, after []byte) Difference {
	return Difference{field, plain(before), plain(after)}
}

// plain is JSON as people read it: a text without its quotation marks.
func plain(text []byte) string {
	var s string
	switch {
	case string(text) == "null":
		return "nothing"
	case json.Unmarshal(text, &s) == nil:
		return visible.Replace(s)
	default:
		return visible.Replace(string(text))
	}
}

// Said is every value that someone gave for one figure.
type Said struct {
	Field   string
	Reports []talks.FigureGiven
	Differ  bool // not all are the same
}

// Said lists what was reported, by figure, in the order in which the figures were first spoken of.
func (r Record) Said() []Said {
	var all []Said
	for _, report := range r.Reports {
		i := slices.IndexFunc(all, func(s Said) bool { return s.Field == report.Field })
		if i < 0 {
			i = len(all)
			all = append(all, Said{Field: report.Field})
		}
		all[i].Reports = append(all[i].Reports, report)
		all[i].Differ = all[i].Differ || hedged(report.Value, report.Qualifier) != hedged(all[i].Reports[0].Value, all[i].Reports[0].Qualifier)
	}
	return all
}

// Language is the language of the heading, where that is not ours: the title of a source.
func (r Record) Language() string {
	if s, ok := r.Value.(talks.Source); ok && !s.TitleIsDescriptive {
		return s.Language
	}
	return ""
}

// Source finds a source that the page knows.
func (r Record) Source(id string) *talks.Source {
	i := slices.IndexFunc(r.Sources, func(s talks.Source) bool { return s.ID == id })
	if i < 0 {
		return nil
	}
	return &r.Sources[i]
}

// Record makes the page of a record.
func (s *Site) Record(f Frame, r Record) ([]byte, error) { return s.page("record", f, r) }

// Ref is a record of a collection.
type Ref struct{ Collection, ID string }

// refersTo are the keys of records that hold ids, and of which collection.
var refersTo = map[string]string{
	"process": "processes", "round": "rounds", "delegation": "delegations", "commitment": "commitments", "responds_to": "claims", "answers": "claims",
	"head": "people", "person": "people", "said_by": "people", "source": "sources", "party": "parties", "from": "parties", "to": "parties",
	"proposed_by": "parties", "claimed_by": "parties", "hosts": "parties", "mediators": "parties", "parties": "parties", "reported_by": "parties",
}

// Refs lists the records that a record refers to, from its JSON as it is decoded without types.
func Refs(value any) []Ref {
	seen := map[Ref]bool{}
	var walk func(key string, value any)
	add := func(r Ref) {
		if r.ID != "" && r.Collection != "" {
			seen[r] = true
		}
	}
	walk = func(key string, value any) {
		switch v := value.(type) {
		case string:
			add(Ref{refersTo[key], v})
			if key == "rounds" {
				add(Ref{"rounds", v})
			}
		case []any:
			for _, element := range v {
				if _, text := element.(string); text && key == "sources" {
					add(Ref{"sources", element.(string)}) //nolint:forcetypeassert // just seen
					continue
				}
				walk(key, element)
			}
		case map[string]any:
			collection, _ := v["collection"].(string)
			if id, ok := v["id"].(string); ok {
				add(Ref{collection, id})
				if key == "sources" {
					add(Ref{"sources", id})
				}
			}
			if id, ok := v["record"].(string); ok {
				add(Ref{collection, id})
			}
			for name, member := range v {
				walk(name, member)
			}
		}
	}
	walk("", value)
	all := make([]Ref, 0, len(seen))
	for r := range seen {
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b Ref) int { return strings.Compare(a.Collection+a.ID, b.Collection+b.ID) })
	return all
}

// Scale says how the bars of a ledger are to be read.
const Scale = "Each bar is drawn on the scale of its own promise; that of a direction in which nothing was promised, on that of the other."

// Bar is how a commitment stands in one direction, drawn. A direction in which nothing was promised is drawn on the scale of the
// others, so that its bar does not look like a share of a promise of its own.
func Bar(names Names, c talks.Commitment, p talks.Progress) chart.Bar {
	b := chart.Bar{
		Label: Direction(names, p.From, p.To) + ": " + p.InWords, Target: p.Target, Delivered: p.Delivered, Low: p.DeliveredLow, High: p.DeliveredHigh,
		AtLeast: p.DeliveredQualifier != nil && *p.DeliveredQualifier == "at_least",
		Loose:   p.Qualifier != nil && *p.Qualifier != "exactly",
	}
	if p.Target != nil || c.Progress == nil {
		return b
	}
	for _, other := range *c.Progress {
		if other.Target != nil && other.Unit == p.Unit {
			b.Beside = max(b.Beside, *other.Target)
		}
	}
	return b
}

// Direction is "Russia to Ukraine"; "" for none.
func Direction(names Names, from, to *string) string {
	switch {
	case from != nil && to != nil:
		return names.Of("parties", *from) + " to " + names.Of("parties", *to)
	case from != nil:
		return "from " + names.Of("parties", *from)
	case to != nil:
		return "to " + names.Of("parties", *to)
	default:
		return ""
	}
}
