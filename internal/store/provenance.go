package store

import (
	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/talks"
)

// PublishedTotals are cumulative figures as officials and media published them.
var PublishedTotals = &Table{
	Name:    "published-totals",
	About:   "Cumulative figures as officials and media published them, with who said so and what is counted.",
	Record:  talks.PublishedTotal{},
	Base:    "published_totals",
	Shows:   []string{"published-totals", "prisoner-exchanges", "body-repatriations", "sources"},
	From:    "compared_totals x",
	Sort:    "-date",
	Search:  english,
	Covers:  true,
	Figures: true,
	Entry: &Entry{
		Type: "'Observation'",
		Parts: map[string]string{
			"title": `case x.qualifier::text when 'exactly' then '' else replace(x.qualifier::text, '_', ' ') || ' ' end || x.value || ' ' || x.kind
				|| coalesce(' from ' || x.from_party, '') || coalesce(' to ' || x.to_party, '') || ', ' || x.scope_from || ' to ' || x.date`,
			"summary": "x.scope_note", "starts_on": "x.date", "voice": "x.party",
		},
		Terms: []Column{
			{Name: "variableMeasured", Type: query.Text, Show: "x.kind || coalesce(' from ' || x.from_party, '') || coalesce(' to ' || x.to_party, '')"},
			{Name: "value", Type: query.Integer, Show: "case when x.qualifier in ('exactly', 'about') then x.value end"},
			{Name: "minValue", Type: query.Integer, Show: "case when x.qualifier in ('at_least', 'more_than') then x.value end"},
			{Name: "maxValue", Type: query.Integer, Show: "case when x.qualifier in ('at_most', 'less_than') then x.value end"},
			{Name: "observationPeriod", Type: query.Text, Show: "x.scope_from || '/' || x.date"},
		},
	},
	Try: []string{"?kind=bodies&from=RU&sort=date", ".csv?party=UA", "?difference=1000..&fields=date,value,records_total,difference,unknown_count"},
	Affected: map[string]string{
		"prisoner-exchanges": "select p.id from published_totals p where p.kind = 'prisoners' and exists (select from prisoner_exchanges e where e.id = {ids} and e.date between p.scope_from and p.date)",
		"body-repatriations": "select p.id from published_totals p where p.kind = 'bodies' and exists (select from body_repatriations b where b.id = {ids} and b.date between p.scope_from and p.date)",
		"sources":            citing("published_total"),
	},
	Column: columns(
		identity("published-totals"),
		Column{Name: "date", Type: query.Date, SQL: "x.date", Sortable: true},
		Column{Name: "kind", Type: query.Enum, SQL: "x.kind", Cast: "total_kind", Values: talks.TotalKinds},
		Column{Name: "from", Type: query.Text, SQL: "x.from_party", Nullable: true},
		Column{Name: "to", Type: query.Text, SQL: "x.to_party", Nullable: true},
		Column{Name: "value", Type: query.Integer, SQL: "x.value"},
		Column{Name: "qualifier", Type: query.Enum, SQL: "x.qualifier", Cast: "report_qualifier", Values: talks.ReportQualifiers},
		Column{Name: "scope_from", Type: query.Date, SQL: "x.scope_from"},
		Column{Name: "scope_note", Type: query.Prose, SQL: "x.scope_note", Nullable: true},
		Column{Name: "party", Type: query.Text, SQL: "x.party", Nullable: true},
		saidBy(),
		Column{Name: "records_total", Type: query.Integer, SQL: "x.records_total"},
		Column{Name: "records", Type: query.Integer, SQL: "x.records"},
		Column{Name: "unknown_count", Type: query.Integer, SQL: "x.unknown_count"},
		Column{Name: "difference", Type: query.Integer, SQL: "x.difference"},
		Column{Name: "note", Type: query.Prose, SQL: "x.note", Nullable: true},
		figuresFrom(),
		provenance("published_total"),
	),
}

// Reports are the reported values of all figures, long form.
var Reports = &Table{
	Name:   "reports",
	About:  "Every reported value of every figure: who said what, by which source, also where they contradict each other.",
	Record: talks.Report{},
	Base:   "reports",
	Shows:  []string{"reports", "rounds", "commitments", "prisoner-exchanges", "body-repatriations"},
	From: `(select r.*, coalesce(r.round, r.commitment, r.prisoner_exchange, r.body_repatriation) as record,
		case when r.round is not null then 'rounds' when r.commitment is not null then 'commitments'
			when r.prisoner_exchange is not null then 'prisoner-exchanges' else 'body-repatriations' end as collection,
		coalesce(
			(select o.revision from rounds o where o.id = r.round), (select o.revision from commitments o where o.id = r.commitment),
			(select o.revision from prisoner_exchanges o where o.id = r.prisoner_exchange),
			(select o.revision from body_repatriations o where o.id = r.body_repatriation)) as revision
		from reports r) x`,
	Sort:   "id",
	Search: english,
	Entry: &Entry{
		Type: "'Observation'",
		Parts: map[string]string{
			"title": `x.record || ', ' || x.field || ': ' || case x.qualifier::text when 'exactly' then '' else replace(x.qualifier::text, '_', ' ') || ' ' end
				|| coalesce(x.value_number::text, x.value_text)`,
			"summary": "x.note", "voice": "x.party",
			"sources": "(select json_build_array(s) from (select s.id, s.publisher, s.url, s.published_on from sources s where s.id = x.source) s)",
		},
		Terms: []Column{
			{Name: "variableMeasured", Type: query.Text, SQL: "x.field"},
			{Name: "observationAbout", Type: query.Link, Show: "x.collection || '/' || x.record"},
			{Name: "value", Type: query.Scalar, Show: "case when x.qualifier in ('exactly', 'about') then coalesce(to_json(x.value_number), to_json(x.value_text)) end"},
			{Name: "minValue", Type: query.Integer, Show: "case when x.qualifier in ('at_least', 'more_than') then x.value_number end"},
			{Name: "maxValue", Type: query.Integer, Show: "case when x.qualifier in ('at_most', 'less_than') then x.value_number end"},
		},
	},
	Try: []string{"?record=istanbul-2025-3&field=duration_minutes", ".csv?field=transfers.RU-UA.total&party=RU"},
	Affected: map[string]string{
		"rounds":             "select r.id from reports r where r.round = {ids}",
		"commitments":        "select r.id from reports r where r.commitment = {ids}",
		"prisoner-exchanges": "select r.id from reports r where r.prisoner_exchange = {ids}",
		"body-repatriations": "select r.id from reports r where r.body_repatriation = {ids}",
	},
	Column: columns(
		identity("reports"),
		Column{
			Name: "collection", Type: query.Enum, SQL: "x.collection",
			Values: []string{"rounds", "commitments", "prisoner-exchanges", "body-repatriations"},
		},
		Column{Name: "record", Type: query.Text, SQL: "x.record"},
		Column{Name: "field", Type: query.Text, SQL: "x.field"},
		Column{
			Name: "value", Type: query.Scalar, SQL: "x.value_number",
			Show: "coalesce(to_json(x.value_number), to_json(x.value_text))", Flat: "coalesce(x.value_number::text, x.value_text)",
		},
		Column{Name: "qualifier", Type: query.Enum, SQL: "x.qualifier", Cast: "report_qualifier", Values: talks.ReportQualifiers},
		Column{Name: "party", Type: query.Text, SQL: "x.party", Nullable: true},
		saidBy(),
		Column{Name: "source", Type: query.Text, SQL: "x.source"},
		Column{Name: "note", Type: query.Prose, SQL: "x.note", Nullable: true},
		recorded(),
	),
}

// saidBy is the person or the body that a figure is from.
func saidBy() Column {
	return Column{Name: "said_by", Type: query.Text, SQL: "coalesce(x.said_by_person, x.said_by_name)", Nullable: true}
}

// Sources are the pages that everything else cites.
var Sources = &Table{
	Name:   "sources",
	About:  "Pages that the records cite, with what cites them. url is the address of the page itself.",
	Record: talks.Source{},
	Base:   "sources",
	Shows:  []string{"processes", "rounds", "delegations", "proposals", "commitments", "claims", "prisoner-exchanges", "body-repatriations", "published-totals"},
	Sort:   "-published_on",
	Search: names,
	Entry: &Entry{
		Type: "'CreativeWork'",
		Parts: map[string]string{
			"url": "'sources/' || x.id", "page": "x.url", "starts_on": "x.published_on",
			"title": "case when x.title_is_descriptive then '[' || x.title || ']' else x.title end", // as is usual for what is no headline
		},
		Terms: []Column{{Name: "datePublished", Type: query.Date, SQL: "x.published_on"}, {Name: "inLanguage", Type: query.Text, SQL: "x.language"}},
	},
	Try: []string{"?kind=official", "?published_on=2025-07-23&language=en", "/interbellum-2025-07-23"},
	Affected: map[string]string{
		"processes":          citedIn("process"),
		"rounds":             citedIn("round"),
		"delegations":        citedIn("delegation"),
		"proposals":          citedIn("proposal"),
		"commitments":        citedIn("commitment"),
		"claims":             citedIn("claim"),
		"prisoner-exchanges": citedIn("prisoner_exchange"),
		"body-repatriations": citedIn("body_repatriation"),
		"published-totals":   citedIn("published_total"),
	},
	Column: columns(
		Column{Name: "id", Type: query.Text, SQL: "x.id", Sortable: true},
		Column{Name: "url", Type: query.Text, SQL: "x.url", Nullable: true},
		Column{Name: "publisher", Type: query.Text, SQL: "x.publisher"},
		Column{Name: "title", Type: query.Prose, SQL: "x.title"},
		Column{Name: "title_is_descriptive", Type: query.Boolean, SQL: "x.title_is_descriptive"},
		Column{Name: "published_on", Type: query.Date, SQL: "x.published_on", Nullable: true, Sortable: true},
		Column{Name: "language", Type: query.Text, SQL: "x.language"},
		Column{Name: "kind", Type: query.Enum, SQL: "x.kind", Cast: "source_kind", Values: talks.SourceKinds},
		Column{Name: "cited_by", Type: query.Objects, Show: citedBy},
		recorded(),
		Column{Name: "date", Type: query.Date, SQL: "x.published_on", Nullable: true, Hidden: true, Sortable: true},
	),
}

// citedBy is the list of records that cite a source, as collection and id.
const citedBy = `array_to_json(array(select c from (
	          select 'processes' as collection, l.process::text as id from process_sources l where l.source = x.id
	union all select 'rounds', l.round from round_sources l where l.source = x.id
	union all select 'delegations', l.delegation from delegation_sources l where l.source = x.id
	union all select 'proposals', l.proposal from proposal_sources l where l.source = x.id
	union all select 'commitments', l.commitment from commitment_sources l where l.source = x.id
	union all select 'claims', l.claim from claim_sources l where l.source = x.id
	union all select 'prisoner-exchanges', l.prisoner_exchange from prisoner_exchange_sources l where l.source = x.id
	union all select 'body-repatriations', l.body_repatriation from body_repatriation_sources l where l.source = x.id
	union all select 'published-totals', l.published_total from published_total_sources l where l.source = x.id
	order by 1, 2) c))`

// Changesets are the revisions of the data set.
var Changesets = &Table{
	Name:   "changesets",
	About:  "Who changed the data set, when and why. The id is the revision; the seed is changeset 1.",
	Record: talks.Changeset{},
	From:   "changesets x",
	Sort:   "-id",
	Search: Search{Config: []string{"parley_english"}, Vector: "to_tsvector('parley_english', x.author || ' ' || x.message)"},
	Entry: &Entry{
		Type:  "'UpdateAction'",
		Parts: map[string]string{"id": "x.id::text", "title": "x.message", "revision": "x.id"},
		Terms: []Column{{Name: "endTime", Type: query.Time, SQL: "x.recorded_at"}},
	},
	Try:      []string{"", "/1"},
	Affected: map[string]string{"": "select $1::bigint"},
	Column: []Column{
		{Name: "id", Type: query.Integer, SQL: "x.id", Sortable: true},
		{Name: "url", Type: query.Link, Show: "'changesets/' || x.id"},
		{Name: "author", Type: query.Text, SQL: "x.author"},
		{Name: "message", Type: query.Prose, SQL: "x.message"},
		{Name: "recorded_at", Type: query.Time, SQL: "x.recorded_at"},
	},
}

// Changes are the feed of what changesets did to records.
var Changes = &Table{
	Name:   "changes",
	About:  "One ordered feed of what was created, updated and deleted, with who did it and why.",
	Record: talks.Change{},
	From: `(select c.id, c.revision, c.collection, c.record, c.op, s.author, s.message, s.recorded_at
		from changes c join changesets s on s.id = c.revision) x`,
	Sort: "id",
	Search: Search{
		Config: []string{"parley_english"},
		Where:  "x.revision in (select s.id from changesets s where to_tsvector('parley_english', s.author || ' ' || s.message) @@ {q})",
		Vector: "to_tsvector('parley_english', x.author || ' ' || x.message)",
	},
	Entry: &Entry{
		Type:  "initcap(x.op::text) || 'Action'",
		Parts: map[string]string{"id": "x.id::text", "title": "initcap(x.op::text) || ' ' || x.collection || '/' || x.record", "summary": "x.message"},
		Terms: []Column{{Name: "object", Type: query.Link, Show: "x.collection || '/' || x.record"}, {Name: "endTime", Type: query.Time, SQL: "x.recorded_at"}},
	},
	Try:      []string{"?sort=-id&limit=10", "?collection=rounds&record=istanbul-2025-3", "?after=100&op=update,delete"},
	Affected: map[string]string{"": "select c.id from changes c where c.revision = $1::bigint"},
	Column: []Column{
		{Name: "id", Type: query.Integer, SQL: "x.id", Sortable: true},
		{Name: "url", Type: query.Link, Show: "'changes/' || x.id"},
		{Name: "revision", Type: query.Integer, SQL: "x.revision", Sortable: true},
		{Name: "recorded_at", Type: query.Time, SQL: "x.recorded_at"},
		{Name: "author", Type: query.Text, SQL: "x.author"},
		{Name: "message", Type: query.Prose, SQL: "x.message"},
		{Name: "op", Type: query.Enum, SQL: "x.op", Cast: "change_op", Values: talks.ChangeOps},
		{Name: "collection", Type: query.Text, SQL: "x.collection"},
		{Name: "record", Type: query.Text, SQL: "x.record"},
		{Name: "after", Type: query.Position, SQL: "x.id", Hidden: true},
	},
}

// Coverage says how far the records of the other collections reach.
var Coverage = &Table{
	Name:   "coverage",
	About:  "From when to when the records of a collection run, by year, and what is known to be missing.",
	Record: talks.Coverage{},
	Base:   "coverage",
	Shows:  []string{},
	Sort:   "id",
	Search: Search{Config: []string{"parley_english"}, Vector: "to_tsvector('parley_english', x.collection || ' ' || coalesce(x.missing, ''))"},
	Entry: &Entry{
		Type:  "'Dataset'",
		Parts: map[string]string{"starts_on": "null::date", "ends_on": "null::date", "title": "'Coverage of ' || x.collection || coalesce(', ' || x.year, '')", "summary": "x.missing"},
		Terms: []Column{{Name: "temporalCoverage", Type: query.Text, Show: "x.starts_on || '/' || x.ends_on"}},
	},
	Try: []string{"?collection=prisoner-exchanges"},
	Column: columns(
		identity("coverage"),
		Column{Name: "collection", Type: query.Text, SQL: "x.collection"},
		Column{Name: "year", Type: query.Integer, SQL: "x.year", Nullable: true},
		Column{Name: "starts_on", Type: query.Date, SQL: "x.starts_on"},
		Column{Name: "ends_on", Type: query.Date, SQL: "x.ends_on"},
		Column{Name: "missing", Type: query.Prose, SQL: "x.missing", Nullable: true},
		recorded(),
	),
}
