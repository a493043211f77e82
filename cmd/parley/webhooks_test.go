package main_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// TestWebhooksCommand: a webhook that is added is told of changes by the running program, also after a restart, and can be
// looked at, tried out, stopped, resumed and ended.
func TestWebhooksCommand(t *testing.T) {
	type message struct{ id, body string }
	got := make(chan message, 100)
	var secret atomic.Pointer[string]
	target := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		wh, err := standardwebhooks.NewWebhook(*secret.Load())
		if err == nil {
			err = wh.Verify(body, r.Header)
		}
		if err != nil {
			t.Errorf("%v: %s", err, body)
		}
		got <- message{r.Header.Get("Webhook-Id"), string(body)}
	}))
	defer target.Close()
	next := func(want string) {
		t.Helper()
		select {
		case m := <-got:
			if !strings.Contains(m.body, want) {
				t.Errorf("got %s: %s, want %s", m.id, m.body, want)
			}
		case <-time.After(time.Minute):
			t.Fatal("nothing is told")
		}
	}

	strict := []string{"PARLEY_DATA_DIR=" + dataDir(t)}
	environment := append([]string{"PARLEY_WEBHOOKS_ALLOW_PRIVATE=true", "PARLEY_PUBLIC_URL=https://parley.example"}, strict...)
	r := serve(t, environment...)
	key := strings.TrimSpace(ok(t, strict, "keys", "create", "--name", "desk"))
	change := func(note string) {
		t.Helper()
		request, err := http.NewRequest(http.MethodPatch, r.url+"/v1/prisoner-exchanges/exchange-2025-05-23", strings.NewReader(`{"note": "`+note+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		request.Header = http.Header{"Authorization": {"Bearer " + key}, "Content-Type": {"application/json"}, "If-Match": {"*"}}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != 200 {
			t.Fatal(response.Status)
		}
	}
	wantFailure(t, strict, []string{"webhooks", "add", target.URL, "/v1/round", "--name", "x"}, "target: begins with https://", "query: names no list", "did you mean /v1/rounds?")
	wantFailure(t, strict, []string{"webhooks", "add", "https://127.0.0.1/", "/v1/rounds", "--name", "x"}, "PARLEY_WEBHOOKS_ALLOW_PRIVATE")
	text := strings.TrimSpace(ok(t, environment, "webhooks", "add", target.URL, "/v1/prisoner-exchanges?from=RU", "--name", "newsroom"))
	secret.Store(&text)
	id, _, _ := strings.Cut(strings.Split(ok(t, strict, "webhooks", "list"), "\n")[1], " ")

	change("one")
	next(`"note":"one"`)
	r.stop(t)
	r = serve(t, environment...)
	change("two")
	next(`"https://parley.example/v1/prisoner-exchanges/exchange-2025-05-23"`)
	if got := ok(t, environment, "webhooks", "test", id); !strings.Contains(got, "accepted with 200") {
		t.Error(got)
	}
	next(`"type":"ping"`)
	wantFailure(t, strict, []string{"webhooks", "test", id}, "not accepted", "begins with https://")

	for _, line := range []struct {
		args []string
		want string
	}{
		{[]string{"disable", id}, "disabled: " + id},
		{[]string{"show", id}, "revision 3"},
		{[]string{"list"}, "disabled "},
	} {
		if got := ok(t, strict, append([]string{"webhooks"}, line.args...)...); !strings.Contains(got, line.want) || strings.Contains(got, text[6:]) {
			t.Errorf("%v: %s", line.args, got)
		}
	}
	change("three")
	change("four")
	ok(t, strict, "webhooks", "enable", id)
	next(`"note":"three"`)
	next(`"note":"four"`)
	ok(t, strict, "webhooks", "disable", id)
	change("five")
	rotated := strings.TrimSpace(ok(t, strict, "webhooks", "rotate", id))
	if rotated == text || !strings.HasPrefix(rotated, "whsec_") {
		t.Error(rotated)
	}
	secret.Store(&rotated)
	ok(t, strict, "webhooks", "enable", id, "--from-now")
	change("six")
	next(`"note":"six"`)
	ok(t, strict, "webhooks", "remove", id)
	wantFailure(t, strict, []string{"webhooks", "show", id}, "there is no webhook")
	r.stop(t)
}
