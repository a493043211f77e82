package store

import (
	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/talks"
)

// Processes are series of rounds.
var Processes = &Table{
	Name:   "processes",
	About:  "Series of talks, such as Istanbul 2025.",
	Record: talks.Process{},
	Base:   "processes",
	Shows:  []string{"rounds", "sources"},
	Sort:   "-date",
	Search: english,
	Entry: &Entry{
		Type:  "'EventSeries'",
		Parts: map[string]string{"title": "x.name", "starts_on": "x.started_on", "ends_on": "x.ended_on"},
		Terms: []Column{
			links("attendee", "parties", "process_parties", "party", "process"),
			links("contributor", "parties", "process_mediators", "party", "process"),
			{Name: "subEvent", Type: query.Links, Show: "array(select 'rounds/' || r.id from rounds r where r.process = x.id order by r.starts_on, r.id)"},
		},
	},
	Try: []string{"", "?party=TR"},
	Affected: map[string]string{
		"rounds":  "select r.process from rounds r where r.id = {ids}",
		"sources": citing("process"),
	},
	Column: columns(
		identity("processes"),
		Column{Name: "name", Type: query.Text, SQL: "x.name"},
		Column{Name: "started_on", Type: query.Date, SQL: "x.started_on", Sortable: true},
		Column{Name: "ended_on", Type: query.Date, SQL: "x.ended_on", Nullable: true},
		linked("parties", "process_parties", "party", "process", ""),
		linked("mediators", "process_mediators", "party", "process", ""),
		Column{Name: "summary", Type: query.Prose, SQL: "x.summary"},
		Column{
			Name: "rounds", Type: query.Texts, SQL: "r.id",
			Within: "exists (select from rounds r where r.process = x.id and %s)",
			Show:   "array(select r.id::text from rounds r where r.process = x.id order by r.starts_on, r.id)",
		},
		provenance("process"),
		Column{Name: "date", Type: query.Date, SQL: "x.started_on", Hidden: true, Sortable: true},
		Column{
			Name: "party", Type: query.Text, Hidden: true, SQL: "p.party",
			Within: "exists (select from (select l.process, l.party from process_parties l union all select m.process, m.party from process_mediators m) p where p.process = x.id and %s)",
		},
	),
}
