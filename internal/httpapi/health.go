package httpapi

import (
	"net/http"

	"github.com/parley-api/parley/internal/store"
)

// health is the answer of the two health checks.
type health struct {
	Status   string `json:"status"`
	Revision *int64 `json:"revision,omitempty"`
}

// healthz says that the process lives, and nothing of the database.
func (s *server) healthz(w http.ResponseWriter, _ *http.Request) error {
	return momentary(w, health{Status: "ok"})
}

// readyz says whether requests would be answered now.
func (s *server) readyz(w http.ResponseWriter, r *http.Request) error {
	if err := s.Ready(); err != nil {
		w.Header().Set("Retry-After", "1")
		s.problem(w, r, unavailable, err.Error(), nil)
		return nil
	}
	revision, err := s.Watch.Revision(r.Context())
	if err != nil || s.Replicas.Having(revision) == nil { // reads can be answered while a replica can
		revision, err = store.Revision(r.Context(), s.DB)
	}
	if err != nil {
		return err
	}
	return momentary(w, health{Status: "ready", Revision: &revision})
}
