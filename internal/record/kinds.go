package record

import (
	"slices"

	"github.com/parley-api/parley/internal/talks"
)

// Kinds are the collections whose records are written, in an order in which each refers only to those before, to itself
// and to sources.
var Kinds = []*Kind{Parties, People, Sources, Processes, Rounds, Delegations, Proposals, Commitments, Claims, PrisonerExchanges, BodyRepatriations, PublishedTotals, Coverage}

// maxInteger is what the database's integers hold.
const maxInteger = 1<<31 - 1

// The collections.
var (
	Parties = &Kind{
		Collection: "parties", Name: "party", ID: partyID, Unique: [][]string{{"name"}}, rules: partyRules,
		Fields: []Field{
			{Name: "name", Type: Text, Required: true},
			{Name: "kind", Type: Enum, Values: talks.PartyKinds, Required: true},
			{Name: "iso2", Type: Code, Pattern: country},
		},
		Computed: append([]string{"rounds", "delegations", "exchanges", "sources", "reports"}, always...),
	}
	People = &Kind{
		Collection: "people", Name: "person", ID: slug,
		Fields: []Field{
			{Name: "name", Type: Text, Required: true},
			{Name: "name_native", Type: Text},
			{Name: "party", Type: Ref, To: "parties", Required: true},
			list("aliases", Field{Type: Text}),
			{Name: "wikidata", Type: Code, Pattern: wikidata},
		},
		Computed: append([]string{"rounds", "sources", "reports"}, always...),
	}
	Sources = &Kind{
		Collection: "sources", Name: "source", ID: slug, Unique: [][]string{{"url"}},
		Fields: []Field{
			{Name: "url", Type: Address},
			{Name: "publisher", Type: Text, Required: true},
			{Name: "title", Type: Text, Required: true},
			{Name: "title_is_descriptive", Type: Boolean, Required: true},
			{Name: "published_on", Type: Date},
			{Name: "language", Type: Code, Pattern: language, Required: true},
			{Name: "kind", Type: Enum, Values: talks.SourceKinds, Required: true},
		},
		Computed: []string{"cited_by", "revision", "recorded_at"},
	}
	Processes = &Kind{
		Collection: "processes", Name: "process", ID: slug, rules: processRules,
		Fields: []Field{
			{Name: "name", Type: Text, Required: true},
			{Name: "started_on", Type: Date, Required: true},
			{Name: "ended_on", Type: Date},
			parties("parties"),
			parties("mediators"),
			{Name: "summary", Type: Prose, Required: true},
			sources,
		},
		Computed: append([]string{"rounds", "reports"}, always...),
	}
	Rounds = &Kind{
		Collection: "rounds", Name: "round", ID: slug, rules: roundRules,
		Fields: []Field{
			{Name: "process", Type: Ref, To: "processes", Required: true},
			{Name: "number", Type: Integer, Min: 1, Max: 1<<15 - 1},
			{Name: "title", Type: Text, Required: true},
			{Name: "starts_on", Type: Date, Required: true},
			{Name: "ends_on", Type: Date, Required: true},
			{Name: "started_at", Type: Time},
			{Name: "ended_at", Type: Time},
			{Name: "duration_minutes", Type: Integer, Min: 1, Max: maxInteger},
			{Name: "status", Type: Enum, Values: talks.RoundStatuses, Required: true},
			{Name: "format", Type: Enum, Values: talks.RoundFormats, Required: true},
			{Name: "city", Type: Text},
			{Name: "country", Type: Code, Pattern: country},
			{Name: "venue", Type: Text},
			{Name: "lat", Type: Number, Min: -90, Max: 90},
			{Name: "lon", Type: Number, Min: -180, Max: 180},
			{Name: "place_precision", Type: Enum, Values: talks.PlacePrecisions},
			parties("hosts"),
			parties("mediators"),
			{Name: "summary", Type: Prose, Required: true},
			list("delegations", Field{Type: Object, Computed: append(standing("reported_size"), "id"), Fields: delegation}),
			note, sources, reports,
		},
		Computed: slices.Concat([]string{"parties", "proposals", "commitments", "claims", "figures_from"}, standing("duration_minutes"), always),
	}
	Delegations = &Kind{
		Collection: "delegations", Name: "delegation", ID: slug, PartOf: "rounds",
		Fields:   append([]Field{{Name: "round", Type: Ref, To: "rounds", Required: true}}, delegation...),
		Computed: slices.Concat([]string{"date", "reports", "figures_from"}, standing("reported_size"), always),
	}
	Proposals = &Kind{
		Collection: "proposals", Name: "proposal", ID: slug, rules: targetRules,
		Fields: []Field{
			{Name: "round", Type: Ref, To: "rounds", Required: true},
			{Name: "proposed_by", Type: Ref, To: "parties", Required: true},
			{Name: "kind", Type: Enum, Values: talks.ProposalKinds, Required: true},
			{Name: "summary", Type: Prose, Required: true},
			{Name: "status", Type: Enum, Values: talks.ProposalStatuses, Required: true},
			list("targets", quantity),
			note, sources,
		},
		Computed: append([]string{"date", "reports"}, always...),
	}
	Commitments = &Kind{
		Collection: "commitments", Name: "commitment", ID: slug, rules: commitmentRules,
		Fields: []Field{
			{Name: "round", Type: Ref, To: "rounds"},
			{Name: "agreed_on", Type: Date},
			{Name: "kind", Type: Enum, Values: talks.CommitmentKinds, Required: true},
			{Name: "summary", Type: Prose, Required: true},
			parties("parties"),
			list("targets", target),
			list("categories", Field{Type: Enum, Values: talks.PersonCategories}),
			{Name: "due_on", Type: Date},
			note, sources, reports,
		},
		Computed: append([]string{"status", "progress", "figures_from"}, always...),
	}
	Claims = &Kind{
		Collection: "claims", Name: "claim", ID: slug, rules: claimRules,
		Fields: []Field{
			{Name: "round", Type: Ref, To: "rounds"},
			{Name: "topic", Type: Enum, Values: talks.ClaimTopics, Required: true},
			{Name: "claimed_by", Type: Ref, To: "parties", Required: true},
			{Name: "summary", Type: Prose, Required: true},
			{Name: "quantity", Type: Object, Fields: quantity.Fields},
			{Name: "made_on", Type: Date},
			{Name: "status", Type: Enum, Values: talks.ClaimStatuses, Required: true},
			{Name: "responds_to", Type: Ref, To: "claims"},
			note, sources,
		},
		Computed: append([]string{"answers", "reports"}, always...),
	}
	PrisonerExchanges = &Kind{
		Collection: "prisoner-exchanges", Name: "prisoner_exchange", ID: slug, rules: exchangeRules,
		Fields: slices.Concat([]Field{
			{Name: "date", Type: Date, Required: true},
			{Name: "sequence_note", Type: Text},
		}, place, []Field{
			transfers("total", "pows", "civilians"),
			parties("mediators"),
			list("categories", Field{Type: Enum, Values: talks.PersonCategories}),
			{Name: "commitment", Type: Ref, To: "commitments"},
			{Name: "summary", Type: Prose, Required: true},
			note, sources, reports,
		}),
		Computed: append([]string{"figures_from"}, always...),
	}
	BodyRepatriations = &Kind{
		Collection: "body-repatriations", Name: "body_repatriation", ID: slug, rules: exchangeRules,
		Fields: slices.Concat([]Field{
			{Name: "date", Type: Date, Required: true},
		}, place, []Field{
			transfers("total"),
			parties("mediators"),
			{Name: "commitment", Type: Ref, To: "commitments"},
			{Name: "summary", Type: Prose, Required: true},
			note, sources, reports,
		}),
		Computed: append([]string{"figures_from"}, always...),
	}
	PublishedTotals = &Kind{
		Collection: "published-totals", Name: "published_total", ID: slug, rules: totalRules,
		Fields: []Field{
			{Name: "date", Type: Date, Required: true},
			{Name: "kind", Type: Enum, Values: talks.TotalKinds, Required: true},
			{Name: "from", Type: Ref, To: "parties"},
			{Name: "to", Type: Ref, To: "parties"},
			{Name: "value", Type: Integer, Max: maxInteger, Required: true},
			{Name: "qualifier", Type: Enum, Values: talks.ReportQualifiers, Required: true},
			{Name: "scope_from", Type: Date, Required: true},
			{Name: "scope_note", Type: Prose},
			{Name: "party", Type: Ref, To: "parties"},
			{Name: "said_by", Type: Speaker},
			note, sources,
		},
		Computed: append([]string{"reports", "records_total", "records", "unknown_count", "difference", "figures_from"}, always...),
	}
	Coverage = &Kind{
		Collection: "coverage", Name: "coverage", ID: slug, Unique: [][]string{{"collection", "year"}}, rules: coverageRules,
		Fields: []Field{
			{Name: "collection", Type: Enum, Required: true, Values: []string{
				"rounds", "delegations", "proposals", "commitments", "claims", "prisoner-exchanges", "body-repatriations", "published-totals",
			}},
			{Name: "year", Type: Integer, Min: 1900, Max: 2200},
			{Name: "starts_on", Type: Date, Required: true},
			{Name: "ends_on", Type: Date, Required: true},
			{Name: "missing", Type: Prose},
		},
		Computed: always,
	}
)

// always is what every record shows and nobody writes.
var always = []string{"url", "revision", "recorded_at"}

// Fields that several kinds have.
var (
	note    = Field{Name: "note", Type: Prose}
	sources = Field{Name: "sources", Type: List, Required: true, Elem: &Field{Type: Ref, To: "sources", Required: true}}
	reports = list("reports", Field{Type: Object, Fields: []Field{
		{Name: "field", Type: Text, Required: true},
		{Name: "value", Type: Value, Required: true},
		{Name: "qualifier", Type: Enum, Values: talks.ReportQualifiers, Required: true},
		{Name: "party", Type: Ref, To: "parties"},
		{Name: "said_by", Type: Speaker},
		{Name: "source", Type: Ref, To: "sources", Required: true},
		{Name: "note", Type: Prose},
	}})
	delegation = []Field{
		{Name: "party", Type: Ref, To: "parties", Required: true},
		{Name: "head", Type: Ref, To: "people"},
		count("reported_size", 1),
		list("members", Field{Type: Object, Computed: []string{"name"}, Fields: []Field{
			{Name: "person", Type: Ref, To: "people", Required: true},
			{Name: "role", Type: Text},
		}}),
		sources,
	}
	quantity = Field{Type: Object, Fields: []Field{
		{Name: "from", Type: Ref, To: "parties"},
		{Name: "to", Type: Ref, To: "parties"},
		{Name: "value", Type: Integer, Max: maxInteger, Required: true},
		{Name: "qualifier", Type: Enum, Values: talks.Qualifiers, Required: true},
		{Name: "unit", Type: Enum, Values: talks.Units, Required: true},
	}}
	target = Field{Type: Object, Fields: quantity.Fields, Computed: standing("value")}
	place  = []Field{
		{Name: "place", Type: Text},
		{Name: "country", Type: Code, Pattern: country},
		{Name: "lat", Type: Number, Min: -90, Max: 90},
		{Name: "lon", Type: Number, Min: -180, Max: 180},
		{Name: "place_precision", Type: Enum, Values: talks.PlacePrecisions},
	}
)

// standing is what figures show beside themselves.
func standing(figures ...string) []string {
	var all []string
	for _, name := range figures {
		all = append(all, name+"_low", name+"_high", name+"_status")
	}
	return all
}

func list(name string, elem Field) Field {
	elem.Required = true
	return Field{Name: name, Type: List, Elem: &elem}
}

func parties(name string) Field { return list(name, Field{Type: Ref, To: "parties"}) }

func count(name string, least float64) Field {
	return Field{Name: name, Type: Integer, Min: least, Max: maxInteger}
}

func transfers(counts ...string) Field {
	fields := []Field{
		{Name: "from", Type: Ref, To: "parties", Required: true},
		{Name: "to", Type: Ref, To: "parties", Required: true},
	}
	for _, name := range counts {
		fields = append(fields, count(name, 0))
	}
	return list("transfers", Field{Type: Object, Fields: fields, Computed: standing(counts...)})
}
