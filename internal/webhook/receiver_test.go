package webhook_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/parley-api/parley/api"
	"github.com/parley-api/parley/internal/store"
)

// message is what a receiver reads.
type message struct {
	ID        string `json:"-"`
	Type      string
	Timestamp time.Time
	Data      struct {
		Subscription string
		Query        string
		Revision     int64
		Changeset    struct{ URL, Author, Message string }
		Complete     bool
		Records      string
		Events       []struct {
			Event  string
			ID     string
			Record map[string]any
		}
	}
}

// receiver is a server that gets messages, and answers as it is told to.
type receiver struct {
	*httptest.Server
	answer func(message) int // called for each message, one at a time
	fault  func(string)

	mu       sync.Mutex
	secrets  []store.WebhookSecret // with each of which signatures must be good
	got      []message             // all that came
	accepted []message
	changed  chan struct{}
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{answer: func(message) int { return http.StatusNoContent }, changed: make(chan struct{}), fault: func(text string) { t.Error(text) }}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

var contract = sync.OnceValues(func() (*openapi3.T, error) { return openapi3.NewLoader().LoadFromData(api.YAML) })

// asTheContractSays compares a message with the schema that the contract has for its type.
func asTheContractSays(body []byte) error {
	doc, err := contract()
	if err != nil {
		return err
	}
	var value map[string]any
	if err := json.Unmarshal(body, &value); err != nil {
		return err
	}
	name := map[any]string{"records.changed": "RecordsChanged", "records.reset": "RecordsReset", "ping": "Ping"}[value["type"]]
	if name == "" {
		return fmt.Errorf("there is no type %v", value["type"])
	}
	return doc.Components.Schemas[name].Value.VisitJSON(value)
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil { // the sender died
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, secret := range r.secrets {
		wh, err := standardwebhooks.NewWebhook(secret.Text())
		if err == nil {
			err = wh.Verify(body, request.Header)
		}
		if err != nil {
			r.fault(fmt.Sprintf("%v: %s", err, body))
		}
	}
	if err := asTheContractSays(body); err != nil {
		r.fault(fmt.Sprintf("not as the contract says: %v: %s", err, body))
	}
	var m message
	if err := json.Unmarshal(body, &m); err != nil || request.Header.Get("Content-Type") != "application/json" {
		r.fault(fmt.Sprintf("%v %v: %s", err, request.Header, body))
	}
	m.ID = request.Header.Get("Webhook-Id")
	status := r.answer(m)
	if r.got = append(r.got, m); status < 300 {
		r.accepted = append(r.accepted, m)
	}
	close(r.changed)
	r.changed = make(chan struct{})
	w.WriteHeader(status)
}

// until waits until something holds of what was received.
func (r *receiver) until(t *testing.T, what string, holds func(got, accepted []message) bool) {
	t.Helper()
	for end := time.After(patience); ; {
		r.mu.Lock()
		changed, ok := r.changed, holds(r.got, r.accepted)
		r.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-end:
			t.Fatalf("not received: %s", what)
		}
	}
}

func (r *receiver) upTo(t *testing.T, revision int64) {
	t.Helper()
	r.until(t, fmt.Sprintf("revision %d", revision), func(_, accepted []message) bool {
		return len(accepted) > 0 && accepted[len(accepted)-1].Data.Revision >= revision
	})
}

// revisions are those of messages in the order in which they came, of repetitions the first.
func revisions(messages []message) []int64 {
	var all []int64
	seen := map[string]bool{}
	for _, m := range messages {
		if !seen[m.ID] {
			all = append(all, m.Data.Revision)
		}
		seen[m.ID] = true
	}
	return all
}
