package httpapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"

	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/store"
)

const (
	// cacheable is the Cache-Control of what may change with the next changeset, or version of the program; beside it stands for
	// how long it may be given while what makes it fails.
	cacheable = "public, max-age=5, stale-while-revalidate=60"
	// immutable is that of the past.
	immutable = "public, max-age=31536000, immutable"
)

// etag is the validator of an answer: made of all that determines it. It is weak where the same answer may be sent
// compressed or not; that of a file is strong.
func (c *collection) etag(a *asked, revision int64) string {
	tag := c.tag(revision, a.base, a.path, a.Name, a.List.Canonical(), cursorOf(a.List))
	if a.File {
		return strings.TrimPrefix(tag, "W/")
	}
	return tag
}

// tag is a weak validator of what a revision and some texts determine.
func (s *server) tag(revision int64, of ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(append([]string{s.Version}, of...), "\n")))
	return fmt.Sprintf(`W/"%d-%s"`, revision, hex.EncodeToString(sum[:16]))
}

func cursorOf(l query.List) string {
	if l.After == nil {
		return ""
	}
	return l.After.String()
}

// unchanged answers 304 if the client already has the current answer to a list, without asking for it.
func (c *collection) unchanged(w http.ResponseWriter, r *http.Request, a *asked) (bool, error) {
	if r.Header.Get("If-None-Match") == "" {
		return false, nil
	}
	revision, err := c.expected(r.Context(), a)
	if err != nil {
		return false, err
	}
	info := store.Info{Revision: revision}
	if a.moment != nil {
		info.RecordedAt = a.moment.RecordedAt
	}
	if !matches(r, c.etag(a, info.Revision)) {
		return false, nil
	}
	c.headers(w, a, info)
	w.Header().Del("Content-Type")
	w.WriteHeader(http.StatusNotModified)
	return true, nil
}

// expected is the revision that an answer will be of, unless the data set moves on meanwhile.
func (c *collection) expected(ctx context.Context, a *asked) (int64, error) {
	switch {
	case a.moment != nil:
		return a.moment.Revision, nil
	case a.List.After != nil: // the pages of a walk are all of one revision
		return a.List.After.Revision, nil
	default:
		return c.Watch.Revision(ctx)
	}
}

// matches reports whether If-None-Match names a validator. The comparison is weak.
func matches(r *http.Request, etag string) bool {
	if r.Header["If-None-Match"] == nil {
		return false
	}
	opaque := strings.TrimPrefix(etag, "W/")
	for candidate := range strings.SplitSeq(strings.Join(r.Header.Values("If-None-Match"), ","), ",") {
		candidate = strings.TrimPrefix(strings.TrimSpace(candidate), "W/")
		if candidate == "*" || candidate == opaque {
			return true
		}
	}
	return false
}
