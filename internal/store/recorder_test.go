package store_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/record"
	"github.com/parley-api/parley/internal/store"
)

// effect is an operation with what it makes of its record.
type effect struct {
	store.Operation

	document record.Document // nil: deleted
	faulty   bool
	done     store.Recorded
	err      error
}

// carriedOut is a world after the operation, and whether that may be.
func (e *effect) carriedOut(w world) (after world, ok bool) {
	after = w.clone()
	if e.document == nil {
		delete(after[e.Kind], e.ID)
	} else {
		after[e.Kind][e.ID] = e.document
	}
	after.derive()
	return after, !e.faulty && after.valid()
}

// TestRecorder: what many writers record at once, of which the recorder carries out many together, is what they would have
// recorded one after the other, in the order of the revisions that they are told; also as read as of each.
func TestRecorder(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("PARLEY_MODEL_SEED"); text != "" {
		seed, _ = strconv.ParseUint(text, 10, 64)
	}
	t.Logf("to repeat, up to the order: PARLEY_MODEL_SEED=%d", seed)
	db := pgtest.DB(t)
	recorder := store.NewRecorder(db)
	g := &gambler{Rand: rand.New(rand.NewPCG(seed, 0)), world: present(t, db, nil)} //nolint:gosec // no secret
	worlds := []world{nil, g.world.clone()}
	accepted, refused, together := 0, 0, 0
	for round := range 10 {
		before := g.world
		effects := g.draw(16, round%2 == 0)
		var writers sync.WaitGroup
		for _, e := range effects {
			writers.Go(func() {
				e.done, e.err = recorder.Record(t.Context(), store.Changeset{Author: "test", Message: "test", Operations: []store.Operation{e.Operation}})
			})
		}
		writers.Wait()
		recorded := slices.DeleteFunc(slices.Clone(effects), func(e *effect) bool { return !e.done.Changed })
		slices.SortFunc(recorded, func(a, b *effect) int { return int(a.done.Revision - b.done.Revision) })
		between := []world{before}
		for _, e := range recorded {
			after, ok := e.carriedOut(between[len(between)-1])
			if !ok || e.done.Revision != int64(len(worlds)) {
				t.Fatalf("%+v was recorded as revision %d after %d", e, e.done.Revision, len(worlds)-1)
			}
			worlds, between = append(worlds, after), append(between, after)
		}
		for _, e := range effects {
			if e.done.Changed {
				accepted++
				told(t, db, e)
				continue
			}
			refused++
			if !slices.ContainsFunc(between, func(w world) bool {
				after, ok := e.carriedOut(w)
				return !ok || len(ops(w, after)) == 0
			}) {
				t.Errorf("%+v was always valid, and is not recorded: %v", e, e.err)
			}
		}
		g.world = worlds[len(worlds)-1]
	}
	if err := db.QueryRow(t.Context(), "select count(*) - count(distinct transaction_id) from changesets").Scan(&together); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d recorded, of which %d together with another; %d not recorded", accepted, together, refused)
	if accepted < 30 || refused < 10 || together < 10 {
		t.Error("too few to tell")
	}
	for revision := range worlds {
		if revision == 0 {
			continue
		}
		at := int64(revision)
		summedUp(t, db, at)
		if revision%3 > 0 && revision < len(worlds)-1 { // for time's sake
			continue
		}
		if diff := cmp.Diff(worlds[revision], present(t, db, &at)); diff != "" {
			t.Fatalf("revision %d, as the model was (-) and as of then (+):\n%.3000s", revision, diff)
		}
	}
}

// told compares what a writer was told of its changes with what is recorded of them.
func told(t *testing.T, db *pgxpool.Pool, e *effect) {
	t.Helper()
	if e.done.Changes == nil && e.Kind == record.Rounds {
		return
	}
	var recorded []store.RecordChange
	for c, err := range store.Differences(t.Context(), db, e.done.Revision) {
		if err != nil {
			t.Fatal(err)
		}
		recorded = append(recorded, c)
	}
	if diff := cmp.Diff(asTexts(recorded), asTexts(e.done.Changes)); diff != "" {
		t.Errorf("revision %d: changes as recorded (-) and as told (+):\n%s", e.done.Revision, diff)
	}
}

func asTexts(changes []store.RecordChange) (all []string) {
	for _, c := range changes {
		all = append(all, c.Op+" "+c.Kind.Collection+"/"+c.ID)
		for _, d := range c.Difference {
			all = append(all, fmt.Sprintf("%s: %s → %s", d.Field.Name, d.Field.AppendValue(nil, d.Before), d.Field.AppendValue(nil, d.After)))
		}
	}
	return all
}

// draw draws operations on as many records, mostly of collections with sums; each would be fine by itself, if that is asked.
func (g *gambler) draw(n int, fine bool) []*effect {
	var all []*effect
	before, named := g.world, map[*record.Kind]map[string]bool{}
	for len(all) < n {
		g.world, g.faulty = before.clone(), false
		o, ok := g.operation(named)
		e := &effect{Operation: o, document: g.world[o.Kind][o.ID], faulty: g.faulty}
		if !ok || o.Kind != record.PrisonerExchanges && o.Kind != record.BodyRepatriations && g.IntN(8) > 0 {
			continue
		}
		if _, ok := e.carriedOut(before); ok || !fine {
			all = append(all, e)
		}
	}
	g.world = before
	return all
}

// TestRecorderOnOneRecord: of writers who all create the same record, one does; changes without a guard on their revision
// all happen, one after the other.
func TestRecorderOnOneRecord(t *testing.T) {
	db := pgtest.DB(t)
	recorder := store.NewRecorder(db)
	there := present(t, db, nil)[record.BodyRepatriations]
	body := record.BodyRepatriations.Merge(there[slices.Sorted(maps.Keys(there))[0]], nil)
	write := func(guard store.Guard) (created int, revisions []int64) {
		var writers sync.WaitGroup
		var mu sync.Mutex
		for i := range 16 {
			writers.Go(func() {
				mine := maps.Clone(body)
				mine["note"] = "By writer " + strconv.Itoa(i)
				done, err := recorder.Record(t.Context(), store.Changeset{Author: "test", Message: "test", Operations: []store.Operation{
					{Op: store.Put, Kind: record.BodyRepatriations, ID: "of-many", Body: mine, Guard: guard},
				}})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					revisions = append(revisions, done.Revision)
				}
				if done.Created {
					created++
				}
			})
		}
		writers.Wait()
		slices.Sort(revisions)
		return created, slices.Compact(revisions)
	}
	if created, revisions := write(store.Guard{Absent: true}); created != 1 || len(revisions) != 1 {
		t.Errorf("created %d times, in revisions %v", created, revisions)
	}
	if created, revisions := write(store.Guard{Exists: true}); created != 0 || len(revisions) != 16 {
		t.Errorf("created %d times, in revisions %v; want 16 changes", created, revisions)
	}
}
