package store

import (
	"strings"

	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/talks"
)

// Proposals are what one party put forward at a round.
var Proposals = &Table{
	Name:   "proposals",
	About:  "What one party put forward at a round, and what became of it.",
	Record: talks.Proposal{},
	Base:   "proposals",
	Shows:  []string{"rounds", "sources"},
	Sort:   "-date",
	Search: english,
	Covers: true,
	Rows:   &Rows{Of: "targets", Join: "left join proposal_targets t on t.proposal = x.id", Sort: "t.position"},
	Entry: &Entry{
		Type:  "'CreativeWork'",
		Parts: map[string]string{"title": "x.summary", "starts_on": "(select r.starts_on from rounds r where r.id = x.round)", "figures": figuresOf("proposals")},
		Terms: []Column{link("author", "parties", "x.proposed_by"), link("featuredAt", "rounds", "x.round")},
	},
	Try: []string{"?round=istanbul-2025-3&proposed_by=UA", "?kind=ceasefire&sort=date"},
	Affected: map[string]string{
		"rounds":  "select p.id from proposals p where p.round = {ids}",
		"sources": citing("proposal"),
	},
	Column: columns(
		identity("proposals"),
		Column{Name: "round", Type: query.Text, SQL: "x.round"},
		roundDate(),
		Column{Name: "proposed_by", Type: query.Text, SQL: "x.proposed_by"},
		Column{Name: "kind", Type: query.Enum, SQL: "x.kind", Cast: "proposal_kind", Values: talks.ProposalKinds},
		Column{Name: "summary", Type: query.Prose, SQL: "x.summary"},
		Column{Name: "status", Type: query.Enum, SQL: "x.status", Cast: "proposal_status", Values: talks.ProposalStatuses},
		Column{Name: "targets", Type: query.Objects, Show: of("proposal", targets("x"))},
		quantityColumns("t", "exists (select from proposal_targets t where t.proposal = x.id and %s)"),
		Column{Name: "note", Type: query.Prose, SQL: "x.note", Nullable: true},
		provenance("proposal"),
	),
}

// Commitments are what the sides undertook.
var Commitments = &Table{
	Name:    "commitments",
	About:   "What the sides undertook, with a target for each direction where it is about a number.",
	Record:  talks.Commitment{},
	Base:    "commitments",
	Sort:    "-date",
	Search:  english,
	Covers:  true,
	Figures: true,
	Rows:    &Rows{Of: "progress", Join: "left join commitment_progress t on t.commitment = x.id", Sort: "t.position"},
	Entry: &Entry{
		Type: "'AgreeAction'",
		Parts: map[string]string{
			"title": "x.summary", "starts_on": "x.agreed_on", "figures": figuresOf("commitments"),
			"uid": "case when x.due_on is not null then 'due-date-' || x.id end",
		},
		Terms: []Column{
			links("agent", "parties", "commitment_parties", "party", "commitment"),
			{Name: "startTime", Type: query.Date, SQL: "x.agreed_on"},
		},
	},
	Try: []string{"?kind=prisoner_exchange&fields=id,status,progress", ".csv?status=open", "/istanbul-2025-2-bodies-6000"},
	Affected: map[string]string{
		"prisoner-exchanges": "select e.commitment from prisoner_exchanges e where e.id = {ids}",
		"body-repatriations": "select b.commitment from body_repatriations b where b.id = {ids}",
		"rounds":             "select c.id from commitments c where c.round = {ids}",
		"coverage":           "select c.id from coverage v join commitments c on v.collection = case c.kind when 'prisoner_exchange' then 'prisoner-exchanges' when 'body_repatriation' then 'body-repatriations' end where v.id = {ids}",
		"sources":            citing("commitment"),
		"":                   "select t.commitment from commitment_targets t where " + newDay,
	},
	Column: columns(
		identity("commitments"),
		Column{Name: "round", Type: query.Text, SQL: "x.round", Nullable: true},
		Column{Name: "agreed_on", Type: query.Date, SQL: "x.agreed_on", Nullable: true, Sortable: true},
		Column{Name: "kind", Type: query.Enum, SQL: "x.kind", Cast: "commitment_kind", Values: talks.CommitmentKinds},
		Column{Name: "summary", Type: query.Prose, SQL: "x.summary"},
		linked("parties", "commitment_parties", "party", "commitment", ""),
		Column{
			Name: "status", Type: query.Enum, Values: talks.LedgerStatuses, Nullable: true,
			SQL: "(select s.status from commitment_status s where s.commitment = x.id)",
		},
		Column{Name: "targets", Type: query.Objects, Show: commitmentTargets("x")},
		Column{Name: "progress", Type: query.Objects, Show: progress},
		progressColumns(),
		linked("categories", "commitment_categories", "category", "commitment", "person_category").among(talks.PersonCategories),
		Column{Name: "due_on", Type: query.Date, SQL: "x.due_on", Nullable: true},
		Column{Name: "note", Type: query.Prose, SQL: "x.note", Nullable: true},
		figuresFrom(),
		provenance("commitment"),
		Column{Name: "date", Type: query.Date, SQL: "x.agreed_on", Nullable: true, Hidden: true, Sortable: true},
		Column{
			Name: "party", Type: query.Text, Hidden: true, SQL: "p.party",
			Within: "exists (select from commitment_parties p where p.commitment = x.id and %s)",
		},
		disputed("exists (select from commitment_targets t where t.commitment = x.id and t.value_status = 'disputed')"),
	),
}

// Claims are attributed statements.
var Claims = &Table{
	Name:   "claims",
	About:  "Attributed statements that are or may be disputed, each with what it responds to.",
	Record: talks.Claim{},
	Base:   "claims",
	Shows:  []string{"claims", "sources"},
	Sort:   "-date",
	Search: english,
	Covers: true,
	Rows:   &Rows{Of: "quantity"},
	Entry: &Entry{
		Type:  "'Claim'",
		Parts: map[string]string{"title": "x.summary", "starts_on": "x.made_on", "figures": figuresOf("claims")},
		Terms: []Column{link("author", "parties", "x.claimed_by"), link("featuredAt", "rounds", "x.round"), link("about", "claims", "x.responds_to")},
	},
	Try: []string{"?topic=deported_children&sort=date", "?status=disputed&claimed_by=UA"},
	Affected: map[string]string{
		"claims":  "select c.responds_to from claims c where c.id = {ids}",
		"sources": citing("claim"),
	},
	Column: columns(
		identity("claims"),
		Column{Name: "round", Type: query.Text, SQL: "x.round", Nullable: true},
		Column{Name: "topic", Type: query.Enum, SQL: "x.topic", Cast: "claim_topic", Values: talks.ClaimTopics},
		Column{Name: "claimed_by", Type: query.Text, SQL: "x.claimed_by"},
		Column{Name: "summary", Type: query.Prose, SQL: "x.summary"},
		Column{Name: "quantity", Type: query.Object, Show: quantity("x")},
		quantityColumns("x", ""),
		Column{Name: "made_on", Type: query.Date, SQL: "x.made_on", Nullable: true, Sortable: true},
		Column{Name: "status", Type: query.Enum, SQL: "x.status", Cast: "claim_status", Values: talks.ClaimStatuses},
		Column{Name: "responds_to", Type: query.Text, SQL: "x.responds_to", Nullable: true},
		Column{
			Name: "answers", Type: query.Texts, SQL: "a.id",
			Within: "exists (select from claims a where a.responds_to = x.id and %s)",
			Show:   "array(select a.id::text from claims a where a.responds_to = x.id order by a.made_on nulls last, a.id)",
		},
		Column{Name: "note", Type: query.Prose, SQL: "x.note", Nullable: true},
		provenance("claim"),
		Column{Name: "date", Type: query.Date, SQL: "x.made_on", Nullable: true, Hidden: true, Sortable: true},
	),
}

// newDay is the condition that changeset $1 is the first of its day: what is due and what is overdue is decided by the day.
const newDay = `(select (c.recorded_at at time zone 'UTC')::date from public.changesets c where c.id = $1::bigint)
			is distinct from (select (c.recorded_at at time zone 'UTC')::date from public.changesets c where c.id = $1::bigint - 1)`

// quantityKeys are the keys of a number with its direction and unit.
const quantityKeys = `{t}.from_party as "from", {t}.to_party as "to", {t}.value, {t}.qualifier, {t}.unit`

// targets is the list of targets of a record, which the alias names and {x} says the kind of.
func targets(record string) string {
	return `array_to_json(array(select t from (select ` + strings.ReplaceAll(quantityKeys, "{t}", "t") + ` from {x}_targets t where t.{x} = ` + record + `.id order by t.position) t))`
}

// commitmentTargets is the same of a commitment, with how each stands.
func commitmentTargets(commitment string) string {
	return `array_to_json(array(select t from (select ` + strings.ReplaceAll(quantityKeys, "{t}", "t") + `, t.value_low, t.value_high, t.value_status
		from commitment_targets t where t.commitment = ` + commitment + `.id order by t.position) t))`
}

// quantity is the number that a claim is about, or null.
func quantity(claim string) string {
	return `(select row_to_json(q) from (select ` + strings.ReplaceAll(quantityKeys, "{t}", claim) + `) q where q.value is not null)`
}

// quantityColumns are the same keys as columns: of the rows of a flat form, and for filters.
func quantityColumns(alias, within string) []Column {
	all := []Column{
		{Name: "from", Type: query.Text, SQL: alias + ".from_party", Nullable: true},
		{Name: "to", Type: query.Text, SQL: alias + ".to_party", Nullable: true},
		{Name: "value", Type: query.Integer, SQL: alias + ".value"},
		{Name: "qualifier", Type: query.Enum, SQL: alias + ".qualifier", Cast: "qualifier", Values: talks.Qualifiers},
		{Name: "unit", Type: query.Enum, SQL: alias + ".unit", Cast: "quantity_unit", Values: talks.Units},
	}
	for i := range all {
		all[i].OfRow, all[i].Within = true, within
	}
	return all
}
