package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/apikey"
)

// Scopes of keys: write records changesets; admin does that too, also in the name of others, brings deleted records back
// and sees to webhooks.
const (
	ScopeWrite = "write"
	ScopeAdmin = "admin"
)

// Key is an API key as it is stored: without its secret.
type Key struct {
	ID         string
	Name       string // the author of the changesets that are recorded with it
	Scopes     []string
	CreatedAt  time.Time
	ExpiresAt  *time.Time
	RevokedAt  *time.Time
	LastUsedAt *time.Time // to the minute
}

// BadKey is the error of a key that is not accepted.
type BadKey struct{ Reason string }

func (e *BadKey) Error() string { return "the API key " + e.Reason }

// OutOfScope is the error of a key that may not do what it is used for.
type OutOfScope struct{ Scope string }

func (e *OutOfScope) Error() string { return "needs an API key with the scope " + e.Scope }

// Require returns an [*OutOfScope] unless the key has a scope.
func (k Key) Require(scope string) error {
	if slices.Contains(k.Scopes, scope) || slices.Contains(k.Scopes, ScopeAdmin) {
		return nil
	}
	return &OutOfScope{scope}
}

const keyColumns = "id, name, scopes::text[], created_at, expires_at, revoked_at, last_used_at"

// CreateKey stores a new key.
func CreateKey(ctx context.Context, db *pgxpool.Pool, k Key, hash apikey.Hash) error {
	_, err := db.Exec(ctx, "insert into api_keys (id, name, scopes, hash, expires_at) values ($1, $2, $3::text[]::api_key_scope[], $4, $5)", k.ID, k.Name, k.Scopes, hash[:], k.ExpiresAt)
	if err != nil {
		return fmt.Errorf("storing an API key: %w", err)
	}
	return nil
}

// Keys lists all keys, the oldest first.
func Keys(ctx context.Context, db *pgxpool.Pool) ([]Key, error) {
	rows, err := db.Query(ctx, "select "+keyColumns+" from api_keys order by created_at, id")
	if err != nil {
		return nil, fmt.Errorf("listing API keys: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Key])
}

// RevokeKey ends a key, and reports whether it was in force until then. That there is no such key is [pgx.ErrNoRows].
func RevokeKey(ctx context.Context, db *pgxpool.Pool, id string) (inForce bool, err error) {
	err = db.QueryRow(ctx, `with before as (select id, revoked_at is null as in_force from api_keys where id = $1 for update),
		revoked as (update api_keys k set revoked_at = now() from before b where k.id = b.id and b.in_force)
		select in_force from before`, id).Scan(&inForce)
	if err != nil {
		return false, fmt.Errorf("revoking an API key: %w", err)
	}
	return inForce, nil
}

// Authenticate finds the key that a text is. A text that is none, or none of ours, is a [*BadKey]; its reasons do not tell
// the one from the other.
func Authenticate(ctx context.Context, db *pgxpool.Pool, text string, now time.Time) (Key, error) {
	id, hash, _ := apikey.Parse(text)
	var key Key
	var stored []byte
	err := db.QueryRow(ctx, "select "+keyColumns+", hash from api_keys where id = $1", id).
		Scan(&key.ID, &key.Name, &key.Scopes, &key.CreatedAt, &key.ExpiresAt, &key.RevokedAt, &key.LastUsedAt, &stored)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return Key{}, fmt.Errorf("looking up an API key: %w", err)
	}
	var want apikey.Hash
	copy(want[:], stored)
	switch same := hash.Equal(want); { // compared also with that of no key, which is none
	case !same || stored == nil:
		return Key{}, &BadKey{"is not known"}
	case key.RevokedAt != nil:
		return Key{}, &BadKey{"has been revoked"}
	case key.ExpiresAt != nil && !now.Before(*key.ExpiresAt):
		return Key{}, &BadKey{"has expired"}
	}
	if key.LastUsedAt == nil || now.Sub(*key.LastUsedAt) >= time.Minute {
		// That the time of use cannot be noted is no reason to refuse.
		_, _ = db.Exec(ctx, "update api_keys set last_used_at = now() where id = $1 and (last_used_at is null or last_used_at < now() - interval '1 minute')", id)
	}
	return key, nil
}
