package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/parley-api/parley/internal/apikey"
	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/record"
	"github.com/parley-api/parley/internal/store"
)

// TestFoundIsConfirmed: where commits wait for a standby, a changeset of which nobody knows whether it got there is not confirmed to
// who sends it again before it did, though it can be seen.
func TestFoundIsConfirmed(t *testing.T) {
	db := pgtest.DB(t)
	if err := store.CreateKey(t.Context(), db, store.Key{ID: "confirms", Name: "test", Scopes: []string{store.ScopeWrite}}, apikey.Hash{}); err != nil {
		t.Fatal(err)
	}
	// Only here: others on this server do not wait.
	server := func(statements ...string) {
		t.Helper()
		conn, err := db.Acquire(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Release()
		for _, sql := range append(statements, "select pg_reload_conf()") {
			if _, err := conn.Exec(context.Background(), sql); err != nil {
				t.Fatal(err)
			}
		}
	}
	server("alter system set synchronous_commit = local")
	server("do $$ begin execute format('alter database %I set synchronous_commit = on', current_database()); end $$", "alter system set synchronous_standby_names = nobody")
	defer server("alter system reset synchronous_commit")
	defer server("alter system reset synchronous_standby_names")
	db.Reset()

	body := map[string]any{"publisher": "Test", "title": "Confirmed", "title_is_descriptive": true, "language": "en", "kind": "news", "url": "https://example.org/confirmed", "published_on": "2026-11-25"}
	first := store.Changeset{
		Author: "test", Message: "test", Retry: &store.Retry{Caller: "confirms", Key: "confirmed", Fingerprint: make([]byte, 32)},
		Operations: []store.Operation{{Op: store.Put, Kind: record.Find("sources"), ID: "confirmed", Body: body, Guard: store.Guard{Exists: true, OrNew: true}}},
	}
	plain := first
	plain.Retry = nil
	try := func(what string, c store.Changeset) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		if _, err := store.Record(ctx, db, c); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s is acknowledged without the standby: %v", what, err)
		}
	}
	try("a changeset", first)
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) { // until the wait is given up, and it can be seen
		if n, err := store.Revision(t.Context(), db); err == nil && n == 2 {
			break
		} else if time.Now().After(end) {
			t.Fatal("the changeset never came", err)
		}
	}
	try("its repetition", first)
	try("one that finds all as it should be", plain)
	server("alter system reset synchronous_standby_names")
	for _, c := range []store.Changeset{first, plain} {
		if done, err := store.Record(t.Context(), db, c); err != nil || done.Revision != 2 || done.Changed != (c.Retry != nil) {
			t.Errorf("then: %+v %v", done, err)
		}
	}
}
