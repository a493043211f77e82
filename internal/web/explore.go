package web

import (
	"fmt"
	"slices"
	"strings"

	"github.com/parley-api/parley/internal/query"
)

// Collection is a collection in the list of all.
type Collection struct {
	Name  string
	About string
}

// Index makes the list of collections, with what a search through all records finds.
func (s *Site) Index(f Frame, i Index) ([]byte, error) { return s.page("index", f, i) }

// Index is the list of collections; where something is searched for, with what is found.
type Index struct {
	Collections []Collection
	Query       string
	Found       []Hit
	Searched    bool
	Meant       string // the search that was carried out instead
	More        string // the path of the API with all that is found
	Faults      []query.Fault
}

// Hit is a record that a search finds.
type Hit struct {
	Collection, ID, Title, Kind string
}

// Explore is a query to a collection as a form, and its answer as a table.
type Explore struct {
	Collection string
	About      string
	Main       []Filter // what most people filter by
	Other      []Filter
	Controls   Controls
	Faults     []query.Fault // that belong to no field of the form
	Refused    bool
	Columns    []Column
	Rows       [][]Cell
	First      string // the path of the first page; "": it is this one
	Next       string // of the next; "": this is the last
	Count      int    // the rows on the page
	Several    bool   // records have several
	Total      *int64 // of the whole list
	Undated    *int64
	Unplaced   *int64
	Meant      string // the search that was carried out instead
	Drawn      Embed  // what there is to draw of all records that match
	Forms      []Form
	Parties    []Option
	Missing    []string
}

// Controls are the parameters of a list that are no filters.
type Controls struct {
	Search, Box, Reported bool // does the collection understand q, bbox, reported_by?
	Q, Bbox, ReportedBy   Input
	AsOf, Fields, Limit   Input
	Sort                  Input
	Orders                []Option
}

// Input is a field of the form, with what is wrong with what stands in it.
type Input struct {
	Name  string
	Value string
	Fault *query.Fault
}

// Option is a value to choose, and what it means.
type Option struct{ Value, Words string }

// Filter is a field of the collection that may be filtered by.
type Filter struct {
	Name    string
	Hint    string // how values are written
	Values  []Choice
	Is      Input
	Not     *Input
	Known   *Input
	Boolean bool
	List    string // of suggestions: "parties", or "" for none
	HasIs   bool
}

// Choice is a value of an enumeration.
type Choice struct {
	Value string
	On    bool
}

// Column is a column of the table.
type Column struct {
	Name   string
	Number bool
	Sort   string // the path of the list sorted by it; "": it cannot be
	Sorted string // "ascending", "descending" or ""
}

// Cell is a value in the table.
type Cell struct {
	Text   string
	Link   string
	Number bool
	None   bool // unknown
	Short  bool // in one line
}

// Explore makes the page of a query.
func (s *Site) Explore(f Frame, e Explore) ([]byte, error) { return s.page("explore", f, e) }

// prominent are the filters that stand in front, where a collection has them.
var prominent = []string{
	"date", "party", "from", "to", "total", "disputed", "kind", "type", "status", "topic", "format", "claimed_by", "proposed_by", "country", "mediators",
	"commitment", "round", "process", "collection", "record", "field", "publisher", "language", "op", "name", "year",
}

// mostProminent is how many stand there at most.
const mostProminent = 8

// hints say how values of a type are written.
var hints = map[query.Type]string{
	query.Integer: "100 or 100..500", query.Scalar: "100 or 100..500", query.Number: "46.5..52", query.Date: "2025-07 or 2025-05..",
	query.Time: "2026-11-23 or 2026-01..", query.LocalTime: "2025-07-23 or 2025-07..", query.Text: "one, or a,b for any", query.Texts: "one, or a,b for any",
	query.Position: "the id of a change",
}

// Form fills in the form of a collection: what was asked, by parameter, and what is wrong with it.
func (e *Explore) Form(g query.Grammar, asked map[string]string, faults []query.Fault) {
	left := slices.Clone(faults)
	input := func(name string) Input {
		in := Input{Name: name, Value: asked[name]}
		if i := slices.IndexFunc(left, func(f query.Fault) bool { return f.Parameter == name }); i >= 0 {
			fault := left[i]
			in.Fault, left = &fault, slices.Delete(left, i, i+1)
		}
		return in
	}
	c := Controls{Search: g.Searchable, Box: g.Located(), Reported: g.Figures}
	c.AsOf, c.Fields, c.Limit, c.Sort = input("as_of"), input("fields"), input("limit"), input("sort")
	if c.Search {
		c.Q = input("q")
	}
	if c.Box {
		c.Bbox = input("bbox")
	}
	if c.Reported {
		c.ReportedBy = input("reported_by")
	}
	for _, key := range g.SortKeys() {
		c.Orders = append(c.Orders, Option{key, words(key) + ", ascending"}, Option{"-" + key, words(key) + ", descending"})
	}
	e.Controls = c
	for _, f := range g.Fields {
		if ops := f.Operators(); len(ops) > 0 {
			e.Other = append(e.Other, filter(f, ops, asked, input))
		}
	}
	for _, name := range prominent {
		i := slices.IndexFunc(e.Other, func(f Filter) bool { return f.Name == name && f.HasIs })
		if i >= 0 && len(e.Main) < mostProminent {
			front, rest := e.Other[i], e.Other[i]
			front.Not, front.Known, rest.HasIs = nil, nil, false
			e.Main = append(e.Main, front)
			e.Other = slices.Delete(e.Other, i, i+1)
			if rest.Not != nil || rest.Known != nil {
				e.Other = append(e.Other, rest)
			}
		}
	}
	slices.SortStableFunc(e.Other, func(a, b Filter) int { return strings.Compare(a.Name, b.Name) })
	e.Faults, e.Refused = left, len(faults) > 0
}

func filter(f query.Field, ops []string, asked map[string]string, input func(string) Input) Filter {
	out := Filter{Name: f.Name, Hint: hints[f.Type], Boolean: f.Type == query.Boolean}
	for _, op := range ops {
		switch op {
		case "":
			out.HasIs, out.Is = true, input(f.Name)
		case "not":
			in := input(f.Name + ".not")
			out.Not = &in
		case "known":
			in := input(f.Name + ".known")
			out.Known = &in
		}
	}
	if refersTo[f.Name] == "parties" {
		out.List = "parties"
	}
	on := strings.Split(asked[f.Name], ",")
	for _, v := range f.Values {
		out.Values = append(out.Values, Choice{v, slices.Contains(on, v)})
	}
	return out
}

// Touched reports whether one of the filters that stand back is in use, or wrong.
func (e Explore) Touched() bool {
	used := func(in Input) bool { return in.Value != "" || in.Fault != nil }
	c := e.Controls
	if used(c.Bbox) || used(c.AsOf) || used(c.Fields) || used(c.ReportedBy) {
		return true
	}
	return slices.ContainsFunc(e.Other, func(f Filter) bool {
		return f.HasIs && used(f.Is) || f.Not != nil && used(*f.Not) || f.Known != nil && used(*f.Known)
	})
}

// shown are the columns of the table unless others are asked for.
var shown = map[string]string{
	"processes":          "id,name,started_on,ended_on,parties,mediators",
	"rounds":             "id,starts_on,city,country,status,format,duration_minutes,parties",
	"delegations":        "id,date,round,party,head,reported_size",
	"people":             "id,name,party,aliases",
	"parties":            "id,name,kind",
	"proposals":          "id,date,proposed_by,kind,status,summary",
	"commitments":        "id,agreed_on,kind,status,from,to,target,qualifier,delivered,delivered_qualifier,unknown_count",
	"claims":             "id,made_on,claimed_by,topic,status,responds_to,summary",
	"prisoner-exchanges": "id,date,place,from,to,total,total_low,total_high,total_status,pows,civilians",
	"body-repatriations": "id,date,place,from,to,total,total_low,total_high,total_status",
	"published-totals":   "id,date,kind,from,to,value,qualifier,scope_from,scope_note,party,said_by,records_total,unknown_count,difference",
	"reports":            "id,collection,record,field,value,qualifier,party,said_by,source",
	"sources":            "id,published_on,publisher,title,language,kind",
	"events":             "date,type,collection,record,title,place,parties",
	"changesets":         "id,recorded_at,author,message",
	"changes":            "id,revision,recorded_at,op,collection,record,author",
	"coverage":           "id,collection,year,starts_on,ends_on,missing",
}

// Shown are the fields that the table of a collection shows unless others are asked for.
func Shown(collection string) string { return shown[collection] }

// NewCell is a value of a row, decoded from JSON, as the table shows it.
func (f Frame) NewCell(collection, column string, row map[string]any) Cell {
	value := row[column]
	c := Cell{}
	switch v := value.(type) {
	case nil:
		return Cell{None: true}
	case float64:
		c.Text, c.Number = number(v), true
		if column == "id" || column == "revision" || column == "year" || strings.HasSuffix(column, "lat") || strings.HasSuffix(column, "lon") {
			c.Text = fmt.Sprint(v)
			if v == float64(int64(v)) {
				c.Text = fmt.Sprint(int64(v))
			}
		}
	case []any:
		texts := make([]string, len(v))
		for i, element := range v {
			texts[i] = compact(element)
		}
		c.Text = strings.Join(texts, ", ")
		if len(v) == 0 {
			c.None = true
		}
	default:
		c.Text = compact(v)
	}
	c.Short = len(c.Text) <= 30
	switch of := refersTo[column]; {
	case column == "id":
		c.Link = f.record(collection, c.Text, row)
	case column == "record":
		if of, ok := row["collection"].(string); ok {
			c.Link = f.Link(of, c.Text)
		}
	case column == "revision":
		c.Link = f.Link("changesets", c.Text)
	case of != "" && of != "people" && !strings.Contains(c.Text, ", "):
		c.Link = f.Link(of, c.Text)
	case column == "head":
		c.Link = f.Link("people", c.Text)
	case column == "url" && strings.HasPrefix(c.Text, "https://") || strings.HasPrefix(c.Text, "http://"):
		c.Link = c.Text
	}
	return c
}

// record is the page of what a row is about.
func (f Frame) record(collection, id string, row map[string]any) string {
	if HasPage(collection) {
		return f.Link(collection, id)
	}
	of, _ := row["collection"].(string)
	about, _ := row["record"].(string)
	if about != "" {
		return f.Link(of, about)
	}
	return ""
}
