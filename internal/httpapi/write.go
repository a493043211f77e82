package httpapi

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/store"
)

// writeTimeout is how long a changeset may take, waiting for those before it included.
const writeTimeout = 2 * time.Minute

// writing is what a request to write says beside its body.
type writing struct {
	key     store.Key
	message string
	dryRun  bool
	restore bool
	guard   store.Guard
	retry   *store.Retry
	body    []byte
}

// write serves requests that record a changeset.
func (s *server) write(h func(w http.ResponseWriter, r *http.Request, asked *writing) error) http.HandlerFunc {
	return s.handle(func(w http.ResponseWriter, r *http.Request) error {
		ctx, cancel := context.WithTimeout(r.Context(), writeTimeout)
		defer cancel()
		r = r.WithContext(ctx)
		key, err := s.authorize(w, r, "write")
		if err != nil {
			return err
		}
		asked, err := s.readWriting(w, r)
		if err != nil {
			return err
		}
		asked.key = key
		if asked.retry != nil {
			asked.retry.Caller = key.ID
		}
		return h(w, r, asked)
	})
}

// readWriting reads parameters, preconditions and body.
func (s *server) readWriting(w http.ResponseWriter, r *http.Request) (*writing, error) {
	values, err := parameters(r)
	if err != nil {
		return nil, err
	}
	var a writing
	faults := a.parameters(values)
	guard, more := guardOf(r.Header)
	faults = append(faults, more...)
	idempotency := r.Header.Values("Idempotency-Key")
	if len(idempotency) > 1 || len(idempotency) == 1 && !plainKey(idempotency[0]) {
		faults = append(faults, query.Fault{Parameter: "Idempotency-Key", Reason: "is one header of 1 to 255 printable ASCII characters"})
	}
	if faults != nil {
		return nil, &query.Error{Faults: faults}
	}
	a.guard = guard
	if a.body, err = s.readBody(w, r); err != nil {
		return nil, err
	}
	if len(idempotency) == 1 {
		sum := sha256.New()
		for _, part := range []string{r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Get("If-Match"), r.Header.Get("If-None-Match"), string(a.body)} {
			fmt.Fprintf(sum, "%d:%s", len(part), part)
		}
		a.retry = &store.Retry{Key: idempotency[0], Fingerprint: sum.Sum(nil)}
	}
	return &a, nil
}

func plainKey(text string) bool {
	return text != "" && len(text) <= 255 && !strings.ContainsFunc(text, func(c rune) bool { return c < '!' || c > '~' })
}

// maxMessage is the longest message of a changeset, in bytes.
const maxMessage = 2000

// parameters reads the query of a request to write.
func (a *writing) parameters(values url.Values) []query.Fault {
	var faults []query.Fault
	flags := map[string]*bool{"dry_run": &a.dryRun, "restore": &a.restore}
	for name, given := range values {
		flag := flags[name]
		switch {
		case strings.HasPrefix(name, "_"), strings.HasPrefix(name, "utm_"):
		case flag == nil && name != "message":
			allowed := []string{"message", "dry_run", "restore"}
			faults = append(faults, query.Fault{Parameter: name, Reason: "is no parameter of a write", Allowed: allowed, Suggestion: query.Nearest(name, allowed)})
		case len(given) > 1:
			faults = append(faults, query.Fault{Parameter: name, Reason: "is given twice"})
		case flag == nil:
			a.message = given[0]
			if fault := faultOfMessage(a.message); fault != "" {
				faults = append(faults, query.Fault{Parameter: name, Reason: fault})
			}
		case given[0] != "true" && given[0] != "false":
			faults = append(faults, query.Fault{Parameter: name, Reason: "is true or false", Allowed: []string{"true", "false"}})
		default:
			*flag = given[0] == "true"
		}
	}
	return faults
}

func faultOfMessage(text string) string {
	switch {
	case strings.TrimSpace(text) == "":
		return "is empty; say what changes and why"
	case len(text) > maxMessage:
		return fmt.Sprintf("is longer than %d bytes", maxMessage)
	case strings.ContainsRune(text, 0) || strings.ToValidUTF8(text, "") != text:
		return "is not plain text in UTF-8"
	}
	return ""
}

// commit records a changeset.
func (s *server) commit(r *http.Request, a *writing, c store.Changeset) (store.Recorded, error) {
	c.DryRun, c.Retry, c.Progress = a.dryRun, a.retry, s.Progress
	if c.Author == "" {
		c.Author = a.key.Name
	}
	done, err := s.recorder.Record(r.Context(), c)
	if err == nil {
		s.Watch.Advance(done.Revision) // before anybody is told that it is recorded
		if done.Changed && !a.dryRun && !done.Repeated {
			s.metrics.changesets.Inc()
		}
	}
	return done, err
}
