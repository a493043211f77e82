package store

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/parley-api/parley/internal/record"
)

// atOnce is how many records are written by one statement: enough that the number of statements does not matter, few
// enough that none is large.
const atOnce = 2000

// write writes batches, in the order of record.Kinds: whom a report quotes is looked up among people already written.
func (w *writer) write(batches []*batch) error {
	done := 0
	for _, b := range batches {
		if b.deleted != nil {
			if _, err := w.tx.Exec(w.ctx, "delete from "+tableOf(b.kind).Base+" where id = any($1::text[])", b.deleted); err != nil {
				return err
			}
		}
		chunks := 0
		for ids := range slices.Chunk(b.ids, atOnce) {
			tables, err := w.upsert(b, ids)
			if err != nil {
				return err
			}
			if chunks++; len(b.ids) > atOnce && chunks&(chunks-1) == 0 { // the 1st, 2nd, 4th, 8th …
				if err := w.analyze(tables); err != nil {
					return err
				}
			}
			if done += len(ids); w.changeset.Progress != nil {
				w.changeset.Progress(float64(done) / float64(len(w.changeset.Operations)))
			}
		}
	}
	return nil
}

// analyze tells the planner how large tables have become. A changeset may make them many times larger, and the statements
// after it would be planned for what they were.
func (w *writer) analyze(tables []string) error {
	_, err := w.tx.Exec(w.ctx, "analyze changes, "+strings.Join(tables, ", ")+", history."+strings.Join(tables, ", history."))
	return err
}

// upsert writes some records of a batch with their parts, and returns the tables that it wrote to.
func (w *writer) upsert(b *batch, ids []string) ([]string, error) {
	r := &rows{}
	var err error
	if r.people, err = w.speaking(b, ids); err != nil {
		return nil, err
	}
	if r.reportIDs, err = w.reportIDs(b, ids); err != nil {
		return nil, err
	}
	r.fill(b.kind, ids, b.written)
	tables := []string{tableOf(b.kind).Base}
	if err := w.exec(upsertSQL(tables[0], r.columns), r.records); err != nil {
		return nil, err
	}
	if b.kind == record.Rounds {
		if err := w.delegations(r, ids); err != nil {
			return nil, err
		}
	}
	for _, p := range r.parts {
		for _, sql := range []string{p.deletePartsSQL(), p.insertPartsSQL()} {
			if err := w.exec(sql, r.of[p.table], r.owners[p.table]); err != nil {
				return nil, err
			}
		}
		tables = append(tables, p.table)
	}
	return tables, nil
}

func (w *writer) exec(sql string, all []row, more ...any) error {
	text, err := json.Marshal(append([]row{}, all...))
	if err != nil {
		return err
	}
	_, err = w.tx.Exec(w.ctx, sql, append([]any{string(text)}, more...)...)
	return err
}

// delegations are records with parts of their own: those that stay are not ended and begun again.
func (w *writer) delegations(r *rows, rounds []string) error {
	const gone = "delete from delegations d where d.round = any($2::text[]) and not exists (select from json_populate_recordset(null::delegations, $1) n where n.id = d.id)"
	if err := w.exec(gone, r.of["delegations"], rounds); err != nil {
		return err
	}
	return w.exec(upsertSQL("delegations", []string{"id", "round", "party", "head", "reported_size", "position"}), r.of["delegations"])
}

// speaking finds out who of those that reports and totals quote are our people.
func (w *writer) speaking(b *batch, ids []string) (map[string]bool, error) {
	quoted := map[string]bool{}
	for _, id := range ids {
		d := b.written[id]
		quoted[d.String("said_by")] = true
		for _, r := range d.Documents("reports") {
			quoted[r.String("said_by")] = true
		}
	}
	people := map[string]bool{}
	found, err := w.existing(record.People, slices.Collect(maps.Keys(quoted)))
	for _, id := range found {
		people[id] = true
	}
	return people, err
}

// given is a report as stored, with its id.
type given struct {
	id     string
	report record.Document
}

// reportIDs gives each report of the records its id: that of the same report as it stands, else of one on the same figure
// by the same source and speaker, whose value or note was corrected; else a new one, which no report had before.
func (w *writer) reportIDs(b *batch, ids []string) (map[string][]string, error) {
	field, ok := b.kind.Field("reports")
	if !ok {
		return nil, nil
	}
	stored, last, err := w.storedReports(b.kind, field, ids)
	if err != nil {
		return nil, err
	}
	all := map[string][]string{}
	for _, id := range ids {
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
	rows, err := w.tx.Query(w.ctx, "select r."+k.Name+"::text, r.id::text, to_json(j) from reports r, lateral (select "+reportColumns+") j where r."+k.Name+" = any($1::text[]) order by r.position", ids)
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
	rows, err = w.tx.Query(w.ctx, "select "+k.Name+"::text, max(substring(id from '-r([0-9]+)$')::int) from history.reports where "+k.Name+" = any($1::text[]) group by 1", ids)
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
