package httpapi

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/parley-api/parley/internal/query"
)

// bare serves an address that has no parameters.
func (s *server) bare(h handler) http.HandlerFunc {
	return s.page(func(w http.ResponseWriter, r *http.Request) error {
		values, err := parameters(r)
		if err != nil {
			return err
		}
		if err := query.None(values); err != nil {
			return err
		}
		return h(w, r)
	})
}

// parameters parses the query of a URL.
func parameters(r *http.Request) (url.Values, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, &malformed{err}
	}
	return values, nil
}

// document answers with a small JSON document that may be cached like data.
func document(w http.ResponseWriter, r *http.Request, value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return static(w, r, "application/json", append(body, '\n'))
}

// momentary answers with a small JSON document that is true just now.
func momentary(w http.ResponseWriter, value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	return send(w, append(body, '\n'))
}

// static answers with a body that is its own validator.
func static(w http.ResponseWriter, r *http.Request, contentType string, body []byte) error {
	return kept(w, r, cacheable+", stale-if-error=86400", contentType, body)
}

// lasting answers with a body whose address changes with it.
func lasting(w http.ResponseWriter, r *http.Request, contentType string, body []byte) error {
	return kept(w, r, immutable, contentType, body)
}

func kept(w http.ResponseWriter, r *http.Request, control, contentType string, body []byte) error {
	sum := sha256.Sum256(body)
	etag := `W/"` + hex.EncodeToString(sum[:8]) + `"`
	w.Header().Set("Etag", etag)
	w.Header().Set("Cache-Control", control)
	if matches(r, etag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	w.Header().Set("Content-Type", contentType)
	return send(w, body)
}

// send writes a body that is whole. What goes wrong now concerns a client that is no longer there.
func send(w http.ResponseWriter, body []byte) error {
	_, _ = w.Write(body)
	return nil
}
