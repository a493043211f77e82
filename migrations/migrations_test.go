package migrations_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pressly/goose/v3"

	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/postgres"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// column runs a query of one column.
func column[T any](t *testing.T, db interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}, sql string, args ...any,
) []T {
	t.Helper()
	rows, err := db.Query(t.Context(), sql, args...)
	if err != nil {
		t.Fatal(err)
	}
	values, err := pgx.CollectRows(rows, pgx.RowTo[T])
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// TestSeedIsWhole compares the seed with the counts and the sums that the curated data set was published with.
func TestSeedIsWhole(t *testing.T) {
	db := pgtest.Shared(t)
	counts := map[string]int64{
		"processes": 3, "rounds": 15, "delegations": 34, "delegation_members": 140, "people": 47, "parties": 11, "proposals": 27,
		"commitments": 23, "claims": 28, "prisoner_exchanges": 81, "body_repatriations": 49, "published_totals": 67, "reports": 605,
		"sources": 606, "changesets": 1,
	}
	for table, want := range counts {
		if got := column[int64](t, db, "select count(*) from "+table)[0]; got != want {
			t.Errorf("%s has %d rows, want %d", table, got, want)
		}
	}
	// By year: sum, and in brackets the events without a figure.
	sums := []struct{ table, record, from, want string }{
		{"prisoner_exchange_transfers", "prisoner_exchange", "RU", "2022 1570 (0), 2023 996 (0), 2024 1358 (0), 2025 2539 (8), 2026 659 (0)"},
		{"prisoner_exchange_transfers", "prisoner_exchange", "UA", "2022 940 (12), 2023 592 (4), 2024 1266 (2), 2025 2509 (8), 2026 660 (0)"},
		{"body_repatriation_transfers", "body_repatriation", "RU", "2022 457 (0), 2023 707 (0), 2024 3380 (0), 2025 16301 (0), 2026 2000 (0)"},
		{"body_repatriation_transfers", "body_repatriation", "UA", "2022 210 (5), 2023 0 (11), 2024 134 (11), 2025 354 (2), 2026 73 (0)"},
	}
	for _, s := range sums {
		got := column[string](t, db, fmt.Sprintf(`
			select string_agg(format('%%s %%s (%%s)', year, sum, unknown), ', ' order by year) from (
				select extract(year from e.date) as year, coalesce(sum(t.total), 0) as sum, count(*) filter (where t.total is null) as unknown
				from %[1]s t join %[2]ss e on e.id = t.%[2]s where t.from_party = $1 group by 1) y`, s.table, s.record), s.from)[0]
		if diff := cmp.Diff(s.want, got); diff != "" {
			t.Errorf("%s from %s: %s", s.table, s.from, diff)
		}
	}
}

// TestEveryTableIsDescribed: tables have comments, and every one of records keeps its history.
func TestEveryTableIsDescribed(t *testing.T) {
	db := pgtest.Shared(t)
	mute := column[string](t, db, `select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where n.nspname in ('public', 'ended', 'history') and c.relkind in ('r', 'v') and obj_description(c.oid) is null and c.relname <> 'goose_db_version'`)
	if len(mute) > 0 {
		t.Errorf("tables without a comment: %v", mute)
	}
	forgetful := column[string](t, db, `select tablename::text from pg_tables where schemaname = 'public' and tablename not in ('changesets', 'changes', 'transfer_moves', 'api_keys', 'idempotency_keys', 'webhooks', 'webhook_secrets', 'goose_db_version')
		and tablename not in (select tablename from pg_tables where schemaname = 'ended') or schemaname = 'ended' and to_regclass('history.' || tablename) is null`)
	if len(forgetful) > 0 {
		t.Errorf("tables without history (call keep_history): %v", forgetful)
	}
	presentOnly := column[string](t, db, `select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where n.nspname = 'public' and c.relkind in ('r', 'v') and c.relname not in ('transfer_moves', 'api_keys', 'idempotency_keys', 'webhooks', 'webhook_secrets', 'goose_db_version') and to_regclass('as_of.' || c.relname) is null`)
	if len(presentOnly) > 0 {
		t.Errorf("tables and views that as_of cannot read (call read_as_of): %v", presentOnly)
	}
	// What is shown with a party's figures has the columns of the table that it stands for, in every schema of the past too.
	other := column[string](t, db, `select format('%s.%s', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
		join pg_class p on p.relname = c.relname and p.relnamespace = 'public'::regnamespace
		where n.nspname ~ '^(reported|as_of)' and array(select attname from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped order by attname)
			<> array(select attname from pg_attribute where attrelid = p.oid and attnum > 0 and not attisdropped and attname <> 'valid_from' order by attname)`)
	if len(other) > 0 {
		t.Errorf("views with other columns than what they stand for (make them anew): %v", other)
	}
	for _, table := range column[string](t, db, "select tablename::text from pg_tables where schemaname = 'ended'") {
		if n := column[int64](t, db, fmt.Sprintf(
			"select count(*) from (select valid_from, h.* from history.%[1]s h where valid_from = 1) h", table))[0]; n != column[int64](t, db, "select count(*) from "+table)[0] {
			t.Errorf("history.%s has %d first versions, not one for each row", table, n)
		}
	}
}

// TestWritesNeedAChangeset: whatever the statement, it fails outside a changeset, and nothing rewrites the past.
func TestWritesNeedAChangeset(t *testing.T) {
	refused := []struct{ name, sql, want string }{
		{"insert", "insert into parties (id, name, kind, iso2) values ('PL', 'Poland', 'state', 'PL')", "outside a changeset"},
		{"update", "update rounds set duration_minutes = 40 where id = 'istanbul-2025-3'", "outside a changeset"},
		{"update of a part", "update delegation_members set role = 'x'", "outside a changeset"},
		{"delete", "delete from reports", "outside a changeset"},
		{"truncate", "truncate claims cascade", "delete leaves history"},
		{"borrowed changeset", "do $$ begin perform set_config('parley.changeset', '1', true); delete from reports; end $$", "outside a changeset"},
		{"nonsense changeset", "do $$ begin perform set_config('parley.changeset', '77', true); delete from reports; end $$", "outside a changeset"},
		{"changeset rewritten", "update changesets set message = 'x'", "never rewritten"},
		{"changeset deleted", "delete from changesets", "never rewritten"},
		{"change forged", "insert into changes (revision, collection, record, op) values (1, 'rounds', 'x', 'delete')", "written by the triggers"},
		{"history rewritten", "update ended.rounds set duration_minutes = 40", "written by the triggers"},
		{"history deleted", "delete from ended.rounds", "written by the triggers"},
		{"history forged", "insert into ended.parties select * from ended.parties", "written by the triggers"},
	}
	for _, tt := range refused {
		t.Run(tt.name, func(t *testing.T) {
			_, err := pgtest.Tx(t).Exec(t.Context(), tt.sql)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}

// TestHistory: versions begin and end with changesets, no-ops leave none, parts move their record.
func TestHistory(t *testing.T) {
	db := pgtest.DB(t)
	versions := func(sql string) []string { t.Helper(); return column[string](t, db, sql) }
	const endless = "9223372036854775807"
	expect := func(sql string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, versions(sql), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", sql, diff)
		}
	}
	const round = "select format('%s-%s %s @%s', valid_from, valid_to, duration_minutes, revision) from history.rounds where id = 'istanbul-2025-3' order by valid_from"

	pgtest.Change(t, db, nil, "update rounds set duration_minutes = 34, revision = 99 where id = 'istanbul-2025-3'")
	expect("select revision::text from rounds where id = 'istanbul-2025-3'", "2") // a revision cannot be chosen
	pgtest.Change(t, db, nil, "update rounds set duration_minutes = 34, summary = summary where id = 'istanbul-2025-3'")
	expect(round, "1-2 34 @1", "2-"+endless+" 34 @2") // changeset 3 changed nothing

	pgtest.Change(t, db, nil, // two changes in one changeset are one version
		"update rounds set duration_minutes = 40 where id = 'istanbul-2025-3'",
		"update rounds set duration_minutes = 38 where id = 'istanbul-2025-3'")
	expect(round, "1-2 34 @1", "2-4 34 @2", "4-"+endless+" 38 @4")

	// A member belongs to a delegation, and that to a round: both move.
	pgtest.Change(t, db, nil, "update delegation_members set role = 'Head' where delegation = 'istanbul-2025-3-ru' and person = 'vladimir-medinsky'")
	expect("select revision::text from delegations where id = 'istanbul-2025-3-ru'", "5")
	expect("select revision::text from delegations where id = 'istanbul-2025-3-ua'", "1")
	expect("select revision::text from rounds where id = 'istanbul-2025-3'", "5")
	// A report moves the record that it is about, of whichever kind.
	pgtest.Change(t, db, nil, "delete from reports where prisoner_exchange = 'exchange-2025-07-23' and position = 1",
		"update reports set note = 'x' where id = 'istanbul-2025-2-bodies-6000-r1'")
	expect("select revision::text from prisoner_exchanges where id = 'exchange-2025-07-23'", "6")
	expect("select revision::text from commitments where id = 'istanbul-2025-2-bodies-6000'", "6")

	expect("select format('%s %s/%s', op, collection, record) from changes where revision between 2 and 6 order by id",
		"update rounds/istanbul-2025-3", "update rounds/istanbul-2025-3", // none in 3
		"update delegations/istanbul-2025-3-ru", "update rounds/istanbul-2025-3",
		"update prisoner-exchanges/exchange-2025-07-23", "update commitments/istanbul-2025-2-bodies-6000")

	// What is born and dies in one changeset was never there; what is deleted leaves its past.
	pgtest.Change(t, db, nil, "insert into parties (id, name, kind, iso2) values ('PL', 'Poland', 'state', 'PL')", "delete from parties where id = 'PL'")
	expect("select id::text from history.parties where id = 'PL'")
	pgtest.Change(t, db, nil, "insert into parties (id, name, kind, iso2) values ('PL', 'Poland', 'state', 'PL')")
	pgtest.Change(t, db, nil, "delete from parties where id = 'PL'")
	expect("select format('%s-%s', valid_from, valid_to) from history.parties where id = 'PL'", "8-9")
	expect("select format('%s %s %s/%s', revision, op, collection, record) from changes where record = 'PL' order by id", "8 create parties/PL", "9 delete parties/PL")
	pgtest.Change(t, db, nil, "delete from person_aliases where person = 'sergey-lavrov'", // deleted and made again is changed
		"delete from delegation_members where person = 'andrii-fomin'", "delete from people where id = 'andrii-fomin'",
		"insert into people (id, name, party) values ('andrii-fomin', 'A. Fomin', 'UA')")
	expect("select format('%s %s', op, record) from changes where revision = 10 and collection = 'people' order by record", "update andrii-fomin", "update sergey-lavrov")
	// Deleting a record deletes its parts, and all of them leave their past.
	pgtest.Change(t, db, nil, "delete from claims where id = 'kursk-exchange-terms-2026-02'")
	expect("select format('%s-%s', valid_from, valid_to) from history.claim_sources where claim = 'kursk-exchange-terms-2026-02'", "1-11")
}

// TestChangesetsAreInTheOrderOfCommits: the second writer waits for the first, and a failed one leaves no gap.
func TestChangesetsAreInTheOrderOfCommits(t *testing.T) {
	db := pgtest.DB(t)
	open := func() (pgx.Tx, func() (int64, error)) {
		tx, err := db.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return tx, func() (id int64, err error) {
			err = tx.QueryRow(t.Context(), "insert into changesets (author, message) values ('a', 'b') returning id").Scan(&id)
			return id, err
		}
	}
	first, begin := open()
	if id, err := begin(); err != nil || id != 2 {
		t.Fatal(id, err)
	}
	second, begin := open()
	got := make(chan int64)
	go func() {
		id, _ := begin()
		got <- id
	}()
	select {
	case id := <-got:
		t.Fatalf("changeset %d was given out while 2 was open", id)
	case <-time.After(100 * time.Millisecond):
	}
	if err := first.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if id := <-got; id != 2 {
		t.Errorf("after a rolled-back changeset 2 comes %d", id)
	}
	if err := second.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if at := column[bool](t, db, "select recorded_at >= lag(recorded_at, 1, recorded_at) over (order by id) from changesets"); at[1] != true {
		t.Error("a later changeset was recorded earlier")
	}
}

// TestConstraints: what cannot be true cannot be stored.
func TestConstraints(t *testing.T) {
	const transfer = "insert into prisoner_exchange_transfers (prisoner_exchange, from_party, to_party, total, pows, civilians, position) values ('exchange-2025-07-23', "
	const report = "insert into reports (id, round, position, field, value_number, value_text, qualifier, source) values ('r', 'istanbul-2025-3', 99, "
	tests := []struct{ name, sql, code string }{
		{"direction to itself", transfer + "'TR', 'TR', 1, 1, 0, 9)", "23514"},
		{"parts that do not add up", transfer + "'TR', 'RU', 10, 5, 4, 9)", "23514"},
		{"more prisoners of war than people", transfer + "'TR', 'RU', 10, 11, null, 9)", "23514"},
		{"negative count", transfer + "'TR', 'RU', -1, null, null, 9)", "23514"},
		{"parts that add up", transfer + "'TR', 'RU', 10, 6, 4, 9)", ""},
		{"unknown parts", transfer + "'TR', 'RU', null, 6, null, 9)", ""},
		{"direction twice", transfer + "'RU', 'UA', 1, null, null, 9)", "23505"},
		{"unknown party", transfer + "'XX', 'UA', 1, null, null, 9)", "23503"},
		{"state without its code", "insert into parties (id, name, kind) values ('PL', 'Poland', 'state')", "23514"},
		{"unknown word", "update rounds set status = 'over'", "22P02"},
		{"slug with a space", "update rounds set id = 'a b' where id = 'istanbul-2025-3'", "23514"},
		{"ends before it starts", "update rounds set ends_on = '2020-01-01'", "23514"},
		{"online with a place", "update rounds set format = 'online' where id = 'istanbul-2025-3'", "23514"},
		{"latitude without longitude", "update rounds set lon = null where id = 'istanbul-2025-3'", "23514"},
		{"head who is no member", "update delegations set head = 'hakan-fidan' where id = 'istanbul-2025-3-ru'; set constraints all immediate", "23503"},
		{"target without direction", "update commitment_targets set from_party = null, to_party = null", "23514"},
		{"claim that answers itself", "update claims set responds_to = id", "23514"},
		{"report of an unknown figure", report + "'mood', 1, null, 'exactly', 'interbellum-2025-07-23')", "23514"},
		{"report with two values", report + "'number', 1, 'one', 'exactly', 'interbellum-2025-07-23')", "23514"},
		{"number where a day is due", report + "'starts_on', 5, null, 'exactly', 'interbellum-2025-07-23')", "23514"},
		{"other without a note", report + "'other', 5, null, 'exactly', 'interbellum-2025-07-23')", "23514"},
		{"report from a source that the record does not cite", report + "'number', 3, null, 'exactly', 'steinert-pilot-data')", "23503"},
		{"good report", report + "'number', 3, null, 'exactly', 'interbellum-2025-07-23')", ""},
		{"cited source deleted", "delete from sources where id = 'interbellum-2025-07-23'", "23503"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tx := pgtest.Tx(t)
			_, err := tx.Exec(t.Context(), "insert into changesets (author, message) values ('test', 'test')")
			if err != nil {
				t.Fatal(err)
			}
			_, err = tx.Exec(t.Context(), tt.sql, pgx.QueryExecModeSimpleProtocol)
			var pg *pgconn.PgError
			if tt.code == "" && err != nil || tt.code != "" && (!errors.As(err, &pg) || pg.Code != tt.code) {
				t.Errorf("got %v, want %q", err, tt.code)
			}
		})
	}
}

// TestDownAndUp: every migration can be undone, to the last object, and applied again.
func TestDownAndUp(t *testing.T) {
	db := pgtest.Empty(t)
	m, err := postgres.NewMigrator(db)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for range 2 {
		applied := 0
		if err := m.Up(t.Context(), func(*goose.MigrationResult) { applied++ }); err != nil {
			t.Fatal(err)
		}
		if n := column[int64](t, db, "select count(*) from rounds")[0]; n != 15 {
			t.Fatalf("%d rounds after up", n)
		}
		for range applied {
			if _, err := m.Down(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		left := column[string](t, db, `
			select relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
				where nspname in ('public', 'history') and relkind in ('r', 'v') and relname not like 'goose%'
			union all select proname::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace where nspname = 'public'
			union all select typname::text from pg_type t join pg_namespace n on n.oid = t.typnamespace
				where nspname = 'public' and typtype in ('e', 'd')
			union all select nspname::text from pg_namespace where nspname in ('history', 'ended')`)
		if len(left) > 0 {
			t.Fatalf("after all downs there is still %v", left)
		}
	}
}

// TestDownKeepsHistory: history that was cut is whole again when the migration that cuts is undone.
func TestDownKeepsHistory(t *testing.T) {
	db := pgtest.DB(t)
	for n := range 4 {
		pgtest.Change(t, db, nil, fmt.Sprintf("update rounds set note = 'version %d'", n), fmt.Sprintf("delete from claims where id = (select id from claims where id not in (select responds_to from claims where responds_to is not null) offset %d limit 1)", n))
	}
	const rounds, claims = "select to_json(h)::text from history.rounds h order by id, valid_from", "select to_json(h)::text from history.claims h order by id, valid_from"
	before := append(column[string](t, db, rounds), column[string](t, db, claims)...)
	cuts := 0
	for ; column[*int64](t, db, "select cut from close_due_segment(1, 0.5)")[0] != nil; cuts++ {
	}
	if cuts < 4 {
		t.Fatalf("%d cuts", cuts)
	}
	m, err := postgres.NewMigrator(db)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for result := (*goose.MigrationResult)(nil); result == nil || result.Source.Version > 15; {
		if result, err = m.Down(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(before, append(column[string](t, db, rounds), column[string](t, db, claims)...)); diff != "" {
		t.Errorf("history before it was cut (-) and after that was undone (+):\n%.2000s", diff)
	}
	if left := column[string](t, db, "select nspname::text from pg_namespace where nspname ~ '^(history|as_of)_'"); len(left) > 0 {
		t.Errorf("there is still %v", left)
	}
}

// TestSeedIsNotUndoneOverOthersWork: changesets after the seed would be lost with it.
func TestSeedIsNotUndoneOverOthersWork(t *testing.T) {
	db := pgtest.DB(t)
	pgtest.Change(t, db, nil, "update rounds set duration_minutes = 35 where id = 'istanbul-2025-3'")
	m, err := postgres.NewMigrator(db)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for result := (*goose.MigrationResult)(nil); err == nil && (result == nil || result.Source.Version > 9); {
		result, err = m.Down(t.Context())
	}
	if err == nil || !strings.Contains(err.Error(), "lost") {
		t.Errorf("got %v", err)
	}
	if n := column[int64](t, db, "select count(*) from changesets")[0]; n != 2 {
		t.Errorf("%d changesets are left", n)
	}
}
