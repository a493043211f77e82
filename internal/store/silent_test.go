package store_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/store"
)

// TestSilent: a watch notices that the database does not answer. Who waits for it learns that, who asks then at once, and when it
// answers again both are answered.
func TestSilent(t *testing.T) {
	var silent atomic.Bool
	config := pgtest.DB(t).Config()
	config.ConnConfig.ConnectTimeout = time.Hour // nothing but the watch gives up
	config.MaxConns = 2
	dial := config.ConnConfig.DialFunc
	config.ConnConfig.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if !silent.Load() {
			return dial(ctx, network, addr)
		}
		conn, other := net.Pipe() // nobody reads from it
		t.Cleanup(func() { _ = other.Close() })
		return conn, nil
	}
	var lines store.Lines
	lines.Attend(config)
	db, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	silent.Store(true)
	watch := store.NewWatch(db)
	watch.Lines = &lines
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- watch.Listen(ctx, slog.New(slog.DiscardHandler)) }()
	defer func() {
		stop()
		<-ended
	}()

	waits := make(chan error, 10)
	for range cap(waits) { // more than there are connections
		go func() {
			_, err := db.Exec(t.Context(), "select 1")
			waits <- err
		}()
	}
	for range cap(waits) {
		select {
		case err := <-waits:
			if err == nil {
				t.Error("who waits is answered")
			}
		case <-time.After(20 * time.Second):
			t.Fatal("who waits is told nothing")
		}
	}
	asked := time.Now()
	if _, err := db.Exec(t.Context(), "select 1"); !errors.Is(err, context.DeadlineExceeded) || time.Since(asked) > time.Second {
		t.Errorf("who asks is told %v after %v", err, time.Since(asked))
	}
	silent.Store(false)
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, err := db.Exec(t.Context(), "select 1"); err == nil {
			break
		} else if time.Now().After(end) {
			t.Fatal("it does not come back: ", err)
		}
	}
}
