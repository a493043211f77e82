package store

import (
	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/talks"
)

// Found is the search through all records. It lists nothing of its own.
var Found = &Table{
	Name:   "search",
	About:  "One search through all records, best first, with the words found.",
	Record: talks.Found{},
	From:   "searchable x",
	Sort:   "id",
	Search: Search{Config: []string{"parley_english", "parley_simple"}, Only: true},
	Try:    []string{"?q=working+groups", "?q=Umerof&type=people"},
	Column: []Column{
		{Name: "id", Type: query.Text, SQL: "x.id", Sortable: true},
		{Name: "url", Type: query.Link, Show: "x.type || '/' || x.record"},
		{Name: "type", Type: query.Enum, SQL: "x.type", Values: searchedCollections},
		{Name: "record", Type: query.Text, SQL: "x.record"},
		{Name: "title", Type: query.Prose, SQL: "x.title"},
		{Name: "snippet", Type: query.Prose, Show: snippet},
		{Name: "rank", Type: query.Number, SQL: "ts_rank(x.search, {q})::float8"},
		{Name: "revision", Type: query.Integer, SQL: "x.revision", Sortable: true},
		{Name: "recorded_at", Type: query.Time, SQL: "(select c.recorded_at from changesets c where c.id = x.revision)"},
	},
}

var searchedCollections = []string{
	"processes", "rounds", "people", "parties", "proposals", "commitments", "claims", "prisoner-exchanges", "body-repatriations", "published-totals", "sources",
}

// snippet is HTML: the text is escaped before the words found are marked.
const snippet = `ts_headline('parley_english', replace(replace(replace(replace(x.body, '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '"', '&quot;'), {q},
	'StartSel=<mark>, StopSel=</mark>, MaxFragments=2, MaxWords=30, MinWords=10, FragmentDelimiter=" … "')`
