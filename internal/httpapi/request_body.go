package httpapi

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/parley-api/parley/internal/query"
)

// unreadable is the error of a body that did not come whole.
type unreadable struct{ reason error }

func (e *unreadable) Error() string { return fmt.Sprintf("the body cannot be read: %v", e.reason) }

func (e *unreadable) Unwrap() error { return e.reason }

// badMedia is the error of a body of another type than JSON.
type badMedia struct{ given string }

func (e *badMedia) Error() string {
	return fmt.Sprintf("the body is of type %q; send JSON, with the header Content-Type: application/json", e.given)
}

// badJSON is the error of a body that is no JSON object.
type badJSON struct{ fault query.Fault }

func (e *badJSON) Error() string { return "the body is not understood: " + e.fault.Reason }

// readBody reads the body of a write: JSON, of bounded size.
func (s *server) readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body := r.Body
	if s.MaxBody > 0 {
		body = http.MaxBytesReader(w, r.Body, s.MaxBody)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return nil, &unreadable{err}
	}
	if len(text) == 0 && r.Method == http.MethodDelete {
		return nil, nil
	}
	return text, jsonMedia(r)
}

// jsonMedia checks the type of a body, which a patch may call by a name of its own (RFC 7396).
func jsonMedia(r *http.Request) error {
	given := r.Header.Get("Content-Type")
	media, _, err := mime.ParseMediaType(given)
	switch {
	case err == nil && media == "application/json":
	case err == nil && media == "application/merge-patch+json" && r.Method == http.MethodPatch:
	default:
		return &badMedia{given}
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return &badMedia{"encoded by " + encoding}
	}
	return nil
}

// decode reads a JSON object. A key that stands twice is an error, as it is in queries.
func decode(text []byte) (map[string]any, error) {
	var value any
	err := json.Unmarshal(text, &value)
	if object, ok := value.(map[string]any); ok && err == nil {
		return object, nil
	}
	fault := query.Fault{Reason: "is not a JSON object"}
	var syntax *jsontext.SyntacticError
	switch {
	case len(text) == 0:
		fault.Reason = "is empty; send a JSON object"
	case errors.As(err, &syntax):
		fault.Pointer, fault.Reason = shortened(string(syntax.JSONPointer)), fmt.Sprintf("is not JSON at byte %d: %v", syntax.ByteOffset, syntax.Err)
		if errors.Is(err, jsontext.ErrDuplicateName) {
			fault.Reason = "stands twice in its object"
		}
	}
	return nil, &badJSON{fault}
}

// shortened is a pointer without the depths of a body that is nested without end.
func shortened(pointer string) string {
	const most = 200
	if len(pointer) <= most {
		return pointer
	}
	return strings.ToValidUTF8(pointer[:most], "") + "…"
}
