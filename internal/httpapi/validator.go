package httpapi

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"

	"github.com/parley-api/parley/internal/store"
)

const (
	// cacheable is the Cache-Control of what may change with the next changeset.
	cacheable = "public, max-age=5, stale-while-revalidate=60, stale-if-error=86400"
	// immutable is that of the past.
	immutable = "public, max-age=31536000, immutable"
)

// etag is the validator of an answer: made of all that determines it. It is weak, because the same answer may be sent
// compressed or not.
func (c *collection) etag(a *asked, revision int64) string {
	cursor := ""
	if a.List.After != nil {
		cursor = a.List.After.String()
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{c.Version, a.base, a.path, a.Name, a.List.Canonical(), cursor}, "\n")))
	return fmt.Sprintf(`W/"%d-%s"`, revision, hex.EncodeToString(sum[:16]))
}

// unchanged answers 304 if the client already has the current answer to a list, without asking for it.
func (c *collection) unchanged(w http.ResponseWriter, r *http.Request, a *asked) (bool, error) {
	if r.Header.Get("If-None-Match") == "" {
		return false, nil
	}
	var info store.Info
	switch {
	case a.moment != nil:
		info.Revision, info.RecordedAt = a.moment.Revision, a.moment.RecordedAt
	case a.List.After != nil: // the pages of a walk are all of one revision
		info.Revision = a.List.After.Revision
	default:
		var err error
		if info.Revision, err = c.Watch.Revision(r.Context()); err != nil {
			return false, err
		}
	}
	if !matches(r, c.etag(a, info.Revision)) {
		return false, nil
	}
	c.headers(w, a, info)
	w.Header().Del("Content-Type")
	w.WriteHeader(http.StatusNotModified)
	return true, nil
}

// matches reports whether If-None-Match names a validator. The comparison is weak.
func matches(r *http.Request, etag string) bool {
	opaque := strings.TrimPrefix(etag, "W/")
	for candidate := range strings.SplitSeq(strings.Join(r.Header.Values("If-None-Match"), ","), ",") {
		candidate = strings.TrimPrefix(strings.TrimSpace(candidate), "W/")
		if candidate == "*" || candidate == opaque {
			return true
		}
	}
	return false
}
