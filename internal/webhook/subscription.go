package webhook

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/store"
)

// RotationTime is how long messages are signed with the old secret too after a new one is made.
const RotationTime = 24 * time.Hour

// ParseQuery understands the query of a webhook: the address of a list without its host, such as
// /v1/prisoner-exchanges?from=RU. The parameters are those of a stream that begins at the present. What is wrong is a
// [*query.Error]; faults of parameters name them.
func ParseQuery(text string) (store.Question, error) {
	fault := func(f query.Fault) error { return &query.Error{Faults: []query.Fault{f}} }
	path, parameters, _ := strings.Cut(text, "?")
	collection, ok := strings.CutPrefix(path, "/v1/")
	if !ok {
		return store.Question{}, fault(query.Fault{Reason: "is the address of a list without its host, such as /v1/prisoner-exchanges?from=RU"})
	}
	var names []string
	var table *store.Table
	for _, t := range store.Tables {
		if names = append(names, "/v1/"+t.Name); t.Name == collection {
			table = t
		}
	}
	if table == nil {
		return store.Question{}, fault(query.Fault{Reason: "names no list that there is", Allowed: names, Suggestion: query.Nearest(path, names)})
	}
	values, err := url.ParseQuery(parameters)
	if err != nil {
		return store.Question{}, fault(query.Fault{Reason: "cannot be read: write % as %25 and ; as %3B"})
	}
	g := table.Grammar()
	g.Stream = true
	for _, name := range []string{"snapshot", "last_event_id"} { // a webhook has a place of its own
		if values.Has(name) {
			return store.Question{}, fault(query.Fault{Parameter: name, Reason: "is not for a webhook: delivered_through says from where on it is told of changes"})
		}
	}
	list, err := query.Parse(values, g)
	return store.Question{Table: table, List: list}, err
}

// Canonical is how the query of a webhook is stored and shown.
func Canonical(q store.Question) string {
	if parameters := q.List.Canonical(); parameters != "" {
		return "/v1/" + q.Table.Name + "?" + parameters
	}
	return "/v1/" + q.Table.Name
}

// Draft is what somebody wants a webhook to be. What is nil is not said.
type Draft struct {
	Name    *string
	Target  *string
	Query   *string
	Status  *string
	Through *int64
}

// Check checks a draft and makes its query canonical. It returns every fault at once; their pointers name the fields.
func (d *Draft) Check(s *Sender, revision int64) []query.Fault {
	var faults []query.Fault
	add := func(field, reason string) {
		faults = append(faults, query.Fault{Pointer: "/" + field, Reason: reason})
	}
	if d.Name != nil && (strings.TrimSpace(*d.Name) != *d.Name || *d.Name == "" || len(*d.Name) > 100 || !utf8.ValidString(*d.Name) || strings.ContainsFunc(*d.Name, unicode.IsControl)) {
		add("name", "is a text of up to 100 bytes on one line, such as newsroom")
	}
	if d.Target != nil {
		if err := s.CheckTarget(*d.Target); err != nil {
			add("target", err.Error())
		}
	}
	if d.Query != nil {
		faults = append(faults, d.checkQuery()...)
	}
	if d.Status != nil && !slices.Contains(store.WebhookStatuses, *d.Status) {
		faults = append(faults, query.Fault{Pointer: "/status", Reason: "is no status", Allowed: store.WebhookStatuses})
	}
	if d.Through != nil && (*d.Through < 0 || *d.Through > revision) {
		add("delivered_through", fmt.Sprintf("is a revision from 0 to the present one, %d: what comes after it is delivered", revision))
	}
	return faults
}

// mostQuery bounds a query in bytes.
const mostQuery = 8000

func (d *Draft) checkQuery() []query.Fault {
	q, err := ParseQuery(*d.Query)
	if bad, ok := err.(*query.Error); ok { //nolint:errorlint // as returned
		faults := slices.Clone(bad.Faults)
		for i, f := range faults {
			if f.Parameter != "" {
				faults[i].Reason = f.Parameter + " " + f.Reason
			}
			faults[i].Parameter, faults[i].Pointer = "", "/query"
		}
		return faults
	}
	canonical := Canonical(q)
	if d.Query = &canonical; len(canonical) > mostQuery {
		return []query.Fault{{Pointer: "/query", Reason: fmt.Sprintf("is longer than %d bytes", mostQuery)}}
	}
	return nil
}

// Create stores a webhook with a new id and a new secret. Unless the draft says so, it is told of what comes after a revision.
func Create(ctx context.Context, db *pgxpool.Pool, random io.Reader, d Draft, by string, revision int64) (store.Webhook, error) {
	secret, err := newSecret(random)
	if err != nil {
		return store.Webhook{}, err
	}
	id, err := newID(random)
	if err != nil {
		return store.Webhook{}, err
	}
	w := store.Webhook{ID: id, Name: *d.Name, Target: *d.Target, Query: *d.Query, Secret: secret, CreatedBy: by, WebhookPlace: store.WebhookPlace{Through: revision}}
	if d.Through != nil {
		w.Through = *d.Through
	}
	return store.CreateWebhook(ctx, db, w)
}

// Change carries out a draft.
func Change(ctx context.Context, db *pgxpool.Pool, id string, d Draft) (store.Webhook, error) {
	return store.ChangeWebhook(ctx, db, id, func(w *store.Webhook) error {
		for _, text := range []struct{ to, from *string }{{&w.Name, d.Name}, {&w.Target, d.Target}, {&w.Query, d.Query}} {
			if text.from != nil {
				*text.to = *text.from
			}
		}
		if d.Status != nil && *d.Status != w.Status {
			w.Status, w.StatusReason = *d.Status, nil
		}
		if d.Through != nil {
			w.Through = *d.Through
		}
		return nil
	})
}

// Rotate gives a webhook a new secret. The old one stays valid for [RotationTime], also if the new one is replaced meanwhile.
func Rotate(ctx context.Context, db *pgxpool.Pool, random io.Reader, id string, now time.Time) (store.Webhook, error) {
	secret, err := newSecret(random)
	if err != nil {
		return store.Webhook{}, err
	}
	return store.RotateWebhook(ctx, db, id, secret, now, now.Add(RotationTime))
}

// Test sends a ping to a webhook, whatever its status, and returns what came of it.
func Test(ctx context.Context, s *Sender, random io.Reader, w *store.Webhook) (Answer, error) {
	id, err := newID(random)
	if err != nil {
		return Answer{}, err
	}
	m, err := Ping(w, s.now(), id)
	if err != nil {
		return Answer{}, err
	}
	return s.Send(ctx, w, m)
}

// secretBytes is what Standard Webhooks recommends at least.
const secretBytes = 32

func newSecret(random io.Reader) (store.WebhookSecret, error) {
	secret := make(store.WebhookSecret, secretBytes)
	_, err := io.ReadFull(random, secret)
	return secret, err
}

// newID makes an id of 8 letters and digits, 40 random bits.
func newID(random io.Reader) (string, error) {
	const letters = "abcdefghijklmnopqrstuvwxyz234567"
	id := make([]byte, 8)
	if _, err := io.ReadFull(random, id); err != nil {
		return "", err
	}
	for i, b := range id {
		id[i] = letters[b%32]
	}
	return string(id), nil
}
