package webhook_test

import (
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/store"
	"github.com/parley-api/parley/internal/webhook"
)

// TestOrderUnderFailures: a receiver that fails at random, and two processes that deliver: every changeset comes, in order,
// to each of several webhooks.
func TestOrderUnderFailures(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	const changesets = 20
	var all []*receiver
	var hooks []store.Webhook
	for i := range 3 {
		r := newReceiver(t)
		random := mathrand.New(mathrand.NewPCG(seed, uint64(i))) //nolint:gosec // no secret
		r.answer = func(message) int {
			return []int{200, 200, 500, 429, 302, 404}[random.IntN(6)]
		}
		w := subscribe(t, db, r.URL, "/v1/prisoner-exchanges?date=2025", 1)
		r.secrets = []store.WebhookSecret{w.Secret}
		all, hooks = append(all, r), append(hooks, w)
	}
	for range 2 {
		_, _ = deliverer(t, db, hasty)
	}
	var want []int64
	for n := range changesets {
		want = append(want, note(t, db, "exchange-2025-05-23", fmt.Sprint(n)))
	}
	for i, r := range all {
		r.upTo(t, want[len(want)-1])
		w := eventually(t, db, hooks[i].ID, "told of everything", func(w store.Webhook) bool { return w.Through == want[len(want)-1] })
		r.mu.Lock()
		if diff := cmp.Diff(want, revisions(r.accepted)); diff != "" {
			t.Errorf("changesets (-) and those accepted (+): %s", diff)
		}
		if !slices.IsSorted(revisions(r.got)) || w.Delivered != int64(len(r.accepted)) || w.Failed != int64(len(r.got)-len(r.accepted)) {
			t.Errorf("%v, accepted %d, got %d; %+v", revisions(r.got), len(r.accepted), len(r.got), w)
		}
		r.mu.Unlock()
	}
}

// TestCrash: a process that dies after the receiver has accepted a message, and before that is recorded, leaves a job that
// another one takes up: the message comes again, under the same id, and what follows comes after it.
func TestCrash(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	doomed, err := pgxpool.NewWithConfig(t.Context(), db.Config())
	if err != nil {
		t.Fatal(err)
	}
	r := newReceiver(t)
	r.answer = func(message) int { // the connections of a process die with it
		if len(r.got) == 0 {
			doomed.Close()
		}
		return http.StatusOK
	}
	w := subscribe(t, db, r.URL, "/v1/prisoner-exchanges", 1)
	first, second := note(t, db, "exchange-2025-05-23", "a"), note(t, db, "exchange-2025-05-23", "b")
	stop, _ := deliverer(t, doomed, hasty)
	r.until(t, "the first message", func(got, _ []message) bool { return len(got) == 1 })
	stop()
	if n := count(t, db, "select count(*) from river.river_job where state = 'running'"); n != 1 || find(t, db, w.ID).Through != 1 {
		t.Fatalf("%d jobs are left running, %+v", n, find(t, db, w.ID))
	}
	// The time after which a job is taken for dead is over.
	exec(t, db, "update river.river_job set attempted_at = attempted_at - interval '1 hour'")
	exec(t, db, "delete from river.river_leader")
	_, _ = deliverer(t, db, hasty)
	r.upTo(t, second)
	r.mu.Lock()
	defer r.mu.Unlock()
	if diff := cmp.Diff([]string{messageID(w, first, 1), messageID(w, first, 1), messageID(w, second, 1)}, ids(r.got)); diff != "" {
		t.Error(diff)
	}
}

// TestStop: a deliverer that is told to stop lets an attempt under way end, and another goes on after it.
func TestStop(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	r := newReceiver(t)
	w := subscribe(t, db, r.URL, "/v1/prisoner-exchanges", 1)
	stop, _ := deliverer(t, db, hasty)
	stopped := make(chan struct{})
	r.answer = func(m message) int {
		if len(r.got) == 0 {
			go func() { stop(); close(stopped) }()
			time.Sleep(50 * time.Millisecond)
		}
		return http.StatusOK
	}
	first := note(t, db, "exchange-2025-05-23", "a")
	<-stopped
	if got := find(t, db, w.ID); got.Through != first {
		t.Errorf("%+v", got)
	}
	second := note(t, db, "exchange-2025-05-23", "b")
	_, _ = deliverer(t, db, hasty)
	r.upTo(t, second)
	r.mu.Lock()
	defer r.mu.Unlock()
	if diff := cmp.Diff([]int64{first, second}, revisions(r.got)); diff != "" || len(r.got) != 2 {
		t.Error(len(r.got), diff)
	}
}

// TestDisabled: 410 at once, anything else after the last attempt; the reason is there to read, and once it is enabled again it
// goes on where it stopped.
func TestDisabled(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	r := newReceiver(t)
	status := http.StatusGone
	r.answer = func(message) int { return status }
	set := func(code int) { r.mu.Lock(); status = code; r.mu.Unlock() }
	w := subscribe(t, db, r.URL, "/v1/prisoner-exchanges", 1)
	policy := hasty
	policy.Attempts = 3
	_, l := deliverer(t, db, policy, w.Secret)
	disabled := func(w store.Webhook) bool { return w.Status == store.WebhookDisabled }
	first := note(t, db, "exchange-2025-05-23", "a")
	got := eventually(t, db, w.ID, "disabled", disabled)
	if !strings.Contains(*got.StatusReason, "410 Gone") || got.Failed != 1 || got.Through != 1 || *got.Last.Error != "answered 410 Gone" {
		t.Errorf("%+v: %s", got, *got.StatusReason)
	}
	set(http.StatusTeapot)
	active := store.WebhookActive
	if _, err := webhook.Change(t.Context(), db, w.ID, webhook.Draft{Status: &active}); err != nil {
		t.Fatal(err)
	}
	got = eventually(t, db, w.ID, "disabled again", disabled)
	if !strings.HasPrefix(*got.StatusReason, "3 attempts to deliver one message have failed since 20") || !strings.HasSuffix(*got.StatusReason, "answered 418 I'm a teapot") || got.Failed != 4 {
		t.Errorf("%+v: %s", got, *got.StatusReason)
	}
	if text := l.text(); !strings.Contains(text, "webhook disabled") || strings.Contains(text, r.URL) {
		t.Errorf("logged: %s", text)
	}
	second := note(t, db, "exchange-2025-05-23", "b")
	set(http.StatusOK)
	if _, err := webhook.Change(t.Context(), db, w.ID, webhook.Draft{Status: &active}); err != nil {
		t.Fatal(err)
	}
	r.upTo(t, second)
	r.mu.Lock()
	defer r.mu.Unlock()
	if diff := cmp.Diff([]int64{first, second}, revisions(r.accepted)); diff != "" {
		t.Error(diff)
	}
}

// TestFailuresAreOfOneMessage: a message that was accepted leaves none of its failures to the next one, which has all its attempts.
func TestFailuresAreOfOneMessage(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	r := newReceiver(t)
	answers := []int{500, 500, 200, 500, 500, 200}
	r.answer = func(message) int { return answers[min(len(r.got), len(answers)-1)] }
	w := subscribe(t, db, r.URL, "/v1/prisoner-exchanges", 1)
	note(t, db, "exchange-2025-05-23", "a")
	last := note(t, db, "exchange-2025-05-23", "b") // both are due
	policy := hasty
	policy.Attempts = 3
	_, l := deliverer(t, db, policy)
	w = eventually(t, db, w.ID, "told of everything, or disabled", func(w store.Webhook) bool { return w.Through == last || w.Status != store.WebhookActive })
	if w.Status != store.WebhookActive || w.Failed != 4 || w.Failures != 0 || w.FailingSince != nil {
		t.Errorf("%+v", w)
	}
	var counted []string
	for line := range strings.Lines(l.text()) {
		if _, rest, ok := strings.Cut(line, " failures="); ok {
			n, _, _ := strings.Cut(rest, " ")
			counted = append(counted, n)
		}
	}
	if diff := cmp.Diff([]string{"1", "2", "1", "2"}, counted); diff != "" {
		t.Errorf("failures of each message (-) and those that waits were made of (+): %s", diff)
	}
}

// TestOwnFault: that the database refuses something is no failure of the receiver's, and is got over.
func TestOwnFault(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	r := newReceiver(t)
	w := subscribe(t, db, r.URL, "/v1/prisoner-exchanges", 1)
	_, l := deliverer(t, db, hasty)
	exec(t, db, "alter table changes rename to changes_away")
	exec(t, db, "insert into webhooks (id, name, target, query, secret, delivered_through, created_by) select 'aaaaaaaa', name, target, query, secret, 0, created_by from webhooks") // so that there is work
	for end := time.Now().Add(patience); !strings.Contains(l.text(), `relation \"changes\" does not exist`); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("logged: %s", l.text())
		}
	}
	exec(t, db, "alter table changes_away rename to changes")
	revision := note(t, db, "exchange-2025-05-23", "a")
	got := eventually(t, db, w.ID, "told of everything", func(w store.Webhook) bool { return w.Through == revision })
	if got.Failed != 0 || got.Status != store.WebhookActive {
		t.Errorf("%+v", got)
	}
}
