// Package dataset is the files of a data set, as people keep them: a file a collection, in YAML, JSON, NDJSON or, for the
// collections that are tables, CSV. It turns them into the documents that the API writes, and back. What the values of a
// document may be is not asked here. It knows neither HTTP nor SQL.
//
// In files a record is as in the API, except that the place of a round, an exchange or a repatriation is one object,
// and that the day of a published total is called as_of.
package dataset

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/parley-api/parley/internal/record"
)

// Record is a record of a file.
type Record struct {
	Collection string // as in the API
	ID         string
	Document   map[string]any // as the API has it: texts, float64, bool, nil, lists and objects of these
	lines      map[string]int // by JSON pointer
	file       string
}

// Position is a place in a file.
type Position struct {
	File string
	Line int // from 1; 0: the file as a whole
}

func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// Position finds where in its file a part of the document stands: the nearest that is there, if it is not.
func (r *Record) Position(pointer string) Position {
	for {
		if line, ok := r.lines[pointer]; ok {
			return Position{r.file, line}
		}
		i := strings.LastIndexByte(pointer, '/')
		if i < 0 {
			return Position{r.file, r.lines[""]}
		}
		pointer = pointer[:i]
	}
}

// Fault is something wrong with a file.
type Fault struct {
	Position
	Reason string
}

// Error holds every fault of the files that were read.
type Error struct{ Faults []Fault }

func (e *Error) Error() string {
	lines := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		lines[i] = f.Position.String() + ": " + f.Reason
	}
	return strings.Join(lines, "\n")
}

// Formats that files are written in.
const (
	YAML   = "yaml"
	NDJSON = "ndjson"
	CSV    = "csv"
)

// keys are the keys of a record in files, in their order. "place" stands for what the API shows at the top level.
var keys = map[string]string{
	"processes":          "id name started_on ended_on parties mediators summary sources",
	"rounds":             "id process number title starts_on ends_on started_at ended_at duration_minutes status format place hosts mediators summary delegations reports sources note",
	"people":             "id name name_native party aliases wikidata",
	"parties":            "id name kind iso2",
	"proposals":          "id round proposed_by kind summary status targets sources note",
	"commitments":        "id round agreed_on kind summary parties targets categories due_on sources reports note",
	"claims":             "id round topic claimed_by summary quantity made_on status responds_to sources note",
	"prisoner-exchanges": "id date sequence_note place transfers mediators categories commitment summary reports sources note",
	"body-repatriations": "id date place transfers mediators commitment summary reports sources note",
	"published-totals":   "id as_of kind from to value qualifier scope_from scope_note party said_by sources note",
	"sources":            "id publisher title title_is_descriptive url published_on language kind",
	"coverage":           "id collection year starts_on ends_on missing",
}

func keysOf(collection string) []string { return strings.Fields(keys[collection]) }

// places are the keys of a place in files and what the API calls them, by collection.
var places = map[string][][2]string{
	"rounds":             {{"city", "city"}, {"country", "country"}, {"venue", "venue"}, {"lat", "lat"}, {"lon", "lon"}, {"precision", "place_precision"}},
	"prisoner-exchanges": exchangePlace,
	"body-repatriations": exchangePlace,
}

var exchangePlace = [][2]string{{"name", "place"}, {"country", "country"}, {"lat", "lat"}, {"lon", "lon"}, {"precision", "place_precision"}}

// renamed are other keys that the API calls otherwise.
var renamed = map[string][2]string{"published-totals": {"as_of", "date"}}

// FileName is the name of a collection's file, without extension.
func FileName(collection string) string { return strings.ReplaceAll(collection, "-", "_") }

// collectionOf is the collection that a file's name stands for, "" if none.
func collectionOf(file string) string {
	name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	collection := strings.ReplaceAll(name, "_", "-")
	if slices.Contains(record.Collections(), collection) {
		return collection
	}
	return ""
}

// Flat reports whether the records of a collection fit a table: no lists of objects.
func Flat(collection string) bool {
	return !slices.ContainsFunc(record.Find(collection).Fields, func(f record.Field) bool {
		return f.Type == record.Object || f.Type == record.List && f.Elem.Type == record.Object
	})
}

// toAPI gives the keys of a record of a file the names that the API has for them. Files may use those names, too.
func (r *Record) toAPI() []Fault {
	var faults []Fault
	if pair, ok := renamed[r.Collection]; ok {
		r.move("/"+pair[0], pair[0], r.Document, pair[1], &faults)
	}
	parts := places[r.Collection]
	place, nested := r.Document["place"].(map[string]any)
	given, ok := r.Document["place"]
	switch {
	case parts == nil || !ok || given != nil && !nested:
		return faults
	case given == nil: // of an exchange this may be the name alone, beside the other keys of the API
		for _, pair := range parts {
			if _, ok := r.Document[pair[1]]; !ok {
				r.Document[pair[1]] = nil
			}
		}
		if r.Collection == "rounds" {
			delete(r.Document, "place")
		}
		return faults
	}
	delete(r.Document, "place")
	for _, pair := range parts {
		r.move("/place/"+pair[0], pair[0], place, pair[1], &faults)
	}
	for name := range place {
		faults = append(faults, Fault{r.Position("/place/" + name), fmt.Sprintf("a place has no %q", name)})
	}
	return faults
}

// move takes a key out of an object and gives its value to the record, under another name.
func (r *Record) move(pointer, name string, from map[string]any, to string, faults *[]Fault) {
	value, ok := from[name]
	if !ok {
		return
	}
	delete(from, name)
	if _, twice := r.Document[to]; twice {
		*faults = append(*faults, Fault{r.Position(pointer), fmt.Sprintf("%s stands there already, as %s; write one of the two", name, to)})
	}
	r.Document[to] = value
	r.lines["/"+to] = r.Position(pointer).Line
}

// toFile returns the value of a key of files for a document of the API.
func toFile(collection, key string, document map[string]any) any {
	parts := places[collection]
	switch {
	case key == "place" && parts != nil:
		place := map[string]any{}
		known := false
		for _, pair := range parts {
			place[pair[0]] = document[pair[1]]
			known = known || document[pair[1]] != nil
		}
		if !known {
			return nil
		}
		return place
	case key == renamed[collection][0]:
		return document[renamed[collection][1]]
	}
	return document[key]
}
