package store

import (
	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/talks"
)

// Rounds are single meetings, with the delegations as they were then and what was said and done at the table.
var Rounds = &Table{
	Name:    "rounds",
	About:   "Meetings: when and where, who sat at the table in which role, what was proposed, promised and claimed.",
	Record:  talks.Round{},
	Base:    "rounds",
	Shows:   []string{"delegations", "people", "proposals", "commitments", "claims", "reports", "sources"},
	Sort:    "-date",
	Search:  english,
	Covers:  true,
	Figures: true,
	Kept:    []string{"hosts", "mediators", "parties", "delegations", "proposals", "commitments", "claims", "sources", "reports", "recorded_at"},
	Entry: &Entry{
		Type: happening,
		Parts: map[string]string{
			"uid": "'round-' || x.id", "started_at": "x.started_at", "ended_at": "x.ended_at", "place": "x.city",
		},
		Terms: []Column{
			link("superEvent", "processes", "x.process"),
			schemaWord("eventStatus", "x.status::text", "held", "EventScheduled", "scheduled", "EventScheduled", "postponed", "EventPostponed", "cancelled", "EventCancelled"),
			schemaWord("eventAttendanceMode", "x.format::text", "in_person", "OfflineEventAttendanceMode", "online", "OnlineEventAttendanceMode", "hybrid", "MixedEventAttendanceMode"),
			links("attendee", "parties", "delegations", "party", "round"),
			links("organizer", "parties", "round_hosts", "party", "round"),
			links("contributor", "parties", "round_mediators", "party", "round"),
		},
	},
	Try: []string{"?process=istanbul-2025&sort=date", "/istanbul-2025-3", "?person=vladimir-medinsky&fields=id,starts_on,city,duration_minutes"},
	Affected: map[string]string{
		"delegations": "select d.round from delegations d where d.id = {ids}",
		"people":      "select d.round from delegation_members m join delegations d on d.id = m.delegation where m.person = {ids}",
		"proposals":   "select p.round from proposals p where p.id = {ids}",
		"commitments": "select c.round from commitments c where c.id = {ids}",
		"claims":      "select c.round from claims c where c.id = {ids}",
		"sources":     citing("round"),
	},
	Column: columns(
		identity("rounds"),
		Column{Name: "process", Type: query.Text, SQL: "x.process"},
		Column{Name: "number", Type: query.Integer, SQL: "x.number", Nullable: true},
		Column{Name: "title", Type: query.Prose, SQL: "x.title"},
		Column{Name: "starts_on", Type: query.Date, SQL: "x.starts_on", Sortable: true},
		Column{Name: "ends_on", Type: query.Date, SQL: "x.ends_on", Sortable: true},
		localTime("started_at"),
		localTime("ended_at"),
		sortable(figure("duration_minutes", "x.duration_minutes")),
		Column{Name: "status", Type: query.Enum, SQL: "x.status", Cast: "round_status", Values: talks.RoundStatuses},
		Column{Name: "format", Type: query.Enum, SQL: "x.format", Cast: "round_format", Values: talks.RoundFormats},
		Column{Name: "city", Type: query.Text, SQL: "x.city", Nullable: true},
		Column{Name: "country", Type: query.Text, SQL: "x.country", Nullable: true},
		Column{Name: "venue", Type: query.Text, SQL: "x.venue", Nullable: true},
		position(),
		linked("hosts", "round_hosts", "party", "round", ""),
		linked("mediators", "round_mediators", "party", "round", ""),
		Column{
			Name: "parties", Type: query.Texts, SQL: "d.party",
			Within: "exists (select from delegations d where d.round = x.id and %s)",
			Show:   "array(select d.party::text from delegations d where d.round = x.id order by d.position)",
		},
		Column{Name: "summary", Type: query.Prose, SQL: "x.summary"},
		Column{Name: "delegations", Type: query.Objects, Show: `array_to_json(array(select d from (
			select d.id, d.party, d.head, ` + figureKeys("d", "reported_size") + `, ` + members("d") + ` as members,
				array(select l.source from delegation_sources l where l.delegation = d.id order by l.position) as sources
			from delegations d where d.round = x.id order by d.position) d))`},
		Column{Name: "proposals", Type: query.Objects, Show: `array_to_json(array(select p from (
			select p.id, p.proposed_by, p.kind, p.summary, p.status, ` + of("proposal", targets("p")) + ` as targets
			from proposals p where p.round = x.id order by p.id) p))`},
		Column{Name: "commitments", Type: query.Objects, Show: `array_to_json(array(select c from (
			select c.id, c.agreed_on, c.kind, c.summary, ` + commitmentTargets("c") + ` as targets, c.due_on
			from commitments c where c.round = x.id order by c.id) c))`},
		Column{Name: "claims", Type: query.Objects, Show: `array_to_json(array(select c from (
			select c.id, c.topic, c.claimed_by, c.summary, ` + quantity("c") + ` as quantity, c.made_on, c.status, c.responds_to
			from claims c where c.round = x.id order by c.made_on nulls last, c.id) c))`},
		Column{Name: "note", Type: query.Prose, SQL: "x.note", Nullable: true},
		figuresFrom(),
		provenance("round"),
		Column{Name: "date", Type: query.Date, SQL: "x.starts_on", Until: "x.ends_on", Hidden: true, Sortable: true},
		Column{
			Name: "party", Type: query.Text, Hidden: true, SQL: "p.party",
			Within: `exists (select from (select d.round, d.party from delegations d union all select h.round, h.party from round_hosts h
				union all select m.round, m.party from round_mediators m) p where p.round = x.id and %s)`,
		},
		Column{
			Name: "person", Type: query.Text, Hidden: true, SQL: "m.person",
			Within: "exists (select from delegations d join delegation_members m on m.delegation = d.id where d.round = x.id and %s)",
		},
		disputed("(x.duration_minutes_status = 'disputed' or exists (select from delegations d where d.round = x.id and d.reported_size_status = 'disputed'))"),
	),
}

// Delegations are the parties' delegations at the rounds.
var Delegations = &Table{
	Name:   "delegations",
	About:  "One party's delegation at one round: head, members and their roles then, reported size.",
	Record: talks.Delegation{},
	Base:   "delegations",
	Shows:  []string{"rounds", "people", "reports", "sources"},
	Sort:   "-date",
	Search: Search{Config: []string{"parley_english", "parley_simple"}, Vector: `(to_tsvector('parley_simple', coalesce((select string_agg(concat_ws(' ', n.name, n.name_native, m.role), ' ')
		from delegation_members m join people n on n.id = m.person where m.delegation = x.id), '')) || (select r.search from rounds r where r.id = x.round))`},
	Covers:  true,
	Figures: true,
	Entry: &Entry{
		Type: "'Organization'",
		Parts: map[string]string{
			"title": "'Delegation of ' || (select p.name from parties p where p.id = x.party) || ': ' || (select r.title from rounds r where r.id = x.round)",
		},
		Terms: []Column{link("parentOrganization", "parties", "x.party"), links("member", "people", "delegation_members", "person", "delegation")},
	},
	Try: []string{"?party=RU&head=vladimir-medinsky", "/istanbul-2025-3-ru"},
	Affected: map[string]string{
		"rounds":  "select d.id from delegations d where d.round = {ids}",
		"people":  "select m.delegation from delegation_members m where m.person = {ids}",
		"sources": citing("delegation"),
	},
	Column: columns(
		identity("delegations"),
		Column{Name: "round", Type: query.Text, SQL: "x.round"},
		roundDate(),
		Column{Name: "party", Type: query.Text, SQL: "x.party"},
		Column{Name: "head", Type: query.Text, SQL: "x.head", Nullable: true},
		figure("reported_size", "x.reported_size"),
		Column{Name: "members", Type: query.Objects, Show: members("x")},
		figuresFrom(),
		cited("delegation"),
		Column{Name: "reports", Type: query.Objects, Show: `array_to_json(array(select r from (
			select ` + reportColumns + ` from reports r
			where r.round = x.round and r.field in ('delegation_size.' || x.party, 'delegation_head.' || x.party, 'delegation_members.' || x.party)
			order by r.position) r))`},
		recorded(),
		Column{
			Name: "person", Type: query.Text, Hidden: true, SQL: "m.person",
			Within: "exists (select from delegation_members m where m.delegation = x.id and %s)",
		},
		disputed("(x.reported_size_status = 'disputed')"),
	),
}

// members is the list of the members of a delegation.
func members(delegation string) string {
	return `array_to_json(array(select m from (
			select m.person, n.name, m.role from delegation_members m join people n on n.id = m.person
			where m.delegation = ` + delegation + `.id order by m.position) m))`
}

// roundDate is the day on which the round of a record began.
func roundDate() Column {
	return Column{Name: "date", Type: query.Date, SQL: "(select r.starts_on from rounds r where r.id = x.round)", Sortable: true}
}

// localTime is a time of a round, shown with the offset of the clock that it was read from.
func localTime(name string) Column {
	return Column{
		Name: name, Type: query.LocalTime, SQL: "x." + name, Nullable: true,
		Show: "local_time(x." + name + ", x.utc_offset)",
	}
}

// position is where something was.
func position() []Column {
	return []Column{
		{Name: "lat", Type: query.Number, SQL: "x.lat", Nullable: true},
		{Name: "lon", Type: query.Number, SQL: "x.lon", Nullable: true},
		{Name: "place_precision", Type: query.Enum, SQL: "x.place_precision", Cast: "place_precision", Values: talks.PlacePrecisions, Nullable: true},
	}
}

// sortable lets lists be sorted by the first of some columns.
func sortable(columns []Column) []Column {
	columns[0].Sortable = true
	return columns
}
