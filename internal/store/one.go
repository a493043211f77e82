package store

import (
	"context"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/query"
)

// One reads a single record, or in a flat form its rows, and hands them to add. If there is no record of that id, the
// error is an [*Absent].
func One(ctx context.Context, db *pgxpool.Pool, q Question, id string, add func(Row)) (info Info, err error) {
	ctx, end := traced(ctx, "One", q.Table.Name)
	defer func() { end(err) }()
	field := q.Table.column("id").field()
	is := query.Condition{Field: field, Texts: []string{id}}
	if field.Type == query.Integer {
		n, err := strconv.ParseInt(id, 10, 64)
		if err != nil {
			return Info{}, &Absent{}
		}
		is = query.Condition{Field: field, Ranges: []query.Range{{From: n, To: n}}}
	}
	q.List.Where = []query.Condition{is}
	q.List.Sort = query.Order{Field: "id"}
	q.List.Limit = 1
	if info, found, err := q.inOneStatement(ctx, db, add); found || err != nil {
		return info, err
	}
	q.Table = q.Table.single()
	found := false
	info, err = Page(ctx, db, q, func(row Row) {
		found = true
		add(row)
	})
	if err == nil && !found {
		return info, WhyAbsent(ctx, db, q.Table, id)
	}
	return info, err
}

// inOneStatement reads a single record in one statement, if it is there and the present shows it as it was at the revision asked
// for. That is nearly always so, and less than half the work of a page.
func (q Question) inOneStatement(ctx context.Context, db *pgxpool.Pool, add func(Row)) (info Info, found bool, err error) {
	plain, ok := q.plain()
	if plain.At != nil || plain.Form == Flat || plain.List.ReportedBy != "" || ok && q.Table.Shows == nil {
		return info, false, nil
	}
	plain.mixed = ok // it may have been written just now
	sql, args := oneRecord(q.Table, plain.List, plain.selection(), q.At)
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return info, false, fmt.Errorf("record of %s: %w", q.Table.Name, err)
	}
	defer rows.Close()
	for rows.Next() {
		row := rows.RawValues()
		last := len(row) - 3
		if holds := row[last]; holds[0] == 0 {
			return info, false, nil
		}
		types, columns := rows.Conn().TypeMap(), rows.FieldDescriptions()
		for i, to := range []any{&info.Revision, &info.RecordedAt} {
			if err := types.Scan(columns[last+1+i].DataTypeOID, columns[last+1+i].Format, row[last+1+i], to); err != nil {
				return info, false, fmt.Errorf("record of %s: %w", q.Table.Name, err)
			}
		}
		found = true
		add(row[:last])
	}
	if err := rows.Err(); err != nil {
		return info, false, fmt.Errorf("record of %s: %w", q.Table.Name, err)
	}
	return info, found, nil
}

// oneRecord is the statement for one record. Behind the columns of the selection stand three more: whether what is kept holds,
// and the revision that is read with its time: the newest one, or the one given, if neither the record nor anything that it
// shows has changed since.
func oneRecord(t *Table, l query.List, sel selection, at *int64) (string, []any) {
	var s statement
	moment, holds := "order by id desc limit 1", ""
	if at != nil {
		revision := s.arg(*at) + "::bigint"
		moment = "where id = " + revision
		// The greatest one, not any: that is looked for from the end, and no further back than to the revision.
		holds = " and x.revision <= " + revision + " and (select max(h.revision) from changes h where h.revision > " + revision + " and h.collection = any(" + s.arg(t.Shows) + "::text[])) is null"
	}
	s.where(t, l, nil)
	s.WriteString(holds)
	end := s.String()
	write := func() string {
		return "select " + sel.list + ", " + sel.holds() + ", m.id, m.recorded_at from " + t.from() + sel.join +
			" cross join (select id, recorded_at from changesets " + moment + ") m" + end
	}
	return sel.statement(end, write), s.args
}

// single is the table without what only lists say.
func (t *Table) single() *Table {
	single := *t
	single.Covers = false
	return &single
}
