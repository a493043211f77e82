package store_test

import (
	"context"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/record"
	"github.com/parley-api/parley/internal/store"
)

// TestReadFrom: what a collection says that its answers are read from is all that their plans read, and no more.
func TestReadFrom(t *testing.T) {
	db, tr := traced(t, pgtest.Shared(t))
	tx := pgtest.Tx(t)
	for _, table := range store.Tables {
		if table.Shows == nil {
			continue
		}
		questions := everything(t, table)
		said := questions[0].ReadFrom()
		tr.take()
		for _, q := range questions {
			if got := q.ReadFrom(); !slices.Equal(got, said) {
				t.Errorf("%s: is read from %v, and from %v", table.Name, said, got)
			}
			var err error
			if q.List.By != "" {
				_, err = store.Totals(t.Context(), db, q, func(store.Row) {})
			} else {
				_, err = store.Page(t.Context(), db, q, func(store.Row) {})
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if _, err := store.One(t.Context(), db, questions[0], "none", func(store.Row) {}); err == nil {
			t.Error("there is no such record")
		}
		read, others := map[string]bool{table.Name: true}, false
		for _, a := range tr.take() {
			if strings.HasPrefix(a.sql, "begin") || strings.HasPrefix(a.sql, "commit") || strings.HasPrefix(a.sql, "set") || strings.HasPrefix(a.sql, "lock") ||
				strings.Contains(a.sql, " from history.") { // since when there is no such record
				continue
			}
			explain(t, tx, "verbose", a).walk(func(p plan) {
				others = others || p.Schema == "public" && p.Relation == table.Base && !strings.HasPrefix(p.Alias, "x")
				for _, collection := range collectionsOf(p, table.Name) {
					read[collection] = true
				}
			})
		}
		if others != slices.Contains(table.Shows, table.Name) {
			t.Errorf("%s: that records show something of other ones of the collection is %t", table.Name, others)
		}
		want := slices.Sorted(maps.Keys(read))
		if diff := cmp.Diff(want, slices.Sorted(slices.Values(said))); diff != "" {
			t.Errorf("%s: is read from (-) and says so (+):\n%s", table.Name, diff)
		}
	}
}

// everything is the questions that between them ask for all that may be asked of a collection, but what reads everything.
func everything(t *testing.T, table *store.Table) []store.Question {
	t.Helper()
	var all []store.Question
	add := func(parse func(url.Values, query.Grammar) (query.List, error), parameters string) {
		values, err := url.ParseQuery(parameters)
		if err != nil {
			t.Fatal(err)
		}
		for _, form := range []store.Form{store.Nested, store.Flat} {
			grammar := table.Grammar()
			grammar.Flat = form == store.Flat
			l, err := parse(values, grammar)
			if err != nil {
				t.Fatalf("%s?%s: %v", table.Name, parameters, err)
			}
			if l.Limit == 0 {
				l.Limit = 10
			}
			all = append(all, store.Question{Table: table, List: l, Form: form})
		}
	}
	add(query.Parse, "total_count=true")
	if strings.HasSuffix(table.Name, "-exchanges") || strings.HasSuffix(table.Name, "-repatriations") {
		for _, by := range store.TotalsBy {
			add(func(v url.Values, g query.Grammar) (query.List, error) { return query.Totals(v, g, store.TotalsBy) }, "by="+by)
		}
	}
	for _, f := range table.Grammar().Fields {
		if f.Type == query.Prose || f.Type == query.Link || f.Type == query.Object || f.Type == query.Objects && !f.Keyed {
			continue
		}
		parameter := f.Name + "=x"
		switch f.Type {
		case query.Boolean:
			parameter = f.Name + "=true"
		case query.Integer, query.Number, query.Scalar:
			parameter = f.Name + "=1.."
		case query.Date, query.Time, query.LocalTime:
			parameter = f.Name + "=2025"
		}
		if f.Values != nil {
			parameter = f.Name + "=" + f.Values[0]
		}
		add(query.Parse, parameter)
		if f.Sortable {
			add(query.Parse, "sort="+f.Name)
		}
	}
	return all
}

// collectionsOf are the collections that a node of a plan reads. What is kept is no source of its own, and when the
// changeset of a record was recorded (c) does not change; nor does an answer with the revision that it is of.
func collectionsOf(p plan, of string) []string {
	switch {
	case p.Relation == "" || p.Schema == "kept" || p.Relation == "changesets" && (strings.HasPrefix(p.Alias, "c") || strings.HasPrefix(p.Alias, "m")):
		return nil
	case p.Relation == "transfer_sums" && (of == "prisoner-exchanges" || of == "body-repatriations"):
		return []string{of}
	case p.Relation == "transfer_sums":
		return []string{"prisoner-exchanges", "body-repatriations"}
	case p.Relation == "reports":
		return []string{"reports"}
	}
	for _, k := range record.Kinds {
		base := strings.ReplaceAll(k.Collection, "-", "_")
		if p.Relation == base || strings.HasPrefix(p.Relation, k.Name+"_") {
			return []string{k.Collection}
		}
	}
	return []string{"unknown: " + p.Schema + "." + p.Relation}
}

// TestHolds: what was read holds until a changeset changes something that it was read from, and where that is not known it
// does not.
func TestHolds(t *testing.T) {
	db := pgtest.DB(t)
	watch := listening(t, db)
	holds := func(revision int64, collections ...string) bool {
		t.Helper()
		ok, err := watch.Holds(t.Context(), revision, collections)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	first, err := store.Revision(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	if !holds(first) || !holds(first, "rounds") || holds(first-1, "rounds") {
		t.Error("at the revision that it began with all holds, and of those before nothing is known")
	}
	heard := func(revision int64) {
		t.Helper()
		until(t, func() bool {
			n, err := watch.Revision(t.Context())
			return n == revision && err == nil
		})
	}
	other := store.NewWatch(db)
	second := pgtest.Change(t, db, nil, "update sources set title = 'other' where id = (select min(id) from sources)")
	heard(second)
	until(t, func() bool { return holds(first, "rounds", "people") })
	if holds(first, "rounds", "sources") || holds(first) || !holds(second, "sources") {
		t.Error("a source has changed")
	}
	if ok, err := other.Holds(t.Context(), first, []string{"people"}); ok || err != nil {
		t.Error("who does not listen does not know:", ok, err)
	}
	if _, err := db.Exec(t.Context(), "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and (query like '%listen %' or query like 'with now as%')"); err != nil {
		t.Fatal(err)
	}
	third := pgtest.Change(t, db, nil, "update people set name = 'other' where id = (select min(id) from people)")
	heard(third)
	until(t, func() bool { return holds(first, "rounds") && holds(second, "sources") })
	if holds(second, "people") || !holds(third, "people") {
		t.Error("a person has changed while nobody listened")
	}
	watch.Advance(third + 1) // as this process records one, before the database tells of it
	if holds(third, "rounds") || !holds(third+1, "rounds") {
		t.Error("what the next one changed is not known yet")
	}
}

// TestHoldsAfterMany: of a changeset that changes very much it is not looked for what.
func TestHoldsAfterMany(t *testing.T) {
	db := pgtest.DB(t)
	watch := listening(t, db)
	first, err := store.Revision(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	pgtest.Change(t, db, nil, "insert into sources (id, publisher, language, title_is_descriptive, kind, title, url) select 'page-' || i, 'Somebody', 'en', false, (select min(kind) from sources), 'Page ' || i, 'https://example.org/' || i from generate_series(1, 20000) i")
	until(t, func() bool {
		revision, err := watch.Revision(t.Context())
		return err == nil && revision == first+1
	})
	if ok, err := watch.Holds(t.Context(), first, []string{"rounds"}); ok || err != nil {
		t.Error(ok, err)
	}
	if ok, err := watch.Holds(t.Context(), first+1, []string{"rounds"}); !ok || err != nil {
		t.Error(ok, err)
	}
}

// listening returns a watch that listens.
func listening(t *testing.T, db *pgxpool.Pool) *store.Watch {
	t.Helper()
	watch := store.NewWatch(db)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); watch.Listen(ctx, slog.New(slog.DiscardHandler)) }()
	t.Cleanup(func() { stop(); <-done })
	until(t, watch.Listens)
	return watch
}

// until waits for what must come soon.
func until(t *testing.T, happens func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !happens(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not happen")
		}
	}
}
