package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/postgres"
)

// openDatabase returns the address of the database to use: DATABASE_URL, or else a private PostgreSQL, which it starts
// and which close stops. A subcommand other than serve joins the one that a running serve has started.
func (e *env) openDatabase(join bool) (url string, closeDB func() error, err error) {
	if e.database.URL != "" {
		return e.database.URL, func() error { return nil }, nil
	}
	options := postgres.EmbeddedOptions{DataDir: e.database.DataDir, BinDir: e.database.PostgresBin, Log: e.log}
	if join {
		url, running, err := postgres.AttachEmbedded(options)
		if err != nil || running {
			return url, func() error { return nil }, err
		}
	}
	server, err := postgres.StartEmbedded(e.ctx, options)
	if err != nil {
		return "", nil, err
	}
	return server.URL(), server.Stop, nil
}

// withPool runs f with a few connections to the database.
func (e *env) withPool(f func(ctx context.Context, db *pgxpool.Pool) error) error {
	return e.withDatabase(0, func(ctx context.Context, _ string, db *pgxpool.Pool) error { return f(ctx, db) })
}

// withDatabase runs f with the address of the database, and connections that wait for locks only for a time; 0: as long as
// it takes.
func (e *env) withDatabase(lockTimeout time.Duration, f func(ctx context.Context, url string, db *pgxpool.Pool) error) (err error) {
	url, closeDB, err := e.openDatabase(true)
	if err != nil {
		return err
	}
	defer func() {
		if e := closeDB(); err == nil {
			err = e
		}
	}()
	pool, err := postgres.NewPool(e.ctx, postgres.PoolOptions{URL: url, MaxConns: 4, LockTimeout: lockTimeout})
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := pool.Ping(e.ctx); err != nil {
		return unreachable(e, err)
	}
	return f(e.ctx, url, pool)
}

// withMigrator runs f with a migrator over the database.
func (e *env) withMigrator(f func(ctx context.Context, m *postgres.Migrator) error) error {
	return e.withDatabase(postgres.MigrationLockTimeout, func(ctx context.Context, _ string, pool *pgxpool.Pool) error {
		m, err := postgres.NewMigrator(pool)
		if err != nil {
			return err
		}
		defer m.Close()
		m.Log = e.log
		return f(ctx, m)
	})
}

// schemaMissing says what to do about a database without our tables, or with those of an older version.
func schemaMissing(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && (pg.Code == undefinedTable || pg.Code == undefinedColumn) {
		return fmt.Errorf("the database has not the schema of this program (%s): run parley migrate up first", pg.Message)
	}
	return err
}

// SQLSTATEs of a schema that is not there.
const (
	undefinedTable  = "42P01"
	undefinedColumn = "42703"
)

// unreachable says what to do about a database that does not answer. The driver's text has a line for every attempt;
// the last one tells enough.
func unreachable(e *env, err error) error {
	lines := strings.Split(strings.TrimSpace(err.Error()), "\n")
	reason := strings.TrimSpace(lines[len(lines)-1])
	return fmt.Errorf("%s does not answer (%s): check DATABASE_URL and that the server runs, or unset it to use a private one", e.database, reason)
}
