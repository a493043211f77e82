package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// touched is which collections changesets have changed: those from one revision through another. It is not changed once it
// is made.
type touched struct {
	since, through int64
	last           map[string]int64 // by collection: no changeset after this one has changed it
}

// mostTouched is how many changes are looked through: of more, nothing is known. Nothing is heard meanwhile, so it must not
// take long.
const mostTouched = 10_000

// learn finds out what has changed since it was asked the last time, and returns the revision of the data set.
func (w *Watch) learn(ctx context.Context, conn *pgx.Conn) (revision int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	const sql = `with now as (select coalesce(max(id), 0) as id from changesets),
		recent as (select c.collection::text from changes c where $1 and c.revision > $2 order by c.revision desc limit $3)
		select now.id, (select count(*) from recent), (select coalesce(array_agg(distinct r.collection), '{}') from recent r) from now`
	var changes int
	var collections []string
	asked, floor := time.Now(), w.floor.Load()
	before := w.touched.Load()
	if before == nil {
		before = &touched{since: -1}
	}
	if err := conn.QueryRow(ctx, sql, before.since >= 0, before.through, mostTouched).Scan(&revision, &changes, &collections); err != nil {
		return 0, err
	}
	if revision < floor {
		return 0, fmt.Errorf("%w: it is at %d, and was at %d", ErrLost, revision, floor)
	}
	switch {
	case before.since < 0 || changes == mostTouched:
		w.touched.Store(&touched{since: revision, through: revision})
	case revision > before.through:
		after := &touched{before.since, revision, map[string]int64{}}
		maps.Copy(after.last, before.last)
		for _, c := range collections {
			after.last[c] = revision
		}
		w.touched.Store(after)
	}
	w.Advance(revision)
	w.asked.Store(&asked) // last: see Held
	return revision, nil
}

// Holds reports whether what was read from some collections at a revision is still so: whether no changeset after it has
// changed any of them, nil being all. While that is not known, it does not.
func (w *Watch) Holds(ctx context.Context, revision int64, collections []string) (bool, error) {
	now, err := w.Revision(ctx)
	if err != nil {
		return false, err
	}
	return w.untouched(now, revision, collections), nil
}

// Held is when it was last certain that what was read from some collections at a revision was still so; the zero time: it is not known.
func (w *Watch) Held(revision int64, collections []string) time.Time {
	_, last := w.Heard() // first: what is found out meanwhile is newer
	if !w.untouched(w.floor.Load(), revision, collections) {
		return time.Time{}
	}
	return last
}

// untouched reports whether it is known that no changeset after a revision, until now, has changed any of some collections.
func (w *Watch) untouched(now, revision int64, collections []string) bool {
	if revision >= now {
		return true
	}
	t := w.touched.Load()
	if collections == nil || t == nil || t.through < now || revision < t.since {
		return false
	}
	for _, c := range collections {
		if t.last[c] > revision {
			return false
		}
	}
	return true
}

// ReadFrom lists the collections that an answer to the question is read from; nil: it may be any.
func (q Question) ReadFrom() []string {
	if q.Table.Shows == nil || q.At != nil || q.List.Search != "" || q.List.ReportedBy != "" {
		return nil
	}
	return readFrom[q.Table.Name]
}

// readFrom is what each collection is read from, by its name.
var readFrom = func() map[string][]string {
	all := map[string][]string{}
	for _, t := range slices.Concat(Tables, []*Table{Found}) {
		all[t.Name] = t.reads()
	}
	return all
}()

// reads lists the collection itself and those of which its records show something.
func (t *Table) reads() []string {
	all := []string{t.Name}
	if t.Covers {
		all = append(all, "coverage")
	}
	for _, name := range t.Shows {
		if name != t.Name {
			all = append(all, name)
		}
	}
	return all
}
