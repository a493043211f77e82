package postgres

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/parley-api/parley/migrations"
)

// Migrator brings the schema to a version. Several processes may try at once: an advisory lock lets one work while the
// others wait and then find nothing left to do.
type Migrator struct{ provider *goose.Provider }

// NewMigrator makes a migrator of the embedded migrations over a pool, which the caller keeps.
func NewMigrator(pool *pgxpool.Pool) (*Migrator, error) {
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return nil, err
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, stdlib.OpenDBFromPool(pool), migrations.FS, goose.WithSessionLocker(locker), goose.WithSlog(slog.New(slog.DiscardHandler)))
	if err != nil {
		return nil, err
	}
	return &Migrator{provider}, nil
}

// Up applies what is pending and reports each migration to done. When nothing is pending, which is the usual case at a
// start, it takes no lock.
func (m *Migrator) Up(ctx context.Context, done func(*goose.MigrationResult)) error {
	pending, err := m.provider.HasPending(ctx)
	if err != nil {
		return fmt.Errorf("looking for pending migrations: %w", err)
	}
	if !pending {
		return nil
	}
	results, err := m.provider.Up(ctx)
	for _, r := range results {
		done(r)
	}
	if err != nil {
		return fmt.Errorf("migrating the database: %w", err)
	}
	return nil
}

// Down undoes the newest migration.
func (m *Migrator) Down(ctx context.Context) (*goose.MigrationResult, error) {
	result, err := m.provider.Down(ctx)
	if err != nil {
		return nil, fmt.Errorf("undoing a migration: %w", err)
	}
	return result, nil
}

// Status lists all migrations, applied or pending.
func (m *Migrator) Status(ctx context.Context) ([]*goose.MigrationStatus, error) {
	return m.provider.Status(ctx)
}

// Close ends the migrator's use of the pool.
func (m *Migrator) Close() error { return m.provider.Close() }
