package main

import (
	"context"
	"fmt"
	"strings"

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

// withMigrator runs f with a migrator over the database.
func (e *env) withMigrator(f func(ctx context.Context, m *postgres.Migrator) error) (err error) {
	url, closeDB, err := e.openDatabase(true)
	if err != nil {
		return err
	}
	defer func() {
		if e := closeDB(); err == nil {
			err = e
		}
	}()
	pool, err := postgres.NewPool(e.ctx, postgres.PoolOptions{URL: url, MaxConns: 4})
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := pool.Ping(e.ctx); err != nil {
		return unreachable(e, err)
	}
	m, err := postgres.NewMigrator(pool)
	if err != nil {
		return err
	}
	defer m.Close()
	return f(e.ctx, m)
}

// unreachable says what to do about a database that does not answer. The driver's text has a line for every attempt;
// the last one tells enough.
func unreachable(e *env, err error) error {
	lines := strings.Split(strings.TrimSpace(err.Error()), "\n")
	reason := strings.TrimSpace(lines[len(lines)-1])
	return fmt.Errorf("%s does not answer (%s): check DATABASE_URL and that the server runs, or unset it to use a private one", e.database, reason)
}
