package postgres

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/parley-api/parley/migrations"
)

// QueueSchema has the tables of the queue, which are River's own.
const QueueSchema = "river"

// Migrator brings the schema to a version. Several processes may try at once: an advisory lock lets one work while the
// others wait and then find nothing left to do.
type Migrator struct {
	provider *goose.Provider
	pool     *pgxpool.Pool
	queue    *rivermigrate.Migrator[pgx.Tx]
}

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
	queue, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Schema: QueueSchema, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	return &Migrator{provider, pool, queue}, nil
}

// Up applies what is pending and reports each migration of ours to done; then it brings the tables of the queue up to date.
// When nothing is pending, which is the usual case at a start, it takes no lock.
func (m *Migrator) Up(ctx context.Context, done func(*goose.MigrationResult)) error {
	if err := m.up(ctx, done); err != nil {
		return err
	}
	return m.upQueue(ctx)
}

func (m *Migrator) up(ctx context.Context, done func(*goose.MigrationResult)) error {
	if pending, err := m.Pending(ctx); err != nil || !pending {
		return err
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

// upQueue applies the queue's own migrations, which are none of ours: River knows which of them a database has.
func (m *Migrator) upQueue(ctx context.Context) error {
	known, err := m.queue.Validate(ctx, nil)
	if err != nil {
		return fmt.Errorf("looking for pending migrations of the queue: %w", err)
	}
	if known.OK {
		return nil
	}
	// Held on a connection of its own: some of the migrations must be committed before those that follow.
	conn, err := m.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("migrating the queue: %w", err)
	}
	defer conn.Release()
	const lock = "hashtextextended('parley.queue', 0)"
	if _, err := conn.Exec(ctx, "select pg_advisory_lock("+lock+")"); err != nil {
		return fmt.Errorf("migrating the queue: %w", err)
	}
	defer func() {
		if _, err := conn.Exec(context.WithoutCancel(ctx), "select pg_advisory_unlock("+lock+")"); err != nil {
			_ = conn.Conn().Close(context.WithoutCancel(ctx)) // and the lock with it
		}
	}()
	if _, err := m.queue.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("migrating the queue: %w", err)
	}
	return nil
}

// Pending reports whether the schema lacks a migration of this program. It takes no lock.
func (m *Migrator) Pending(ctx context.Context) (bool, error) {
	pending, err := m.provider.HasPending(ctx)
	if err != nil {
		return false, fmt.Errorf("looking for pending migrations: %w", err)
	}
	return pending, nil
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
