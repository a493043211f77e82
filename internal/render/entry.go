package render

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// Entry is a record where all records look alike: as an entry of a feed or a calendar, as a citation, as linked data.
// It is made of the parts of store.Entry, whose names these are. What a record does not say is empty or nil.
type Entry struct {
	Type      string     `json:"type"` // of schema.org
	ID        string     `json:"id"`
	URL       string     `json:"url"` // of the record
	UID       string     `json:"uid"` // of the happening, in calendars; "": it has no place in one
	Title     string     `json:"title"`
	Summary   string     `json:"summary"`
	StartsOn  string     `json:"starts_on"`
	EndsOn    string     `json:"ends_on"`
	DueOn     string     `json:"due_on"`
	StartedAt *time.Time `json:"started_at"`
	EndedAt   *time.Time `json:"ended_at"`
	Status    string     `json:"status"`
	Venue     string     `json:"venue"`
	Place     string     `json:"place"`
	Country   string     `json:"country"`
	Lat       *float64   `json:"lat"`
	Lon       *float64   `json:"lon"`
	Precision string     `json:"place_precision"` // what lat and lon are the position of
	Figures   []Figure   `json:"figures"`
	Sources   []Source   `json:"sources"`
	Reports   []Report   `json:"reports"`
	Party     string     `json:"voice"`     // whose number the record is; "": nobody's, or it is none
	SaidBy    string     `json:"said_by"`   // who said it: a person's id, or a name
	Author    string     `json:"author"`    // of a changeset
	Publisher string     `json:"publisher"` // of a page that is a source; "": the record is none
	Page      string     `json:"page"`      // its address
	Language  string     `json:"language"`
	Revision  int64      `json:"revision"`
	Recorded  time.Time  `json:"recorded_at"`
}

// Figure is a number that a record is about.
type Figure struct {
	From      string `json:"from"`
	To        string `json:"to"`
	Value     *int64 `json:"value"`
	Qualifier string `json:"qualifier"`
	Unit      string `json:"unit"`
}

// Source is a source as the records that cite it show it.
type Source struct {
	ID          string `json:"id"`
	Publisher   string `json:"publisher"`
	URL         string `json:"url"`
	PublishedOn string `json:"published_on"`
}

// Report is a value that someone gave for a figure of the record.
type Report struct {
	Field     string `json:"field"`
	Value     any    `json:"value"`
	Qualifier string `json:"qualifier"`
	Party     string `json:"party"`
	SaidBy    string `json:"said_by"`
	Source    string `json:"source"`
}

// schemaOrg begins the names of columns that are properties of schema.org, of which every collection has its own.
const schemaOrg = "schema:"

// entry reads a row. It goes through JSON, in which rows are written anyway.
func (s *Subject) entry(values [][]byte) Entry {
	var e Entry
	if err := json.Unmarshal(AppendJSON(nil, Record{s.Columns, values, s.Base}), &e); err != nil {
		panic(fmt.Sprintf("an entry is not as its columns say: %v", err)) // made by our own statement
	}
	if s.Kind == Records {
		s.record = strings.TrimSuffix(e.Title, ".")
	}
	return e
}

// words are the qualifiers of figures as they stand before a number.
var words = map[string]string{"about": "about ", "at_least": "at least ", "up_to": "up to ", "more_than": "more than ", "at_most": "at most ", "less_than": "less than "}

// String is the figure in words: "at least 390 people from RU to UA".
func (f Figure) String() string {
	if f.Value == nil {
		return f.Unit + f.direction() + ": number not known"
	}
	return words[f.Qualifier] + strconv.FormatInt(*f.Value, 10) + " " + f.Unit + f.direction()
}

func (f Figure) direction() (text string) {
	if f.From != "" {
		text += " from " + f.From
	}
	if f.To != "" {
		text += " to " + f.To
	}
	return text
}

// text is the entry in a few lines: what it sums up beyond its title, its status, and its figures.
func (e *Entry) text() string {
	var lines []string
	if e.Summary != e.Title && e.Summary != "" {
		lines = append(lines, e.Summary)
	}
	if e.Status != "" {
		lines = append(lines, "Status: "+strings.ReplaceAll(e.Status, "_", " "))
	}
	for _, f := range e.Figures {
		lines = append(lines, f.String())
	}
	return strings.Join(lines, "\n")
}

// happened is when it began, if a day is on record: midnight in UTC, where the time is not.
func (e *Entry) happened() (time.Time, bool) {
	if e.StartedAt != nil {
		return e.StartedAt.UTC(), true
	}
	at, err := time.Parse(time.DateOnly, e.StartsOn)
	return at, err == nil
}

// answer is what feeds, calendars and citations say of themselves.
type answer struct {
	Meta
	title string // such as "Parley: rounds, party=UA"; of one record, with its own
	self  string // the address of this very answer
	first string // of its first page
	page  string // the same query, in the same order, in the form that comes unless another is asked for
	cite  string // the same, pinned to the revision
}

// newAnswer takes the addresses of an answer apart. The order that comes anyway in its form is no part of those in it, and of
// the others it is.
func newAnswer(s *Subject, f *Form, m Meta) answer {
	path, query, _ := strings.Cut(s.Address, "?")
	path = strings.TrimSuffix(path, "."+f.Name)
	v, _ := url.ParseQuery(query) // our own
	whole := maps.Clone(v)
	whole.Del("cursor")
	if f.Recent && v.Get("sort") == RecentFirst {
		v.Del("sort")
	}
	a := answer{Meta: m, title: "Parley: " + cmp.Or(s.record, s.Of, s.Collection), page: address(path, whole), cite: strings.Replace(m.Permalink, path+"."+f.Name+"?", path+"?", 1)}
	a.self = address(path+"."+f.Name, v)
	v.Del("cursor")
	a.first = address(path+"."+f.Name, v)
	for _, name := range slices.Sorted(maps.Keys(v)) {
		if name != "as_of" && name != "sort" {
			a.title += ", " + name + "=" + v.Get(name)
		}
	}
	return a
}

func address(path string, query url.Values) string {
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

// day is the one on which the revision was recorded; "" before the first.
func (a *answer) day() string {
	if a.AsOf == nil {
		return ""
	}
	return a.AsOf.UTC().Format(time.DateOnly)
}

// updated is when the revision was recorded. Before the first one it is the epoch: a feed must have a date.
func (a *answer) updated() time.Time {
	if a.AsOf == nil {
		return time.Unix(0, 0).UTC()
	}
	return a.AsOf.UTC()
}
