package webhook

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/render"
	"github.com/parley-api/parley/internal/store"
)

// Message is what is sent at once. Its id is that of whatever repeats it.
type Message struct {
	ID   string
	Body []byte
}

// The types of messages.
const (
	recordsChanged = "records.changed" // what a changeset changed within the query
	recordsReset   = "records.reset"   // a changeset changed too much to tell: read the records anew
	pinged         = "ping"            // somebody tries out the webhook
)

// mostBody bounds a message: what more a changeset changed comes in further ones. A record is never divided.
const mostBody = 256 << 10

// told is a step forward: a message, and the place when it has been accepted. The body of a step is nil if there is nothing to
// tell on the way to its place.
type told struct {
	Message
	place store.WebhookPlace
}

// changesetData is what a message says of the changeset.
type changesetData struct {
	URL        string    `json:"url"`
	RecordedAt time.Time `json:"recorded_at"`
	Author     string    `json:"author"`
	Message    string    `json:"message"`
}

// envelope is what every message has around its events.
type envelope struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"` // of what happened; that of the attempt is in the header
	Data      any       `json:"data"`
}

type changedData struct {
	Subscription string           `json:"subscription"`
	Query        string           `json:"query"`
	Revision     int64            `json:"revision"`
	Changeset    changesetData    `json:"changeset"`
	Complete     bool             `json:"complete"` // false: more of the same changeset comes with the next message
	Events       []jsontext.Value `json:"events"`
}

type resetData struct {
	Subscription string        `json:"subscription"`
	Query        string        `json:"query"`
	Revision     int64         `json:"revision"`
	Changeset    changesetData `json:"changeset"`
	Records      string        `json:"records"` // the address at which to read them, as of the revision
}

// teller makes the messages of a webhook.
type teller struct {
	db       *pgxpool.Pool
	base     string // what addresses begin with: "https://example.org"
	webhook  *store.Webhook
	question store.Question
}

// after goes through what the webhook has not been told of, through a revision, in order.
func (t *teller) after(ctx context.Context, through int64) iter.Seq2[told, error] {
	place := t.webhook.WebhookPlace
	return func(yield func(told, error) bool) {
		for place.Through < through {
			steps, reached, err := store.Steps(ctx, t.db, place.Through, through)
			if err != nil {
				yield(told{}, err)
				return
			}
			for i := range steps {
				for one, err := range t.changeset(ctx, &steps[i], place) {
					if !yield(one, err) || err != nil {
						return
					}
					place = one.place
				}
			}
			if place.Through < reached {
				place = store.WebhookPlace{Through: reached}
				if !yield(told{place: place}, nil) {
					return
				}
			}
		}
	}
}

// changeset tells of one changeset what has not been told of it, in one message or several.
func (t *teller) changeset(ctx context.Context, step *store.Step, from store.WebhookPlace) iter.Seq2[told, error] {
	skip := 0
	if from.Through == step.Revision-1 {
		skip = from.Events
	}
	return func(yield func(told, error) bool) {
		var events []jsontext.Value
		size, last := 0, skip
		flush := func(complete bool) bool {
			place := store.WebhookPlace{Through: step.Revision}
			if !complete {
				place = store.WebhookPlace{Through: step.Revision - 1, Events: last}
			}
			m, err := t.changed(ctx, step.Revision, last-len(events)+1, events, complete)
			events, size = nil, 0
			return yield(told{m, place}, err) && err == nil
		}
		for e, err := range t.question.Changed(ctx, t.db, step) {
			if errors.Is(err, store.ErrTooMuch) {
				m, err := t.reset(ctx, step.Revision)
				yield(told{m, store.WebhookPlace{Through: step.Revision}}, err)
				return
			}
			if err != nil {
				yield(told{}, err)
				return
			}
			if e.Sequence <= skip {
				continue
			}
			event := t.event(e)
			if size += len(event); size > mostBody && len(events) > 0 {
				if !flush(false) {
					return
				}
				size = len(event)
			}
			events, last = append(events, event), e.Sequence
		}
		if len(events) > 0 {
			flush(true)
		}
	}
}

// event is what happened to one record, as JSON.
func (t *teller) event(e store.Event) jsontext.Value {
	b := append(append([]byte(`{"event":"`), e.Kind...), `","id":"`...)
	b = append(append(b, e.ID...), '"') // plain ASCII
	if e.Kind == store.Upserted {
		b = append(b, `,"record":`...)
		b = render.AppendJSON(b, render.Record{Columns: t.question.Shape(), Values: e.Row, Base: t.base + "/v1/"})
	}
	return append(b, '}')
}

func (t *teller) changed(ctx context.Context, revision int64, first int, events []jsontext.Value, complete bool) (Message, error) {
	c, err := t.about(ctx, revision)
	if err != nil {
		return Message{}, err
	}
	return t.message(revision, first, recordsChanged, c, changedData{t.webhook.ID, t.webhook.Query, revision, c, complete, events})
}

func (t *teller) reset(ctx context.Context, revision int64) (Message, error) {
	c, err := t.about(ctx, revision)
	if err != nil {
		return Message{}, err
	}
	return t.message(revision, 0, recordsReset, c, resetData{
		t.webhook.ID, t.webhook.Query, revision, c, t.base + "/v1/" + t.question.Table.Name + "?" + t.question.List.Pinned(revision),
	})
}

// message has an id that says what it tells of, so that the same always comes under the same: receivers pass over what they
// know. It has the query in it, too, since what a changeset changed within another query is something else.
func (t *teller) message(revision int64, first int, kind string, c changesetData, data any) (Message, error) {
	body, err := json.Marshal(envelope{kind, c.RecordedAt, data})
	of := sha256.Sum256([]byte(t.webhook.Query))
	return Message{fmt.Sprintf("%s-%d-%d-%x", t.webhook.ID, revision, first, of[:4]), body}, err
}

func (t *teller) about(ctx context.Context, revision int64) (changesetData, error) {
	c, err := store.FindChangeset(ctx, t.db, revision)
	return changesetData{t.base + "/v1/changesets/" + strconv.FormatInt(revision, 10), c.RecordedAt.UTC(), c.Author, c.Message}, err
}

// Ping is a message with nothing in it.
func Ping(w *store.Webhook, at time.Time, random string) (Message, error) {
	body, err := json.Marshal(envelope{pinged, at.UTC(), struct {
		Subscription string `json:"subscription"`
		Query        string `json:"query"`
	}{w.ID, w.Query}})
	return Message{w.ID + "-ping-" + random, body}, err
}
