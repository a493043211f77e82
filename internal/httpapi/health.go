package httpapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/parley-api/parley/internal/store"
)

// health is the answer of the two health checks.
type health struct {
	Status   string   `json:"status"`
	Revision *int64   `json:"revision,omitempty"`
	Warnings []string `json:"warnings,omitempty"` // what is wrong, though requests are answered
}

// NotReady is the error of a server that cannot answer requests; whoever asks is told why.
type NotReady struct{ Reason string }

func (e *NotReady) Error() string { return e.Reason }

// readyTimeout is how long finding out may take: who asks wants to know soon, and asks again.
const readyTimeout = 3 * time.Second

// deaf warns that answers are right, but each costs a question more.
const deaf = "the database does not tell of changesets just now (LISTEN): until it does, each request asks for the revision first"

// healthz says that the process lives, and nothing of the database.
func (s *server) healthz(w http.ResponseWriter, _ *http.Request) error {
	return momentary(w, health{Status: "ok"})
}

// readyz says whether requests would be answered now, and otherwise what is wrong.
func (s *server) readyz(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	state, err := s.readiness(ctx)
	var not *NotReady
	if errors.As(err, &not) {
		w.Header().Set("Retry-After", "1")
		s.problem(w, r, unavailable, not.Reason, nil)
		return nil
	}
	if err != nil {
		return err
	}
	return momentary(w, state)
}

func (s *server) readiness(ctx context.Context) (health, error) {
	if err := s.Ready(); err != nil {
		return health{}, &NotReady{err.Error()}
	}
	revision, err := s.Watch.Revision(ctx)
	replicated := err == nil && s.Replicas.Having(revision) != nil // reads are answered, also while the primary is away
	if s.Schema != nil {                                           // before the revision, which an older schema need not have
		if err := s.Schema(ctx); err != nil && (!replicated || !away(err)) {
			return health{}, err
		}
	}
	if !replicated {
		if revision, err = store.Revision(ctx, s.DB); err != nil {
			return health{}, err
		}
	}
	state := health{Status: "ready", Revision: &revision}
	if s.Watch.Deaf() {
		state.Warnings = []string{deaf}
	}
	return state, nil
}
