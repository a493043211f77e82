package store_test

import (
	"fmt"
	"testing"

	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/record"
	"github.com/parley-api/parley/internal/store"
)

// TestPlannerKnowsWhatHasGrown: changesets of some thousand records in succession never leave the planner to think that a table is
// less than half as large as it is, however long autovacuum takes to come by.
func TestPlannerKnowsWhatHasGrown(t *testing.T) {
	db := pgtest.DB(t)
	kind := record.Find("sources")
	n := 0
	for range 4 {
		var operations []store.Operation
		for range 2000 {
			n++
			operations = append(operations, store.Operation{Op: store.Put, Kind: kind, ID: fmt.Sprintf("source-%d", n), Body: map[string]any{
				"publisher": "Publisher", "title": "Title", "title_is_descriptive": false, "language": "en", "kind": "news",
			}})
		}
		if _, err := store.Record(t.Context(), db, store.Changeset{Author: "test", Message: "many sources", Operations: operations}); err != nil {
			t.Fatal(err)
		}
		for _, table := range []string{"sources", "changes"} {
			var known, pages int
			if err := db.QueryRow(t.Context(), "select relpages, pg_relation_size(oid) / current_setting('block_size')::int from pg_class where oid = $1::text::regclass", table).Scan(&known, &pages); err != nil {
				t.Fatal(err)
			}
			if pages > 2*max(known, 10) {
				t.Errorf("after %d sources %s has %d pages, and the planner knows of %d", n, table, pages, known)
			}
		}
	}
	// However large a table is.
	for _, sql := range []string{"update pg_class set relpages = 2147483647 where oid = 'sources'::regclass", "select analyze_written('{sources}')"} {
		if _, err := db.Exec(t.Context(), sql); err != nil {
			t.Error(err)
		}
	}
}
