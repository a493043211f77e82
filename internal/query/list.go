package query

import (
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// List is a checked question to a collection.
type List struct {
	Where      []Condition
	Search     string // the text of q=; "" for none
	Box        *Box   // the part of the earth that records must lie in; nil: any, or none that is known
	Sort       Order
	AsOf       *AsOf    // the moment to read; nil: now
	By         string   // what totals are made by; "" for a list
	ReportedBy string   // the party whose figures to show; "": the best-supported ones
	Fields     []string // the fields asked for, in the collection's order; nil: all
	Limit      int      // 0: not given
	After      *Cursor  // where the page before ended; nil on the first
	TotalCount bool
	Snapshot   bool     // a stream begins with every record
	Since      *EventID // a stream goes on after this event; nil: it begins at the present

	MinRevision int64 // the answer must not be older than this one of the data set; 0: any

	of        string     // the collection
	canonical url.Values // what was asked, without the cursor
}

// Order is the order of a list: by one field, ties by id in the same direction.
type Order struct {
	Field      string // ByRank: by relevance
	Descending bool
}

// ByRank orders the results of a search by relevance.
const ByRank = "rank"

// Condition is one filter. Exactly one of Texts, Ranges, Flag and Known is set.
type Condition struct {
	Field  Field
	Not    bool     // the complement: also the records whose value is unknown
	Texts  []string // equal to any of these
	Ranges []Range  // within any of these
	Flag   *bool    // equal to this
	Known  *bool    // known at all, or not
}

// Range is an interval of values of one type: int64, float64 or [time.Time] (days are midnight UTC). A nil end is open.
type Range struct {
	From, To any
	Below    bool // To is excluded, as the first instant of the next day is
}

// Days reports whether the condition compares days that a record may not have, so that it leaves undated records out.
func (c Condition) Days() bool {
	return c.Ranges != nil && c.Field.Nullable && !c.Not && (c.Field.Type == Date || c.Field.Type == Time || c.Field.Type == LocalTime)
}

// AsOf is a moment in the life of the data set: a revision, or what was recorded before an instant.
type AsOf struct {
	Revision *int64
	Before   time.Time // if no revision is given
}

// Canonical is the query in the one form that all its spellings share: sorted, without what only says the default and
// without the cursor.
func (l List) Canonical() string { return l.canonical.Encode() }

// Next is the query of the page after, which a cursor continues.
func (l List) Next(c Cursor) string {
	v := url.Values{"cursor": {c.String()}}
	for name, values := range l.canonical {
		v[name] = values
	}
	return v.Encode()
}

// Pinned is the same query, of the same page, at a revision that has been. It is another query to a cursor, which is made anew.
func (l List) Pinned(revision int64) string {
	v := url.Values{"as_of": {strconv.FormatInt(revision, 10)}}
	for name, values := range l.canonical {
		if name != "as_of" {
			v[name] = values
		}
	}
	l.canonical = v
	if l.After != nil {
		return l.Next(l.Cursor(revision, l.After.Key, l.After.ID))
	}
	return v.Encode()
}

// Parse checks the parameters of a list. A failure is an [*Error] with all faults.
func Parse(values url.Values, g Grammar) (List, error) {
	p := parser{grammar: g, list: List{of: g.Of, canonical: url.Values{}}}
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names) // faults in a stable order
	for _, name := range names {
		if !ignored(name) {
			p.parameter(name, values[name])
		}
	}
	if _, asked := values["q"]; g.SearchOnly && !asked {
		p.fault("q", "is required: the words to search for")
	}
	p.contradictions()
	p.order()
	p.defaults()
	if raw, ok := p.seen("cursor"); ok {
		p.cursor(raw)
	}
	if len(p.faults) > 0 {
		return List{}, &Error{Faults: p.faults}
	}
	return p.list, nil
}

// Record checks the parameters of a single record: fields, as_of and reported_by.
func Record(values url.Values, g Grammar) (List, error) {
	p := parser{grammar: g, list: List{of: g.Of, canonical: url.Values{}}}
	for name, given := range values {
		switch {
		case ignored(name):
		case name == "fields" || name == "as_of" || name == "min_revision" || name == "reported_by" && g.Figures:
			p.parameter(name, given)
		default:
			p.unknown(name, g.recordParameters())
		}
	}
	if len(p.faults) > 0 {
		return List{}, &Error{Faults: p.faults}
	}
	return p.list, nil
}

// Totals checks the parameters of totals: by, which is one of some words, and the filters of the list.
func Totals(values url.Values, g Grammar, by []string) (List, error) {
	p := parser{grammar: g, list: List{of: g.Of, canonical: url.Values{}}}
	allowed := g.TotalsParameters()
	for _, name := range slices.Sorted(maps.Keys(values)) {
		switch {
		case ignored(name):
		case !slices.Contains(allowed, name):
			p.unknown(name, allowed)
		case name == "by":
			p.by(values[name], by)
		default:
			p.parameter(name, values[name])
		}
	}
	if _, asked := values["by"]; !asked {
		p.faults = append(p.faults, Fault{Parameter: "by", Reason: "is required: what to sum up by", Allowed: by})
	}
	p.contradictions()
	if len(p.faults) > 0 {
		return List{}, &Error{Faults: p.faults}
	}
	return p.list, nil
}

func (p *parser) by(given, allowed []string) {
	if len(given) > 1 {
		p.fault("by", "given more than once; totals are made by one thing at a time")
		return
	}
	if !slices.Contains(allowed, given[0]) {
		p.faults = append(p.faults, Fault{Parameter: "by", Reason: strconv.Quote(given[0]) + " is not what totals are made by", Allowed: allowed, Suggestion: Nearest(given[0], allowed)})
		return
	}
	p.list.By = given[0]
	p.list.canonical.Set("by", given[0])
}

// None checks the parameters of an address that has none.
func None(values url.Values) error {
	p := parser{}
	for name := range values {
		if !ignored(name) {
			p.unknown(name, nil)
		}
	}
	if len(p.faults) > 0 {
		return &Error{Faults: p.faults}
	}
	return nil
}

// ignored: what caches are busted and campaigns counted with.
func ignored(name string) bool { return name == "_" || strings.HasPrefix(name, "utm_") }

type parser struct {
	grammar  Grammar
	list     List
	faults   []Fault
	compared int               // values and ranges of filters so far
	raw      map[string]string // controls to be looked at when all else is known
}

func (p *parser) fault(parameter, reason string) {
	p.faults = append(p.faults, Fault{Parameter: parameter, Reason: reason})
}

func (p *parser) unknown(name string, allowed []string) {
	p.faults = append(p.faults, Fault{
		Parameter:  name,
		Reason:     "there is no such parameter here",
		Allowed:    allowed,
		Suggestion: Nearest(name, allowed),
	})
}

func (p *parser) seen(name string) (string, bool) { v, ok := p.raw[name]; return v, ok }

func (p *parser) parameter(name string, given []string) {
	if len(given) > 1 {
		p.fault(name, "given more than once; to ask for any of several values join them with commas")
		return
	}
	value := given[0]
	if reason := unfit(value); reason != "" {
		p.fault(name, reason)
		return
	}
	if p.grammar.Stream && p.stream(name, value) {
		return
	}
	before := len(p.faults)
	canonical := value
	switch {
	case name == "sort", name == "cursor":
		if p.raw == nil {
			p.raw = map[string]string{}
		}
		p.raw[name] = value
	case name == "as_of":
		p.asOf(value)
	case name == "min_revision":
		p.minRevision(value)
	case name == "reported_by" && p.grammar.Figures:
		p.reportedBy(value)
	case name == "limit":
		p.limit(value)
	case name == "fields" && p.grammar.Fixed:
		p.fault(name, "is not understood in this form, which always has the same parts")
	case name == "fields":
		canonical = p.fields(value)
	case name == "total_count":
		p.list.TotalCount = p.boolean(name, value)
	case name == "bbox" && p.grammar.Located():
		canonical = p.box(value)
	case name == "q" && p.grammar.Searchable:
		if len(strings.Fields(value)) > maxWords {
			p.fault("q", "has more than "+strconv.Itoa(maxWords)+" words")
		}
		p.list.Search = strings.TrimSpace(dashes.ReplaceAllString(value, " -"))
	default:
		p.filter(name, value)
	}
	if len(p.faults) == before && name != "cursor" && name != "min_revision" { // which do not say what is asked for
		p.list.canonical.Set(name, canonical)
	}
}

// unfit says what no value of any parameter may be.
func unfit(value string) string {
	switch {
	case strings.TrimSpace(value) == "":
		return "is empty; leave the parameter out, or ask NAME.known=false for what is unknown"
	case len(value) > maxValue:
		return "is longer than " + strconv.Itoa(maxValue) + " bytes"
	case strings.ToValidUTF8(value, "") != value:
		return "is not valid UTF-8"
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "contains a control character"
	}
	return ""
}

// dashes are negations of negations, which mean nothing, and of which the database does not understand many.
var dashes = regexp.MustCompile(`\s*-(\s*-)+\s*`)

const (
	maxValue = 2000
	maxWords = 32 // of a search: each is looked for by itself

	maxCompared = 500 // values and ranges of all filters: each record is compared with them
)

func (p *parser) limit(value string) {
	limits := p.grammar.Limits
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > limits.Max {
		p.fault("limit", "is not a whole number from 1 to "+strconv.Itoa(limits.Max))
		return
	}
	p.list.Limit = n
}

// reportedBy understands the id of a party.
func (p *parser) reportedBy(value string) {
	if len(value) > 12 || strings.Trim(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		p.faults = append(p.faults, Fault{Parameter: "reported_by", Reason: strconv.Quote(value) + " is not the id of a party, such as UA", Suggestion: capital(value)})
		return
	}
	p.list.ReportedBy = value
}

// capital is a text in capitals if that makes it the id of a party.
func capital(value string) string {
	if value = strings.ToUpper(value); len(value) > 12 || strings.Trim(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return ""
	}
	return value
}

// asOf understands a revision, a day, which is meant up to its end, and an instant, which is meant inclusively.
func (p *parser) asOf(value string) {
	var m AsOf
	if revision, err := strconv.ParseInt(value, 10, 64); err == nil && revision >= 0 {
		m.Revision = &revision
	} else if at, err := time.Parse(time.RFC3339, value); err == nil && at.Year() > 0 && at.Year() < 10000 {
		m.Before = at.UTC().Truncate(time.Microsecond).Add(time.Microsecond)
	} else if d, err := time.Parse(time.DateOnly, value); err == nil && d.Year() > 0 {
		m.Before = d.AddDate(0, 0, 1)
	} else {
		p.fault("as_of", strconv.Quote(value)+" is neither a revision (42) nor a day (2026-11-23) nor an instant (2026-11-23T12:00:00Z)")
		return
	}
	p.list.AsOf = &m
}

// minRevision understands a revision.
func (p *parser) minRevision(value string) {
	revision, err := strconv.ParseInt(value, 10, 64)
	if err != nil || revision < 0 {
		p.fault("min_revision", strconv.Quote(value)+" is not a revision, such as 42")
		return
	}
	p.list.MinRevision = revision
}

// fields returns the names asked for in the collection's order, which is also the order in which they are shown.
func (p *parser) fields(value string) string {
	asked := strings.Split(value, ",")
	shown := p.grammar.Shown()
	for i, name := range asked {
		switch {
		case !slices.Contains(shown, name) && p.ofRow(name):
			p.fault("fields", strconv.Quote(name)+" is a column of the flat forms, such as CSV, only; ask for the list that it is a part of")
		case !slices.Contains(shown, name):
			p.faults = append(p.faults, Fault{
				Parameter:  "fields",
				Reason:     strconv.Quote(name) + " is not a field of these records",
				Allowed:    shown,
				Suggestion: Nearest(name, shown),
			})
		case slices.Contains(asked[:i], name):
			p.fault("fields", strconv.Quote(name)+" is asked for twice")
		}
	}
	for _, name := range shown {
		if slices.Contains(asked, name) {
			p.list.Fields = append(p.list.Fields, name)
		}
	}
	return strings.Join(p.list.Fields, ",")
}

func (p *parser) ofRow(name string) bool {
	f, _ := p.grammar.Field(name)
	return f.OfRow
}

func (p *parser) boolean(name, value string) bool {
	if value != "true" && value != "false" {
		p.faults = append(p.faults, Fault{Parameter: name, Reason: "is neither true nor false", Allowed: []string{"true", "false"}})
	}
	return value == "true"
}

// order settles the order of the list: as asked, else by relevance for a search, else as is usual for the collection.
func (p *parser) order() {
	asked, ok := p.seen("sort")
	if !ok {
		asked = p.grammar.DefaultSort
		if p.list.Search != "" {
			asked = "-" + ByRank
		}
	}
	key, descending := strings.CutPrefix(asked, "-")
	p.list.Sort = Order{Field: key, Descending: descending}
	if !ok {
		return
	}
	keys := p.grammar.SortKeys()
	switch {
	case slices.Contains(keys, key):
	case strings.ContainsRune(key, ','):
		p.faults = append(p.faults, Fault{Parameter: "sort", Reason: "takes one key; ties are in the order of id", Allowed: keys})
	default:
		p.faults = append(p.faults, Fault{
			Parameter:  "sort",
			Reason:     "cannot sort by " + strconv.Quote(key) + "; a key is written as it is, or with - in front for descending order",
			Allowed:    keys,
			Suggestion: Nearest(key, keys),
		})
	}
}

// defaults drops from the canonical query what only says what holds anyway.
func (p *parser) defaults() {
	c := p.list.canonical
	if c.Get("sort") == p.grammar.DefaultSort && p.list.Search == "" {
		c.Del("sort")
	}
	if !p.list.TotalCount {
		c.Del("total_count")
	}
	if len(p.list.Fields) == len(p.grammar.Shown()) && !p.grammar.Flat {
		c.Del("fields")
		p.list.Fields = nil
	}
}

// contradictions finds filters that cannot both be meant.
func (p *parser) contradictions() {
	for i, a := range p.list.Where {
		if a.Known == nil || *a.Known {
			continue
		}
		for j, b := range p.list.Where {
			if i != j && a.Field.Name == b.Field.Name {
				p.fault(a.Field.Name+".known", "=false contradicts the other filter on "+a.Field.Name)
			}
		}
	}
}
