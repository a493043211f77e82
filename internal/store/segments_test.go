package store_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/render"
	"github.com/parley-api/parley/internal/store"
)

// TestCloseSegments: readers of the past get the same answers before, while and after history is cut under them.
func TestCloseSegments(t *testing.T) {
	db := pgtest.DB(t)
	at := exchangesAt(t, db)
	var said []string // by revision, from 1
	for n := range 6 {
		if n > 0 {
			pgtest.Change(t, db, nil, fmt.Sprintf("update prisoner_exchanges set note = 'version %d' where length(id) %% 3 <> %d", n, n%3),
				fmt.Sprintf("delete from body_repatriations where id = (select id from body_repatriations order by id offset %d limit 1)", n))
		}
		text, err := at(int64(n + 1))
		if err != nil {
			t.Fatal(err)
		}
		said = append(said, text)
	}
	var readers errgroup.Group
	done := make(chan struct{})
	for range 4 {
		readers.Go(func() error {
			for n := 0; ; n++ {
				select {
				case <-done:
					return nil
				default:
				}
				revision := n % len(said)
				text, err := at(int64(revision + 1))
				if err != nil {
					return err
				}
				if diff := cmp.Diff(said[revision], text); diff != "" {
					return fmt.Errorf("revision %d reads (-before, +now):\n%.2000s", revision+1, diff)
				}
			}
		})
	}
	closed := int64(0)
	for _, share := range []float64{2, 1, 0.5, 0.1, 0.01} { // from one cut through all of history to one a changeset
		n, err := store.CloseSegments(t.Context(), db, 1, share)
		if err != nil {
			t.Fatal(err)
		}
		closed += n
		time.Sleep(50 * time.Millisecond)
	}
	close(done)
	if err := readers.Wait(); err != nil {
		t.Error(err)
	}
	if closed < 4 {
		t.Errorf("%d segments were closed: too few to tell", closed)
	}
	if n, err := store.CloseSegments(t.Context(), db, 1, 0.01); n != 0 || err != nil {
		t.Errorf("closing twice closes %d, %v", n, err)
	}
	// Why a record is absent, and that its id is taken, is known from closed segments too.
	var id string
	if err := db.QueryRow(t.Context(), "select record from changes where collection = 'body-repatriations' and op = 'delete' order by id limit 1").Scan(&id); err != nil {
		t.Fatal(err)
	}
	absent, ok := store.WhyAbsent(t.Context(), db, store.BodyRepatriations, id).(*store.Absent) //nolint:errorlint // its own error
	if !ok || absent.Since != 1 || absent.Until != 2 {
		t.Errorf("a record deleted by revision 2 is absent because of %+v", absent)
	}
}

// exchangesAt reads exchanges as of a revision.
func exchangesAt(t *testing.T, db *pgxpool.Pool) func(revision int64) (string, error) {
	t.Helper()
	l, err := query.Parse(nil, store.PrisonerExchanges.Grammar())
	if err != nil {
		t.Fatal(err)
	}
	l.Limit, l.TotalCount = 50, true
	return func(revision int64) (string, error) {
		q := store.Question{Table: store.PrisonerExchanges, List: l, At: &revision}
		r := render.Record{Columns: q.Shape()}
		var text []byte
		info, err := store.Page(t.Context(), db, q, func(row store.Row) {
			r.Values = row
			text = append(render.AppendJSON(text, r), '\n')
		})
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%d of %d\n%s", info.Revision, *info.Total, text), nil
	}
}

// TestCutBesideWriters: what changesets record while history is cut is read later as it was read at once.
func TestCutBesideWriters(t *testing.T) {
	db := pgtest.DB(t)
	at := exchangesAt(t, db)
	ctx, stop := context.WithCancel(t.Context())
	var cutter errgroup.Group
	var closed atomic.Int64
	cutter.Go(func() error {
		for ctx.Err() == nil {
			n, err := store.CloseSegments(ctx, db, 1, 0.01)
			if closed.Add(n); err != nil && ctx.Err() == nil {
				return err
			}
		}
		return nil
	})
	said := map[int64]string{}
	for n := 0; n < 200 && closed.Load() < 5 || n < 40; n++ {
		revision := pgtest.Change(t, db, nil, fmt.Sprintf("update prisoner_exchanges set note = 'version %d' where length(id) %% 3 <> %d", n, n%3))
		text, err := at(revision)
		if err != nil {
			t.Fatal(err)
		}
		said[revision] = text
	}
	stop()
	if err := cutter.Wait(); err != nil {
		t.Fatal(err)
	}
	if n := closed.Load(); n < 3 {
		t.Errorf("%d segments were closed: too few to tell", n)
	}
	for revision, before := range said {
		text, err := at(revision)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, text); diff != "" {
			t.Errorf("revision %d reads (-before, +now):\n%.2000s", revision, diff)
		}
	}
}
