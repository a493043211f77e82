package httpapi

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/store"
)

// failWrite answers with the problem that an error of a write is, and reports whether it is one.
func (s *server) failWrite(w http.ResponseWriter, r *http.Request, err error) bool {
	var (
		nobody   *unauthorized
		scope    *store.OutOfScope
		rejected *store.Rejected
		noJSON   *badJSON
		media    *badMedia
		cut      *unreadable
		many     *tooMany
		large    *http.MaxBytesError
	)
	switch {
	case errors.As(err, &nobody):
		if nobody.reason != nil {
			challenge(w, "invalid_token", `error_description="`+nobody.reason.Error()+`"`)
		} else {
			challenge(w, "", "")
		}
		s.problem(w, r, unauthorizedKind, nobody.Error(), nil)
	case errors.As(err, &scope):
		challenge(w, "insufficient_scope", `scope="`+scope.Scope+`"`)
		s.problem(w, r, forbidden, scope.Error(), nil)
	case errors.As(err, &rejected):
		s.rejected(w, r, rejected)
	case errors.As(err, &noJSON):
		s.problem(w, r, malformedBody, noJSON.Error(), []query.Fault{noJSON.fault})
	case errors.As(err, &media):
		w.Header().Set("Accept", "application/json")
		s.problem(w, r, unsupportedMedia, media.Error(), nil)
	case errors.As(err, &large):
		s.problem(w, r, tooLarge, fmt.Sprintf("the body has more than %d bytes; divide the changeset", large.Limit), nil)
	case errors.As(err, &many):
		s.problem(w, r, tooLarge, many.Error(), nil)
	case errors.As(err, &cut):
		s.problem(w, r, malformedBody, cut.Error(), nil)
	case errors.Is(err, store.ErrInFlight):
		w.Header().Set("Retry-After", "1")
		s.problem(w, r, conflict, store.ErrInFlight.Error(), []query.Fault{{Parameter: "Idempotency-Key", Reason: "is in use just now"}})
	case errors.Is(err, store.ErrTooManySecrets):
		s.problem(w, r, conflict, store.ErrTooManySecrets.Error(), nil)
	case errors.Is(err, store.ErrReused):
		s.problem(w, r, keyReused, store.ErrReused.Error(), []query.Fault{{Parameter: "Idempotency-Key", Reason: "belongs to another request"}})
	default:
		return false
	}
	return true
}

// rejected answers for a changeset that cannot be recorded.
func (s *server) rejected(w http.ResponseWriter, r *http.Request, e *store.Rejected) {
	k := map[store.Reason]kind{
		store.Missing:   invalidRecord,
		store.Unguarded: preconditionRequired,
		store.Stale:     preconditionFailed,
		store.Invalid:   invalidRecord,
		store.InUse:     conflict,
	}[e.Reason]
	s.problem(w, r, k, e.Error(), e.Faults)
}
