package store

import (
	"context"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/talks"
)

// People took part in the talks, or are quoted.
var People = &Table{
	Name:   "people",
	About:  "People who took part, with the rounds each took part in and the role then.",
	Record: talks.Person{},
	Base:   "people",
	Shows:  []string{"delegations", "rounds", "sources"},
	Sort:   "name",
	Search: Search{
		Config: []string{"parley_simple"},
		Where:  "x.search @@ {q} or exists (select from person_aliases a where a.person = x.id and a.search @@ {q})",
	},
	Entry: &Entry{
		Type:  "'Person'",
		Parts: map[string]string{"title": "x.name"},
		Terms: []Column{
			{Name: "alternateName", Type: query.Texts, Show: "array_remove(x.name_native || array(select l.alias::text from person_aliases l where l.person = x.id order by l.position), null)"},
			{Name: "sameAs", Type: query.Text, Show: "'http://www.wikidata.org/entity/' || x.wikidata"},
			link("affiliation", "parties", "x.party"),
		},
	},
	Try: []string{"?party=UA", "?q=medinsky", "/rustem-umerov"},
	Affected: map[string]string{
		"delegations": "select m.person from delegation_members m where m.delegation = {ids}",
		"rounds":      "select m.person from delegation_members m join delegations d on d.id = m.delegation where d.round = {ids}",
		"sources":     "select m.person from delegation_members m join delegation_sources l on l.delegation = m.delegation where l.source = {ids}",
	},
	Column: columns(
		identity("people"),
		Column{Name: "name", Type: query.Text, SQL: `x.name collate "C"`, Sortable: true},
		Column{Name: "name_native", Type: query.Text, SQL: "x.name_native", Nullable: true},
		Column{Name: "party", Type: query.Text, SQL: "x.party"},
		linked("aliases", "person_aliases", "alias", "person", ""),
		Column{Name: "wikidata", Type: query.Text, SQL: "x.wikidata", Nullable: true},
		Column{Name: "rounds", Type: query.Objects, Show: `array_to_json(array(select r from (
			select r.id, r.title, r.starts_on, m.delegation, m.role, d.head is not distinct from m.person as head
			from delegation_members m join delegations d on d.id = m.delegation join rounds r on r.id = d.round
			where m.person = x.id order by r.starts_on, r.id) r))`},
		Column{
			// What says that the person took part: the sources of the delegations.
			Name: "sources", Type: query.Objects, Keyed: true, SQL: "l.source",
			Within: "exists (select from delegation_members m join delegation_sources l on l.delegation = m.delegation where m.person = x.id and %s)",
			Show: `array_to_json(array(select s from (
				select s.id, s.publisher, s.url, s.published_on from sources s where s.id in (
					select l.source from delegation_members m join delegation_sources l on l.delegation = m.delegation where m.person = x.id)
				order by s.published_on, s.id) s))`,
			Flat: `array(select s.id::text from sources s where s.id in (
					select l.source from delegation_members m join delegation_sources l on l.delegation = m.delegation where m.person = x.id)
				order by s.published_on, s.id)`,
		},
		reported("person"),
		recorded(),
		Column{
			Name: "round", Type: query.Text, Hidden: true, SQL: "d.round",
			Within: "exists (select from delegation_members m join delegations d on d.id = m.delegation where m.person = x.id and %s)",
		},
	),
}

// Parties are states and organisations.
var Parties = &Table{
	Name:   "parties",
	About:  "States and organisations, with the rounds each took part in, hosted or mediated.",
	Record: talks.Party{},
	Base:   "parties",
	Shows:  []string{"people", "delegations", "rounds", "prisoner-exchanges", "body-repatriations", "sources"},
	Sort:   "id",
	Search: names,
	Entry: &Entry{
		Type:  "case x.kind::text when 'state' then 'Country' else 'Organization' end",
		Parts: map[string]string{"title": "x.name"},
		Terms: []Column{{Name: "identifier", Type: query.Text, SQL: "x.iso2"}},
	},
	Try: []string{"", "/TR"},
	Affected: map[string]string{
		"people":      "select d.party from delegations d where d.head = {ids}",
		"delegations": "select d.party from delegations d where d.id = {ids}",
		"rounds": `select d.party from delegations d where d.round = {ids} union all select h.party from round_hosts h where h.round = {ids}
			union all select m.party from round_mediators m where m.round = {ids}`,
		"prisoner-exchanges": partiesTo("prisoner_exchange"),
		"body-repatriations": partiesTo("body_repatriation"),
		"sources":            "select d.party from delegations d join delegation_sources l on l.delegation = d.id where l.source = {ids}",
	},
	Column: columns(
		identity("parties"),
		Column{Name: "name", Type: query.Text, SQL: `x.name collate "C"`, Sortable: true},
		Column{Name: "kind", Type: query.Enum, SQL: "x.kind", Cast: "party_kind", Values: talks.PartyKinds},
		Column{Name: "iso2", Type: query.Text, SQL: "x.iso2", Nullable: true},
		Column{Name: "rounds", Type: query.Objects, Show: `array_to_json(array(select r from (
			select r.id, r.title, r.starts_on, p.capacity
			from (select d.round, 'delegation' as capacity, 1 as n from delegations d where d.party = x.id
				union all select h.round, 'host', 2 from round_hosts h where h.party = x.id
				union all select m.round, 'mediator', 3 from round_mediators m where m.party = x.id) p join rounds r on r.id = p.round
			order by r.starts_on, r.id, p.n) r))`},
		Column{Name: "delegations", Type: query.Objects, Show: `array_to_json(array(select d from (
			select d.id, d.round, r.starts_on, d.head, n.name as head_name
			from delegations d join rounds r on r.id = d.round left join people n on n.id = d.head where d.party = x.id
			order by r.starts_on, d.id) d))`},
		Column{Name: "exchanges", Type: query.Objects, Show: `array_to_json(array(select e from (
			` + partOf("prisoner-exchanges", "prisoner_exchange", "gave", "from_party") + ` union all
			` + partOf("prisoner-exchanges", "prisoner_exchange", "received", "to_party") + ` union all
			` + mediated("prisoner-exchanges", "prisoner_exchange") + ` union all
			` + partOf("body-repatriations", "body_repatriation", "gave", "from_party") + ` union all
			` + partOf("body-repatriations", "body_repatriation", "received", "to_party") + ` union all
			` + mediated("body-repatriations", "body_repatriation") + `) e))`},
		Column{
			// What says that the party took part: the sources of its delegations.
			Name: "sources", Type: query.Objects, Keyed: true, SQL: "l.source",
			Within: "exists (select from delegations d join delegation_sources l on l.delegation = d.id where d.party = x.id and %s)",
			Show: `array_to_json(array(select s from (
				select s.id, s.publisher, s.url, s.published_on from sources s where s.id in (
					select l.source from delegations d join delegation_sources l on l.delegation = d.id where d.party = x.id)
				order by s.published_on, s.id) s))`,
			Flat: `array(select s.id::text from sources s where s.id in (
					select l.source from delegations d join delegation_sources l on l.delegation = d.id where d.party = x.id)
				order by s.published_on, s.id)`,
		},
		reported("party"),
		recorded(),
	),
}

// partOf sums up the events in which the party x gave or received; there is no row where it never did.
func partOf(collection, record, capacity, column string) string {
	return of(record, `select '`+collection+`' as collection, '`+capacity+`' as capacity, count(*) as events, min(e.date) as first_on, max(e.date) as last_on
				from {x}_transfers t join {x}s e on e.id = t.{x} where t.`+column+` = x.id having count(*) > 0`)
}

// mediated sums up the events that the party x mediated.
func mediated(collection, record string) string {
	return of(record, `select '`+collection+`', 'mediator', count(*), min(e.date), max(e.date)
				from {x}_mediators m join {x}s e on e.id = m.{x} where m.party = x.id having count(*) > 0`)
}

// partiesTo is SQL for the parties that gave, received or mediated in some events.
func partiesTo(record string) string {
	return of(record, `select t.from_party from {x}_transfers t where t.{x} = {ids} union all select t.to_party from {x}_transfers t where t.{x} = {ids}
			union all select m.party from {x}_mediators m where m.{x} = {ids}`)
}

// IsParty returns an [*query.Error] for a party that reported_by= names, and that there has never been.
func IsParty(ctx context.Context, db *pgxpool.Pool, id string) error {
	var known bool
	var ids []string
	err := db.QueryRow(ctx, "select exists (select from history.parties where id = $1), array(select id::text from parties order by id)", id).Scan(&known, &ids)
	if err != nil {
		return fmt.Errorf("looking up a party: %w", err)
	}
	if !known {
		return &query.Error{Faults: []query.Fault{{
			Parameter: "reported_by", Reason: strconv.Quote(id) + " is not a party", Allowed: ids, Suggestion: query.Nearest(id, ids),
		}}}
	}
	return nil
}
