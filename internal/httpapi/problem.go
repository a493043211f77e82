package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
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
		"What is at this address does not have the form that the extension or the header Accept asks for. errors lists those that it has.",
	}
	malformedBody = kind{
		"malformed-body", "The body is not understood", http.StatusBadRequest,
		"The body of a write is one JSON object in UTF-8 in which no key stands twice.",
	}
	unauthorizedKind = kind{
		"unauthorized", "A key is needed", http.StatusUnauthorized,
		"Writes and webhooks need an API key, sent as Authorization: Bearer and the key. The operator makes keys by the command parley keys create. Reads of the data set need none.",
	}
	forbidden = kind{
		"forbidden", "The key may not do that", http.StatusForbidden,
		"The key is good, but has not the scope that this needs.",
	}
	conflict = kind{
		"conflict", "The data set stands in the way", http.StatusConflict,
		"A record to be deleted is still referred to, an id or a value belongs to another record, or the first request with the same Idempotency-Key is still being carried out. errors names each.",
	}
	preconditionFailed = kind{
		"precondition-failed", "The record is not as you saw it", http.StatusPreconditionFailed,
		"If-Match or If-None-Match does not hold: somebody has changed the record, or it is not there, or it is there already. Nothing was changed. Read it again and decide anew.",
	}
	rangeNotSatisfiable = kind{
		"range-not-satisfiable", "The file has no such part", http.StatusRequestedRangeNotSatisfiable,
		"The header Range asks for bytes that the file does not have. Content-Range says how many it has.",
	}
	tooLarge = kind{
		"too-large", "The body is too large", http.StatusRequestEntityTooLarge,
		"The size of a body and the number of operations of a changeset are bounded. Divide it into several changesets.",
	}
	unsupportedMedia = kind{
		"unsupported-media-type", "The body is not JSON", http.StatusUnsupportedMediaType,
		"Writes are JSON, sent with the header Content-Type: application/json, not compressed.",
	}
	invalidRecord = kind{
		"invalid-record", "The record cannot be as it is sent", http.StatusUnprocessableEntity,
		"errors names every fault by its JSON pointer (RFC 6901) in the body. Nothing was changed.",
	}
	keyReused = kind{
		"idempotency-key-reused", "The Idempotency-Key belongs to another request", http.StatusUnprocessableEntity,
		"A request with the same Idempotency-Key and other contents was carried out within the last 24 hours. Choose a new key for every new request.",
	}
	preconditionRequired = kind{
		"precondition-required", "Say what you have seen", http.StatusPreconditionRequired,
		"A write over a record that is there needs If-Match with the ETag that the record came with, so that nobody's change is lost unseen; or * to overwrite whatever is there. If-None-Match: * writes only a record that is not there.",
	}
	tooManyStreams = kind{
		"too-many-streams", "So many streams are open already", http.StatusTooManyRequests,
		"The number of streams that one client address may have open is bounded. End one, or try again after the seconds that Retry-After gives.",
	}
	tooManyExports = kind{
		"too-many-exports", "So many exports are under way already", http.StatusTooManyRequests,
		"The number of exports that one client address may have under way is bounded. Fetch one after the other, or try again after the seconds that Retry-After gives.",
	}
	tooManyRequests = kind{
		"too-many-requests", "More requests than are answered", http.StatusTooManyRequests,
		"The number of requests within a minute is bounded, of a client address and of an API key. RateLimit says how many are left, and Retry-After when to try again. " +
			"Answers that are kept are not counted, those without news (304) a tenth: send If-None-Match, or follow a stream.",
	}
	uriTooLong = kind{
		"uri-too-long", "The address is too long", http.StatusRequestURITooLong,
		"The length of an address is bounded. Ask for less at a time, or fetch the whole list and choose from it.",
	}
	busy = kind{
		"busy", "More is asked than there is room for", http.StatusServiceUnavailable,
		"So much is asked just now that this request was not begun. Try again after the seconds that Retry-After gives.",
	}
	notImplemented = kind{
		"not-implemented", "That is not offered", http.StatusNotImplemented,
		"What is asked for is well known, and not offered here. detail says what is offered instead.",
	}
	unavailable = kind{
		"unavailable", "The database does not answer", http.StatusServiceUnavailable,
		"The database is away, restarting or too slow just now. Try again after the seconds that Retry-After gives.",
	}
	internal = kind{
		"internal", "Something went wrong on our side", http.StatusInternalServerError,
		"It is logged under request_id. Nothing that a client sends should cause it; please report it.",
	}

	kinds = []kind{
		invalidParameter, malformedBody, unauthorizedKind, forbidden, notFound, methodNotAllowed, notAcceptableKind, conflict, gone, preconditionFailed,
		tooLarge, rangeNotSatisfiable, unsupportedMedia, invalidRecord, keyReused, preconditionRequired, uriTooLong, tooManyStreams, tooManyExports, tooManyRequests, internal, notImplemented, busy, unavailable,
	}
)

// problem is an error as clients see it: RFC 9457, application/problem+json.
type problem struct {
	Type      string        `json:"type"`
	Title     string        `json:"title"`
	Status    int           `json:"status"`
	Detail    string        `json:"detail"`
	Errors    []query.Fault `json:"errors,omitempty"`
	Memento   string        `json:"memento,omitempty"` // of a deleted record: the address of it as it last was
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
		s.problem(w, r, notAcceptableKind, unknown.Error(), []query.Fault{{Parameter: unknown.by, Reason: "asks for a form that there is not", Allowed: unknown.offer.names()}})
	case errors.As(err, &absent):
		s.absent(w, r, absent)
	case s.failLimit(w, r, err):
	case s.failWrite(w, r, err):
	case away(err):
		s.Log.WarnContext(r.Context(), "database unavailable", "request_id", requestID(w), "error", err)
		w.Header().Set("Retry-After", "1")
		s.problem(w, r, unavailable, unavailable.About, nil)
	default:
		s.Log.ErrorContext(r.Context(), "request failed", "request_id", requestID(w), "path", r.URL.Path, "error", err)
		s.problem(w, r, internal, internal.About, nil)
	}
}

// absent answers for a record that there is not, or not at the moment asked for.
func (s *server) absent(w http.ResponseWriter, r *http.Request, a *store.Absent) {
	switch asOf := r.URL.Query().Get("as_of"); {
	case a.Since == 0:
		s.problem(w, r, notFound, "there is no record with this id; the list is at "+s.base(r)+listOf(r.URL.Path), nil)
	case a.Until != 0 && asOf == "":
		s.sendProblem(w, r, gone, problem{
			Detail:  fmt.Sprintf("revision %d deleted this record; as_of=%d shows it as it last was", a.Until, a.Until-1),
			Memento: fmt.Sprintf("%s%s?as_of=%d", s.base(r), r.URL.EscapedPath(), a.Until-1),
		})
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
		// A standby was asked to write; or somebody stood in the way, and all is as if it had not been tried.
		return slices.Contains([]string{"25006", "40001", "40P01", "55P03"}, pg.Code)
	case errors.As(err, &connect), errors.As(err, &network), errors.Is(err, context.DeadlineExceeded):
		return true
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) || pgconn.SafeToRetry(err)
}

func (s *server) problem(w http.ResponseWriter, r *http.Request, k kind, detail string, faults []query.Fault) {
	s.sendProblem(w, r, k, problem{Detail: detail, Errors: faults})
}

// sendProblem answers with a problem of a kind.
func (s *server) sendProblem(w http.ResponseWriter, r *http.Request, k kind, p problem) {
	p.Type, p.Title, p.Status, p.RequestID = s.base(r)+"/problems/"+k.Name, k.Title, k.Status, requestID(w)
	h := w.Header()
	for _, name := range []string{"Etag", "Link", "Content-Disposition", "Parley-Revision", "Memento-Datetime"} {
		h.Del(name)
	}
	h.Set("Cache-Control", "no-store")
	if !strings.HasPrefix(r.URL.Path, "/v1") && wantsPage(r) {
		h.Add("Vary", "Accept")
		s.failurePage(w, r, p)
		return
	}
	body, err := json.Marshal(p)
	if err != nil { // a request whose Host cannot be written is none that we can answer better
		body = []byte("{}")
	}
	h.Set("Content-Type", "application/problem+json")
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
	name, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(path, "/v1"), "/"), "/")
	return name
}

// listOf is the address of the list that a record would be in, of the same kind as that of the record.
func listOf(path string) string {
	if strings.HasPrefix(path, "/v1/") {
		return "/v1/" + collectionOf(path)
	}
	return "/explore/" + collectionOf(path)
}

func (s *server) methodNotAllowed(w http.ResponseWriter, r *http.Request) error {
	allowed := s.allowed(r.URL.Path)
	w.Header().Set("Allow", allowed)
	detail := fmt.Sprintf("%s is not understood here; %s are", r.Method, allowed)
	switch collectionOf(r.URL.Path) {
	case "delegations":
		detail += "; a delegation is written as a part of its round: PATCH /v1/rounds/{id} with its delegations"
	case "reports":
		detail += "; a report is written as a part of the record that it is about"
	}
	s.problem(w, r, methodNotAllowed, detail, nil)
	return nil
}

// allowed lists the methods that an address understands.
func (s *server) allowed(path string) string {
	all := "GET, HEAD, OPTIONS"
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		if s.routing.Match(chi.NewRouteContext(), method, path) {
			all += ", " + method
		}
	}
	return all
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
