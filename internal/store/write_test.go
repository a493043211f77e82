package store_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/record"
	"github.com/parley-api/parley/internal/render"
	"github.com/parley-api/parley/internal/store"
)

// shown reads all records of a collection as they are shown, at a revision or now.
func shown(t *testing.T, db *pgxpool.Pool, table *store.Table, at *int64) map[string]map[string]any {
	t.Helper()
	l, err := query.Parse(nil, table.Grammar())
	if err != nil {
		t.Fatal(err)
	}
	q := store.Question{Table: table, List: l, At: at}
	all := map[string]map[string]any{}
	r := render.Record{Columns: q.Shape()}
	var info store.Info
	for row, err := range store.Each(t.Context(), db, q, &info) {
		if err != nil {
			t.Fatal(err)
		}
		r.Values = row
		var body map[string]any
		if err := json.Unmarshal(render.AppendJSON(nil, r), &body); err != nil {
			t.Fatal(err)
		}
		all[body["id"].(string)] = body
	}
	return all
}

func tableOf(t *testing.T, collection string) *store.Table {
	t.Helper()
	i := slices.IndexFunc(store.Tables, func(table *store.Table) bool { return table.Name == collection })
	if i < 0 {
		t.Fatal("no collection", collection)
	}
	return store.Tables[i]
}

// TestWhatIsShownCanBeWritten: putting every record as it is shown is accepted, and changes nothing.
func TestWhatIsShownCanBeWritten(t *testing.T) {
	db := pgtest.DB(t)
	var operations []store.Operation
	for _, name := range record.Collections() {
		k := record.Find(name)
		for id, body := range shown(t, db, tableOf(t, name), nil) {
			at := "/" + name + "/" + id
			operations = append(operations, store.Operation{Op: store.Put, Kind: k, ID: id, Body: body, Guard: store.Guard{Exists: true}, At: at, Within: at})
		}
	}
	before, err := store.Revision(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	done, err := store.Record(t.Context(), db, store.Changeset{Author: "test", Message: "the same again", Operations: operations})
	if err != nil {
		t.Fatal(strings.ReplaceAll(err.Error(), "; ", "\n"))
	}
	if done.Changed || done.Revision != before || len(done.Changes) > 0 || len(operations) < 900 {
		t.Errorf("%d operations changed something: %+v", len(operations), done)
	}
}

// TestWholeDataSetAnew: the whole data set, written into a database that has only changesets, in one changeset in which
// everything refers to everything, is shown as it was.
func TestWholeDataSetAnew(t *testing.T) {
	from, to := pgtest.DB(t), pgtest.DB(t)
	var remove, put []store.Operation
	all := map[string]map[string]map[string]any{}
	for _, name := range record.Collections() {
		k := record.Find(name)
		all[name] = shown(t, from, tableOf(t, name), nil)
		for id, body := range all[name] {
			remove = append(remove, store.Operation{Op: store.Delete, Kind: k, ID: id, Guard: store.Guard{Exists: true}})
			body = maps.Clone(body)
			for _, key := range k.Computed {
				delete(body, key)
			}
			put = append(put, store.Operation{Op: store.Put, Kind: k, ID: id, Body: body, Restore: true})
		}
	}
	for _, operations := range [][]store.Operation{remove, put} {
		if _, err := store.Record(t.Context(), to, store.Changeset{Author: "test", Message: "test", Operations: operations}); err != nil {
			t.Fatal(strings.ReplaceAll(err.Error(), "; ", "\n"))
		}
	}
	for name, want := range all {
		got := shown(t, to, tableOf(t, name), nil)
		for _, records := range []map[string]map[string]any{want, got} {
			for _, r := range records {
				delete(r, "revision")
				delete(r, "recorded_at")
				for _, p := range parts(r["progress"]) {
					delete(p, "decided_on") // the day of the revision
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%.2000s", name, diff)
		}
	}
}
