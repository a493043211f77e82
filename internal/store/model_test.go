package store_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/record"
	"github.com/parley-api/parley/internal/render"
	"github.com/parley-api/parley/internal/store"
	"github.com/parley-api/parley/internal/talks"
)

// world is a model of the data set: every record's document, by collection and id.
type world map[*record.Kind]map[string]record.Document

func (w world) clone() world {
	c := world{}
	for k, records := range w {
		c[k] = maps.Clone(records)
	}
	return c
}

// present reads the world from the database.
func present(t *testing.T, db *pgxpool.Pool, at *int64) world {
	t.Helper()
	w := world{}
	for _, k := range record.Kinds {
		w[k] = map[string]record.Document{}
		for id, body := range shown(t, db, tableOf(t, k.Collection), at) {
			w[k][id] = k.Stored(body)
		}
	}
	for id, round := range w[record.Rounds] {
		for i, d := range round.Documents("delegations") {
			w[record.Delegations][delegationOf(id, d)][place] = i
			w[record.Delegations][delegationOf(id, d)][standing] = sizeOf(d, round)
		}
	}
	return w
}

// place is a delegation's in its round, standing is how its size stands by the reports of the round. Neither is written as
// part of the delegation, but the delegation changes with them.
const (
	place    = "place in the round"
	standing = "how the size stands"
)

// sizeOf is how the size of a delegation stands.
func sizeOf(delegation, round record.Document) talks.Figure {
	var own *int
	if n, ok := delegation.Int("reported_size"); ok {
		own = new(int(n))
	}
	var said []talks.Statement
	for _, r := range round.Documents("reports") {
		n, ok := r.Int("value")
		if !ok || r.String("field") != "delegation_size."+delegation.String("party") {
			continue
		}
		voice := r.String("party")
		if voice == "" {
			voice = r.String("source")
		}
		said = append(said, talks.Statement{Value: int(n), Qualifier: r.String("qualifier"), Voice: voice})
	}
	return talks.FigureOf(own, "exactly", said)
}

func delegationOf(round string, d record.Document) string {
	return round + "-" + strings.ToLower(d.String("party"))
}

// derive makes the delegations what the rounds say.
func (w world) derive() {
	all := map[string]record.Document{}
	for id, round := range w[record.Rounds] {
		for i, d := range round.Documents("delegations") {
			d = maps.Clone(d)
			d["round"], d[place], d[standing] = id, i, sizeOf(d, round)
			all[delegationOf(id, d)] = d
		}
	}
	w[record.Delegations] = all
}

// valid reports whether every record refers only to what is there, and what must be unique is.
func (w world) valid() bool {
	for _, k := range record.Kinds {
		if k.PartOf != "" {
			continue
		}
		seen := map[string]bool{}
		for id, d := range w[k] {
			for _, r := range k.Check(id, "", k.Merge(d, nil)).Refs {
				if w[record.Find(r.Collection)][r.ID] == nil {
					return false
				}
			}
			for _, fields := range k.Unique {
				key := fmt.Sprint(fields)
				known := true
				for _, f := range fields {
					key, known = key+"\x00"+fmt.Sprint(d[f]), known && d[f] != nil
				}
				if known && seen[key] {
					return false
				}
				seen[key] = true
			}
		}
	}
	return true
}

// gambler makes random changes to a world.
type gambler struct {
	*rand.Rand
	world
	made   int
	faulty bool // a record of the changeset is not as records are
}

// pick chooses one of the ids of a collection.
func (g *gambler) pick(k *record.Kind) string {
	ids := slices.Sorted(maps.Keys(g.world[k]))
	if len(ids) == 0 || g.IntN(40) == 0 {
		return "nobody"
	}
	return ids[g.IntN(len(ids))]
}

// value draws a value of a field: now and then one that cannot be.
func (g *gambler) value(f record.Field, old any) any {
	if !f.Required && f.Type != record.List && g.IntN(4) == 0 {
		return nil
	}
	switch f.Type {
	case record.Text, record.Prose:
		return []string{"A text", "Інший текст", "x;y", "'", "=1", "\\N", "{}"}[g.IntN(7)] + " " + strconv.Itoa(g.IntN(1000))
	case record.Speaker:
		return []string{"A ministry", "tass", g.pick(record.People)}[g.IntN(3)]
	case record.Enum:
		return f.Values[g.IntN(len(f.Values))]
	case record.Ref:
		return g.pick(record.Find(f.To))
	case record.Date:
		return time.Date(2025, 1, 1+g.IntN(600), 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
	case record.Integer:
		return f.Min - 1 + float64(g.IntN(300))
	case record.Boolean:
		return g.IntN(2) == 0
	case record.List:
		return g.list(f, old)
	}
	return old
}

// list drops, moves, adds and changes elements.
func (g *gambler) list(f record.Field, old any) any {
	list := slices.Clone(old.([]any))
	g.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	if len(list) > 0 && g.IntN(2) == 0 {
		list = list[1:]
	}
	switch {
	case f.Elem.Type != record.Object:
		list = append(list, g.value(*f.Elem, nil))
	case len(list) > 0:
		body := maps.Clone(list[0].(map[string]any))
		inner := f.Elem.Fields[g.IntN(len(f.Elem.Fields))]
		body[inner.Name] = g.value(inner, body[inner.Name])
		list[0] = body
	}
	return list
}

// operation draws an operation on a record that no other of the changeset names, and carries it out in the world.
func (g *gambler) operation(named map[*record.Kind]map[string]bool) (store.Operation, bool) {
	kinds := slices.DeleteFunc(slices.Clone(record.Kinds), func(k *record.Kind) bool { return k.PartOf != "" })
	k := kinds[g.IntN(len(kinds))]
	id := g.pick(k)
	old := g.world[k][id]
	if old == nil || named[k][id] {
		return store.Operation{}, false
	}
	o := store.Operation{Kind: k, ID: id, Guard: store.Guard{Exists: true}, Restore: true}
	body := k.Merge(old, nil)
	changed := map[string]any{}
	for range 1 + g.IntN(3) {
		f := k.Fields[g.IntN(len(k.Fields))]
		changed[f.Name] = g.value(f, body[f.Name])
		body[f.Name] = changed[f.Name]
	}
	switch choice := g.IntN(10); {
	case choice < 3:
		g.made++
		o.Op, o.ID, o.Body, o.Guard = store.Put, fmt.Sprintf("made-%d", g.made), body, store.Guard{Absent: true}
	case choice < 6:
		o.Op, o.Body = store.Put, body
	case choice < 9:
		o.Op, o.Body = store.Patch, changed
	default:
		o.Op, body = store.Delete, nil
	}
	if named[k] == nil {
		named[k] = map[string]bool{}
	}
	named[k][o.ID] = true
	if body == nil {
		delete(g.world[k], o.ID)
	} else {
		checked := k.Check(o.ID, "", body)
		g.world[k][o.ID], g.faulty = checked.Document, g.faulty || checked.Faults != nil
	}
	return o, true
}

// summedUp fails the test unless the sums that are kept are those that the transfers come to, at a revision.
func summedUp(t *testing.T, db *pgxpool.Pool, at int64) {
	t.Helper()
	err := pgx.BeginFunc(t.Context(), db, func(tx pgx.Tx) error {
		var past string
		if err := tx.QueryRow(t.Context(), "select coalesce('as_of_' || min(until), 'as_of') from as_of.segments where until > $1", at).Scan(&past); err != nil {
			return err
		}
		if _, err := tx.Exec(t.Context(), "set local search_path = "+past+", public; set local parley.as_of = "+strconv.FormatInt(at, 10)); err != nil {
			return err
		}
		var wrong int
		err := tx.QueryRow(t.Context(), `select count(*) from ((table transfer_sums except table transfer_sums_computed) union all (table transfer_sums_computed except table transfer_sums)) w`).Scan(&wrong)
		if err == nil && wrong > 0 {
			t.Errorf("revision %d: %d sums are wrong", at, wrong)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// answers are the bytes that every collection answers with: all of it, and the first page. newest claims, rightly or not,
// that the revision asked for is the current one.
func answers(t *testing.T, db *pgxpool.Pool, at *int64, newest bool) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, table := range store.Tables {
		l, err := query.Parse(nil, table.Grammar())
		if err != nil {
			t.Fatal(err)
		}
		q := store.Question{Table: table, List: l, At: at, Newest: newest}
		r := render.Record{Columns: q.Shape()}
		var text []byte
		var info store.Info
		for row, err := range store.Each(t.Context(), db, q, &info) {
			if err != nil {
				t.Fatal(err)
			}
			r.Values = row
			text = append(render.AppendJSON(text, r), '\n')
		}
		q.List.Limit, q.List.TotalCount = 5, true
		page, err := store.Page(t.Context(), db, q, func(row store.Row) {
			r.Values = row
			text = append(render.AppendJSON(text, r), '\n')
		})
		if err != nil || page.Revision != info.Revision {
			t.Fatal(page.Revision, info.Revision, err)
		}
		all[table.Name] = fmt.Sprintf("%s%d %s", text, *page.Total, page.Coverage)
		if table.Figures {
			q.List.ReportedBy = "UA"
			text = text[:0]
			if _, err := store.Page(t.Context(), db, q, func(row store.Row) {
				r.Values = row
				text = append(render.AppendJSON(text, r), '\n')
			}); err != nil {
				t.Fatal(err)
			}
			all[table.Name+" reported by UA"] = string(text)
		}
	}
	return all
}

// ops lists what changed from one world to the next, as the feed of changes does.
func ops(before, after world) []string {
	var all []string
	for _, k := range record.Kinds {
		for id, d := range before[k] {
			switch now := after[k][id]; {
			case now == nil:
				all = append(all, "delete "+k.Collection+"/"+id)
			case !cmp.Equal(d, now):
				all = append(all, "update "+k.Collection+"/"+id)
			}
		}
		for id := range after[k] {
			if before[k][id] == nil {
				all = append(all, "create "+k.Collection+"/"+id)
			}
		}
	}
	slices.Sort(all)
	return all
}

// byName compares fields by their names.
var byName = cmp.Comparer(func(a, b record.Field) bool { return a.Name == b.Name })

// odds are the seed of a test that draws changesets, and how many it draws: as the environment says, or else another seed
// each time and as many as are usual.
func odds(t *testing.T, usual int) (seed uint64, changesets int) {
	t.Helper()
	seed, changesets = uint64(time.Now().UnixNano()), usual
	if text := os.Getenv("PARLEY_MODEL_SEED"); text != "" {
		seed, _ = strconv.ParseUint(text, 10, 64)
	}
	if text := os.Getenv("PARLEY_MODEL_CHANGESETS"); text != "" {
		changesets, _ = strconv.Atoi(text)
	}
	t.Logf("to repeat: PARLEY_MODEL_SEED=%d", seed)
	return seed, changesets
}

// TestModel: random sequences of changesets do to the data set what they do to a model in memory; and every revision, read
// as of then, is what the model was and answers byte by byte as it answered, in every collection.
func TestModel(t *testing.T) {
	seed, changesets := odds(t, 50)
	db := pgtest.DB(t)
	g := &gambler{Rand: rand.New(rand.NewPCG(seed, 0)), world: present(t, db, nil)} //nolint:gosec // no secret
	worlds, said := []world{nil, g.world.clone()}, []map[string]string{nil, answers(t, db, nil, false)}
	rejected, segments := 0, int64(0)
	for range changesets {
		before, named := g.world, map[*record.Kind]map[string]bool{}
		g.world, g.faulty = before.clone(), false
		var operations []store.Operation
		for range 1 + g.IntN(4) {
			if o, ok := g.operation(named); ok {
				operations = append(operations, o)
			}
		}
		g.derive()
		want := !g.faulty && g.valid()
		done, err := store.Record(t.Context(), db, store.Changeset{Author: "test", Message: "test", Operations: operations})
		var refused *store.Rejected
		switch {
		case err != nil && (!errors.As(err, &refused) || want || strings.Contains(err.Error(), "breaks the rule")):
			t.Fatalf("%+v\nfailed: %v", operations, err)
		case err == nil && !want:
			t.Fatalf("%+v\nis not valid, and was recorded", operations)
		case err != nil:
			rejected++
			g.world = before
			continue
		}
		wanted := ops(before, g.world)
		if done.Changed != (len(wanted) > 0) || done.Changed && done.Revision != int64(len(worlds)) {
			t.Fatalf("recorded %+v, want %v", done, wanted)
		}
		if !done.Changed {
			continue
		}
		var got []string
		for c, err := range store.Differences(t.Context(), db, done.Revision) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, c.Op+" "+c.Kind.Collection+"/"+c.ID)
			if diff := cmp.Diff(c.Kind.Diff(before[c.Kind][c.ID], g.world[c.Kind][c.ID]), c.Difference, byName); diff != "" {
				t.Errorf("difference of %s/%s: %s", c.Kind.Collection, c.ID, diff)
			}
		}
		slices.Sort(got)
		if diff := cmp.Diff(wanted, got); diff != "" {
			t.Fatalf("changes of %+v:\n%s", operations, diff)
		}
		worlds, said = append(worlds, g.world.clone()), append(said, answers(t, db, nil, false))
		if g.IntN(3) == 0 {
			if _, err := store.Keep(t.Context(), db); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(said[len(said)-1], answers(t, db, nil, false)); diff != "" {
				t.Fatalf("put together (-) and kept (+):\n%.3000s", diff)
			}
		}
		if g.IntN(3) == 0 {
			n, err := store.CloseSegments(t.Context(), db, 1+g.Int64N(10), 0)
			if err != nil {
				t.Fatal(err)
			}
			segments += n
		}
	}
	if len(worlds) < changesets/4 || rejected < changesets/20 {
		t.Errorf("%d revisions, %d rejected: too few to tell", len(worlds)-1, rejected)
	}
	t.Logf("%d revisions, %d changesets rejected, %d segments of history closed", len(worlds)-1, rejected, segments)
	for revision := range worlds {
		if revision == 0 {
			continue
		}
		at := int64(revision)
		summedUp(t, db, at)
		if diff := cmp.Diff(worlds[revision], present(t, db, &at)); diff != "" {
			t.Fatalf("revision %d, as the model was (-) and as of then (+):\n%.3000s", revision, diff)
		}
		if diff := cmp.Diff(said[revision], answers(t, db, &at, revision%2 == 0 || revision == len(worlds)-1)); diff != "" {
			t.Fatalf("revision %d, as it answered (-) and as of then (+):\n%.3000s", revision, diff)
		}
	}
}
