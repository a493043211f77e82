package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Retry makes a changeset safe to repeat: the same request under the same key is carried out once, and its outcome is
// kept for 24 hours. That it was carried out is recorded in the transaction of the changeset itself.
type Retry struct {
	Caller      string // id of the API key
	Key         string // chosen by the caller
	Fingerprint []byte // SHA-256 of what was asked
}

// Why a retry is refused.
var (
	ErrInFlight = errors.New("the first request with this Idempotency-Key is still being carried out")
	ErrReused   = errors.New("this Idempotency-Key was used for another request")
)

// repeated finds out whether the changeset was carried out before, and what came of it.
func (r *Retry) repeated(ctx context.Context, tx pgx.Tx, done *Recorded) (bool, error) {
	var free bool
	err := tx.QueryRow(ctx, "select pg_try_advisory_xact_lock(hashtextextended('parley.idempotency ' || $1 || ' ' || $2, 0))", r.Caller, r.Key).Scan(&free)
	if err != nil {
		return false, fmt.Errorf("idempotency key: %w", err)
	}
	if !free {
		return false, ErrInFlight
	}
	if _, err := tx.Exec(ctx, "delete from idempotency_keys where created_at < now() - interval '24 hours'"); err != nil {
		return false, fmt.Errorf("idempotency key: %w", err)
	}
	var same bool
	err = tx.QueryRow(ctx, "select fingerprint = $3, revision, changed, created from idempotency_keys where api_key = $1 and key = $2", r.Caller, r.Key, r.Fingerprint).
		Scan(&same, &done.Revision, &done.Changed, &done.Created)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("idempotency key: %w", err)
	case !same:
		return false, ErrReused
	}
	done.Repeated = true
	return true, nil
}

func (r *Retry) remember(ctx context.Context, tx pgx.Tx, done Recorded) error {
	_, err := tx.Exec(ctx, "insert into idempotency_keys (api_key, key, fingerprint, revision, changed, created) values ($1, $2, $3, $4, $5, $6)",
		r.Caller, r.Key, r.Fingerprint, done.Revision, done.Changed, done.Created)
	if err != nil {
		return fmt.Errorf("idempotency key: %w", err)
	}
	return nil
}
