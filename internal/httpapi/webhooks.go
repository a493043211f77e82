package httpapi

import (
	"crypto/rand"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-json-experiment/json"

	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/render"
	"github.com/parley-api/parley/internal/store"
	"github.com/parley-api/parley/internal/webhook"
)

// hook is a webhook as its operator sees it.
type hook struct {
	ID                  string       `json:"id"`
	URL                 string       `json:"url"`
	Name                string       `json:"name"`
	Target              string       `json:"target"`
	Query               string       `json:"query"`
	Status              string       `json:"status"`
	StatusReason        *string      `json:"status_reason"`
	StatusSince         time.Time    `json:"status_since"`
	DeliveredThrough    int64        `json:"delivered_through"`
	DeliveredCount      int64        `json:"delivered_count"`
	FailedCount         int64        `json:"failed_count"`
	Failures            int          `json:"failures"`
	RetryAt             *time.Time   `json:"retry_at"`
	LastAttempt         *hookAttempt `json:"last_attempt"`
	PreviousSecretUntil *time.Time   `json:"previous_secret_until"`
	CreatedAt           time.Time    `json:"created_at"`
	CreatedBy           string       `json:"created_by"`
	Secret              string       `json:"secret,omitempty"` // only when it was just made
}

// hookAttempt is what came of sending a message.
type hookAttempt struct {
	Message string    `json:"message"`
	At      time.Time `json:"at"`
	Answer  *int      `json:"answer"`
	Error   *string   `json:"error"`
}

func (s *server) hook(r *http.Request, w store.Webhook) hook {
	return hook{
		ID: w.ID, URL: s.base(r) + "/v1/webhooks/" + w.ID, Name: w.Name, Target: w.Target, Query: w.Query,
		Status: w.Status, StatusReason: w.StatusReason, StatusSince: w.StatusSince.UTC(),
		DeliveredThrough: w.Through, DeliveredCount: w.Delivered, FailedCount: w.Failed, Failures: w.Failures, RetryAt: utc(w.RetryAt),
		LastAttempt: attempt(w.Last), PreviousSecretUntil: utc(w.PreviousUntil()), CreatedAt: w.CreatedAt.UTC(), CreatedBy: w.CreatedBy,
	}
}

func attempt(a store.WebhookAttempt) *hookAttempt {
	if a.Message == nil {
		return nil
	}
	return &hookAttempt{*a.Message, a.At.UTC(), a.Answer, a.Error}
}

func utc(at *time.Time) *time.Time {
	if at == nil {
		return nil
	}
	in := at.UTC()
	return &in
}

// administer serves what is for operators alone.
func (s *server) administer(h func(w http.ResponseWriter, r *http.Request, key store.Key) error) http.HandlerFunc {
	return s.bare(func(w http.ResponseWriter, r *http.Request) error {
		key, err := s.authorize(w, r, store.ScopeAdmin)
		if err != nil {
			return err
		}
		if _, err := (offer{render.JSON}).negotiate(w, r); err != nil {
			return err
		}
		if r.Header.Get("Idempotency-Key") != "" {
			return &query.Error{Faults: []query.Fault{{
				Parameter: "Idempotency-Key", Reason: "is for changesets only; should the answer to this request be lost, GET /v1/webhooks shows what came of it",
			}}}
		}
		return h(w, r, key)
	})
}

// administerOne serves what is about one webhook. The body, if there is to be none, is empty.
func (s *server) administerOne(h func(w http.ResponseWriter, r *http.Request, id string) error) http.HandlerFunc {
	return s.administer(func(w http.ResponseWriter, r *http.Request, _ store.Key) error {
		id := chi.URLParam(r, "id")
		if !query.IsID(id) {
			return &store.Absent{}
		}
		if r.Method != http.MethodPatch {
			if n, _ := io.CopyN(io.Discard, r.Body, 1); n > 0 {
				return &query.Error{Faults: []query.Fault{{Pointer: "", Reason: "this request has no body"}}}
			}
		}
		return h(w, r, id)
	})
}

// fresh answers with a document that is nobody else's, as it stands just now.
func fresh(w http.ResponseWriter, status int, value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	return send(w, append(body, '\n'))
}

func (s *server) listWebhooks(w http.ResponseWriter, r *http.Request, _ store.Key) error {
	all, err := store.Webhooks(r.Context(), s.Writer)
	if err != nil {
		return err
	}
	var list struct {
		Data []hook `json:"data"`
	}
	for _, one := range all {
		list.Data = append(list.Data, s.hook(r, one))
	}
	return fresh(w, http.StatusOK, list)
}

func (s *server) postWebhook(w http.ResponseWriter, r *http.Request, key store.Key) error {
	d, revision, err := s.draft(w, r, "name", "target", "query", "delivered_through")
	if err != nil {
		return err
	}
	made, err := webhook.Create(r.Context(), s.Writer, rand.Reader, d, key.Name, revision)
	if err != nil {
		return err
	}
	answer := s.hook(r, made)
	answer.Secret = made.Secret.Text()
	w.Header().Set("Location", answer.URL)
	return fresh(w, http.StatusCreated, answer)
}

func (s *server) getWebhook(w http.ResponseWriter, r *http.Request, id string) error {
	one, err := store.FindWebhook(r.Context(), s.Writer, id)
	if err != nil {
		return err
	}
	return fresh(w, http.StatusOK, s.hook(r, one))
}

func (s *server) patchWebhook(w http.ResponseWriter, r *http.Request, id string) error {
	d, _, err := s.draft(w, r, "name", "target", "query", "delivered_through", "status")
	if err != nil {
		return err
	}
	changed, err := webhook.Change(r.Context(), s.Writer, id, d)
	if err != nil {
		return err
	}
	return fresh(w, http.StatusOK, s.hook(r, changed))
}

func (s *server) deleteWebhook(w http.ResponseWriter, r *http.Request, id string) error {
	if err := store.DeleteWebhook(r.Context(), s.Writer, id); err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *server) rotateWebhook(w http.ResponseWriter, r *http.Request, id string) error {
	rotated, err := webhook.Rotate(r.Context(), s.Writer, rand.Reader, id, s.Now())
	if err != nil {
		return err
	}
	answer := s.hook(r, rotated)
	answer.Secret = rotated.Secret.Text()
	return fresh(w, http.StatusOK, answer)
}

// testWebhook sends a ping, and answers with what came of it.
func (s *server) testWebhook(w http.ResponseWriter, r *http.Request, id string) error {
	one, err := store.FindWebhook(r.Context(), s.Writer, id)
	if err != nil {
		return err
	}
	answer, err := webhook.Test(r.Context(), s.Webhooks, rand.Reader, &one)
	if err != nil {
		return err
	}
	return fresh(w, http.StatusOK, attempt(answer.WebhookAttempt))
}

// draft reads what somebody wants a webhook to be, with the present revision.
func (s *server) draft(w http.ResponseWriter, r *http.Request, allowed ...string) (d webhook.Draft, revision int64, err error) {
	text, err := s.readBody(w, r)
	if err != nil {
		return d, 0, err
	}
	body, err := decode(text)
	if err != nil {
		return d, 0, err
	}
	if revision, err = store.Revision(r.Context(), s.DB); err != nil {
		return d, 0, err
	}
	var f frame
	f.keys("", body, allowed...)
	if r.Method == http.MethodPost {
		for field, wants := range map[string]string{"name": "say who is told", "target": "the address to send to", "query": "the list whose changes are told, such as /v1/prisoner-exchanges?from=RU"} {
			if _, ok := body[field]; !ok {
				f.add("/"+field, "is required: "+wants)
			}
		}
	}
	for field, to := range map[string]**string{"name": &d.Name, "target": &d.Target, "query": &d.Query, "status": &d.Status} {
		*to = f.optional(field, body)
	}
	if given, ok := body["delivered_through"]; ok {
		n, isNumber := given.(float64)
		through := int64(n)
		if d.Through = &through; !isNumber || n != float64(through) {
			*d.Through = -1 // which is at fault
		}
	}
	if faults := append(f.faults, d.Check(s.Webhooks, revision)...); faults != nil {
		slices.SortStableFunc(faults, func(a, b query.Fault) int { return strings.Compare(a.Pointer, b.Pointer) })
		return d, 0, &store.Rejected{Reason: store.Invalid, Faults: faults}
	}
	return d, revision, nil
}

// optional is a text that may not be given.
func (f *frame) optional(field string, body map[string]any) *string {
	given, ok := body[field]
	text, isText := given.(string)
	switch {
	case !ok:
		return nil
	case !isText:
		f.add("/"+field, "is a text")
		return nil
	}
	return &text
}
