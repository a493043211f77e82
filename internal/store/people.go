package store

import (
	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/talks"
)

// People took part in the talks, or are quoted.
var People = &Table{
	Name:   "people",
	About:  "People who took part, with the rounds each took part in and the role then.",
	Record: talks.Person{},
	Base:   "people",
	Sort:   "name",
	Search: Search{
		Config: "simple",
		Where:  "x.search @@ %s or exists (select from person_aliases a where a.person = x.id and a.search @@ %s)",
	},
	Try: []string{"?party=UA", "?q=medinsky", "/rustem-umerov"},
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
			Flat: `array(select distinct l.source::text collate "C" from delegation_members m join delegation_sources l on l.delegation = m.delegation
				where m.person = x.id order by 1)`,
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
	Sort:   "id",
	Search: Search{Config: "simple", Where: "x.search @@ %s"},
	Try:    []string{"", "/TR"},
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
		Column{
			// What says that the party took part: the sources of its delegations.
			Name: "sources", Type: query.Objects, Keyed: true, SQL: "l.source",
			Within: "exists (select from delegations d join delegation_sources l on l.delegation = d.id where d.party = x.id and %s)",
			Show: `array_to_json(array(select s from (
				select s.id, s.publisher, s.url, s.published_on from sources s where s.id in (
					select l.source from delegations d join delegation_sources l on l.delegation = d.id where d.party = x.id)
				order by s.published_on, s.id) s))`,
			Flat: `array(select distinct l.source::text collate "C" from delegations d join delegation_sources l on l.delegation = d.id
				where d.party = x.id order by 1)`,
		},
		reported("party"),
		recorded(),
	),
}
