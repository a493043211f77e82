package store

import (
	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/talks"
)

// PrisonerExchanges are exchanges and releases of prisoners, one a day and stage.
var PrisonerExchanges = &Table{
	Name:    "prisoner-exchanges",
	About:   "Exchanges and releases of prisoners: date, place, people by direction, mediators, the commitment it counts towards.",
	Record:  talks.PrisonerExchange{},
	Base:    "prisoner_exchanges",
	Shows:   []string{"reports", "sources"},
	Sort:    "-date",
	Search:  english,
	Covers:  true,
	Figures: true,
	Rows: &Rows{
		Of:   "transfers",
		Join: "left join prisoner_exchange_transfers t on t.prisoner_exchange = x.id",
		Sort: "t.position",
	},
	Kept:     []string{"transfers", "mediators", "categories", "sources", "reports", "recorded_at"},
	Steady:   []string{"country", "place"},
	Entry:    handedOver("prisoner-exchanges", "prisoner_exchange"),
	Try:      []string{"?date=2025", "?from=RU&total=300..&mediators=AE", ".csv?date=2025-05-23..2025-05-25", "?commitment=istanbul-2025-2-exchange-categories"},
	Affected: map[string]string{"sources": citing("prisoner_exchange")},
	Column: columns(
		identity("prisoner-exchanges"),
		Column{Name: "date", Type: query.Date, SQL: "x.date", Sortable: true},
		Column{Name: "sequence_note", Type: query.Prose, SQL: "x.sequence_note", Nullable: true},
		place(),
		Column{Name: "transfers", Type: query.Objects, Show: `array_to_json(array(select t from (
			select t.from_party as "from", t.to_party as "to", ` + figureKeys("t", "total", "pows", "civilians") + `
			from prisoner_exchange_transfers t where t.prisoner_exchange = x.id order by t.position) t))`},
		transferColumns("prisoner_exchange", "total", "pows", "civilians"),
		linked("mediators", "prisoner_exchange_mediators", "party", "prisoner_exchange", ""),
		linked("categories", "prisoner_exchange_categories", "category", "prisoner_exchange", "person_category").among(talks.PersonCategories),
		Column{Name: "commitment", Type: query.Text, SQL: "x.commitment", Nullable: true},
		Column{Name: "summary", Type: query.Prose, SQL: "x.summary"},
		Column{Name: "note", Type: query.Prose, SQL: "x.note", Nullable: true},
		figuresFrom(),
		provenance("prisoner_exchange"),
		eitherWay("prisoner_exchange"),
		disputed(`exists (select from prisoner_exchange_transfers t where t.prisoner_exchange = x.id
			and (t.total_status = 'disputed' or t.pows_status = 'disputed' or t.civilians_status = 'disputed'))`),
	),
}

// BodyRepatriations are transfers of the bodies of the dead, one a day.
var BodyRepatriations = &Table{
	Name:    "body-repatriations",
	About:   "Transfers of the bodies of the dead: date, place, bodies by direction, mediators, the commitment it counts towards.",
	Record:  talks.BodyRepatriation{},
	Base:    "body_repatriations",
	Shows:   []string{"reports", "sources"},
	Sort:    "-date",
	Search:  english,
	Covers:  true,
	Figures: true,
	Rows: &Rows{
		Of:   "transfers",
		Join: "left join body_repatriation_transfers t on t.body_repatriation = x.id",
		Sort: "t.position",
	},
	Kept:     []string{"transfers", "mediators", "sources", "reports", "recorded_at"},
	Steady:   []string{"country", "place"},
	Entry:    handedOver("body-repatriations", "body_repatriation"),
	Try:      []string{"?date=2025-06&sort=date", "?from=RU&total=1000..", ".csv?commitment=istanbul-2025-2-bodies-6000"},
	Affected: map[string]string{"sources": citing("body_repatriation")},
	Column: columns(
		identity("body-repatriations"),
		Column{Name: "date", Type: query.Date, SQL: "x.date", Sortable: true},
		place(),
		Column{Name: "transfers", Type: query.Objects, Show: `array_to_json(array(select t from (
			select t.from_party as "from", t.to_party as "to", ` + figureKeys("t", "total") + `
			from body_repatriation_transfers t where t.body_repatriation = x.id order by t.position) t))`},
		transferColumns("body_repatriation", "total"),
		linked("mediators", "body_repatriation_mediators", "party", "body_repatriation", ""),
		Column{Name: "commitment", Type: query.Text, SQL: "x.commitment", Nullable: true},
		Column{Name: "summary", Type: query.Prose, SQL: "x.summary"},
		Column{Name: "note", Type: query.Prose, SQL: "x.note", Nullable: true},
		figuresFrom(),
		provenance("body_repatriation"),
		eitherWay("body_repatriation"),
		disputed("exists (select from body_repatriation_transfers t where t.body_repatriation = x.id and t.total_status = 'disputed')"),
	),
}

// handedOver is the entry of an exchange or a repatriation.
func handedOver(collection, record string) *Entry {
	return &Entry{
		Type:  happening,
		Parts: map[string]string{"title": "x.summary", "starts_on": "x.date", "ends_on": "x.date", "figures": figuresOf(collection)},
		Terms: []Column{links("contributor", "parties", record+"_mediators", "party", record)},
	}
}

// place is where an exchange or a repatriation was.
func place() []Column {
	return append([]Column{
		{Name: "place", Type: query.Text, SQL: "x.place", Nullable: true},
		{Name: "country", Type: query.Text, SQL: "x.country", Nullable: true},
	}, position()...)
}

// transferColumns are the keys of a transfer as columns: of the rows of a flat form, and for filters.
func transferColumns(record string, counts ...string) []Column {
	all := []Column{
		{Name: "from", Type: query.Text, SQL: "t.from_party"},
		{Name: "to", Type: query.Text, SQL: "t.to_party"},
	}
	for _, name := range counts {
		all = append(all, figure(name, "t."+name)...)
	}
	for i := range all {
		all[i].OfRow, all[i].Within = true, of(record, "exists (select from {x}_transfers t where t.{x} = x.id and %s)")
	}
	return all
}

// eitherWay is the filter for events in which a party gave, received or mediated.
func eitherWay(record string) Column {
	return Column{
		Name: "party", Type: query.Text, Hidden: true, SQL: "p.party",
		Within: of(record, `exists (select from (select t.{x}, t.from_party as party from {x}_transfers t
			union all select t.{x}, t.to_party from {x}_transfers t union all select m.{x}, m.party from {x}_mediators m) p where p.{x} = x.id and %s)`),
	}
}
