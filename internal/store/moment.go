package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/query"
)

// momentSQL is the revision that a transaction reads, and when it was recorded; no row before the first.
const momentSQL = "select id, recorded_at from changesets order by id desc limit 1"

// beginReading begins a transaction that reads one snapshot.
const beginReading = "begin isolation level repeatable read read only"

// coverageSQL is the coverage of one collection as JSON, or null.
const coverageSQL = `(select to_json(c) from (
	select min(starts_on) as "from", max(ends_on) as "to",
		array_to_json(array(select m from (
			select year, missing from coverage where collection = $1 and missing is not null order by year nulls first, id) m)) as missing
	from coverage where collection = $1 having count(*) > 0) c)`

// queueMoment sets a transaction to the moment of the question and finds out which revision that is, and the coverage if it
// is asked for. Plans are kept, or made anew, as is best for the question.
func (q Question) queueMoment(batch *pgx.Batch, info *Info, coverage bool) {
	switch {
	case q.steady():
		batch.Queue("set local plan_cache_mode = force_generic_plan")
	case q.At == nil && q.List.ReportedBy == "": // through views it takes long to plan
		batch.Queue("set local plan_cache_mode = force_custom_plan")
	}
	if q.At != nil {
		batch.Queue(steadyHistory)
		batch.Queue(readAsOf, *q.At, q.List.ReportedBy)
	} else if q.List.ReportedBy != "" {
		batch.Queue(readReported, q.List.ReportedBy)
	}
	if coverage {
		batch.Queue(q.spelled("select id, recorded_at, "+coverageSQL+" from changesets order by id desc limit 1"), q.Table.Name).
			QueryRow(func(row pgx.Row) error { return orNone(row.Scan(&info.Revision, &info.RecordedAt, &info.Coverage)) })
		return
	}
	batch.Queue(q.spelled(momentSQL)).QueryRow(func(row pgx.Row) error { return orNone(row.Scan(&info.Revision, &info.RecordedAt)) })
}

const revisionSQL = "select coalesce(max(id), 0) from changesets"

// Revision returns the revision of the data set: the id of its last changeset, 0 before the first.
func Revision(ctx context.Context, db *pgxpool.Pool) (revision int64, err error) {
	err = db.QueryRow(ctx, revisionSQL).Scan(&revision)
	return revision, err
}

// Moment is a revision that as_of= stands for.
type Moment struct {
	Revision   int64      // 0: before the first
	RecordedAt *time.Time // nil before the first
	Newest     bool       // it was the newest when it was looked up
	Settled    bool       // it will always be that revision; not so for a day that is not over
	Segment    int64      // see [Question]
}

// settling is how long after an instant a changeset may still be recorded for it: clocks of machines differ.
const settling = time.Minute

// writingSQL tells whether a changeset is in progress, whose instant may be past already: whether its lock is held.
const writingSQL = `select exists (select from pg_locks where locktype = 'advisory' and objsubid = 1
	and database = (select oid from pg_database where datname = current_database()) and (classid::bigint << 32) | objid::bigint = hashtext('parley.changesets'))`

// Resolve finds the revision that as_of= stands for. A moment that is still to come is an [*query.Error].
func Resolve(ctx context.Context, db *pgxpool.Pool, asOf query.AsOf, now time.Time) (m Moment, err error) {
	ctx, end := traced(ctx, "Resolve", "")
	defer func() { end(err) }()
	future := func(reason string) error {
		return &query.Error{Faults: []query.Fault{{Parameter: "as_of", Reason: reason}}}
	}
	if asOf.Revision == nil && asOf.Before.Add(-24*time.Hour).After(now) {
		return Moment{}, future("is in the future")
	}
	var writing bool
	var batch pgx.Batch
	batch.Queue(writingSQL).QueryRow(func(row pgx.Row) error { return row.Scan(&writing) }) // first: what is committed meanwhile is seen by the second
	batch.Queue(`select id, recorded_at, id = (select max(id) from changesets), coalesce((select min(until) from as_of.segments where until > id), 0) from changesets
		where id <= coalesce($1, id) and ($1::bigint is not null or recorded_at < $2) order by id desc limit 1`, asOf.Revision, asOf.Before).
		QueryRow(func(row pgx.Row) error { return orNone(row.Scan(&m.Revision, &m.RecordedAt, &m.Newest, &m.Segment)) })
	if err := db.SendBatch(ctx, &batch).Close(); err != nil {
		return Moment{}, fmt.Errorf("resolving as_of: %w", err)
	}
	m.Settled = asOf.Revision != nil || !writing && !asOf.Before.Add(settling).After(now)
	if asOf.Revision != nil && *asOf.Revision > m.Revision {
		return Moment{}, future(fmt.Sprintf("is in the future: the data set is at revision %d", m.Revision))
	}
	return m, nil
}

// Absent is the error of a record that there is not, or not at the moment asked for.
type Absent struct {
	Since int64 // the revision that it was first recorded at; 0: never
	Until int64 // the revision that deleted it; 0: none did
}

func (e *Absent) Error() string { return "no such record" }

// WhyAbsent finds out why a record is not there: the error is an [*Absent].
func WhyAbsent(ctx context.Context, db *pgxpool.Pool, t *Table, id string) error {
	if t.Base == "" {
		return &Absent{}
	}
	const forever = 9223372036854775807
	var e Absent
	var batch pgx.Batch
	batch.Queue(beginReading)
	batch.Queue(steadyHistory)
	batch.Queue("select coalesce(min(valid_from), 0), coalesce(nullif(max(valid_to), $2), 0) from history."+t.Base+" where id = $1", id, int64(forever)).
		QueryRow(func(row pgx.Row) error { return row.Scan(&e.Since, &e.Until) })
	batch.Queue("commit")
	if err := db.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("history of %s: %w", t.Name, err)
	}
	return &e
}

// HasHistory returns an [*Absent] for a record that has never been.
func HasHistory(ctx context.Context, db *pgxpool.Pool, collection, id string) error {
	var known bool
	if err := db.QueryRow(ctx, "select exists (select from changes where collection = $1 and record = $2)", collection, id).Scan(&known); err != nil {
		return fmt.Errorf("history of %s: %w", collection, err)
	}
	if !known {
		return &Absent{}
	}
	return nil
}
