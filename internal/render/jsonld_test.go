package render_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/parley-api/parley/internal/render"
)

func TestJSONLD(t *testing.T) {
	const want = `{
		"@type": "Event", "@id": "https://parley.test/v1/rounds/geneva-1", "url": "https://parley.test/v1/rounds/geneva-1",
		"name": "First round; Geneva, 2 & 3 <May>", "description": "They met.", "startDate": "2030-05-02", "endDate": "2030-05-03",
		"location": {"@type": "Place", "name": "Palais", "containedInPlace": {
			"@type": "Place", "name": "Geneva", "address": {"@type": "PostalAddress", "addressCountry": "CH"}, "geo": {"@type": "GeoCoordinates", "latitude": 46.2, "longitude": 6.1},
			"additionalProperty": [{"@type": "PropertyValue", "name": "place_precision", "value": "city"}]}},
		"attendee": ["https://parley.test/v1/parties/RU", "https://parley.test/v1/parties/UA"],
		"subjectOf": [
			{"@type": "CreativeWork", "@id": "https://parley.test/v1/sources/wire-1", "url": "https://example.org/?a=1&b=2", "publisher": {"@type": "Organization", "name": "Wire & Co"}, "datePublished": "2030-05-03"},
			{"@type": "CreativeWork", "@id": "https://parley.test/v1/sources/paper-1", "publisher": {"@type": "Organization", "name": "Paper"}}],
		"observations": [
			{"@type": "Observation", "variableMeasured": "people from RU to UA", "minValue": 390, "unitText": "people", "description": "at least 390"},
			{"@type": "Observation", "variableMeasured": "duration_minutes", "value": 40, "description": "about 40", "subjectOf": {
				"@type": "Claim", "author": "https://parley.test/v1/parties/UA", "creditText": "somebody", "appearance": {"@type": "CreativeWork", "@id": "https://parley.test/v1/sources/wire-1"}}}]
	}`
	record := decoded[map[string]any](t, encode(t, render.JSONLD, render.Records, meta(), meeting()))
	context := record["@context"]
	delete(record, "@context")
	if diff := cmp.Diff(decoded[map[string]any](t, want), record); diff != "" {
		t.Errorf("a record (-want +got):\n%s", diff)
	}
	list := decoded[map[string]any](t, encode(t, render.JSONLD, render.Lists, meta(), meeting(), meeting()))
	if diff := cmp.Diff(context, list["@context"]); diff != "" {
		t.Errorf("the context of a record (-) and of a list (+):\n%s", diff)
	}
	delete(list, "@context")
	if diff := cmp.Diff(map[string]any{
		"@type": "DataFeed", "@id": "https://parley.test/v1/rounds?as_of=8&party=UA", "name": "Parley: rounds, party=UA",
		"url":     "https://parley.test/v1/rounds?party=UA&sort=-revision",
		"license": "https://creativecommons.org/licenses/by/4.0/", "creditText": "The contributors", "version": "8", "dateModified": "2030-05-05T00:00:00Z",
		"dataFeedElement": []any{record, record},
	}, list); diff != "" {
		t.Errorf("a list (-want +got):\n%s", diff)
	}
}

// TestJSONLDClaimsNothing: what is not on record is not said.
func TestJSONLDClaimsNothing(t *testing.T) {
	var unknown []part
	for _, p := range meeting() {
		switch p.name {
		case "type", "id", "url", "title", "revision", "recorded_at":
		default:
			unknown = append(unknown, part{p.name, nil})
		}
	}
	record := decoded[map[string]any](t, encode(t, render.JSONLD, render.Records, meta(), meeting(unknown...)))
	delete(record, "@context")
	if diff := cmp.Diff(map[string]any{
		"@type": "Event", "@id": "https://parley.test/v1/rounds/geneva-1", "url": "https://parley.test/v1/rounds/geneva-1", "name": "First round; Geneva, 2 & 3 <May>",
	}, record); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
