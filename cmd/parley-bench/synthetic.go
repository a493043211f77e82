package main

import (
	"fmt"
	"time"

	"github.com/parley-api/parley/internal/record"
	"github.com/parley-api/parley/internal/store"
)

// The data set is a function of its size alone: every run makes the same records, so that figures can be compared.
const (
	syntheticDays    = 9000 // that the exchanges are spread over
	syntheticSources = 100
	syntheticPeople  = 200
	syntheticProcess = "synthetic-process"
	delegates        = 5
)

// countries are where the exchanges were, in turn.
var countries = []string{"UA", "BY", "TR"}

var firstDay = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// roundsFor is how many rounds a data set of n exchanges has.
func roundsFor(n int) int { return max(100, n/1000) }

func exchangeID(i int) string { return fmt.Sprintf("synthetic-%d", i) }

func roundID(i int) string { return fmt.Sprintf("synthetic-round-%d", i) }

func sourceID(i int) string { return fmt.Sprintf("synthetic-source-%d", i%syntheticSources) }

func personID(i int) string { return fmt.Sprintf("synthetic-person-%d", i%syntheticPeople) }

// exchangeDay is the day of an exchange. The factor is a prime: neighbours in number are far apart in time.
func exchangeDay(i int) time.Time { return firstDay.AddDate(0, 0, i*7919%syntheticDays) }

func put(k *record.Kind, id string, body map[string]any) store.Operation {
	return store.Operation{Op: store.Put, Kind: k, ID: id, Body: body}
}

// commitmentID is the commitment of a year.
func commitmentID(year int) string { return fmt.Sprintf("synthetic-commitment-%d", year) }

// exchange is the exchange of a number. One in ten is disputed, one in four was mediated, one in five counts towards the
// commitment of its year, one in ten has a note.
func exchange(i int) store.Operation {
	return put(record.PrisonerExchanges, exchangeID(i), exchangeBody(i, exchangeDay(i)))
}

func exchangeBody(i int, day time.Time) map[string]any {
	total := i % 300
	reported := total
	if i%10 == 3 {
		reported += 1 + i%7
	}
	body := map[string]any{
		"date": day.Format(time.DateOnly), "place": fmt.Sprintf("Place %d", i%100), "country": countries[i%len(countries)], "place_precision": "city",
		"transfers": []any{transferOf("RU", "UA", total), transferOf("UA", "RU", total)},
		"summary":   fmt.Sprintf("Synthetic exchange %d", i),
		"sources":   []any{sourceID(i)},
		"reports":   []any{reportOf(i, "RU-UA", "UA", reported), reportOf(i, "UA-RU", "RU", total)},
	}
	if i%4 == 1 {
		body["mediators"] = []any{"AE"}
	}
	if i%5 == 2 {
		body["commitment"] = commitmentID(day.Year())
	}
	if i%10 == 7 {
		body["note"] = fmt.Sprintf("Synthetic note on exchange %d.", i)
	}
	return body
}

func transferOf(from, to string, total int) map[string]any {
	return map[string]any{"from": from, "to": to, "total": float64(total), "pows": float64(total * 9 / 10)}
}

func reportOf(i int, way, party string, value int) map[string]any {
	return map[string]any{"field": "transfers." + way + ".total", "value": float64(value), "qualifier": "exactly", "party": party, "source": sourceID(i)}
}

// foundations are the records that the others refer to. They may be there already, from a run that came no further.
func foundations() []store.Operation {
	var all []store.Operation
	for i := range syntheticPeople {
		all = append(all, put(record.People, personID(i), map[string]any{"name": fmt.Sprintf("Synthetic Person %d", i), "party": partyOf(i)}))
	}
	for i := range syntheticSources {
		all = append(all, put(record.Sources, sourceID(i), map[string]any{
			"publisher": "Synthetic", "title": fmt.Sprintf("Synthetic source %d", i), "title_is_descriptive": true,
			"published_on": firstDay.AddDate(0, 0, i).Format(time.DateOnly), "language": "en", "kind": "news",
		}))
	}
	for year := firstDay.Year(); year <= firstDay.AddDate(0, 0, syntheticDays).Year(); year++ {
		all = append(all, put(record.Commitments, commitmentID(year), map[string]any{
			"agreed_on": fmt.Sprintf("%d-01-01", year), "kind": "prisoner_exchange", "summary": fmt.Sprintf("Synthetic commitment of %d", year),
			"parties": []any{"RU", "UA"}, "sources": []any{sourceID(year)},
		}))
	}
	all = append(all, put(record.Processes, syntheticProcess, map[string]any{
		"name": "Synthetic process", "started_on": firstDay.Format(time.DateOnly), "parties": []any{"RU", "UA"},
		"summary": "A synthetic process for measurements.", "sources": []any{sourceID(0)},
	}))
	for i := range all {
		all[i].Guard = store.Guard{Exists: true, OrNew: true}
	}
	return all
}

// partyOf is whose person somebody is.
func partyOf(person int) string { return []string{"RU", "UA"}[person%2] }

// round is the round of a number, with two delegations.
func round(i int) store.Operation {
	day := exchangeDay(i).Format(time.DateOnly)
	return put(record.Rounds, roundID(i), map[string]any{
		"process": syntheticProcess, "title": fmt.Sprintf("Synthetic round %d", i), "starts_on": day, "ends_on": day,
		"duration_minutes": float64(30 + i%300), "status": "held", "format": "in_person",
		"city": fmt.Sprintf("City %d", i%100), "country": "TR", "place_precision": "city", "hosts": []any{"TR"},
		"summary":     fmt.Sprintf("Synthetic round %d between synthetic people.", i),
		"delegations": []any{delegation(i, 0), delegation(i, 1)},
		"sources":     []any{sourceID(i)},
	})
}

func delegation(round, side int) map[string]any {
	var members []any
	first := 2*delegates*round + side
	for k := range delegates {
		members = append(members, map[string]any{"person": personID(first + 2*k), "role": fmt.Sprintf("Synthetic delegate %d", k+1)})
	}
	return map[string]any{
		"party": partyOf(side), "head": personID(first), "reported_size": float64(delegates), "members": members, "sources": []any{sourceID(round)},
	}
}
