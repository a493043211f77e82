package web

import (
	"fmt"
	"strings"

	"github.com/parley-api/parley/internal/talks"
)

// Describe is the heading of the page of a record, and the record in a sentence or two.
func Describe(names Names, value any) (heading, summary string) {
	switch v := value.(type) {
	case talks.Process:
		return v.Name, v.Summary
	case talks.Round:
		return v.Title, v.Summary
	case talks.Delegation:
		return "Delegation of " + names.Of("parties", v.Party), "At " + names.Of("rounds", v.Round) + ", " + day(v.Date) + ". " + plural(len(v.Members), "member is named.", "members are named.")
	case talks.Person:
		return v.Name, "On record for " + names.Of("parties", v.Party) + " at " + plural(len(v.Rounds), "round of talks.", "rounds of talks.")
	case talks.Party:
		return v.Name, "A " + v.Kind + ", on record in " + plural(len(v.Rounds), "role at rounds of talks.", "roles at rounds of talks.")
	case talks.Proposal:
		return v.Summary, "Put forward by " + names.Of("parties", v.ProposedBy) + " at " + names.Of("rounds", v.Round) + ". On record as: " + words(v.Status) + "."
	case talks.Commitment:
		return v.Summary, "A commitment of " + list(names, v.Parties) + ", " + undertaken(v) + "."
	case talks.Claim:
		return v.Summary, "A claim by " + names.Of("parties", v.ClaimedBy) + ". On record as: " + words(v.Status) + "."
	case talks.PrisonerExchange:
		return "Prisoner exchange, " + day(v.Date), v.Summary
	case talks.BodyRepatriation:
		return "Repatriation of bodies, " + day(v.Date), v.Summary
	case talks.PublishedTotal:
		return "Published total: " + hedged(v.Value, v.Qualifier) + " " + v.Kind, "The figure of " + whose(names, v) + ", of " + counted(v) + "; " + directions(names, v) + "."
	case talks.Source:
		return v.Title, "Published by " + v.Publisher + "; cited by " + plural(len(v.CitedBy), "record.", "records.")
	case talks.Changeset:
		return fmt.Sprintf("Changeset %d", v.ID), v.Message
	}
	return "", ""
}

func undertaken(c talks.Commitment) string {
	if c.AgreedOn == nil {
		return "with no day on record"
	}
	return "of " + day(*c.AgreedOn)
}

func list(names Names, parties []string) string {
	said := make([]string, len(parties))
	for i, id := range parties {
		said[i] = names.Of("parties", id)
	}
	if len(said) == 0 {
		return "parties not on record"
	}
	return strings.Join(said, ", ")
}

// titled are the fields by which records of a collection are called where others refer to them.
var titled = map[string]string{
	"processes": "name", "rounds": "title", "people": "name", "parties": "name", "proposals": "summary", "commitments": "summary", "claims": "summary",
	"prisoner-exchanges": "date", "body-repatriations": "date",
}

// Titled is the field by which records of a collection are called; "" where they have none.
func Titled(collection string) string { return titled[collection] }
