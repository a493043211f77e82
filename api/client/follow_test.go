package client_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/parley-api/parley/api/client"
	"github.com/parley-api/parley/internal/httpapi"
	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/store"
)

// TestFollow: a list is followed over a cut of the connection, by what the API itself sends.
func TestFollow(t *testing.T) {
	db := pgtest.DB(t)
	key, err := newKey(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute) // a test that waits in vain ends
	watch := store.NewWatch(db)
	listening := make(chan struct{})
	go func() { defer close(listening); watch.Listen(ctx, slog.New(slog.DiscardHandler)) }()
	server := httptest.NewServer(httpapi.New(httpapi.Options{DB: db, Watch: watch}))
	defer func() { stop(); <-listening; server.CloseClientConnections(); server.Close() }()

	// Each write has a connection of its own: those that are kept for the next request are cut, too.
	c := open(t, server.URL, client.WithKey(key), client.WithHTTPClient(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}))
	claim := func(id, party string) client.Operation {
		return client.Operation{Op: "put", Collection: "claims", ID: id, Body: map[string]any{
			"topic": "other", "claimed_by": party, "summary": "A test.", "status": "disputed", "sources": []string{"interbellum-2025-07-23"},
		}}
	}
	writes := [][]client.Operation{
		{claim("one", "UA"), claim("other", "RU")}, // which is not asked for
		{claim("two", "UA")},
		{claim("one", "RU")}, // which leaves
		{{Op: "delete", Collection: "claims", ID: "two"}},
	}
	write := func() {
		if _, err := c.Commit(ctx, "A step", writes[0], client.Guard{IfMatch: "*"}); err != nil {
			t.Error(err)
			stop()
		}
		writes = writes[1:]
	}
	var got []string
	write() // the stream begins before it
	for e, err := range client.Stream(ctx, c, client.Claims, client.Where("claimed_by", "UA").Since("1")) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind == client.Reached {
			continue
		}
		got = append(got, fmt.Sprint(e.Kind, " ", e.Record.ID))
		if len(writes) == 0 {
			break
		}
		if len(writes) == 2 { // and waits as long as the API asks, before it connects anew
			server.CloseClientConnections()
		}
		write()
	}
	if diff := cmp.Diff([]string{"upsert one", "upsert two", "leave ", "delete "}, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}
