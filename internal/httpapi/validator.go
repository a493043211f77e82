package httpapi

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"

	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/store"
)

// cacheable is the Cache-Control of what may change with the next changeset.
const cacheable = "public, max-age=5, stale-while-revalidate=60, stale-if-error=86400"

// etag is the validator of an answer: made of all that determines it. It is weak, because the same answer may be sent
// compressed or not.
func (c *collection) etag(r *http.Request, form *form, l query.List, revision int64) string {
	cursor := ""
	if l.After != nil {
		cursor = l.After.String()
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{c.Version, c.base(r), r.URL.Path, form.name, l.Canonical(), cursor}, "\n")))
	return fmt.Sprintf(`W/"%d-%s"`, revision, hex.EncodeToString(sum[:8]))
}

// unchanged answers 304 if the client already has the current answer.
func (c *collection) unchanged(w http.ResponseWriter, r *http.Request, form *form, l query.List) (bool, error) {
	known := strings.Join(r.Header.Values("If-None-Match"), ",")
	if known == "" {
		return false, nil
	}
	revision, err := store.Revision(r.Context(), c.DB)
	if err != nil {
		return false, err
	}
	etag := c.etag(r, form, l, revision)
	if !matches(known, etag) {
		return false, nil
	}
	c.headers(w, r, form, l, revision)
	w.Header().Del("Content-Type")
	w.WriteHeader(http.StatusNotModified)
	return true, nil
}

// matches compares an If-None-Match list with a validator, weakly. A compressing proxy may have put a suffix inside the
// quotation marks.
func matches(list, etag string) bool {
	opaque := strings.Trim(strings.TrimPrefix(etag, "W/"), `"`)
	for candidate := range strings.SplitSeq(list, ",") {
		candidate = strings.Trim(strings.TrimPrefix(strings.TrimSpace(candidate), "W/"), `"`)
		if candidate == "*" || candidate == opaque {
			return true
		}
	}
	return false
}
