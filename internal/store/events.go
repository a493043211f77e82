package store

import (
	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/talks"
)

// Events are all dated happenings of the other collections in one timeline.
var Events = &Table{
	Name:    "events",
	About:   "All dated happenings in one timeline: rounds, exchanges, repatriations, proposals, commitments, due dates, claims.",
	Record:  talks.Event{},
	From:    "events x",
	Sort:    "-date",
	Search:  Search{Config: []string{"parley_english"}},
	Figures: true,
	Entry: &Entry{
		Type: happening,
		Parts: map[string]string{
			"url": "'events/' || x.id", "uid": "'event-' || x.id", "starts_on": "x.date",
			"started_at": "(select r.started_at from rounds r where x.type = 'round' and r.id = x.record)",
			"ended_at":   "(select r.ended_at from rounds r where x.type = 'round' and r.id = x.record)",
			"status":     "(select r.status::text from rounds r where x.type = 'round' and r.id = x.record)",
			"title":      "case x.type when 'due_date' then 'Due: ' else '' end || x.title",
			"sources": `array_to_json(array(select s from (select s.id, s.publisher, s.url, s.published_on
				from event_sources l join sources s on s.id = l.source where l.collection = x.collection and l.record = x.record order by l.position) s))`,
		},
		Terms: []Column{
			{Name: "about", Type: query.Link, Show: "x.collection || '/' || x.record"},
			{Name: "attendee", Type: query.Links, Show: "case when x.type = 'round' then array(select distinct 'parties/' || p.party from event_parties p where p.collection = x.collection and p.record = x.record order by 1) end"},
		},
	},
	Try: []string{"?date=2025-07", ".csv?type=prisoner_exchange,body_repatriation&sort=date"},
	Affected: map[string]string{
		"rounds": `select 'round-' || i from unnest($1::text[]) i union all select 'proposal-' || p.id from proposals p where p.round = {ids}
			union all select 'commitment-' || c.id from commitments c where c.round = {ids}`,
		"prisoner-exchanges": "select 'prisoner-exchange-' || i from unnest($1::text[]) i",
		"body-repatriations": "select 'body-repatriation-' || i from unnest($1::text[]) i",
		"proposals":          "select 'proposal-' || i from unnest($1::text[]) i",
		"commitments":        "select 'commitment-' || i from unnest($1::text[]) i union all select 'due-date-' || i from unnest($1::text[]) i",
		"claims":             "select 'claim-' || i from unnest($1::text[]) i",
	},
	Column: []Column{
		{
			Name: "id", Type: query.Text, SQL: "x.id", Sortable: true,
			// Records are looked up by their own ids.
			Equals: `x.id = any(%s) and x.record = any(array(select regexp_replace(i, '^(round|prisoner-exchange|body-repatriation|proposal|commitment|due-date|claim)-', '') from unnest(%s) i))`,
		},
		{Name: "url", Type: query.Link, Show: "x.collection || '/' || x.record"},
		{Name: "date", Type: query.Date, SQL: "x.date", Sortable: true},
		{Name: "ends_on", Type: query.Date, SQL: "x.ends_on"},
		{Name: "date_precision", Type: query.Enum, SQL: "x.date_precision", Values: talks.DatePrecisions},
		{Name: "type", Type: query.Enum, SQL: "x.type", Values: talks.EventTypes},
		{Name: "plover", Type: query.Enum, SQL: eventCode(func(c talks.EventCode) string { return c.PLOVER }), Values: talks.PLOVERTypes, Nullable: true},
		{Name: "cameo", Type: query.Text, SQL: eventCode(func(c talks.EventCode) string { return c.CAMEO }), Nullable: true},
		{Name: "collection", Type: query.Text, SQL: "x.collection"},
		{Name: "record", Type: query.Text, SQL: "x.record"},
		{Name: "round", Type: query.Text, SQL: "x.round", Nullable: true},
		{Name: "title", Type: query.Prose, SQL: "x.title"},
		{Name: "place", Type: query.Text, SQL: "x.place", Nullable: true},
		{Name: "country", Type: query.Text, SQL: "x.country", Nullable: true},
		{Name: "lat", Type: query.Number, SQL: "x.lat", Nullable: true},
		{Name: "lon", Type: query.Number, SQL: "x.lon", Nullable: true},
		{Name: "place_precision", Type: query.Enum, SQL: "x.place_precision", Cast: "place_precision", Values: talks.PlacePrecisions, Nullable: true},
		{
			Name: "parties", Type: query.Texts, SQL: "p.party", Within: eventParty,
			Show: `array(select distinct p.party collate "C" from event_parties p where p.collection = x.collection and p.record = x.record order by 1)`,
		},
		{Name: "figures", Type: query.Objects, Show: `array_to_json(array(select f from (select f.from_party as "from", f.to_party as "to", f.value, f.qualifier, f.unit
			from event_figures f where f.collection = x.collection and f.record = x.record and x.type <> 'due_date' order by f.position) f))`},
		figuresFrom(),
		{
			Name: "sources", Type: query.Texts, SQL: "s.source",
			Within: "exists (select from event_sources s where s.collection = x.collection and s.record = x.record and %s)",
			Show:   "array(select s.source from event_sources s where s.collection = x.collection and s.record = x.record order by s.position)",
		},
		{Name: "revision", Type: query.Integer, SQL: "x.revision", Sortable: true},
		{Name: "recorded_at", Type: query.Time, SQL: "(select c.recorded_at from changesets c where c.id = x.revision)"},
		{Name: "party", Type: query.Text, Hidden: true, SQL: "p.party", Within: eventParty},
	},
}

// eventParty is the condition on the parties to an event.
const eventParty = "exists (select from event_parties p where p.collection = x.collection and p.record = x.record and %s)"

// eventCode is SQL for a code of the field for the type of an event.
func eventCode(code func(talks.EventCode) string) string {
	sql := "case x.type"
	for _, c := range talks.EventCodes {
		if text := code(c); text != "" {
			sql += " when '" + c.Type + "' then '" + text + "'"
		}
	}
	return "(" + sql + " end)"
}
