package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/query"
)

// groups are what totals are made by otherwise: the key of a group, for the event x.
var groups = map[string]string{"commitment": `x.commitment::text collate "C"`, "country": `x.country::text collate "C"`, "mediator": `k.party::text collate "C"`}

// TotalsBy lists what totals may be made by.
var TotalsBy = []string{"day", "week", "month", "quarter", "year", "commitment", "country", "mediator"}

// maxTotals bounds the rows of an answer, and so the memory that it takes.
const maxTotals = 50_000

// Totals sums up the transfers of the events that a list would have, by what List.By says and by direction, and hands the
// rows to add. Periods without an event are there, between the first event and the last, and out to the ends of a filter
// on the date.
func Totals(ctx context.Context, db *pgxpool.Pool, q Question, add func(Row)) (info Info, err error) {
	ctx, end := traced(ctx, "Totals", q.Table.Name)
	defer func() { end(err) }()
	if plain, ok := q.plain(); ok {
		info, err := plain.totals(ctx, db, q.At, add)
		if err != nil || info.Revision == *q.At {
			return info, err
		}
	}
	return q.totals(ctx, db, nil, add)
}

// totals asks everything in one batch, within one snapshot, as [Question.page] does.
func (q Question) totals(ctx context.Context, db *pgxpool.Pool, expected *int64, add func(Row)) (Info, error) {
	var info Info
	var batch pgx.Batch
	batch.Queue(beginReading)
	q.queueMoment(&batch, &info, q.Table.Covers)
	if sql, args := unplaced(q.Table, q.List); sql != "" {
		batch.Queue(q.spelled(sql), args...).QueryRow(func(row pgx.Row) error { return row.Scan(&info.Unplaced) })
	}
	sql, args, err := q.totalsSQL(expected)
	if err != nil {
		return Info{}, err
	}
	n := 0
	of, each := periodOf(q.List.By), add
	var sums *periodSums
	if of != nil {
		sums = &periodSums{period: of}
		each = sums.add
	}
	batch.Queue(q.spelled(sql), args...).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			if n++; n > maxTotals {
				return tooMany(q.List.By)
			}
			each(rows.RawValues())
		}
		return rows.Err()
	})
	batch.Queue("commit")
	if err := db.SendBatch(ctx, &batch).Close(); err != nil {
		return Info{}, fmt.Errorf("totals of %s: %w", q.Table.Name, err)
	}
	if sums != nil {
		first, last := span(q.List)
		return info, sums.all(first, last, add)
	}
	return info, nil
}

// TotalsShape is the columns of totals.
func (q Question) TotalsShape() Shape {
	var s Shape
	if periodOf(q.List.By) != nil {
		s = Shape{{Name: "period", Type: query.Text}, {Name: "starts_on", Type: query.Date}, {Name: "ends_on", Type: query.Date}}
	} else {
		s = Shape{{Name: q.List.By, Type: query.Text}}
	}
	for _, name := range []string{"from", "to"} {
		s = append(s, query.Field{Name: name, Type: query.Text})
	}
	counts := []string{"records", "unknown_count", "total", "total_low", "total_high"}
	if len(s) > 3 {
		counts = append(counts, "running_total", "running_unknown_count")
	}
	for _, name := range counts {
		s = append(s, query.Field{Name: name, Type: query.Integer})
	}
	return s
}

// totalsSQL is the statement for totals.
func (q Question) totalsSQL(expected *int64) (string, []any, error) {
	l := q.List
	var s statement
	key := groups[l.By]
	if p := periodOf(l.By); p != nil {
		first, last := span(l)
		if first != nil && last != nil && p.count(*first, *last) > maxTotals {
			return "", nil, tooMany(l.By)
		}
		key = "date_trunc('" + p.name + "', x.date::timestamp)::date"
		if cut, summed := cutMonths(l); p.name == "month" && summed && cut == nil { // it is one already
			key = "x.date"
		}
	}
	q.sums(&s, key, expected)
	s.WriteString(" order by 1, 2, 3 limit " + s.arg(maxTotals+1))
	return s.String(), s.args, nil
}

// sums appends the statement that adds up transfers by a key of the event x and by direction: from what was summed up
// when it was recorded, if the filters allow that, and else from the transfers themselves.
func (q Question) sums(s *statement, key string, expected *int64) {
	t, l := q.Table, q.List
	s.WriteString("select " + key + ` as key, t.from_party::text collate "C" as from_party, t.to_party::text collate "C" as to_party, `)
	if cut, summed := cutMonths(l); summed {
		s.WriteString(`whole_sum(x.records) as records, whole_sum(x.unknown_count) as unknown_count,
			case when whole_sum(x.records) > whole_sum(x.unknown_count) then whole_sum(x.total) end as total, whole_sum(x.total_low) as total_low,
			case when whole_sum(x.unbounded_count) = 0 then whole_sum(x.total_high) end as total_high from (`)
		s.byMonth(t, cut)
		s.WriteString(") x cross join lateral (select x.from_party, x.to_party) t")
		var conditions []string
		for _, c := range l.Where {
			conditions = append(conditions, complement(s.condition(t.column(c.Field.Name), c), c.Not))
		}
		if expected != nil {
			conditions = append(conditions, s.atRevision(*expected))
		}
		s.conditions(conditions)
	} else {
		s.WriteString(`count(*) as records, count(*) - count(t.total) as unknown_count, sum(t.total)::bigint as total,
			coalesce(sum(t.total_low) filter (where t.total is not null), 0)::bigint as total_low,
			case when count(*) = count(t.total_high) then sum(t.total_high)::bigint end as total_high
			from (select x.id, x.date, x.commitment, x.country from ` + t.from())
		s.where(t, l, expected)
		s.WriteString(") x " + strings.Replace(t.Rows.Join, "left join", "join", 1))
		if l.By == "mediator" {
			fmt.Fprintf(s, " left join %s_mediators k on k.%[1]s = x.id", strings.TrimSuffix(t.Base, "s"))
		}
		s.rowConditions(t, l)
	}
	s.WriteString(" group by 1, 2, 3")
}

// byMonth appends what transfers come to by month: the sums that are kept, but of the months that a filter cuts the
// transfers themselves.
func (s *statement) byMonth(t *Table, cut []time.Time) {
	fmt.Fprintf(s, `select starts_on as date, nullif(country, '') as country, nullif(commitment, '') as commitment, from_party, to_party, records, unknown_count, unbounded_count,
		total, total_low, total_high from transfer_sums where collection = '%s' and span = 'month'`, t.Name)
	if cut == nil {
		return
	}
	var within []string
	for _, first := range cut {
		within = append(within, fmt.Sprintf("x.date between %s::date and %s::date", s.arg(first), s.arg(first.AddDate(0, 1, -1))))
	}
	fmt.Fprintf(s, ` and starts_on <> all(%s::date[]) union all
		select x.date, x.country::text, x.commitment::text, t.from_party, t.to_party, 1, (t.total is null)::int, (t.total_high is null)::int,
			coalesce(t.total, 0), case when t.total is null then 0 else coalesce(t.total_low, 0) end, case when t.total is null then 0 else coalesce(t.total_high, 0) end
		from %s %s where %s`, s.arg(cut), t.from(), strings.Replace(t.Rows.Join, "left join", "join", 1), strings.Join(within, " or "))
}

// cutMonths reports whether the totals of a list can be made of the sums by month, and of which months it has some days only.
func cutMonths(l query.List) (cut []time.Time, summed bool) {
	if l.Search != "" || l.Box != nil || l.By == "mediator" || l.By == "day" || l.By == "week" {
		return nil, false
	}
	month := periodOf("month")
	for _, c := range l.Where {
		switch c.Field.Name {
		case "from", "to", "country", "commitment":
		case "date":
			for _, r := range c.Ranges {
				if from := day(r.From); from != nil && from.Day() != 1 {
					cut = append(cut, month.first(*from))
				}
				if to := day(r.To); to != nil && to.AddDate(0, 0, 1).Day() != 1 {
					cut = append(cut, month.first(*to))
				}
			}
		default:
			return nil, false
		}
	}
	return cut, true
}

// span is the days that a filter on the date bounds; nil: an end is open.
func span(l query.List) (first, last *time.Time) {
	for _, c := range l.Where {
		if c.Field.Name != "date" || c.Not {
			continue
		}
		for i, r := range c.Ranges {
			from, to := day(r.From), day(r.To)
			if i == 0 || first != nil && (from == nil || from.Before(*first)) {
				first = from
			}
			if i == 0 || last != nil && (to == nil || to.After(*last)) {
				last = to
			}
		}
	}
	return first, last
}

func day(end any) *time.Time {
	if at, ok := end.(time.Time); ok {
		return &at
	}
	return nil
}

func tooMany(by string) error {
	return &query.Error{Faults: []query.Fault{{
		Parameter: "by", Reason: fmt.Sprintf("=%s makes more than %d rows; ask for a shorter time, or for longer periods", by, maxTotals), Allowed: TotalsBy,
	}}}
}
