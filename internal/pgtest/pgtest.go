// Package pgtest gives tests a real PostgreSQL with the schema and the seed in it. There are no mocks of the database.
//
// A package that uses it hands its tests to [Main]:
//
//	func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
//
// One private server serves all tests of the package and ends with them, and with it all databases: dropping them one by
// one would cost more than making them.
package pgtest

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/pressly/goose/v3"
	"go.uber.org/goleak"

	"github.com/parley-api/parley/internal/postgres"
)

// server is the private PostgreSQL of this test process, started when first needed.
var server struct {
	once    sync.Once
	folder  string
	running *postgres.Embedded
	seeded  *pgxpool.Pool // of the template
	err     error
	clones  atomic.Int64
	ends    []func()
}

// AtEnd has something that all tests of the package share end with them.
func AtEnd(end func()) { server.ends = append(server.ends, end) }

// Main runs the tests of a package and then stops the server, if they started it. No goroutine may be left then: what a test starts
// it ends, and what the program starts ends with it.
func Main(m *testing.M) int {
	code := m.Run()
	for _, end := range server.ends {
		end()
	}
	if server.seeded != nil {
		server.seeded.Close()
	}
	if server.running != nil {
		if err := server.running.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "pgtest:", err)
			code = 1
		}
	}
	if server.folder != "" {
		_ = os.RemoveAll(server.folder)
	}
	http.DefaultClient.CloseIdleConnections()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, "pgtest:", err)
		code = 1
	}
	return code
}

// Tx returns a transaction over the seeded data that is rolled back when the test ends. A failed statement poisons the
// rest of it: one a subtest.
func Tx(t testing.TB) pgx.Tx {
	t.Helper()
	tx, err := Shared(t).Begin(t.Context())
	if err != nil {
		t.Fatal("pgtest:", err)
	}
	t.Cleanup(func() { _ = tx.Rollback(context.Background()) })
	return tx
}

// Shared returns a pool over the seeded database that all tests of the package share: for reading, and for Tx.
func Shared(t testing.TB) *pgxpool.Pool {
	t.Helper()
	start(t)
	return server.seeded
}

// Pool is [Shared] for examples, which have no [testing.TB].
func Pool() (*pgxpool.Pool, error) {
	server.once.Do(func() { server.err = startServer() })
	return server.seeded, server.err
}

// DB returns a pool over a seeded database of the test's own, to write and commit in.
func DB(t testing.TB) *pgxpool.Pool {
	t.Helper()
	return clone(t, "seed")
}

// Empty returns a pool over a database without any table.
func Empty(t testing.TB) *pgxpool.Pool {
	t.Helper()
	return clone(t, "template0")
}

func clone(t testing.TB, template string) *pgxpool.Pool {
	t.Helper()
	start(t)
	name := fmt.Sprintf("clone%d", server.clones.Add(1))
	maintenance, err := pgx.Connect(t.Context(), URL(t, "postgres"))
	if err != nil {
		t.Fatal("pgtest:", err)
	}
	defer maintenance.Close(context.Background())
	if _, err := maintenance.Exec(t.Context(), "create database "+name+" template "+template); err != nil {
		t.Fatal("pgtest:", err)
	}
	pool := open(t, URL(t, name))
	t.Cleanup(pool.Close)
	return pool
}

// URL returns the address of a database of the server.
func URL(t testing.TB, database string) string {
	t.Helper()
	start(t)
	return strings.Replace(server.running.URL(), "/parley?", "/"+database+"?", 1)
}

// Change runs statements as one changeset. recordedAt is an instant, or nil for now.
func Change(t testing.TB, db *pgxpool.Pool, recordedAt *string, statements ...string) (id int64) {
	t.Helper()
	err := pgx.BeginFunc(t.Context(), db, func(tx pgx.Tx) error {
		const begin = "insert into changesets (author, message, recorded_at) values ('test', 'test', $1::text::timestamptz) returning id"
		if err := tx.QueryRow(t.Context(), begin, recordedAt).Scan(&id); err != nil {
			return err
		}
		for _, sql := range statements {
			if _, err := tx.Exec(t.Context(), sql); err != nil {
				return fmt.Errorf("%s: %w", sql, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func open(t testing.TB, url string) *pgxpool.Pool {
	t.Helper()
	pool, err := postgres.NewPool(context.Background(), postgres.PoolOptions{URL: url, MaxConns: 8})
	if err != nil {
		t.Fatal("pgtest:", err)
	}
	return pool
}

// start starts the server and makes the databases "seed", which nobody connects to and clones are made from, and
// "shared".
func start(t testing.TB) {
	t.Helper()
	if _, err := Pool(); err != nil {
		t.Fatal("pgtest: no PostgreSQL: ", err)
	}
}

func startServer() error {
	ctx := context.Background()
	folder, err := os.MkdirTemp("", "parley-test-")
	if err != nil {
		return err
	}
	server.folder = folder
	if err := os.Chmod(folder, 0o755); err != nil { //nolint:gosec // the user postgres must get through
		return err
	}
	options := postgres.EmbeddedOptions{DataDir: folder, BinDir: os.Getenv("PARLEY_POSTGRES_BIN"), Log: slog.New(slog.DiscardHandler)}
	if server.running, err = postgres.StartEmbedded(ctx, options); err != nil {
		return err
	}
	server.seeded, err = postgres.NewPool(ctx, postgres.PoolOptions{URL: server.running.URL(), MaxConns: 8})
	if err != nil {
		return err
	}
	m, err := postgres.NewMigrator(server.seeded)
	if err != nil {
		return err
	}
	if err := m.Up(ctx, func(*goose.MigrationResult) {}); err != nil {
		return err
	}
	if err := m.Close(); err != nil {
		return err
	}
	server.seeded.Reset() // a template must have no connections
	maintenance, err := pgx.Connect(ctx, strings.Replace(server.running.URL(), "/parley?", "/postgres?", 1))
	if err != nil {
		return err
	}
	defer maintenance.Close(ctx)
	_, err = maintenance.Exec(ctx, "create database seed template parley")
	return err
}
