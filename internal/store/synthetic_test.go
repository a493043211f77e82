package store_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/store"
)

// versions of each synthetic record: changesets 2 to 6.
const versions = 5

// synthetic is databases with many exchanges, made once for all benchmarks of a run: with five versions of each, and with
// one.
var synthetic struct {
	once      sync.Once
	db, plain *pgxpool.Pool
	err       error
}

// syntheticDB returns a database of many exchanges, with their history or without, and their number:
// PARLEY_BENCH_RECORDS, or else 20,000.
func syntheticDB(b *testing.B, history bool) (*pgxpool.Pool, int) {
	b.Helper()
	n := 20_000
	if text := os.Getenv("PARLEY_BENCH_RECORDS"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	synthetic.once.Do(func() {
		synthetic.db, synthetic.plain = pgtest.DB(b), pgtest.DB(b)
		for pool, versions := range map[**pgxpool.Pool]int{&synthetic.db: versions, &synthetic.plain: 1} {
			if synthetic.err = fill(b.Context(), *pool, n, versions); synthetic.err != nil {
				return
			}
			// The pool is closed at the end of this benchmark; others go on with one of their own.
			if *pool, synthetic.err = pgxpool.NewWithConfig(context.Background(), (*pool).Config()); synthetic.err != nil {
				return
			}
			pgtest.AtEnd((*pool).Close)
		}
	})
	if synthetic.err != nil {
		b.Fatal(synthetic.err)
	}
	if history {
		return synthetic.db, n
	}
	return synthetic.plain, n
}

// The synthetic exchanges are spread over 9,000 days; each has two transfers, and a note that says which changeset wrote it.
const (
	syntheticExchange = `select 'synthetic-' || i as id, date '2000-01-01' + (i::bigint * 7919 %% 9000)::int as date, 'Place ' || i %% 100 as place,
		44 + i::bigint * 7919 %% 8000 / 1000.0::float8 as lat, 22 + i::bigint * 104729 %% 18000 / 1000.0::float8 as lon,
		(array['UA', 'BY', 'TR'])[1 + i %% 3] as country, 'city'::place_precision as place_precision, 'Synthetic exchange ' || i as summary, 'Changed in ' || r as note, r as revision
		from generate_series(1, %[1]d) i, generate_series(%[2]d, %[3]d) r`
	syntheticTransfer = `select 'synthetic-' || i as prisoner_exchange, (array['RU', 'UA'])[k] as from_party, (array['UA', 'RU'])[k] as to_party, i %% 300 as total, k as position,
		i %% 300 as total_low, i %% 300 as total_high, 'single_source'::figure_status as total_status
		from generate_series(1, %[1]d) i, generate_series(1, 2) k`
	exchangeColumns = "id, date, place, lat, lon, country, place_precision, summary, note"
	sumColumns      = "collection, span, starts_on, from_party, to_party, country, commitment, records, unknown_count, unbounded_count, total, total_low, total_high"
	transferColumns = "prisoner_exchange, from_party, to_party, total, position, total_low, total_high, total_status"
)

// fill makes n exchanges and writes each of them by several changesets. It writes the rows of history and of the feed of
// changes itself, as the triggers would and in their order, with the indexes made afterwards; TestFill compares it with what triggers write.
func fill(ctx context.Context, db *pgxpool.Pool, n, versions int) error {
	last := 1 + versions
	exchanges, transfers := fmt.Sprintf(syntheticExchange, n, last, last), fmt.Sprintf(syntheticTransfer, n)
	statements := []string{
		"set local session_replication_role = replica", // no triggers
		fmt.Sprintf("insert into changesets select r, 'bench', 'synthetic', now(), pg_current_xact_id() from generate_series(2, %d) r", last),
		"insert into prisoner_exchanges (" + exchangeColumns + ", revision) " + exchanges,
		"insert into prisoner_exchange_transfers (" + transferColumns + ", valid_from) select t.*, 2 from (" + transfers + ") t",
		fmt.Sprintf("insert into changes (revision, collection, record, op) select revision, 'prisoner-exchanges', id, case revision when 2 then 'create' else 'update' end::change_op from ("+
			syntheticExchange+") x order by revision, length(id), id", n, 2, last),
	}
	err := pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		var search string // as the table generates it
		err := tx.QueryRow(ctx, "select pg_get_expr(adbin, adrelid) from pg_attrdef where adrelid = 'prisoner_exchanges'::regclass").Scan(&search)
		if err != nil {
			return err
		}
		statements = append(statements, fmt.Sprintf("insert into ended.prisoner_exchanges (valid_from, valid_to, "+exchangeColumns+", revision, search) select revision, revision + 1, "+
			exchangeColumns+", revision, "+search+" from (select null::text as sequence_note, x.* from ("+syntheticExchange+") x) x order by revision", n, 2, last-1))
		indexes, err := dropIndexes(ctx, tx)
		if err != nil {
			return err
		}
		// A sum that is another than it was ended, and began, with the changeset that brought the exchanges.
		statements = append(statements, "create temp table before on commit drop as select * from transfer_sums", "delete from transfer_sums",
			"insert into transfer_sums select c.*, case when exists (select from before b where to_jsonb(b) - 'valid_from' = to_jsonb(c)) then 1 else 2 end from transfer_sums_computed c",
			"insert into ended.transfer_sums (valid_from, valid_to, "+sumColumns+") select valid_from, 2, "+sumColumns+" from before b where not exists (select from transfer_sums s where to_jsonb(s) = to_jsonb(b))")
		for _, sql := range append(append(statements, "set local maintenance_work_mem = '1GB'"), indexes...) {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return fmt.Errorf("%s: %w", sql, err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	// As where history was cut whenever that was due: no room of versions that moved is left over.
	if _, err := store.CloseSegments(ctx, db, store.LeastEnded, store.EndedShare); err != nil {
		return err
	}
	if _, err = db.Exec(ctx, "vacuum (full) ended.prisoner_exchanges"); err == nil {
		_, err = db.Exec(ctx, "vacuum analyze")
	}
	return err
}

// dropIndexes drops the indexes of the tables that are filled, keys aside, and returns the statements that make them.
func dropIndexes(ctx context.Context, tx pgx.Tx) ([]string, error) {
	rows, err := tx.Query(ctx, `select pg_get_indexdef(i.indexrelid), i.indexrelid::regclass::text from pg_index i join pg_class c on c.oid = i.indrelid
		where (c.relname like 'prisoner_exchange%' or c.relname = 'changes') and not exists (select from pg_constraint k where k.conindid = i.indexrelid)`)
	if err != nil {
		return nil, err
	}
	var definition, name string
	var definitions, drops []string
	_, err = pgx.ForEachRow(rows, []any{&definition, &name}, func() error {
		definitions, drops = append(definitions, definition), append(drops, name)
		return nil
	})
	if err != nil {
		return nil, err
	}
	_, err = tx.Exec(ctx, "drop index "+strings.Join(drops, ", "))
	return definitions, err
}

// TestFill: what fill writes by itself is what the triggers would have written.
func TestFill(t *testing.T) {
	const n = 50
	filled, written := pgtest.DB(t), pgtest.DB(t)
	if err := fill(t.Context(), filled, n, versions); err != nil {
		t.Fatal(err)
	}
	pgtest.Change(t, written, nil,
		"insert into prisoner_exchanges ("+exchangeColumns+") select "+exchangeColumns+" from ("+fmt.Sprintf(syntheticExchange, n, 2, 2)+") x",
		"insert into prisoner_exchange_transfers ("+transferColumns+") "+fmt.Sprintf(syntheticTransfer, n))
	for range versions - 1 {
		pgtest.Change(t, written, nil, "update prisoner_exchanges set note = 'Changed in ' || current_setting('parley.changeset') where id like 'synthetic-%'")
	}
	for _, sql := range []string{
		"select to_json(t)::text from prisoner_exchanges t order by id",
		"select to_json(t)::text from prisoner_exchange_transfers t order by prisoner_exchange, position",
		"select to_json(t)::text from history.prisoner_exchanges t order by id, valid_from",
		"select to_json(t)::text from history.prisoner_exchange_transfers t order by prisoner_exchange, position, valid_from",
		"select to_json(t)::text from transfer_sums t order by 1",
		"select to_json(t)::text from history.transfer_sums t order by 1",
		"select concat_ws(' ', revision, collection, record, op) from changes order by revision, collection, record",
		"select indexdef from pg_indexes where tablename like 'prisoner_exchange%' order by 1",
	} {
		rows := func(db *pgxpool.Pool) []string {
			rows, err := db.Query(t.Context(), sql)
			if err != nil {
				t.Fatal(err)
			}
			all, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err != nil {
				t.Fatal(err)
			}
			return all
		}
		if diff := cmp.Diff(rows(written), rows(filled)); diff != "" {
			t.Errorf("%s: by triggers (-) and filled (+):\n%.2000s", sql, diff)
		}
	}
}
