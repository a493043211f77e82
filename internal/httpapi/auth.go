package httpapi

import (
	"net/http"
	"strings"

	"github.com/parley-api/parley/internal/store"
)

// unauthorized is the error of a request that needs a key and brings none that is accepted.
type unauthorized struct{ reason error }

func (e *unauthorized) Error() string {
	if e.reason == nil {
		return "this needs an API key: send the header Authorization: Bearer, followed by the key. Reads of the data set need none"
	}
	return e.reason.Error()
}

// authorize finds the key that a request brings, and checks that it has a scope and may ask for more. Who tries many keys that
// are none has to wait, also with a good one: otherwise they would learn which it is.
func (s *server) authorize(w http.ResponseWriter, r *http.Request, scope string) (store.Key, error) {
	if s.Author != "" {
		return store.Key{Name: s.Author, Scopes: []string{store.ScopeAdmin}}, nil
	}
	headers := r.Header.Values("Authorization")
	if len(headers) == 0 {
		return store.Key{}, &unauthorized{}
	}
	scheme, text, _ := strings.Cut(headers[0], " ")
	if len(headers) > 1 || !strings.EqualFold(scheme, "Bearer") {
		return store.Key{}, &unauthorized{&store.BadKey{Reason: "is sent in one header, as Authorization: Bearer, followed by the key"}}
	}
	client, bad := "", s.quotas.badKeys
	if bad != nil {
		client = s.clientOf(r)
		if got := bad.spend(s.Now(), client, 0); got.over {
			s.metrics.refused.WithLabelValues(refusedRate).Inc()
			return store.Key{}, &overQuota{bad, got.reset}
		}
	}
	key, err := store.Authenticate(r.Context(), s.Writer, strings.TrimSpace(text), s.Now())
	if reason, ok := err.(*store.BadKey); ok { //nolint:errorlint // Authenticate does not wrap it
		if bad != nil {
			bad.spend(s.Now(), client, whole)
		}
		return store.Key{}, &unauthorized{reason}
	}
	if err != nil {
		return store.Key{}, err
	}
	if err := s.charge(w, s.quotas.key, key.ID, whole); err != nil {
		return store.Key{}, err
	}
	return key, key.Require(scope)
}

// challenge tells how to authenticate, as RFC 6750 says.
func challenge(w http.ResponseWriter, code, more string) {
	value := `Bearer realm="parley"`
	if code != "" {
		value += `, error="` + code + `", ` + more
	}
	w.Header().Set("WWW-Authenticate", value)
}
