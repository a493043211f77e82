package store

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// What a webhook is: told of changes, or not.
const (
	WebhookActive   = "active"
	WebhookDisabled = "disabled"
)

// WebhookStatuses are what a webhook may be.
var WebhookStatuses = []string{WebhookActive, WebhookDisabled}

// Webhook is a subscription as it is stored.
type Webhook struct {
	ID           string
	Name         string
	Target       string
	Query        string
	Secret       WebhookSecret
	Previous     []PreviousSecret // those that it had before, the last one last; their time may be over
	Status       string
	StatusReason *string // why it is disabled; nil: somebody wanted it so
	StatusSince  time.Time
	WebhookPlace
	Delivered    int64 // messages that were accepted
	Failed       int64 // attempts that were not
	Failures     int   // failed attempts of the message that is next
	FailingSince *time.Time
	RetryAt      *time.Time // when that is tried again; nil: at once
	Last         WebhookAttempt
	CreatedAt    time.Time
	CreatedBy    string
	Version      int // moves when its settings change
}

// PreviousSecret is one that was replaced. Until its time is over messages are signed with it too.
type PreviousSecret struct {
	WebhookSecret
	Until time.Time
}

// PreviousUntil is when the last of the secrets before ends; nil: there is none.
func (w *Webhook) PreviousUntil() *time.Time {
	if len(w.Previous) == 0 {
		return nil
	}
	return &w.Previous[len(w.Previous)-1].Until
}

// WebhookPlace says how far a webhook has been told.
type WebhookPlace struct {
	Through int64 // everything up to this revision
	Events  int   // and so many events of the changeset that follows
}

// WebhookAttempt is what came of sending a message.
type WebhookAttempt struct {
	Message *string // its id; nil: nothing was sent yet
	At      *time.Time
	Answer  *int    // the status; nil: no answer
	Error   *string // nil: it was accepted
}

// WebhookSecret is a key that messages are signed with. Only [WebhookSecret.Text] shows it.
type WebhookSecret []byte

// Text is the secret as Standard Webhooks writes it, for whoever is to check signatures.
func (s WebhookSecret) Text() string { return "whsec_" + base64.StdEncoding.EncodeToString(s) }

// String keeps the secret out of texts.
func (s WebhookSecret) String() string { return "whsec_…" }

// GoString keeps it out of %#v.
func (s WebhookSecret) GoString() string { return s.String() }

// LogValue keeps it out of logs.
func (s WebhookSecret) LogValue() slog.Value { return slog.StringValue(s.String()) }

const webhookColumns = `id, name, target, query, secret, array(select s.secret from webhook_secrets s where s.webhook = webhooks.id order by s.until, s.secret),
	array(select s.until from webhook_secrets s where s.webhook = webhooks.id order by s.until, s.secret), status::text, status_reason, status_since, delivered_through, delivered_events,
	delivered_count, failed_count, failures, failing_since, retry_at, last_message, last_attempt_at, last_answer, last_error, created_at, created_by, version`

func scanWebhook(row pgx.CollectableRow) (w Webhook, err error) {
	var secrets [][]byte
	var until []time.Time
	err = row.Scan(&w.ID, &w.Name, &w.Target, &w.Query, (*[]byte)(&w.Secret), &secrets, &until, &w.Status, &w.StatusReason, &w.StatusSince, &w.Through, &w.Events,
		&w.Delivered, &w.Failed, &w.Failures, &w.FailingSince, &w.RetryAt, &w.Last.Message, &w.Last.At, &w.Last.Answer, &w.Last.Error, &w.CreatedAt, &w.CreatedBy, &w.Version)
	for i, secret := range secrets {
		w.Previous = append(w.Previous, PreviousSecret{secret, until[i]})
	}
	return w, err
}

// Webhooks lists all webhooks, the oldest first.
func Webhooks(ctx context.Context, db *pgxpool.Pool) ([]Webhook, error) {
	rows, err := db.Query(ctx, "select "+webhookColumns+" from webhooks order by created_at, id")
	if err != nil {
		return nil, fmt.Errorf("listing webhooks: %w", err)
	}
	return pgx.CollectRows(rows, scanWebhook)
}

// FindWebhook returns one. That there is none is an [*Absent].
func FindWebhook(ctx context.Context, db *pgxpool.Pool, id string) (Webhook, error) {
	return oneWebhook(ctx, db, "looking up a webhook", "select "+webhookColumns+" from webhooks where id = $1", id)
}

type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func oneWebhook(ctx context.Context, db querier, doing, sql string, args ...any) (Webhook, error) {
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return Webhook{}, fmt.Errorf("%s: %w", doing, err)
	}
	w, err := pgx.CollectExactlyOneRow(rows, scanWebhook)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return Webhook{}, &Absent{}
	case err != nil:
		return Webhook{}, fmt.Errorf("%s: %w", doing, err)
	}
	return w, nil
}

// CreateWebhook stores a new webhook, of which it takes ID, Name, Target, Query, Secret, Through and CreatedBy.
func CreateWebhook(ctx context.Context, db *pgxpool.Pool, w Webhook) (Webhook, error) {
	return oneWebhook(ctx, db, "storing a webhook", "insert into webhooks (id, name, target, query, secret, delivered_through, created_by) values ($1, $2, $3, $4, $5, $6, $7) returning "+webhookColumns,
		w.ID, w.Name, w.Target, w.Query, []byte(w.Secret), w.Through, w.CreatedBy)
}

// ChangeWebhook has somebody change the settings of a webhook: its name, target, query, status and place. What was
// wrong with its deliveries is forgotten, and deliveries that are under way do not count.
func ChangeWebhook(ctx context.Context, db *pgxpool.Pool, id string, change func(*Webhook) error) (after Webhook, err error) {
	err = pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		before, err := oneWebhook(ctx, tx, "looking up a webhook", "select "+webhookColumns+" from webhooks where id = $1 for update", id)
		if err != nil {
			return err
		}
		w := before
		if err := change(&w); err != nil {
			return err
		}
		if w.Through != before.Through || w.Query != before.Query {
			w.Events = 0
		}
		after, err = oneWebhook(ctx, tx, "changing a webhook", `update webhooks set name = $2, target = $3, query = $4,
				status_since = case when status = $5::webhook_status then status_since else now() end, status = $5::webhook_status, status_reason = $6,
				delivered_through = $7, delivered_events = $8, `+settingsMoved+` where id = $1 returning `+webhookColumns,
			id, w.Name, w.Target, w.Query, w.Status, w.StatusReason, w.Through, w.Events)
		return err
	})
	return after, err
}

// settingsMoved forgets what was wrong with deliveries.
const settingsMoved = "failures = 0, failing_since = null, retry_at = null, version = version + 1"

// ErrTooManySecrets is the error of a rotation too many: what messages are signed with must fit into a header.
var ErrTooManySecrets = fmt.Errorf("the secret was replaced %d times within a day, and every one of those before still holds; wait until the first of them does not", mostSecrets)

// mostSecrets is how many of the secrets before may hold at once.
const mostSecrets = 10

// RotateWebhook gives a webhook a new secret. Those before hold as long as they were to, and the present one until a time from
// now. Otherwise it is as [ChangeWebhook].
func RotateWebhook(ctx context.Context, db *pgxpool.Pool, id string, secret WebhookSecret, now, until time.Time) (after Webhook, err error) {
	err = pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		if _, err := oneWebhook(ctx, tx, "looking up a webhook", "select "+webhookColumns+" from webhooks where id = $1 for update", id); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "delete from webhook_secrets where webhook = $1 and until <= $2", id, now); err != nil {
			return fmt.Errorf("dropping secrets of a webhook: %w", err)
		}
		tag, err := tx.Exec(ctx, `insert into webhook_secrets select id, secret, $2 from webhooks
			where id = $1 and (select count(*) from webhook_secrets where webhook = $1) < $3`, id, until, mostSecrets)
		switch {
		case err != nil:
			return fmt.Errorf("keeping the secret of a webhook: %w", err)
		case tag.RowsAffected() == 0:
			return ErrTooManySecrets
		}
		after, err = oneWebhook(ctx, tx, "changing a webhook", "update webhooks set secret = $2, "+settingsMoved+" where id = $1 returning "+webhookColumns, id, []byte(secret))
		return err
	})
	return after, err
}

// DeleteWebhook ends a webhook. That there is none is an [*Absent].
func DeleteWebhook(ctx context.Context, db *pgxpool.Pool, id string) error {
	tag, err := db.Exec(ctx, "delete from webhooks where id = $1", id)
	switch {
	case err != nil:
		return fmt.Errorf("deleting a webhook: %w", err)
	case tag.RowsAffected() == 0:
		return &Absent{}
	}
	return nil
}

// WebhooksActive reports whether anybody is to be told of changes.
func WebhooksActive(ctx context.Context, db *pgxpool.Pool) (some bool, err error) {
	if err = db.QueryRow(ctx, "select exists (select from webhooks where status = 'active')").Scan(&some); err != nil {
		return false, fmt.Errorf("looking for webhooks: %w", err)
	}
	return some, nil
}

// WebhooksDue lists the webhooks that have not been told of everything, and that wait for nothing.
func WebhooksDue(ctx context.Context, db *pgxpool.Pool, now time.Time) ([]string, error) {
	rows, err := db.Query(ctx, `select id from webhooks where status = 'active' and (retry_at is null or retry_at <= $1)
		and delivered_through < (select coalesce(max(id), 0) from changesets) order by id`, now)
	if err != nil {
		return nil, fmt.Errorf("looking for due webhooks: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// Told records that a message, if one was sent, was accepted, and how far the webhook has been told by it. It reports false,
// and records nothing, if somebody has changed the webhook meanwhile, or another process has told it the same.
func (w *Webhook) Told(ctx context.Context, db *pgxpool.Pool, place WebhookPlace, a *WebhookAttempt) (bool, error) {
	set, args := "delivered_through = $5, delivered_events = $6", []any{place.Through, place.Events}
	if a != nil {
		set += `, delivered_count = delivered_count + 1, failures = 0, failing_since = null, retry_at = null,
			last_message = $7, last_attempt_at = $8, last_answer = $9, last_error = null`
		args = append(args, a.Message, a.At, a.Answer)
	}
	done, err := w.note(ctx, db, set, args...)
	if done {
		w.WebhookPlace = place
	}
	if done && a != nil { // the next message has its own failures
		w.Delivered, w.Failures, w.FailingSince, w.RetryAt, w.Last = w.Delivered+1, 0, nil, nil, *a
	}
	return done, err
}

// NotTold records a failed attempt: the next one is at retryAt; or where there is none, the webhook is disabled for a reason.
// It reports false as [Webhook.Told] does.
func (w *Webhook) NotTold(ctx context.Context, db *pgxpool.Pool, a WebhookAttempt, retryAt *time.Time, reason string) (bool, error) {
	return w.note(ctx, db, `failed_count = failed_count + 1, failures = failures + 1, failing_since = coalesce(failing_since, $5), last_message = $6, last_attempt_at = $5, last_answer = $7, last_error = $8,
		retry_at = $9, status = case when $9::timestamptz is null then 'disabled' else status end, status_reason = case when $9::timestamptz is null then $10 end,
		status_since = case when $9::timestamptz is null then now() else status_since end`, a.At, a.Message, a.Answer, a.Error, retryAt, reason)
}

// Disable ends deliveries for a reason that is none of the receiver's. It reports false as [Webhook.Told] does.
func (w *Webhook) Disable(ctx context.Context, db *pgxpool.Pool, reason string) (bool, error) {
	return w.note(ctx, db, "status = 'disabled', status_reason = $5, status_since = now(), retry_at = null", reason)
}

func (w *Webhook) note(ctx context.Context, db *pgxpool.Pool, set string, args ...any) (bool, error) {
	tag, err := db.Exec(ctx, "update webhooks set "+set+" where id = $1 and version = $2 and delivered_through = $3 and delivered_events = $4 and status = 'active'",
		append([]any{w.ID, w.Version, w.Through, w.Events}, args...)...)
	if err != nil {
		return false, fmt.Errorf("recording a delivery: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

// ChangesetHead is who recorded a changeset, when and why.
type ChangesetHead struct {
	RecordedAt time.Time
	Author     string
	Message    string
}

// FindChangeset returns the head of a changeset, which must be there.
func FindChangeset(ctx context.Context, db *pgxpool.Pool, revision int64) (h ChangesetHead, err error) {
	if err = db.QueryRow(ctx, "select recorded_at, author, message from changesets where id = $1", revision).Scan(&h.RecordedAt, &h.Author, &h.Message); err != nil {
		return h, fmt.Errorf("changeset %d: %w", revision, err)
	}
	return h, nil
}
