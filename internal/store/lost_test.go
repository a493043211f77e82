package store_test

import (
	"errors"
	"log/slog"
	"testing"

	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/store"
)

// TestLost: a watch notices that the database has not what it had.
func TestLost(t *testing.T) {
	watch := store.NewWatch(pgtest.DB(t))
	watch.Advance(2) // of which the database knows nothing
	if err := watch.Listen(t.Context(), slog.New(slog.DiscardHandler)); !errors.Is(err, store.ErrLost) {
		t.Error(err)
	}
}
