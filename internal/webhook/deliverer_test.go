package webhook_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/postgres"
	"github.com/parley-api/parley/internal/store"
	"github.com/parley-api/parley/internal/webhook"
)

// patience is how long a test waits for what must come. No test depends on how soon it does.
const patience = time.Minute

// log is a log that may be written to and read at once.
type log struct {
	sync.Mutex
	bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.Lock()
	defer l.Unlock()
	return l.Buffer.Write(p)
}

func (l *log) text() string {
	l.Lock()
	defer l.Unlock()
	return l.Buffer.String()
}

// hasty tries again at once.
var hasty = webhook.Policy{Attempts: 1000, First: time.Millisecond, Factor: 1, Longest: time.Millisecond, Random: func() float64 { return 0 }}

// deliverer starts a deliverer, and returns what stops it. What it logged is at hand; no secret may be in it.
func deliverer(t *testing.T, db *pgxpool.Pool, policy webhook.Policy, secrets ...store.WebhookSecret) (stop func(), l *log) {
	t.Helper()
	l = &log{}
	d := webhook.NewDeliverer(webhook.DelivererOptions{
		DB: db, Schema: postgres.QueueSchema, Watch: store.NewWatch(db), Sender: webhook.NewSender(webhook.SenderOptions{AllowPrivate: true, Version: "test"}),
		Policy: policy, Log: slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug})), Base: "https://example.org", Look: 20 * time.Millisecond, Eager: true,
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.Run(ctx)
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		<-done
		for _, secret := range secrets {
			if text := l.text(); strings.Contains(text, secret.Text()[6:]) {
				t.Errorf("the log has a secret: %s", text)
			}
		}
	})
	t.Cleanup(stop)
	return stop, l
}

// subscribe makes a webhook, after a revision.
func subscribe(t *testing.T, db *pgxpool.Pool, target, query string, revision int64) store.Webhook {
	t.Helper()
	name := "test"
	draft := webhook.Draft{Name: &name, Target: &target, Query: &query}
	if faults := draft.Check(webhook.NewSender(webhook.SenderOptions{AllowPrivate: true}), revision); faults != nil {
		t.Fatal(faults)
	}
	w, err := webhook.Create(t.Context(), db, rand.Reader, draft, "test", revision)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func find(t *testing.T, db *pgxpool.Pool, id string) store.Webhook {
	t.Helper()
	w, err := store.FindWebhook(t.Context(), db, id)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// eventually waits until something holds of a webhook, and returns it.
func eventually(t *testing.T, db *pgxpool.Pool, id, what string, holds func(store.Webhook) bool) store.Webhook {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		switch w := find(t, db, id); {
		case holds(w):
			return w
		case time.Now().After(end):
			t.Fatalf("not so: %s: %+v", what, w)
		}
	}
}

// note records a changeset that changes an exchange.
func note(t *testing.T, db *pgxpool.Pool, id, text string) int64 {
	t.Helper()
	return pgtest.Change(t, db, nil, fmt.Sprintf("update prisoner_exchanges set note = '%s' where id = '%s'", text, id))
}

// messageID is the id of a message: the same again, the same id.
func messageID(w store.Webhook, revision int64, first int) string {
	of := sha256.Sum256([]byte(w.Query))
	return fmt.Sprintf("%s-%d-%d-%x", w.ID, revision, first, of[:4])
}

// TestDelivery: what changes within the query is told, signed, changeset by changeset; what does not is passed over.
func TestDelivery(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	r := newReceiver(t)
	w := subscribe(t, db, r.URL, "/v1/prisoner-exchanges?date=2025&fields=id,date,note", 1)
	r.secrets = []store.WebhookSecret{w.Secret}
	note(t, db, "exchange-2025-05-23", "before it runs")
	_, _ = deliverer(t, db, hasty, w.Secret)
	r.upTo(t, 2)
	note(t, db, "exchange-2024-12-30", "of another year")
	pgtest.Change(t, db, nil, "update parties set name = name || '!' where id = 'TR'")
	pgtest.Change(t, db, nil, "update prisoner_exchanges set date = '2024-05-24' where id = 'exchange-2025-05-24'", "update prisoner_exchanges set note = 'y' where id = 'exchange-2025-05-25'")
	r.upTo(t, 5)
	w = eventually(t, db, w.ID, "told of everything", func(w store.Webhook) bool { return w.Through == 5 })

	var got []string
	for _, m := range r.accepted {
		got = append(got, fmt.Sprintf("%s %s %s %s %v", m.ID, m.Type, m.Data.Changeset.URL, m.Data.Query, m.Data.Complete))
		for _, e := range m.Data.Events {
			got = append(got, fmt.Sprintf("%s %s %v", e.Event, e.ID, e.Record))
		}
	}
	want := []string{
		messageID(w, 2, 1) + " records.changed https://example.org/v1/changesets/2 /v1/prisoner-exchanges?date=2025&fields=id%2Cdate%2Cnote true",
		"upsert exchange-2025-05-23 map[date:2025-05-23 id:exchange-2025-05-23 note:before it runs]",
		messageID(w, 5, 1) + " records.changed https://example.org/v1/changesets/5 /v1/prisoner-exchanges?date=2025&fields=id%2Cdate%2Cnote true",
		"leave exchange-2025-05-24 map[]",
		"upsert exchange-2025-05-25 map[date:2025-05-25 id:exchange-2025-05-25 note:y]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if w.Delivered != 2 || w.Failed != 0 || *w.Last.Message != messageID(w, 5, 1) || *w.Last.Answer != 204 || w.Last.Error != nil {
		t.Errorf("%+v", w)
	}
}

func ids(messages []message) (all []string) {
	for _, m := range messages {
		all = append(all, m.ID)
	}
	return all
}

func count(t *testing.T, db *pgxpool.Pool, sql string) (n int) {
	t.Helper()
	if err := db.QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func exec(t *testing.T, db *pgxpool.Pool, sql string, args ...any) {
	t.Helper()
	if _, err := db.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

// TestWaiting: a webhook that waits for its next attempt does not hold up others, and one that somebody changes goes on at once.
func TestWaiting(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	dead, alive := newReceiver(t), newReceiver(t)
	dead.answer = func(message) int { return http.StatusInternalServerError }
	w := subscribe(t, db, dead.URL, "/v1/prisoner-exchanges", 1)
	subscribe(t, db, alive.URL, "/v1/prisoner-exchanges", 1)
	policy := hasty
	policy.First, policy.Longest = time.Hour, time.Hour
	_, _ = deliverer(t, db, policy)
	revision := note(t, db, "exchange-2025-05-23", "a")
	alive.upTo(t, revision)
	got := eventually(t, db, w.ID, "waiting", func(w store.Webhook) bool { return w.RetryAt != nil })
	if got.Failures != 1 || got.RetryAt.Sub(*got.Last.At) != time.Hour {
		t.Errorf("%+v", got)
	}
	if _, err := webhook.Change(t.Context(), db, w.ID, webhook.Draft{Target: &alive.URL}); err != nil {
		t.Fatal(err)
	}
	alive.until(t, "the other webhook's message", func(_, accepted []message) bool { return len(accepted) == 2 })
}

// TestParts: a changeset of much is told in several messages, of which each can be tried again by itself.
func TestParts(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	r := newReceiver(t)
	refused := map[string]bool{}
	r.answer = func(m message) int {
		if !refused[m.ID] {
			refused[m.ID] = true
			return http.StatusBadGateway
		}
		return http.StatusOK
	}
	w := subscribe(t, db, r.URL, "/v1/prisoner-exchanges", 1)
	revision := pgtest.Change(t, db, nil, "update prisoner_exchanges set note = repeat('x', 15000)")
	_, _ = deliverer(t, db, hasty)
	eventually(t, db, w.ID, "told of everything", func(w store.Webhook) bool { return w.Through == revision })
	var told []string
	for i, m := range r.accepted {
		if last := i == len(r.accepted)-1; m.Data.Complete != last || m.ID != messageID(w, revision, len(told)+1) {
			t.Errorf("message %d of %d is %s, complete: %v", i+1, len(r.accepted), m.ID, m.Data.Complete)
		}
		for _, e := range m.Data.Events {
			told = append(told, e.ID)
		}
	}
	if len(told) != count(t, db, "select count(*) from prisoner_exchanges") || !slices.IsSorted(told) || len(r.accepted) < 4 || len(r.got) != 2*len(r.accepted) {
		t.Errorf("%d records in %d messages, %d attempts", len(told), len(r.accepted), len(r.got))
	}
}

// TestReset: of a changeset that changed too much to go through it there is one message, which says where to read the records.
func TestReset(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	r := newReceiver(t)
	w := subscribe(t, db, r.URL, "/v1/prisoner-exchanges?from=RU", 1)
	err := pgx.BeginFunc(t.Context(), db, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `set local session_replication_role = replica;
			insert into changesets (id, author, message, recorded_at, transaction_id) values (2, 'test', 'much', now(), pg_current_xact_id());
			insert into changes (revision, collection, record, op) select 2, 'prisoner-exchanges', 'exchange-' || n, 'create' from generate_series(1, 100001) n`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	next := note(t, db, "exchange-2025-05-23", "a")
	_, _ = deliverer(t, db, hasty)
	r.upTo(t, next)
	r.mu.Lock()
	defer r.mu.Unlock()
	first := r.got[0]
	if first.Type != "records.reset" || first.ID != messageID(w, 2, 0) || first.Data.Records != "https://example.org/v1/prisoner-exchanges?as_of=2&from=RU" || first.Data.Revision != 2 || len(r.got) != 2 {
		t.Errorf("%+v", r.got)
	}
}

// TestNewQuery: another query is told of what changes within it, also of a changeset that was half told of.
func TestNewQuery(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	r := newReceiver(t)
	stuck := true
	r.answer = func(m message) int {
		if stuck && len(r.accepted) > 0 {
			return http.StatusServiceUnavailable
		}
		return http.StatusOK
	}
	w := subscribe(t, db, r.URL, "/v1/prisoner-exchanges", 1)
	revision := pgtest.Change(t, db, nil, "update prisoner_exchanges set note = repeat('x', 15000)")
	_, _ = deliverer(t, db, hasty)
	r.until(t, "a failure", func(got, accepted []message) bool { return len(accepted) == 1 && len(got) > 2 })
	if w = find(t, db, w.ID); w.Through != 1 || w.Events == 0 {
		t.Errorf("half told: %+v", w.WebhookPlace)
	}
	r.mu.Lock()
	stuck = false
	r.mu.Unlock()
	query := "/v1/prisoner-exchanges?date=2022-03&fields=id"
	changed, err := webhook.Change(t.Context(), db, w.ID, webhook.Draft{Query: &query})
	if err != nil || changed.Events != 0 && changed.Through == 1 {
		t.Fatalf("%v %+v", err, changed)
	}
	query = "/v1/prisoner-exchanges?date=2022-03"
	if _, err = webhook.Change(t.Context(), db, w.ID, webhook.Draft{Query: &query, Through: &[]int64{1}[0]}); err != nil {
		t.Fatal(err)
	}
	eventually(t, db, w.ID, "told of everything", func(w store.Webhook) bool { return w.Through == revision })
	r.mu.Lock()
	defer r.mu.Unlock()
	last := r.accepted[len(r.accepted)-1]
	w.Query = query
	if last.ID != messageID(w, revision, 1) || last.Data.Query != query {
		t.Errorf("%+v", last)
	}
	for _, e := range last.Data.Events {
		if !strings.HasPrefix(e.Record["date"].(string), "2022-03") {
			t.Errorf("%+v", e)
		}
	}
}
