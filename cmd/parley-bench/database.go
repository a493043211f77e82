package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/pressly/goose/v3"

	"github.com/parley-api/parley/internal/postgres"
)

// with runs f on the database, with the schema brought up to date. Without DATABASE_URL it starts the private server of the
// data folder, and stops it afterwards.
func (t target) with(ctx context.Context, f func(url string, db *pgxpool.Pool) error) (err error) {
	url := t.URL
	if url == "" {
		server, err := postgres.StartEmbedded(ctx, postgres.EmbeddedOptions{DataDir: t.DataDir, BinDir: t.PostgresBin, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, server.Stop()) }()
		url = server.URL()
	}
	db, err := postgres.NewPool(ctx, postgres.PoolOptions{URL: url, MaxConns: 4})
	if err != nil {
		return err
	}
	defer db.Close()
	if err := migrate(ctx, db); err != nil {
		return err
	}
	return f(url, db)
}

func migrate(ctx context.Context, db *pgxpool.Pool) error {
	m, err := postgres.NewMigrator(db)
	if err != nil {
		return fmt.Errorf("reading the migrations: %w", err)
	}
	defer m.Close()
	return m.Up(ctx, func(*goose.MigrationResult) {})
}
