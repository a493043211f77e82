package store

import (
	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/talks"
)

// Events are all dated happenings of the other collections in one timeline.
var Events = &Table{
	Name:   "events",
	About:  "All dated happenings in one timeline: rounds, exchanges, repatriations, proposals, commitments, due dates, claims.",
	Record: talks.Event{},
	From:   "events x",
	Sort:   "-date",
	Try:    []string{"?date=2025-07", ".csv?type=prisoner_exchange,body_repatriation&sort=date"},
	Column: []Column{
		{Name: "id", Type: query.Text, SQL: "x.id", Sortable: true},
		{Name: "url", Type: query.Link, Show: "x.collection || '/' || x.record"},
		{Name: "date", Type: query.Date, SQL: "x.date", Sortable: true},
		{Name: "ends_on", Type: query.Date, SQL: "x.ends_on"},
		{Name: "type", Type: query.Enum, SQL: "x.type", Values: talks.EventTypes},
		{Name: "collection", Type: query.Text, SQL: "x.collection"},
		{Name: "record", Type: query.Text, SQL: "x.record"},
		{Name: "round", Type: query.Text, SQL: "x.round", Nullable: true},
		{Name: "title", Type: query.Prose, SQL: "x.title"},
		{Name: "country", Type: query.Text, SQL: "x.country", Nullable: true},
		{Name: "lat", Type: query.Number, SQL: "x.lat", Nullable: true},
		{Name: "lon", Type: query.Number, SQL: "x.lon", Nullable: true},
		{
			Name: "parties", Type: query.Texts, SQL: "p.party", Within: eventParty,
			Show: `array(select distinct p.party collate "C" from event_parties p where p.collection = x.collection and p.record = x.record order by 1)`,
		},
		{
			Name: "sources", Type: query.Texts, SQL: "s.source",
			Within: "exists (select from event_sources s where s.collection = x.collection and s.record = x.record and %s)",
			Show:   "array(select s.source from event_sources s where s.collection = x.collection and s.record = x.record order by s.position)",
		},
		{Name: "revision", Type: query.Integer, SQL: "x.revision"},
		{Name: "recorded_at", Type: query.Time, SQL: "(select c.recorded_at from changesets c where c.id = x.revision)"},
		{Name: "party", Type: query.Text, Hidden: true, SQL: "p.party", Within: eventParty},
	},
}

// eventParty is the condition on the parties to an event.
const eventParty = "exists (select from event_parties p where p.collection = x.collection and p.record = x.record and %s)"
