package migrations_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/pressly/goose/v3"

	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/postgres"
	"github.com/parley-api/parley/migrations"
)

// as is a pool that has taken a role on.
func as(t *testing.T, db *pgxpool.Pool, role string) *pgxpool.Pool {
	t.Helper()
	pool, err := postgres.NewPool(t.Context(), postgres.PoolOptions{URL: db.Config().ConnString(), MaxConns: 2, Role: role})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// code is the SQLSTATE of an error.
func code(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return fmt.Sprint(err)
}

const denied = "42501"

// TestReaderReads: whoever reads sees all that is public and no secret, and can change nothing, not even if it is made to try.
func TestReaderReads(t *testing.T) {
	db := pgtest.DB(t)
	pgtest.Change(t, db, nil, "update rounds set note = 'x'")
	for closed := ""; closed != "none"; { // which makes tables that nobody has thought of
		closed = column[string](t, db, "select coalesce(closed::text, 'none') from close_due_segment(1, 0)")[0]
	}
	reader := as(t, db, postgres.ReaderRole)
	tables := column[string](t, db, `select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where c.relkind in ('r', 'v') and n.nspname not in ('pg_catalog', 'information_schema') order by 1`)
	secret := map[string]bool{"api_keys": true, "idempotency_keys": true, "webhooks": true, "webhook_secrets": true}
	closed := 0
	for _, table := range tables {
		_, err := reader.Exec(t.Context(), "set parley.as_of = 1; set parley.reported_by = 'UA'; select from "+table+" limit 1")
		if hidden := secret[table] || strings.HasPrefix(table, "river."); hidden != (code(err) == denied) || !hidden && err != nil {
			t.Errorf("reading %s: %v", table, err)
		}
		if strings.HasPrefix(table, "history_") {
			closed++
		}
	}
	if closed == 0 {
		t.Error("no history was cut: the test has not seen it all")
	}
	attacks := []string{
		"create table mine ()", "create schema mine", "drop table rounds", "alter table rounds disable trigger all", "do ' begin lock table rounds in exclusive mode; end '",
		"select analyze_written('{rounds}')", "select close_due_segment(1, 0)", "create role mine", "copy rounds to program 'true'", "select pg_read_file('/etc/passwd')",
	}
	for _, table := range column[string](t, db, `select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema') order by 1`) {
		attacks = append(attacks, "delete from "+table, "truncate "+table)
	}
	const readOnly = "25006"
	for _, attack := range attacks {
		if _, err := reader.Exec(t.Context(), attack); code(err) != denied && code(err) != readOnly {
			t.Errorf("%s: %v", attack, err)
		}
		// Also where it has got rid of the setting that it starts with.
		err := pgx.BeginTxFunc(t.Context(), reader, pgx.TxOptions{AccessMode: pgx.ReadWrite}, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), attack)
			return err
		})
		if code(err) != denied {
			t.Errorf("%s, in a transaction that may write: %v", attack, err)
		}
	}
}

// TestWriterWrites: whoever records changesets can do that, and neither make keys nor get round the rules of the tables.
func TestWriterWrites(t *testing.T) {
	db := pgtest.DB(t)
	writer := as(t, db, postgres.WriterRole)
	pgtest.Change(t, writer, nil, "update rounds set note = 'x' where id = 'istanbul-2025-3'", "update sources set title = title || '!'", "delete from claims where id not in (select responds_to from claims where responds_to is not null)",
		"insert into parties (id, name, kind, iso2) values ('PL', 'Poland', 'state', 'PL')", "select analyze_written('{rounds,claims}')")
	if n := column[int64](t, writer, "select count(*) from history.rounds where note = 'x'")[0]; n != 1 {
		t.Errorf("%d versions in history", n)
	}
	if cut := column[*string](t, writer, "select closed::text from close_due_segment(1, 0)")[0]; cut == nil {
		t.Error("no history was cut")
	}
	pgtest.Change(t, writer, nil, "update claims set note = 'y'")
	for _, allowed := range []string{
		"update api_keys set last_used_at = now()", "delete from webhooks", "delete from idempotency_keys", "insert into river.river_queue (name, updated_at) values ('x', now())", "select from as_of.claims",
	} {
		if _, err := writer.Exec(t.Context(), "set parley.as_of = 1; "+allowed); err != nil {
			t.Errorf("%s: %v", allowed, err)
		}
	}
	for _, attack := range []string{
		"insert into api_keys (id, name, scopes, hash) values ('aaaaaaaa', 'me', '{admin}', sha256('x'))", "update api_keys set scopes = '{admin}'", "update api_keys set hash = sha256('x')", "delete from api_keys",
		"alter table rounds disable trigger all", "set session_replication_role = replica", "truncate ended.rounds", "drop table rounds", "create table mine ()", "create function mine() returns int language sql as 'select 1'",
		"update changesets set author = 'x'", "delete from changesets", "insert into as_of.segments values (7)", "delete from goose_db_version",
		"create or replace view as_of.rounds as select * from public.rounds", "create role mine",
	} {
		if _, err := writer.Exec(t.Context(), attack); code(err) != denied {
			t.Errorf("%s: %v", attack, err)
		}
	}
	// What rights do not forbid, triggers do.
	for _, attack := range []string{"delete from ended.rounds", "delete from changes", "update changes set op = 'delete'"} {
		if _, err := writer.Exec(t.Context(), attack); err == nil || !strings.Contains(err.Error(), "written by the triggers") {
			t.Errorf("%s: %v", attack, err)
		}
	}
}

// TestRolesOfAnOrdinaryUser: a database belongs to a user who may not make roles. It is migrated, and served by; and when
// somebody has made them, the next migration gives them their rights.
func TestRolesOfAnOrdinaryUser(t *testing.T) {
	db := pgtest.Empty(t)
	name := db.Config().ConnConfig.Database
	for _, sql := range []string{
		"create role ordinary login", "alter database " + name + " owner to ordinary", "alter schema public owner to ordinary",
	} {
		if _, err := db.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	defer func() {
		_, _ = db.Exec(context.Background(), "reassign owned by ordinary to current_user; drop owned by ordinary; drop role ordinary")
	}()
	pool, err := postgres.NewPool(t.Context(), postgres.PoolOptions{URL: strings.Replace(db.Config().ConnString(), "parley@", "ordinary@", 1), MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if user := column[string](t, pool, "select current_user::text")[0]; user != "ordinary" {
		t.Fatalf("connected as %s", user)
	}
	m, err := postgres.NewMigrator(pool)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	up := func() {
		t.Helper()
		if err := m.Up(t.Context(), func(*goose.MigrationResult) {}); err != nil {
			t.Fatal(err)
		}
	}
	up()
	if missing, err := postgres.MissingRoles(t.Context(), pool); err != nil || !strings.Contains(missing, "permission denied to set role") {
		t.Errorf("without being a member: %s, %v", missing, err)
	}
	if _, err := db.Exec(t.Context(), "grant parley_reader, parley_writer to ordinary"); err != nil {
		t.Fatal(err)
	}
	up()
	if missing, err := postgres.MissingRoles(t.Context(), pool); err != nil || missing != "" {
		t.Errorf("being a member: %s, %v", missing, err)
	}
	if n := column[int64](t, as(t, pool, postgres.ReaderRole), "select count(*) from rounds")[0]; n != 15 {
		t.Errorf("the reader sees %d rounds", n)
	}
}

// TestRolesAreMadeAtOnce: roles belong to the server. However many of its databases are migrated at the same time, they are
// made once, and every user that migrates may take them on.
func TestRolesAreMadeAtOnce(t *testing.T) {
	const databases, rounds = 6, 8
	text, err := migrations.FS.ReadFile("00029_roles.sql")
	if err != nil {
		t.Fatal(err)
	}
	function := regexp.MustCompile(`(?s)create function make_roles.*?end \$\$;`).FindString(string(text))
	function = strings.NewReplacer("parley_reader", "raced_reader", "parley_writer", "raced_writer").Replace(function)
	var pools []*pgxpool.Pool
	for range databases {
		db := pgtest.Empty(t)
		user := "raced_" + db.Config().ConnConfig.Database
		if _, err := db.Exec(t.Context(), function+"; create role "+user+" login createrole"); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _, _ = db.Exec(context.Background(), "drop role "+user) })
		pool, err := postgres.NewPool(t.Context(), postgres.PoolOptions{URL: strings.Replace(db.Config().ConnString(), "parley@", user+"@", 1), MaxConns: 1})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		if err := pool.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		pools = append(pools, pool)
	}
	for range rounds {
		var all sync.WaitGroup
		begin := make(chan struct{})
		for _, pool := range pools {
			all.Go(func() {
				<-begin
				var made bool
				if err := pool.QueryRow(t.Context(), "select make_roles()").Scan(&made); err != nil || !made {
					t.Errorf("made: %v, %v", made, err)
				}
				if _, err := pool.Exec(t.Context(), "set role raced_writer; set role raced_reader; reset role"); err != nil {
					t.Error(err)
				}
			})
		}
		close(begin)
		all.Wait()
		if _, err := pgtest.Shared(t).Exec(t.Context(), "drop role raced_reader, raced_writer"); err != nil {
			t.Fatal(err)
		}
	}
}
