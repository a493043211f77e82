package httpapi

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/store"
)

// guardOf reads If-Match and If-None-Match. A validator of ours begins with the revision that it was given at: a record
// that has not changed since is the one that the client has seen, whatever else has changed.
func guardOf(h http.Header) (g store.Guard, faults []query.Fault) {
	match, none := strings.Join(h.Values("If-Match"), ","), strings.Join(h.Values("If-None-Match"), ",")
	if match != "" && none != "" {
		return g, []query.Fault{{Parameter: "If-None-Match", Reason: "contradicts If-Match: a record is there, or it is not"}}
	}
	if none != "" && strings.TrimSpace(none) != "*" {
		faults = append(faults, query.Fault{Parameter: "If-None-Match", Reason: `of a write is *: "only if the record is not there"`, Allowed: []string{"*"}})
	}
	g.Absent = none != ""
	if strings.TrimSpace(match) == "*" {
		g.Exists = true
		return g, faults
	}
	for tag := range strings.SplitSeq(match, ",") {
		if match == "" {
			break
		}
		revision, ok := revisionOf(tag)
		if !ok {
			faults = append(faults, query.Fault{Parameter: "If-Match", Reason: fmt.Sprintf(
				`does not understand %.80q: give the ETag that the record came with, or the revision in quotation marks, such as "42", or *`, tag)})
			break
		}
		if g.Unchanged == nil || revision > *g.Unchanged {
			g.Unchanged = &revision
		}
	}
	return g, faults
}

// revisionOf reads the revision from a validator: W/"42-0123456789abcdef" or "42".
func revisionOf(tag string) (int64, bool) {
	tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
	if len(tag) < 3 || tag[0] != '"' || tag[len(tag)-1] != '"' {
		return 0, false
	}
	number, _, _ := strings.Cut(tag[1:len(tag)-1], "-")
	revision, err := strconv.ParseInt(number, 10, 64)
	return revision, err == nil && revision >= 0
}
