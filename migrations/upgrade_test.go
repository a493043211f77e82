package migrations_test

import (
	"context"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

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
