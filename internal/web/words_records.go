package web

import (
	"slices"
	"strings"
)

// nouns are what a record of a collection is called, in the order in which the site lists them.
var nouns = map[string]string{
	"processes": "process", "rounds": "round", "delegations": "delegation", "people": "person", "parties": "party", "proposals": "proposal",
	"commitments": "commitment", "claims": "claim", "prisoner-exchanges": "prisoner exchange", "body-repatriations": "body repatriation",
	"published-totals": "published total", "sources": "source", "changesets": "changeset",
}

// HasPage reports whether each record of a collection has a page. The others are parts of those, or lines in lists.
func HasPage(collection string) bool { return nouns[collection] != "" }

// Noun is what a record of a collection is called.
func Noun(collection string) string { return nouns[collection] }

// Title is what a collection is called.
func Title(collection string) string {
	text := strings.ReplaceAll(collection, "-", " ")
	return strings.ToUpper(text[:1]) + text[1:]
}

// fields are parts of the names of fields that are not said as they are written.
var fields = map[string]string{
	"pows": "prisoners of war", "duration_minutes": "duration in minutes", "total": "total", "other": "other", "reported_size": "size of the delegation",
	"started_at": "beginning", "ended_at": "end",
}

// field is the name of a figure in words: "transfers.RU-UA.total" is "Total, Russia to Ukraine".
func field(names Names, name string) string {
	parts := strings.Split(name, ".")
	var direction string
	parts = slices.DeleteFunc(parts, func(part string) bool {
		from, to, ok := strings.Cut(part, "-")
		if ok && from == strings.ToUpper(from) && to == strings.ToUpper(to) {
			direction = ", " + names.Of("parties", from) + " to " + names.Of("parties", to)
			return true
		}
		if name, known := names["parties"][part]; known {
			direction = ", " + name
			return true
		}
		return part == "transfers" || part == "targets" || part == "delegations"
	})
	for i, part := range parts {
		if said := fields[part]; said != "" {
			parts[i] = said
		} else {
			parts[i] = words(part)
		}
	}
	text := strings.Join(parts, ", ") + direction
	text = strings.TrimPrefix(text, ", ")
	if text == "" {
		return name
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
