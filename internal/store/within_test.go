package store_test

import (
	"errors"
	"maps"
	"math/rand/v2"
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
	"github.com/parley-api/parley/internal/render"
	"github.com/parley-api/parley/internal/store"
)

// follower holds the records of a question as events tell of them.
type follower struct {
	parameters string
	question   store.Question
	records    map[string]string // JSON by id
	revision   int64
	kinds      map[store.EventKind]int
}

func follow(t *testing.T, db *pgxpool.Pool, table *store.Table, parameters string, revision int64) *follower {
	t.Helper()
	values, err := url.ParseQuery(parameters)
	if err != nil {
		t.Fatal(err)
	}
	l, err := query.Parse(values, table.Grammar())
	if err != nil {
		t.Fatalf("%s?%s: %v", table.Name, parameters, err)
	}
	f := &follower{table.Name + "?" + parameters, store.Question{Table: table, List: l}, nil, revision, map[store.EventKind]int{}}
	f.records = f.list(t, db, revision)
	return f
}

func (f *follower) json(row store.Row) string {
	return string(render.AppendJSON(nil, render.Record{Columns: f.question.Shape(), Values: row}))
}

// list is the records of the question as of a revision.
func (f *follower) list(t *testing.T, db *pgxpool.Pool, revision int64) map[string]string {
	t.Helper()
	all := map[string]string{}
	q := f.question
	q.At = &revision
	q.List.Limit = 100_000
	q.List.Sort = query.Order{Field: "id"}
	shape := q.Shape()
	ids := q // the same records, with their ids alone
	ids.List.Fields = []string{"id"}
	var names []string
	if _, err := store.Page(t.Context(), db, ids, func(row store.Row) {
		names = append(names, string(render.AppendCSV(nil, render.Record{Columns: ids.Shape(), Values: row})))
	}); err != nil {
		t.Fatal(err)
	}
	i := 0
	if _, err := store.Page(t.Context(), db, q, func(row store.Row) {
		all[strings.TrimSpace(names[i])] = string(render.AppendJSON(nil, render.Record{Columns: shape, Values: row}))
		i++
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// take carries out an event, which must be true and must change something.
func (f *follower) take(t *testing.T, e store.Event) {
	t.Helper()
	old, had := f.records[e.ID]
	f.kinds[e.Kind]++
	switch e.Kind {
	case store.Upserted:
		now := f.json(e.Row)
		if had && now == old {
			t.Errorf("%s: revision %d changes nothing of %s", f.parameters, e.Revision, e.ID)
		}
		f.records[e.ID] = now
	case store.Left, store.Deleted:
		if !had {
			t.Errorf("%s: revision %d: %s of %s, which was not there", f.parameters, e.Revision, e.Kind, e.ID)
		}
		delete(f.records, e.ID)
	default:
		t.Errorf("%s: revision %d: %q of %s", f.parameters, e.Revision, e.Kind, e.ID)
	}
}

// drawn draws queries about a collection: all of it, the figures of a party, and filters of every kind.
func drawn(t *testing.T, g *rand.Rand, table *store.Table, n int) []string {
	t.Helper()
	all := []string{""}
	if table.Figures {
		all = append(all, "reported_by="+[]string{"UA", "RU"}[g.IntN(2)])
	}
	records := ask(t, table, nil)
	some := []string{"q=exchange", "fields=id,url", "party=RU", "disputed=true", "person=vladimir-medinsky", "date=2025-06.."}
	for _, column := range table.Column {
		f, _ := table.Grammar().Field(column.Name)
		of := make([][]string, len(records))
		for i, r := range records {
			of[i] = values(table, f, column.OfRow, r)
		}
		for _, op := range f.Operators() {
			some = slices.AppendSeq(some, maps.Keys(questions(f, op, of)))
		}
	}
	slices.Sort(some)
	g.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
	for _, parameters := range some {
		name, value, _ := strings.Cut(parameters, "=")
		if _, err := query.Parse(url.Values{name: {value}}, table.Grammar()); err == nil && len(all) < n {
			all = append(all, name+"="+url.QueryEscape(value))
		}
	}
	return all
}

// TestWithin: the records of a question as of a revision, and then what changes within it, are its records as of every
// revision that follows, byte by byte; and no event tells of nothing.
func TestWithin(t *testing.T) {
	seed, changesets := odds(t, 10)
	db := pgtest.DB(t)
	g := &gambler{Rand: rand.New(rand.NewPCG(seed, 0)), world: present(t, db, nil)} //nolint:gosec // no secret
	first, err := store.Revision(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	const july = "date=2025-07" // in which one exchange more or less is not left to chance
	last := pgtest.Change(t, db, nil, "update prisoner_exchanges set date = '2024-07-24' where id = 'exchange-2025-07-23'")
	g.world = present(t, db, nil)
	for tries := 0; last < first+int64(changesets) && tries < 20*changesets; tries++ {
		if g.IntN(6) == 0 { // another day; and what nobody writes over the API
			at := time.Now().AddDate(0, 0, int(last)).UTC().Format(time.RFC3339)
			last = pgtest.Change(t, db, &at, []string{
				"update coverage set ends_on = ends_on + 1",
				"update people set name = name || ' ' || current_setting('parley.changeset')",
				"update sources set publisher = publisher || ' ' || current_setting('parley.changeset') where kind = 'wire'",
				"update commitments set due_on = (select recorded_at::date + 2 from changesets order by id desc limit 1)",
			}[g.IntN(4)])
			g.world = present(t, db, nil)
			continue
		}
		last = max(last, g.record(t, db, 1+g.IntN(4)))
		g.world = present(t, db, nil)
		if g.IntN(4) == 0 {
			if _, err := store.CloseSegments(t.Context(), db, 1+g.Int64N(10), 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	kinds := map[store.EventKind]int{}
	for _, table := range store.Tables {
		queries := drawn(t, g.Rand, table, 4)
		if table == store.PrisonerExchanges {
			queries = append(queries, july)
		}
		for _, parameters := range queries {
			f := follow(t, db, table, parameters, first)
			f.catchUp(t, db, last)
			for kind, n := range f.kinds {
				kinds[kind] += n
			}
		}
	}
	t.Logf("%d revisions, events: %v", last-first, kinds)
	if kinds[store.Upserted] < changesets || kinds[store.Left] == 0 {
		t.Errorf("too few events to tell: %v", kinds)
	}
}

// catchUp takes the events up to a revision, compares after each changeset, and returns how many events there were.
func (f *follower) catchUp(t *testing.T, db *pgxpool.Pool, last int64) (events int) {
	t.Helper()
	compare := func(revision int64) {
		if diff := cmp.Diff(f.list(t, db, revision), f.records); diff != "" {
			t.Fatalf("%s: as of revision %d (-), and as events told (+):\n%.3000s", f.parameters, revision, diff)
		}
	}
	var at store.Event
	for e, err := range store.Between(t.Context(), db, f.question, f.revision, last) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Revision != at.Revision {
			for r := max(f.revision, at.Revision); r < e.Revision; r++ {
				compare(r)
			}
			if e.Revision < at.Revision || e.Sequence != 1 {
				t.Errorf("%s: %d-%d comes after %d-%d", f.parameters, e.Revision, e.Sequence, at.Revision, at.Sequence)
			}
		} else if e.Sequence != at.Sequence+1 {
			t.Errorf("%s: %d-%d comes after %d-%d", f.parameters, e.Revision, e.Sequence, at.Revision, at.Sequence)
		}
		f.take(t, e)
		at = e
		events++
	}
	for r := max(f.revision, at.Revision); r <= last; r++ {
		compare(r)
	}
	f.revision = last
	return events
}

// record draws changesets until one is recorded, and returns its revision; 0 if none of some was.
func (g *gambler) record(t *testing.T, db *pgxpool.Pool, operations int) int64 {
	t.Helper()
	for range 20 {
		before, named := g.world, map[*record.Kind]map[string]bool{}
		g.world = before.clone()
		var all []store.Operation
		for len(all) < operations {
			if o, ok := g.operation(named); ok {
				all = append(all, o)
			}
		}
		done, err := store.Record(t.Context(), db, store.Changeset{Author: "test", Message: "test", Operations: all})
		var refused *store.Rejected
		if err != nil && !errors.As(err, &refused) {
			t.Fatal(err)
		}
		if err == nil && done.Changed {
			return done.Revision
		}
		g.world = before
	}
	return 0
}

// TestWithinOthers: a change of each collection is told wherever it is shown. Each statement moves all that others show of it.
func TestWithinOthers(t *testing.T) {
	db := pgtest.DB(t)
	first, err := store.Revision(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		"update people set name = name || ' the other', name_native = 'інший'",
		"update sources set publisher = 'The other', published_on = '2026-01-01', url = 'https://example.org/' || id",
		"update rounds set title = title || ', the other', starts_on = starts_on - 100",
		"update rounds set city = 'Elsewhere', lat = 1, lon = 1 where format <> 'online'",
		"update rounds set process = (select max(id) from processes)",
		"update delegations set head = null",
		"update delegation_members set role = 'other'",
		"delete from delegation_members where position > 1",
		"update proposals set summary = 'other', status = 'rejected'",
		"update commitments set summary = 'other', agreed_on = '2026-05-01'",
		"update commitments set due_on = '2020-01-01'",
		"update claims set summary = 'other', made_on = '2026-05-01'",
		"update claims set responds_to = null",
		"update coverage set starts_on = '2022-02-24', ends_on = '2022-03-01'",
		"update coverage set collection = collection || '-other'",
		"update prisoner_exchanges set date = date - 500",
		"update prisoner_exchange_transfers set total = coalesce(total, 0) + 1, pows = null, civilians = null",
		"update prisoner_exchanges set commitment = null",
		"update body_repatriations set date = date - 500",
		"update body_repatriation_transfers set total = coalesce(total, 0) + 1",
		"update body_repatriations set commitment = null",
		"delete from prisoner_exchange_mediators",
		"delete from round_hosts",
		"update reports set party = 'UA' where party = 'RU'",
		"update published_totals set value = value + 1, note = 'other'",
		"update processes set summary = 'other'",
	} {
		pgtest.Change(t, db, nil, statement)
	}
	last := pgtest.Change(t, db, new("2099-01-02T00:00:00Z"), "update processes set summary = 'another day'")
	for _, table := range store.Tables {
		for _, parameters := range []string{"", "reported_by=UA"} {
			if parameters != "" && !table.Figures {
				continue
			}
			if f := follow(t, db, table, parameters, first); f.catchUp(t, db, last) == 0 {
				t.Errorf("nothing changes within %s", f.parameters)
			}
		}
	}
}

// TestAffected: for every collection of whose records those of another one show something, it is known which.
func TestAffected(t *testing.T) {
	for _, table := range store.Tables {
		for _, name := range table.Shows {
			written := name == table.Name && table.Base != "" && table.Name != "claims" // it is a record of its own that changed
			if table.Affected[name] == "" && name != "reports" && !written {
				t.Errorf("%s show something of %s: Affected must say which ones do", table.Name, name)
			}
		}
		for name := range table.Affected {
			if table.Shows != nil && name != "" && !slices.Contains(table.Shows, name) {
				t.Errorf("%s are affected by %s, and do not show anything of them", table.Name, name)
			}
		}
	}
}
