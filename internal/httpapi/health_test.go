package httpapi_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/parley-api/parley/internal/httpapi"
	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/postgres"
	"github.com/parley-api/parley/internal/store"
)

// TestReadyz: a server that is not ready says why; one that only works harder than it should says that, and is ready.
func TestReadyz(t *testing.T) {
	away, err := postgres.NewPool(t.Context(), postgres.PoolOptions{URL: "postgres://nobody:secret@127.0.0.1:1/none?sslmode=disable", MaxConns: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer away.Close()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	listening, deaf := store.NewWatch(pgtest.Shared(t)), store.NewWatch(away)
	go listening.Listen(ctx, slog.New(slog.DiscardHandler))
	go deaf.Listen(ctx, slog.New(slog.DiscardHandler))
	eventually(t, "one listens, the other tries to", func() bool { ok, _ := listening.Heard(); return ok && deaf.Deaf() })
	for _, c := range []struct {
		name    string
		options httpapi.Options
		status  int
		has     string // "!": has not
	}{
		{"all is well", httpapi.Options{DB: pgtest.Shared(t), Watch: listening}, 200, "!warnings"},
		{"nobody listens", httpapi.Options{DB: pgtest.Shared(t), Watch: deaf}, 200, `"warnings":["the database does not tell`},
		{"no database", httpapi.Options{DB: away}, 503, "The database is away"},
		{"an older schema", httpapi.Options{DB: pgtest.Shared(t), Schema: func(context.Context) error { return &httpapi.NotReady{Reason: "run parley migrate up"} }}, 503, "run parley migrate up"},
	} {
		t.Run(c.name, func(t *testing.T) {
			log := &logged{}
			c.options.Log = slog.New(slog.NewTextHandler(log, nil))
			server := httptest.NewServer(httpapi.New(c.options))
			defer server.Close()
			a := &testAPI{server, log}
			response, body := a.do(t, http.MethodGet, "/readyz")
			text, absent := strings.CutPrefix(c.has, "!")
			if response.StatusCode != c.status || strings.Contains(string(body), text) == absent {
				t.Errorf("status %d: %s", response.StatusCode, body)
			}
			if response, _ := a.do(t, http.MethodGet, "/healthz"); response.StatusCode != http.StatusOK {
				t.Errorf("it lives, and says %s", response.Status)
			}
			if strings.Contains(log.text()+string(body), "secret") {
				t.Errorf("a secret is shown: %s %s", log.text(), body)
			}
		})
	}
}
