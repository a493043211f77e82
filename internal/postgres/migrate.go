package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

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
	Log *slog.Logger // told of what is waited for; at first it goes nowhere

	provider *goose.Provider
	pool     *pgxpool.Pool
	queue    *rivermigrate.Migrator[pgx.Tx]
}

// MigrationLockTimeout is how long a migration waits for a lock, if its pool is given it. While it waits, all who come after
// it wait too, also those who only read: so it does not wait for long, but tries again.
const MigrationLockTimeout = 2 * time.Second

// How long a migration that does not get its locks is tried again, and how long it rests in between.
const (
	migrationPatience    = 10 * time.Minute
	migrationRest        = time.Second
	longestMigrationRest = 15 * time.Second
)

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
	return &Migrator{slog.New(slog.DiscardHandler), provider, pool, queue}, nil
}

// Up applies what is pending and reports each migration of ours to done; then it brings the tables of the queue up to date.
// When nothing is pending, which is the usual case at a start, it takes no lock.
func (m *Migrator) Up(ctx context.Context, done func(*goose.MigrationResult)) error {
	return patiently(ctx, m.Log, func() error {
		if err := m.up(ctx, done); err != nil {
			return err
		}
		if err := m.upQueue(ctx); err != nil {
			return err
		}
		return m.makeRoles(ctx)
	})
}

// patiently does something again as long as others hold the locks that it needs, or wait for those that it holds. What it did
// before stays done: every migration is a transaction.
func patiently(ctx context.Context, log *slog.Logger, do func() error) error {
	rest := migrationRest
	for begin := time.Now(); ; {
		err := do()
		switch {
		case sqlState(err) != lockNotAvailable && sqlState(err) != deadlockDetected:
			return err
		case time.Since(begin) > migrationPatience:
			return fmt.Errorf("%w; others have held what it needs for %s: select * from pg_locks where granted shows who", err, migrationPatience)
		}
		log.Warn("a migration waits for statements that others have begun; it is tried again", "after", rest, "error", err)
		if !sleep(ctx, rest) {
			return errors.Join(err, ctx.Err())
		}
		rest = min(2*rest, longestMigrationRest)
	}
}

const (
	lockNotAvailable = "55P03" // SQLSTATE of a statement that has waited as long as lock_timeout
	deadlockDetected = "40P01" // of one that waited for who waits for it
)

func (m *Migrator) up(ctx context.Context, done func(*goose.MigrationResult)) error {
	if pending, err := m.Pending(ctx); err != nil || !pending {
		return err
	}
	results, err := m.provider.Up(ctx)
	var partial *goose.PartialError
	if errors.As(err, &partial) {
		results = partial.Applied
	}
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
