package store

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/record"
)

// referencesExist: every record that is referred to is there, or will be. So new records of one changeset may refer to
// each other in any order.
func (w *writer) referencesExist(batches []*batch) error {
	named := map[string]map[string]bool{} // by collection and id: will it be there?
	for _, r := range w.refs {
		if named[r.Collection] == nil {
			named[r.Collection] = map[string]bool{}
		}
		named[r.Collection][r.ID] = false
	}
	for collection, there := range named {
		w.existing(record.Find(collection), slices.Collect(maps.Keys(there)), func(id string) { there[id] = true })
	}
	if err := w.db.carryOut(w.ctx); err != nil {
		return err
	}
	for _, b := range batches {
		for _, id := range b.deleted {
			delete(named[b.kind.Collection], id)
		}
		if there := named[b.kind.Collection]; there != nil {
			for _, id := range b.ids {
				there[id] = true
			}
		}
	}
	for _, r := range w.refs {
		if named[r.Collection][r.ID] {
			continue
		}
		near, err := w.near(record.Find(r.Collection), r.ID)
		if err != nil {
			return err
		}
		w.faults[Invalid] = append(w.faults[Invalid], query.Fault{
			Pointer: r.Pointer, Reason: fmt.Sprintf("there is no record %s/%s", r.Collection, r.ID), Suggestion: near,
		})
	}
	return nil
}

// existing puts off the question which of the ids are those of records.
func (w *writer) existing(k *record.Kind, ids []string, found func(id string)) {
	w.db.queue("select id::text from "+tableOf(k).Base+" where id = any($1::text[])", ids).Query(func(rows pgx.Rows) error {
		var id string
		_, err := pgx.ForEachRow(rows, []any{&id}, func() error {
			found(id)
			return nil
		})
		return err
	})
}

// near is the id that a mistyped one probably stands for: one that begins with the same letters.
func (w *writer) near(k *record.Kind, id string) (string, error) {
	rows, err := w.db.query(w.ctx, "select id::text from "+tableOf(k).Base+" where id::text like $1 || '%' order by id limit 2000", id[:min(len(id), 2)])
	if err != nil {
		return "", err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return query.Nearest(id, ids), err
}

// nothingRefersTo: a record that others refer to is not deleted. Those others are named.
func (w *writer) nothingRefersTo(batches []*batch) error {
	at := map[string]string{}
	for _, o := range w.changeset.Operations {
		at[o.Kind.Collection+"/"+o.ID] = o.At + "/id"
	}
	for _, b := range batches {
		if b.deleted == nil {
			continue
		}
		sql, err := w.referrers(tableOf(b.kind).Base)
		if err != nil {
			return err
		}
		rows, err := w.db.query(w.ctx, sql, b.deleted)
		if err != nil {
			return err
		}
		var id, example string
		var count int
		_, err = pgx.ForEachRow(rows, []any{&id, &count, &example}, func() error {
			more := ""
			if count > 1 {
				more = " and " + strconv.Itoa(count-1) + " more"
			}
			name := b.kind.Collection + "/" + id
			w.fault(InUse, at[name], "%s is referred to by %s%s; change or delete what refers to it in the same changeset", name, example, more)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// referrers is the statement for what still refers to records of a table: id, number and one example. What refers to
// what is asked of the database's own catalogue: its foreign keys, those aside by which a part belongs to its record.
func (w *writer) referrers(table string) (string, error) {
	const sql = `
		select string_agg(format('select %2$I::text as id, %3$L || ''/'' || %4$s as referrer from %1$I where %2$I = any($1::text[])',
			child, key, collection, owner), ' union ')
		from (
			select c.conrelid::regclass::text as child, a.attname as key, replace(case when v.versioned then c.conrelid else o.confrelid end::regclass::text, '_', '-') as collection,
				case when v.versioned then 'id' else quote_ident(oa.attname) end as owner
			from pg_constraint c
			join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
			cross join lateral (select exists (select from pg_attribute r where r.attrelid = c.conrelid and r.attname = 'revision')) v(versioned)
			left join pg_constraint o on not v.versioned and o.conrelid = c.conrelid and o.contype = 'f' and o.confdeltype = 'c'
			left join pg_attribute oa on oa.attrelid = o.conrelid and oa.attnum = o.conkey[1]
			where c.contype = 'f' and c.confrelid = $1::text::regclass and c.confdeltype = 'a' and cardinality(c.conkey) = 1
		) f where owner is not null`
	var union *string
	w.db.queue(sql, table).QueryRow(func(row pgx.Row) error { return row.Scan(&union) })
	if err := w.db.carryOut(w.ctx); err != nil {
		return "", err
	}
	if union == nil {
		return "select '', 0, '' where false and $1::text[] is null", nil
	}
	return "select id, count(*)::int, min(referrer) from (" + *union + ") r where referrer is not null group by id order by id", nil
}

// unique: what must differ from record to record does.
func (w *writer) unique(batches []*batch) error {
	for _, b := range batches {
		table := tableOf(b.kind).Base
		for _, fields := range b.kind.Unique {
			same := ""
			for _, f := range fields {
				same += " and o." + f + " = w." + f
			}
			rows, err := w.db.query(w.ctx, "select w.id::text, min(o.id::text) from "+table+" w join "+table+" o on o.id <> w.id"+same+" where w.id = any($1::text[]) group by w.id order by w.id", b.ids)
			if err != nil {
				return err
			}
			var id, other string
			_, err = pgx.ForEachRow(rows, []any{&id, &other}, func() error {
				for _, o := range w.changeset.Operations {
					if o.Kind == b.kind && o.ID == id {
						w.fault(InUse, o.Within+"/"+fields[len(fields)-1], "is the same as that of %s/%s", b.kind.Collection, other)
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
