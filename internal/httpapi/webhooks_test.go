package httpapi_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/parley-api/parley/internal/httpapi"
	"github.com/parley-api/parley/internal/store"
	"github.com/parley-api/parley/internal/webhook"
)

// seenHook is a webhook as clients see it.
type seenHook struct {
	ID, URL, Name, Target, Query, Status, Secret string
	StatusReason                                 *string `json:"status_reason"`
	DeliveredThrough                             int64   `json:"delivered_through"`
	CreatedBy                                    string  `json:"created_by"`
}

type seenAttempt struct {
	Message string
	Answer  *int
	Error   *string
}

// newOffice is a desk whose key is an operator's; its log is at hand.
func newOffice(t *testing.T, o httpapi.Options) (*desk, *logged) {
	t.Helper()
	log := &logged{}
	o.Log = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	d := newDesk(t, o)
	d.key = newKey(t, d.db, store.Key{Name: "operator", Scopes: []string{store.ScopeAdmin}})
	return d, log
}

// TestWebhooks follows a webhook from its making to its end. Its secret shows when it is made, and never else.
func TestWebhooks(t *testing.T) {
	d, log := newOffice(t, httpapi.Options{})
	const hooks = "/v1/webhooks"
	if list := d.write(t, "GET", hooks, "", 200, "Content-Type", "-"); string(list.body) != `{"data":[]}`+"\n" {
		t.Errorf("none: %s", list.body)
	}
	made := d.write(t, "POST", hooks, `{"name": "newsroom", "target": "https://example.org/hook", "query": "/v1/prisoner-exchanges?total=300..&from=RU"}`, 201)
	w := decode[seenHook](t, made.body)
	if w.Query != "/v1/prisoner-exchanges?from=RU&total=300.." || w.DeliveredThrough != 1 || w.Status != "active" || w.CreatedBy != "operator" || made.response.Header.Get("Location") != w.URL || w.URL != d.url+hooks+"/"+w.ID {
		t.Errorf("made: %s", made.body)
	}
	one := hooks + "/" + w.ID
	shown := d.write(t, "GET", one, "", 200, "Content-Type", "-")
	changed := decode[seenHook](t, d.write(t, "PATCH", one, `{"query": "/v1/changes", "target": "https://example.org/other", "delivered_through": 0, "status": "disabled"}`, 200).body)
	if changed.Query != "/v1/changes" || changed.Target != "https://example.org/other" || changed.DeliveredThrough != 0 || changed.Status != "disabled" || changed.StatusReason != nil || changed.Name != "newsroom" {
		t.Errorf("changed: %+v", changed)
	}
	rotated := decode[seenHook](t, d.write(t, "POST", one+"/rotate", "", 200, "Content-Type", "-").body)
	if rotated.Secret == w.Secret || !strings.HasPrefix(rotated.Secret, "whsec_") {
		t.Errorf("rotated: %+v", rotated)
	}
	list := d.write(t, "GET", hooks, "", 200, "Content-Type", "-")
	for _, text := range []string{string(shown.body), string(list.body), log.text()} {
		if strings.Contains(text, "whsec_") || strings.Contains(text, w.Secret[6:]) || strings.Contains(text, rotated.Secret[6:]) {
			t.Errorf("a secret shows: %s", text)
		}
	}
	d.write(t, "DELETE", one, "", 204, "Content-Type", "-")
	for _, method := range []string{"GET", "DELETE"} {
		d.write(t, method, one, "", 404, "Content-Type", "-")
	}
	d.write(t, "PATCH", one, "{}", 404)
	d.write(t, "POST", one+"/rotate", "", 404, "Content-Type", "-")
	d.write(t, "POST", one+"/test", "", 404, "Content-Type", "-")
	d.write(t, "GET", hooks+"/%00", "", 404, "Content-Type", "-")
}

// TestWebhookFaults: every fault is named, with how to mend it; and only operators get so far.
func TestWebhookFaults(t *testing.T) {
	d, _ := newOffice(t, httpapi.Options{MaxBody: 10_000})
	const hooks = "/v1/webhooks"
	good := func(field, value string) string {
		all := `{"name": "a", "target": "https://example.org/", "query": "/v1/rounds"`
		return all + `, "` + field + `": ` + value + `}`
	}
	instead := func(field, value string) string {
		fields := map[string]string{"name": `"a"`, "target": `"https://example.org/"`, "query": `"/v1/rounds"`}
		fields[field] = value
		return `{"name": ` + fields["name"] + `, "target": ` + fields["target"] + `, "query": ` + fields["query"] + `}`
	}
	for _, tt := range []struct{ name, body, want string }{
		{"nothing", `{}`, `invalid-record /name /query /target`},
		{"unknown field", good("traget", `"x"`), `"allowed":["name","target","query","delivered_through"],"suggestion":"target"`},
		{"status at the making", good("status", `"active"`), `there is no such field`},
		{"name that is none", instead("name", `" "`), `"pointer":"/name"`},
		{"number for a text", instead("target", `1`), `"reason":"is a text"`},
		{"null", instead("query", `null`), `"reason":"is a text"`},
		{"plain HTTP", instead("target", `"http://example.org"`), `begins with https://`},
		{"loopback", instead("target", `"https://127.0.0.1/"`), `PARLEY_WEBHOOKS_ALLOW_PRIVATE`},
		{"metadata of a cloud", instead("target", `"https://169.254.169.254/"`), `not on the public internet`},
		{"query with a host", instead("query", `"https://example.org/v1/rounds"`), `without its host`},
		{"unknown list", instead("query", `"/v1/round"`), `"suggestion":"/v1/rounds"`},
		{"one record", instead("query", `"/v1/rounds/istanbul-2025-3"`), `names no list`},
		{"a form", instead("query", `"/v1/rounds.csv"`), `names no list`},
		{"bad percent", instead("query", `"/v1/rounds?q=%zz"`), `write % as %25`},
		{"unknown parameter", instead("query", `"/v1/rounds?partty=UA"`), `"reason":"partty there is no such parameter here"`},
		{"parameter of pages", instead("query", `"/v1/rounds?limit=1"`), `limit is not for`},
		{"parameter of moments", instead("query", `"/v1/rounds?as_of=1"`), `as_of is not for`},
		{"parameter of streams", instead("query", `"/v1/rounds?last_event_id=1"`), `last_event_id is not for a webhook`},
		{"value out of range", instead("query", `"/v1/rounds?date=x"`), `"pointer":"/query"`},
		{"long query", instead("query", `"/v1/rounds?id=`+strings.Repeat("x,", 4000)+`x"`), `"pointer":"/query"`},
		{"revision to come", good("delivered_through", `2`), `from 0 to the present one, 1`},
		{"half a revision", good("delivered_through", `0.5`), `from 0 to the present one, 1`},
		{"no revision", good("delivered_through", `"1"`), `from 0 to the present one, 1`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := d.write(t, "POST", hooks, tt.body, 422)
			if !strings.Contains(string(a.body)+problemOf(t, a), tt.want) {
				t.Errorf("%s: %s", problemOf(t, a), a.body)
			}
		})
	}
	if a := d.write(t, "POST", hooks, good("delivered_through", "0"), 400, "Idempotency-Key", "once"); problemOf(t, a) != "invalid-parameter Idempotency-Key" || !strings.Contains(string(a.body), "GET /v1/webhooks shows") {
		t.Errorf("a key that nothing heeds: %s", a.body)
	}
	if list := d.write(t, "GET", hooks, "", 200, "Content-Type", "-"); string(list.body) != `{"data":[]}`+"\n" {
		t.Errorf("made nevertheless: %s", list.body)
	}
	made := decode[seenHook](t, d.write(t, "POST", hooks, good("delivered_through", "0"), 201).body)
	one := hooks + "/" + made.ID
	if a := d.write(t, "PATCH", one, `{"status": "dead"}`, 422); !strings.Contains(string(a.body), `"allowed":["active","disabled"]`) {
		t.Errorf("%s", a.body)
	}
	d.write(t, "PATCH", one, `{"secret": "whsec_"}`, 422)
	d.write(t, "PATCH", one, `{`, 400)
	d.write(t, "PATCH", one, `{}`, 415, "Content-Type", "text/plain")
	d.write(t, "POST", hooks, `{"name": "`+strings.Repeat("x", 10_000)+`"}`, 413)
	d.write(t, "POST", one+"/test", `{}`, 400)
	d.write(t, "DELETE", one, `{}`, 400)
	d.write(t, "GET", hooks+"?limit=1", "", 400, "Content-Type", "-")
	d.write(t, "GET", hooks+".csv", "", 406, "Content-Type", "-")
	d.write(t, "GET", hooks+".json", "", 200, "Content-Type", "-")
	d.key = newKey(t, d.db, store.Key{Name: "desk", Scopes: []string{store.ScopeWrite}})
	for target, method := range map[string]string{hooks: "GET", one: "GET", one + "/test": "POST"} {
		a := d.write(t, method, target, "", 403, "Content-Type", "-")
		if !strings.Contains(string(a.body), "scope admin") {
			t.Errorf("%s", a.body)
		}
	}
	d.get(t, one, 401)
}

// TestWebhookTest: a ping is sent, signed, and what came of it is answered.
func TestWebhookTest(t *testing.T) {
	status := http.StatusNoContent
	var secret, got string
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		wh, err := standardwebhooks.NewWebhook(secret)
		if err == nil {
			err = wh.Verify(body, r.Header)
		}
		if err != nil {
			t.Error(err)
		}
		got = string(body)
		w.WriteHeader(status)
	}))
	defer target.Close()
	d, _ := newOffice(t, httpapi.Options{Webhooks: webhook.NewSender(webhook.SenderOptions{AllowPrivate: true})})
	made := decode[seenHook](t, d.write(t, "POST", "/v1/webhooks", `{"name": "a", "target": "`+target.URL+`", "query": "/v1/rounds"}`, 201).body)
	secret = made.Secret
	ping := func() seenAttempt {
		return decode[seenAttempt](t, d.write(t, "POST", "/v1/webhooks/"+made.ID+"/test", "", 200, "Content-Type", "-").body)
	}
	if a := ping(); a.Error != nil || *a.Answer != 204 || !strings.Contains(got, `{"type":"ping",`) || !strings.HasPrefix(a.Message, made.ID+"-ping-") {
		t.Errorf("%+v: %s", a, got)
	}
	status = http.StatusFound
	if a := ping(); *a.Answer != 302 || !strings.Contains(*a.Error, "redirects are not followed") {
		t.Errorf("%+v", a)
	}
	target.Close()
	if a := ping(); a.Answer != nil || a.Error == nil {
		t.Errorf("%+v", a)
	}
}
