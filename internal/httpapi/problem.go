package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/store"
)

// kind is a kind of problem; its address is the type of RFC 9457 and answers what it is.
type kind struct {
	Name   string `json:"name"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	About  string `json:"about"`
}

var (
	invalidParameter = kind{
		"invalid-parameter", "A parameter is not understood", http.StatusBadRequest,
		"Nothing that is asked for is silently ignored or mended. errors names each parameter, what is wrong with it, what is allowed and what was probably meant.",
	}
	notFound = kind{
		"not-found", "There is nothing at this address", http.StatusNotFound,
		"The address, or the record that it names, does not exist. /v1 lists what there is.",
	}
	gone = kind{
		"gone", "The record has been deleted", http.StatusGone,
		"The record existed, and a changeset deleted it. as_of reads it as it was.",
	}
	methodNotAllowed = kind{
		"method-not-allowed", "This address does not do that", http.StatusMethodNotAllowed,
		"The header Allow lists the methods that the address understands.",
	}
	notAcceptableKind = kind{
		"not-acceptable", "There is no such form", http.StatusNotAcceptable,
		"The form that the extension or the header Accept asks for does not exist here. errors lists those that do.",
	}
	unavailable = kind{
		"unavailable", "The database does not answer", http.StatusServiceUnavailable,
		"The database is away, restarting or too slow just now. Try again after the seconds that Retry-After gives.",
	}
	internal = kind{
		"internal", "Something went wrong on our side", http.StatusInternalServerError,
		"It is logged under request_id. Nothing that a client sends should cause it; please report it.",
	}

	kinds = []kind{invalidParameter, notFound, gone, methodNotAllowed, notAcceptableKind, unavailable, internal}
)

// problem is an error as clients see it: RFC 9457, application/problem+json.
type problem struct {
	Type      string        `json:"type"`
	Title     string        `json:"title"`
	Status    int           `json:"status"`
	Detail    string        `json:"detail"`
	Errors    []query.Fault `json:"errors,omitempty"`
	RequestID string        `json:"request_id"`
}

// fail answers with the problem that an error is. Errors are of three kinds: what the client can mend, what does not
// exist, and what is none of the client's doing, whose text is logged and not sent.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	var (
		badQuery *query.Error
		absent   *store.Absent
		unknown  *notAcceptable
		malform  *malformed
	)
	switch {
	case r.Context().Err() != nil && errors.Is(r.Context().Err(), context.Canceled):
		// The client went away: nobody is there to be told.
	case errors.As(err, &badQuery):
		s.problem(w, r, invalidParameter, badQuery.Error(), badQuery.Faults)
	case errors.As(err, &malform):
		s.problem(w, r, invalidParameter, malform.Error(), nil)
	case errors.As(err, &unknown):
		s.problem(w, r, notAcceptableKind, unknown.Error(), []query.Fault{{Parameter: unknown.by, Reason: "asks for a form that there is not", Allowed: formNames()}})
	case errors.As(err, &absent):
		s.absent(w, r, absent)
	case away(err):
		s.Log.Warn("database unavailable", "request_id", requestID(w), "error", err)
		w.Header().Set("Retry-After", "1")
		s.problem(w, r, unavailable, unavailable.About, nil)
	default:
		s.Log.Error("request failed", "request_id", requestID(w), "path", r.URL.Path, "error", err)
		s.problem(w, r, internal, internal.About, nil)
	}
}

// absent answers for a record that there is not, or not at the moment asked for.
func (s *server) absent(w http.ResponseWriter, r *http.Request, a *store.Absent) {
	switch asOf := r.URL.Query().Get("as_of"); {
	case a.Since == 0:
		s.problem(w, r, notFound, "there is no record with this id; the list is at "+s.base(r)+"/v1/"+collectionOf(r.URL.Path), nil)
	case a.Until != 0 && asOf == "":
		s.problem(w, r, gone, fmt.Sprintf("revision %d deleted this record; as_of=%d shows it as it last was", a.Until, a.Until-1), nil)
	default:
		s.problem(w, r, notFound, fmt.Sprintf("not recorded yet, or no more, as of %s: the record first came with revision %d", asOf, a.Since), nil)
	}
}

// malformed is the error of a request that is not even a query.
type malformed struct{ error }

func (e *malformed) Error() string {
	return fmt.Sprintf("the query cannot be read: %v; write %% as %%25 and ; as %%3B", e.error)
}

// away reports whether an error means that the database is away or too slow, and not that we asked it wrongly.
func away(err error) bool {
	var (
		pg      *pgconn.PgError
		connect *pgconn.ConnectError
		network net.Error
	)
	switch {
	case errors.As(err, &pg):
		// Connection exceptions, lack of resources, shutdown and restart, cancelled by timeout, disk and system faults.
		for _, class := range []string{"08", "53", "57", "58"} {
			if strings.HasPrefix(pg.Code, class) {
				return true
			}
		}
		return pg.Code == "25006" // a standby was asked to write
	case errors.As(err, &connect), errors.As(err, &network), errors.Is(err, context.DeadlineExceeded):
		return true
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) || pgconn.SafeToRetry(err)
}

func (s *server) problem(w http.ResponseWriter, r *http.Request, k kind, detail string, faults []query.Fault) {
	body, err := json.Marshal(problem{
		Type:      s.base(r) + "/problems/" + k.Name,
		Title:     k.Title,
		Status:    k.Status,
		Detail:    detail,
		Errors:    faults,
		RequestID: requestID(w),
	})
	if err != nil { // a request whose Host cannot be written is none that we can answer better
		body = []byte("{}")
	}
	h := w.Header()
	for _, name := range []string{"Etag", "Link", "Content-Disposition", "Parley-Revision"} {
		h.Del(name)
	}
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(k.Status)
	_, _ = w.Write(append(body, '\n'))
}

func (s *server) notFound(w http.ResponseWriter, r *http.Request) error {
	detail := "there is nothing at " + r.URL.Path + "; /v1 lists what there is"
	var names []string
	for _, t := range store.Tables {
		names = append(names, t.Name)
	}
	if near := query.Nearest(collectionOf(r.URL.Path), names); near != "" {
		detail += "; did you mean /v1/" + near + "?"
	}
	s.problem(w, r, notFound, detail, nil)
	return nil
}

// collectionOf is the part of an address that names the collection.
func collectionOf(path string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(path, "/v1/"), "/")
	return name
}

func (s *server) methodNotAllowed(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Allow", allowed)
	s.problem(w, r, methodNotAllowed, fmt.Sprintf("%s is not understood here; %s are", r.Method, allowed), nil)
	return nil
}

// problemKind explains a kind of problem: it is what the type of a problem points to.
func (s *server) problemKind(w http.ResponseWriter, r *http.Request) error {
	for _, k := range kinds {
		if k.Name == chi.URLParam(r, "kind") {
			return document(w, r, k)
		}
	}
	return s.notFound(w, r)
}
