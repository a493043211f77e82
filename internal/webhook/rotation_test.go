package webhook_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/store"
	"github.com/parley-api/parley/internal/webhook"
)

// TestRotation: for a day messages are signed with both secrets, then with the new one; and with three, if there is another one within
// the day.
func TestRotation(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	r := newReceiver(t)
	w := subscribe(t, db, r.URL, "/v1/prisoner-exchanges", 1)
	rotated, err := webhook.Rotate(t.Context(), db, rand.Reader, w.ID, time.Now())
	if err != nil || bytes.Equal(rotated.Secret, w.Secret) {
		t.Fatal(err)
	}
	r.secrets = []store.WebhookSecret{w.Secret, rotated.Secret}
	_, _ = deliverer(t, db, hasty, w.Secret, rotated.Secret)
	r.upTo(t, note(t, db, "exchange-2025-05-23", "a"))
	again, err := webhook.Rotate(t.Context(), db, rand.Reader, w.ID, time.Now())
	if err != nil || len(again.Previous) != 2 || !bytes.Equal(again.Previous[0].WebhookSecret, w.Secret) || *again.PreviousUntil() != again.Previous[1].Until {
		t.Fatal(err, again.Previous)
	}
	r.mu.Lock()
	r.secrets = append(r.secrets, again.Secret)
	r.mu.Unlock()
	r.upTo(t, note(t, db, "exchange-2025-05-23", "of three"))
	exec(t, db, "update webhook_secrets set until = now()")
	r.mu.Lock()
	r.secrets = r.secrets[2:]
	r.fault = func(text string) { t.Errorf("not signed with the new secret: %s", text) }
	r.mu.Unlock()
	r.upTo(t, note(t, db, "exchange-2025-05-23", "b"))
	for _, text := range []string{fmt.Sprint(again), fmt.Sprintf("%+v", again), fmt.Sprintf("%#v", again), fmt.Sprintf("%v %+v %#v", again.Previous, again.Previous, again.Previous)} {
		for _, secret := range []store.WebhookSecret{w.Secret, rotated.Secret, again.Secret} {
			if strings.Contains(text, secret.Text()[6:]) || strings.Contains(text, fmt.Sprint([]byte(secret))) {
				t.Errorf("a secret shows: %s", text)
			}
		}
	}
	for {
		if again, err = webhook.Rotate(t.Context(), db, rand.Reader, w.ID, time.Now()); err != nil {
			break
		}
		if again.Previous[0].Until.Before(time.Now()) || len(again.Previous) > 20 {
			t.Fatalf("%d secrets hold, the first until %s", len(again.Previous), again.Previous[0].Until)
		}
	}
	if !errors.Is(err, store.ErrTooManySecrets) {
		t.Error(err)
	}
}
