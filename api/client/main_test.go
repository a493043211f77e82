package client_test

import (
	"context"
	"crypto/rand"
	"net/http/httptest"
	"os"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/apikey"
	"github.com/parley-api/parley/internal/httpapi"
	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/store"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// seeded is the address of an API over the data set, with a key to write to it, for all examples; it ends with them.
var seeded = sync.OnceValues(func() (address, key string) {
	db, err := pgtest.Pool()
	if err != nil {
		panic(err)
	}
	if key, err = newKey(context.Background(), db); err != nil {
		panic(err)
	}
	server := httptest.NewServer(httpapi.New(httpapi.Options{DB: db}))
	pgtest.AtEnd(server.Close)
	return server.URL, key
})

func newKey(ctx context.Context, db *pgxpool.Pool) (string, error) {
	key, err := apikey.New(rand.Reader)
	if err != nil {
		return "", err
	}
	return key.Text(), store.CreateKey(ctx, db, store.Key{ID: key.ID, Name: "client", Scopes: []string{store.ScopeWrite}}, key.Hash())
}
