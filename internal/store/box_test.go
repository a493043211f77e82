package store_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/render"
	"github.com/parley-api/parley/internal/store"
)

// boxes are those whose edges lie on places of records, and between them, on both sides of the antimeridian.
func boxes(records []object) []query.Box {
	var lats, lons []float64
	for _, r := range records {
		if lat, lon, ok := position(r); ok {
			lats, lons = append(lats, lat), append(lons, lon)
		}
	}
	all := []query.Box{{West: -180, South: -90, East: 180, North: 90}, {West: -30.5, South: -60.25, East: -20.75, North: -50.125}}
	if lats == nil {
		return all
	}
	slices.Sort(lats)
	slices.Sort(lons)
	lats, lons = slices.Compact(lats), slices.Compact(lons)
	n, m := len(lats)-1, len(lons)-1
	return append(
		all,
		query.Box{West: lons[0], South: lats[0], East: lons[m], North: lats[n]},
		query.Box{West: lons[0], South: lats[0], East: lons[m/2], North: lats[n/2]},
		query.Box{West: lons[m], South: lats[0], East: lons[0], North: lats[n]}, // across the antimeridian: the outermost only
		query.Box{West: lons[m/2], South: -90, East: lons[m/3] - 0.5, North: 90},
		query.Box{West: lons[m/2], South: lats[n/2], East: lons[m/2], North: lats[n/2]},
		query.Box{West: lons[m] + 0.1, South: -90, East: lons[0] - 0.1, North: 90}, // none
	)
}

func position(r object) (lat, lon float64, ok bool) {
	x, hasLat := r["lat"].(json.Number)
	y, hasLon := r["lon"].(json.Number)
	lat, _ = x.Float64()
	lon, _ = y.Float64()
	return lat, lon, hasLat && hasLon
}

func within(b query.Box, r object) bool {
	lat, lon, ok := position(r)
	across := lon >= b.West && lon <= b.East
	if b.West > b.East {
		across = lon >= b.West || lon <= b.East
	}
	return ok && lat >= b.South && lat <= b.North && across
}

// TestEveryBox compares every box with a loop over all records: in both layouts, with other filters, counts and pages, in
// the past and by a party's figures.
func TestEveryBox(t *testing.T) {
	located := 0
	for _, table := range store.Tables {
		if !table.Grammar().Located() {
			continue
		}
		located++
		t.Run(table.Name, func(t *testing.T) {
			t.Parallel()
			for _, more := range []url.Values{nil, {"date": {"2025"}}, {"party": {"UA"}, "sort": {"id"}}, {"as_of": {"1"}}, {"reported_by": {"RU"}}, {"q": {"bodies or prisoners or talks"}, "sort": {"id"}}} {
				all := ask(t, table, more)
				for _, b := range boxes(ask(t, table, nil)) {
					asked := url.Values{"bbox": {b.String()}, "total_count": {"true"}}
					for name, values := range more {
						asked[name] = values
					}
					var want []string
					unplaced := int64(0)
					for _, r := range all {
						if _, _, ok := position(r); !ok {
							unplaced++
						} else if within(b, r) {
							want = append(want, r.id())
						}
					}
					records, info := askPage(t, table, asked, 100_000)
					if diff := cmp.Diff(want, ids(records)); diff != "" {
						t.Errorf("%s (-want +got):\n%s", asked.Encode(), diff)
					}
					if info.Total == nil || *info.Total != int64(len(want)) || info.Unplaced == nil || *info.Unplaced != unplaced {
						t.Errorf("%s: %v in all and %v without a place, want %d and %d", asked.Encode(), info.Total, info.Unplaced, len(want), unplaced)
					}
					if diff := cmp.Diff(want, askFlat(t, table, asked)); diff != "" {
						t.Errorf("flat, %s (-want +got):\n%s", asked.Encode(), diff)
					}
					if more["q"] == nil && len(want) > 0 {
						asked.Set("limit", strconv.Itoa(len(want)/3+1))
						if diff := cmp.Diff(want, walk(t, table, asked)); diff != "" {
							t.Errorf("by pages, %s (-want +got):\n%s", asked.Encode(), diff)
						}
					}
				}
			}
		})
	}
	if located < 4 {
		t.Errorf("only %d collections have places", located)
	}
}

// TestTotalsOfBox: totals of a box are those of its records, by any filter that names them.
func TestTotalsOfBox(t *testing.T) {
	totals := func(table *store.Table, parameters url.Values) (rows []string, info store.Info) {
		t.Helper()
		l, err := query.Totals(parameters, table.Grammar(), store.TotalsBy)
		if err != nil {
			t.Fatal(err)
		}
		q := store.Question{Table: table, List: l}
		info, err = store.Totals(t.Context(), pgtest.Shared(t), q, func(row store.Row) {
			rows = append(rows, string(render.AppendJSON(nil, render.Record{Columns: q.TotalsShape(), Values: row})))
		})
		if err != nil {
			t.Fatal(err)
		}
		return rows, info
	}
	for _, table := range []*store.Table{store.PrisonerExchanges, store.BodyRepatriations} {
		all := ask(t, table, nil)
		for _, b := range boxes(all) {
			in := []string{"none"}
			unplaced := int64(0)
			for _, r := range all {
				if within(b, r) {
					in = append(in, r.id())
				}
				if _, _, ok := position(r); !ok {
					unplaced++
				}
			}
			for _, by := range []string{"month", "year", "country", "mediator"} {
				got, info := totals(table, url.Values{"by": {by}, "bbox": {b.String()}})
				want, _ := totals(table, url.Values{"by": {by}, "id": {fmt.Sprint(in[0])}})
				if len(in) > 1 {
					list := ""
					for _, id := range in[1:] {
						list += "," + id
					}
					want, _ = totals(table, url.Values{"by": {by}, "id": {list[1:]}})
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s by %s in %s (-want +got):\n%s", table.Name, by, b, diff)
				}
				if info.Unplaced == nil || *info.Unplaced != unplaced {
					t.Errorf("%s in %s: %v without a place, want %d", table.Name, b, info.Unplaced, unplaced)
				}
			}
		}
	}
}
