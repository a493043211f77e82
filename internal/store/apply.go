package store

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"reflect"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/parley-api/parley/internal/record"
)

// atOnce is how many records are written by one statement: so many that what statements cost by themselves, and how often
// the same sum is moved, does not matter; few enough that the rows of some find room in memory.
const atOnce = 50_000

// write writes batches, in the order of record.Kinds: whom a report quotes is looked up among people already written.
func (w *writer) write(batches []*batch) error {
	done := 0
	for _, b := range batches {
		if b.deleted != nil {
			w.db.queue("delete from "+tableOf(b.kind).Base+" where id = any($1::text[])", b.deleted)
		}
		people, err := w.speaking(b)
		if err != nil {
			return err
		}
		reportIDs, err := w.reportIDs(b)
		if err != nil {
			return err
		}
		for c := range ahead(b.chunks(people, reportIDs)) {
			if c.err != nil {
				return c.err
			}
			w.db.putOff(&c.statements)
			if c.records > together { // few can wait for what is asked next
				if err := w.db.carryOut(w.ctx); err != nil {
					return err
				}
			}
			if c.records >= many {
				if err := w.analyze(c.tables); err != nil {
					return err
				}
			}
			if done += c.records; w.changeset.Progress != nil {
				w.changeset.Progress(float64(done) / float64(len(w.changeset.Operations)))
			}
		}
	}
	return nil
}

// ahead makes the next value of a sequence while the one before is in use.
func ahead[T any](all iter.Seq[T]) iter.Seq[T] {
	return func(yield func(T) bool) {
		made, stop := make(chan T), make(chan struct{})
		defer close(stop)
		go func() {
			defer close(made)
			for v := range all {
				select {
				case made <- v:
				case <-stop:
					return
				}
			}
		}()
		for v := range made {
			if !yield(v) {
				return
			}
		}
	}
}

// many is how many records may make a table so much larger at once that the statements after them are planned amiss. Where fewer
// come at a time, autovacuum is soon enough.
const many = 1000

// analyze tells the planner of tables that have become much larger than it knows.
func (w *writer) analyze(tables []string) error {
	w.db.queue("select analyze_written($1)", append([]string{"changes"}, tables...))
	return w.db.carryOut(w.ctx)
}

// chunk is the statements that write some records of a batch with their parts.
type chunk struct {
	records    int
	tables     []string // that it writes to
	statements pgx.Batch
	err        error
}

// chunks makes the statements of a batch, with whom the records quote and the ids of their reports.
func (b *batch) chunks(people map[string]bool, reportIDs map[string][]string) iter.Seq[*chunk] {
	return func(yield func(*chunk) bool) {
		for ids := range slices.Chunk(b.ids, atOnce) {
			r := &rows{people: people, reportIDs: reportIDs, there: b.there}
			r.fill(b.kind, ids, b.written)
			c := &chunk{records: len(ids)}
			c.upsert(b.kind, r, ids)
			if !yield(c) {
				return
			}
		}
	}
}

func (c *chunk) upsert(k *record.Kind, r *rows, ids []string) {
	base := tableOf(k).Base
	c.tables = append(c.tables, base)
	c.queue(upsertSQL(base, r.columns), r.records)
	if k == record.Rounds {
		c.delegations(r, ids)
	}
	for _, p := range r.parts {
		if owners := r.owners[p.table]; owners != nil {
			c.queue(p.deletePartsSQL(), r.of[p.table], owners)
		}
		if r.of[p.table] != nil {
			c.queue(p.insertPartsSQL(), r.of[p.table], r.owners[p.table])
			c.tables = append(c.tables, p.table)
		}
	}
}

// queue adds a statement about rows, its first parameter.
func (c *chunk) queue(sql string, all []row, more ...any) {
	text, err := json.Marshal(append([]row{}, all...))
	if err != nil {
		c.err = err
	}
	c.statements.Queue(sql, append([]any{text}, more...)...)
}

// delegations are records with parts of their own: those that stay are not ended and begun again.
func (c *chunk) delegations(r *rows, rounds []string) {
	const gone = "delete from delegations d where d.round = any($2::text[]) and not exists (select from json_populate_recordset(null::delegations, $1) n where n.id = d.id)"
	c.queue(gone, r.of["delegations"], rounds)
	c.queue(upsertSQL("delegations", []string{"id", "round", "party", "head", "reported_size", "position"}), r.of["delegations"])
}

// speaking finds out who of those that reports and totals quote are our people.
func (w *writer) speaking(b *batch) (map[string]bool, error) {
	quoted := map[string]bool{}
	for _, d := range b.written {
		quoted[d.String("said_by")] = true
		for _, r := range d.Documents("reports") {
			quoted[r.String("said_by")] = true
		}
	}
	delete(quoted, "")
	people := map[string]bool{}
	if len(quoted) == 0 {
		return people, nil
	}
	w.existing(record.People, slices.Collect(maps.Keys(quoted)), func(id string) { people[id] = true })
	return people, w.db.carryOut(w.ctx)
}

// given is a report as stored, with its id.
type given struct {
	id     string
	report record.Document
}

// reportIDs gives each report of the records its id: that of the same report as it stands, else of one on the same figure
// by the same source and speaker, whose value or note was corrected; else a new one, which no report had before.
func (w *writer) reportIDs(b *batch) (map[string][]string, error) {
	field, ok := b.kind.Field("reports")
	if !ok {
		return nil, nil
	}
	stored, last, err := w.storedReports(b.kind, field, slices.Collect(maps.Keys(b.known)))
	if err != nil {
		return nil, err
	}
	all := map[string][]string{}
	for _, id := range b.ids {
		reports := b.written[id].Documents("reports")
		assigned := make([]string, len(reports))
		for _, same := range []func(a, b record.Document) bool{equal, sameSpeaker} {
			for i, r := range reports {
				if assigned[i] != "" {
					continue
				}
				if j := slices.IndexFunc(stored[id], func(g given) bool { return same(g.report, r) }); j >= 0 {
					assigned[i] = stored[id][j].id
					stored[id] = slices.Delete(stored[id], j, j+1)
				}
			}
		}
		for i := range assigned {
			if assigned[i] == "" {
				last[id]++
				assigned[i] = fmt.Sprintf("%s-r%d", id, last[id])
			}
		}
		all[id] = assigned
	}
	return all, nil
}

func equal(a, b record.Document) bool { return reflect.DeepEqual(a, b) }

func sameSpeaker(a, b record.Document) bool {
	for _, name := range []string{"field", "source", "party", "said_by"} {
		if a[name] != b[name] {
			return false
		}
	}
	return true
}

// storedReports reads the reports of records as they stand, and the greatest number that a report of each ever had.
func (w *writer) storedReports(k *record.Kind, field record.Field, ids []string) (map[string][]given, map[string]int, error) {
	stored, last := map[string][]given{}, map[string]int{}
	if len(ids) == 0 {
		return stored, last, nil
	}
	rows, err := w.db.query(w.ctx, "select r."+k.Name+"::text, r.id::text, to_json(j) from reports r, lateral (select "+reportColumns+") j where r."+k.Name+" = any($1::text[]) order by r.position", ids)
	if err != nil {
		return nil, nil, err
	}
	var owner, id string
	var text []byte
	_, err = pgx.ForEachRow(rows, []any{&owner, &id, &text}, func() error {
		var shown map[string]any
		if err := json.Unmarshal(text, &shown); err != nil {
			return err
		}
		wrapped := k.Stored(map[string]any{field.Name: []any{shown}})
		stored[owner] = append(stored[owner], given{id, wrapped.Documents(field.Name)[0]})
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	rows, err = w.db.query(w.ctx, "select "+k.Name+"::text, max(substring(id from '-r([0-9]+)$')::int) from history.reports where "+k.Name+" = any($1::text[]) group by 1", ids)
	if err != nil {
		return nil, nil, err
	}
	var number int
	_, err = pgx.ForEachRow(rows, []any{&owner, &number}, func() error {
		last[owner] = number
		return nil
	})
	return stored, last, err
}
