package httpapi_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/parley-api/parley/internal/httpapi"
	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/store"
)

type feature struct {
	Type     string          `json:"type"`
	ID       string          `json:"id"`
	Geometry *point          `json:"geometry"`
	Record   map[string]any  `json:"properties"`
	More     json.RawMessage `json:"-"`
}

type point struct {
	Type        string    `json:"type"`
	Coordinates []float64 `json:"coordinates"`
}

type collection struct {
	Type     string         `json:"type"`
	Features []feature      `json:"features"`
	Next     *string        `json:"next"`
	Meta     map[string]any `json:"meta"`
}

// TestGeoJSON: the features of every collection with places are the records of its JSON, in full, and say the same of
// themselves.
func TestGeoJSON(t *testing.T) {
	s := open(t, httpapi.Options{PublicURL: "http://parley.test"})
	for _, table := range store.Tables {
		list := "/v1/" + table.Name
		if !table.Grammar().Located() {
			s.get(t, list+".geojson", http.StatusNotAcceptable)
			continue
		}
		for _, query := range []string{"", "&bbox=22,44.3,40.3,52.4", "&date=2025&total_count=true", "&as_of=1", "&reported_by=UA", "&q=bodies", "&bbox=100,-80,99,80&sort=id", "&as_of=0"} {
			a := s.get(t, list+".geojson?_="+query, http.StatusOK)
			got := decode[collection](t, a.body)
			want := decode[struct {
				Data []map[string]any `json:"data"`
				Meta map[string]any   `json:"meta"`
			}](t, s.get(t, list+"?limit=1000"+query, http.StatusOK).body)
			if got.Type != "FeatureCollection" || got.Next != nil || a.response.Header.Get("Content-Type") != "application/geo+json" {
				t.Errorf("%s%s: %s, next %v", list, query, got.Type, got.Next)
			}
			delete(want.Meta, "permalink")
			delete(got.Meta, "permalink")
			if diff := cmp.Diff(want.Meta, got.Meta); diff != "" {
				t.Errorf("%s%s: meta of JSON (-) and of GeoJSON (+):\n%s", list, query, diff)
			}
			if diff := cmp.Diff(want.Data, records(t, got.Features)); diff != "" {
				t.Errorf("%s%s: JSON (-) and GeoJSON (+):\n%s", list, query, diff)
			}
		}
	}
}

// records are what features are about.
func records(t *testing.T, features []feature) []map[string]any {
	t.Helper()
	all := []map[string]any{}
	for _, f := range features {
		r := f.Record
		if f.Type != "Feature" || r["id"] != f.ID {
			t.Errorf("%s %s is about %v", f.Type, f.ID, r["id"])
		}
		if _, ok := r["lat"]; ok {
			t.Errorf("%s has its place twice", f.ID)
		}
		r["lat"], r["lon"] = nil, nil
		if g := f.Geometry; g != nil {
			if g.Type != "Point" || len(g.Coordinates) != 2 {
				t.Errorf("%s is at %+v", f.ID, g)
				continue
			}
			r["lon"], r["lat"] = g.Coordinates[0], g.Coordinates[1]
		}
		all = append(all, r)
	}
	return all
}

// TestGeoJSONSelected: fields= chooses properties; the geometry and the id are always there. Pages lead on.
func TestGeoJSONSelected(t *testing.T) {
	s := open(t, httpapi.Options{PublicURL: "http://parley.test"})
	for target, want := range map[string]string{
		"/v1/rounds/istanbul-2025-3.geojson?fields=title,lat": `{"type":"Feature","id":"istanbul-2025-3","geometry":{"type":"Point","coordinates":[28.9784,41.0082]},"properties":{"title":"Third Istanbul round, 23 July 2025"}}` + "\n",
		"/v1/rounds/online-2022-4.geojson?fields=status":      `{"type":"Feature","id":"online-2022-4","geometry":null,"properties":{"status":"held"}}` + "\n",
	} {
		if got := string(s.get(t, target, http.StatusOK).body); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", target, got, want)
		}
	}
	first := s.get(t, "/v1/events.geojson?limit=2&fields=title", http.StatusOK)
	page := decode[collection](t, first.body)
	if len(page.Features) != 2 || page.Next == nil || first.response.Header.Get("Link") != "<"+*page.Next+`>; rel="next"` {
		t.Fatalf("%s", first.body)
	}
	second := decode[collection](t, s.get(t, strings.TrimPrefix(*page.Next, "http://parley.test"), http.StatusOK).body)
	if len(second.Features) != 2 || second.Features[0].ID == page.Features[1].ID || len(second.Features[0].Record) != 1 {
		t.Errorf("%+v after %+v", second.Features, page.Features)
	}
	s.do(t, http.MethodGet, "/v1/rounds", http.Header{"Accept": {"application/geo+json"}}, http.StatusOK)
}

// TestBoxAtTheAntimeridian: 180 and -180 are one meridian, from whichever side a box ends there.
func TestBoxAtTheAntimeridian(t *testing.T) {
	db := pgtest.DB(t)
	pgtest.Change(t, db, nil, "update prisoner_exchanges set place = 'A place', lat = 10, lon = 180, place_precision = 'city' where id = 'exchange-2025-05-23'", "update prisoner_exchanges set place = 'A place', lat = 10, lon = -180, place_precision = 'city' where id = 'exchange-2025-05-24'")
	s := open(t, httpapi.Options{DB: db})
	for box, n := range map[string]int{
		"-180,-90,-179,90": 2, "179,-90,180,90": 2, "179,-90,-179,90": 2, "180,-90,180,90": 2, "-180,-90,-180,90": 2, "180,-90,-180,90": 2, "180,-90,-179,90": 2, "179,-90,-180,90": 2,
		"179,-90,179.9,90": 0, "-179.9,-90,-179,90": 0, "-180,20,-179,30": 0,
	} {
		if got := len(decode[struct{ Data []any }](t, s.get(t, "/v1/prisoner-exchanges?fields=id&bbox="+box, http.StatusOK).body).Data); got != n {
			t.Errorf("%s: %d records, want %d", box, got, n)
		}
	}
}
