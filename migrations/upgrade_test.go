package migrations_test

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pressly/goose/v3"

	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/postgres"
	"github.com/parley-api/parley/migrations"
)

// told is a log that tells of its lines.
type told chan string

func (l told) Write(line []byte) (int, error) {
	l <- string(line)
	return len(line), nil
}

// TestMigrationsWaitForNobody: a migration that others stand in the way of lets them be, and comes again.
func TestMigrationsWaitForNobody(t *testing.T) {
	const blocked = 25 // makes indexes on prisoner_exchanges, which who writes there stands in the way of
	db := pgtest.DB(t)
	pool, err := postgres.NewPool(t.Context(), postgres.PoolOptions{URL: db.Config().ConnString(), MaxConns: 4, LockTimeout: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	m, err := postgres.NewMigrator(pool)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for version := int64(0); version != blocked; {
		result, err := m.Down(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		version = result.Source.Version
	}
	writer, err := db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = writer.Rollback(context.Background()) }()
	if _, err := writer.Exec(t.Context(), "lock table prisoner_exchanges in row exclusive mode"); err != nil {
		t.Fatal(err)
	}
	waits := make(told, 100)
	m.Log = slog.New(slog.NewTextHandler(waits, nil))
	done := make(chan error)
	var applied []int64
	go func() {
		done <- m.Up(t.Context(), func(r *goose.MigrationResult) { applied = append(applied, r.Source.Version) })
	}()
	select {
	case line := <-waits:
		if !strings.Contains(line, "tried again") {
			t.Errorf("it says %s", line)
		}
	case err := <-done:
		t.Fatalf("it did not wait: %v", err)
	}
	if err := writer.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil || len(applied) == 0 || applied[0] != blocked {
		t.Errorf("applied %v, %v", applied, err)
	}
}

// TestHistoryOfWhatEnded: every revision reads the same after what is valid went out of history, and when it is back there;
// and so does the next one, which is recorded then.
func TestHistoryOfWhatEnded(t *testing.T) {
	const version = 34
	db := pgtest.DB(t)
	change := func(n int) {
		t.Helper()
		pgtest.Change(t, db, nil,
			fmt.Sprintf("update rounds set note = 'version %d' where status <> 'held' or id < 'c'", n),
			"update prisoner_exchange_transfers set total = total + 1, pows = null, civilians = null where prisoner_exchange like 'exchange-2025-0%'",
			fmt.Sprintf("delete from reports where id = (select id from reports order by id offset %d limit 1)", 5*n),
			fmt.Sprintf("delete from claims where id = (select id from claims where id not in (select responds_to from claims where responds_to is not null) order by id offset %d limit 1)", n))
	}
	for n := range 3 {
		change(n)
	}
	if cut := column[*int64](t, db, "select cut from close_due_segment(1, 0.1)")[0]; cut == nil {
		t.Fatal("no history was cut")
	}
	change(3)
	tables := column[string](t, db, "select relname::text from pg_class where relnamespace = 'ended'::regnamespace and relkind = 'r' order by 1")
	past := func() map[string][]string {
		all := map[string][]string{}
		for _, revision := range column[int64](t, db, "select id from changesets order by id") {
			for _, table := range tables {
				schema := column[string](t, db, fmt.Sprintf("select coalesce('as_of_' || min(until), 'as_of') from as_of.segments where until > %d", revision))[0]
				all[fmt.Sprintf("%s at %d", table, revision)] = column[string](t, db, fmt.Sprintf(
					"select to_json(p)::text from (select set_config('parley.as_of', '%d', false)) s, %s.%s p order by 1", revision, schema, table))
			}
		}
		return all
	}
	same := func(when string, want map[string][]string) {
		t.Helper()
		got := past()
		for at := range want {
			if diff := cmp.Diff(want[at], got[at]); diff != "" {
				t.Errorf("%s, %s (-) and now (+):\n%.1000s", when, at, diff)
			}
		}
	}
	m, err := postgres.NewMigrator(db)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	before := past()
	for undone := int64(0); undone != version; {
		result, err := m.Down(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		undone = result.Source.Version
	}
	same("undone", before)
	change(4)
	before = past()
	if err := m.Up(t.Context(), func(*goose.MigrationResult) {}); err != nil {
		t.Fatal(err)
	}
	same("done", before)
	change(5)
	same("and written to", before)
}

// contracting is what the program before cannot do without: it still serves while the next one migrates.
var contracting = regexp.MustCompile(`(?i)\b(drop\s+(table|column|view|schema|type)|rename\s+(column|to)|alter\s+column\s+\w+\s+(set\s+data\s+)?type|set\s+not\s+null)\b`)

// TestMigrationsOnlyExpand holds migrations to the rule in the comment of the package. What is older than the rule is left alone.
func TestMigrationsOnlyExpand(t *testing.T) {
	const first = "00029"
	entries, err := migrations.FS.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() < first {
			continue
		}
		text, err := migrations.FS.ReadFile(e.Name())
		if err != nil {
			t.Fatal(err)
		}
		up, _, _ := strings.Cut(string(text), "-- +goose Down")
		for line := range strings.Lines(up) {
			code, comment, _ := strings.Cut(line, "--")
			if found := contracting.FindString(code); found != "" && !strings.Contains(comment, "contract:") {
				t.Errorf("%s: %q breaks the program before; leave it to a later release, and say so: %s; -- contract: why no program needs it any more", e.Name(), found, found)
			}
		}
	}
}
