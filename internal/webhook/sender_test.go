package webhook_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/parley-api/parley/internal/store"
	"github.com/parley-api/parley/internal/webhook"
)

// TestTargets: what may be a target, as far as it can be told by its address.
func TestTargets(t *testing.T) {
	strict, open := webhook.NewSender(webhook.SenderOptions{}), webhook.NewSender(webhook.SenderOptions{AllowPrivate: true})
	for target, want := range map[string]string{
		"https://example.org/hook?token=1": "",
		"https://example.org:8443":         "",
		"https://93.184.215.14/":           "",
		"https://[2606:2800:21f:cb07::1]/": "",
		"":                                 "no address",
		"example.org/hook":                 "no address",
		"https://":                         "no address",
		"https://:443/":                    "no address",
		"https://exa mple.org":             "no address",
		"https://пример.example":           "no address",
		"https://example.org/" + strings.Repeat("x", 2000): "no address",
		"ftp://example.org/":                 "begins with https://",
		"file:///etc/passwd":                 "no address",
		"http://example.org/":                "begins with https://",
		"https://user:password@example.org/": "no name and password",
		"https://example.org/#part":          "before the #",
		"https://example.org:0/":             "port",
		"https://example.org:65536/":         "port",
		"https://127.0.0.1/":                 "127.0.0.1, which is not on the public internet",
		"https://127.1.2.3/":                 "not on the public",
		"https://10.0.0.1/":                  "not on the public",
		"https://172.16.0.1/":                "not on the public",
		"https://192.168.1.1/":               "not on the public",
		"https://169.254.169.254/latest":     "not on the public",
		"https://100.64.0.1/":                "not on the public",
		"https://0.0.0.0/":                   "not on the public",
		"https://224.0.0.1/":                 "not on the public",
		"https://255.255.255.255/":           "not on the public",
		"https://192.0.2.1/":                 "not on the public",
		"https://[::1]/":                     "not on the public",
		"https://[::]/":                      "not on the public",
		"https://[fe80::1]/":                 "not on the public",
		"https://[fd00::1]/":                 "not on the public",
		"https://[ff02::1]/":                 "not on the public",
		"https://[::ffff:127.0.0.1]/":        "not on the public",
		"https://[::ffff:93.184.215.14]/":    "not on the public",
		"https://[64:ff9b::7f00:1]/":         "not on the public",
		"https://[64:ff9b:1::7f00:1]/":       "not on the public",
		"https://[2002:7f00:1::]/":           "not on the public",
		"https://[2001:db8::1]/":             "not on the public",
	} {
		if err := strict.CheckTarget(target); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", target, err, want)
		}
	}
	for _, target := range []string{"http://127.0.0.1:8080/", "https://[::1]/", "http://example.org"} {
		if err := open.CheckTarget(target); err != nil {
			t.Errorf("%s: %v", target, err)
		}
	}
}

func send(t *testing.T, s *webhook.Sender, target string) webhook.Answer {
	t.Helper()
	a, err := s.Send(t.Context(), &store.Webhook{Target: target, Secret: make([]byte, 32)}, webhook.Message{ID: "m", Body: []byte("{}")})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestNamesThatLeadInside: an address is looked at when it is about to be reached, whatever its name, and however it is written.
func TestNamesThatLeadInside(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was reached") }))
	defer server.Close()
	port := server.URL[strings.LastIndex(server.URL, ":"):]
	for _, host := range []string{"localhost", "LOCALHOST", "localhost.", "127.1", "0x7f000001", "2130706433", "0"} {
		a := send(t, webhook.NewSender(webhook.SenderOptions{}), "https://"+host+port)
		if a.Accepted() || a.Answer != nil {
			t.Errorf("%s: %+v", host, a)
		}
		if reason := *a.Error; host == "localhost" && !strings.Contains(reason, "not on the public internet") {
			t.Errorf("%s: %s", host, reason)
		}
	}
}

// TestAnswers: what the receiver's answers mean; redirects are not followed, and a proxy of the environment is not used.
func TestAnswers(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") }))
	defer inside.Close()
	status, header := 0, http.Header{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, values := range header {
			w.Header()[name] = values
		}
		w.WriteHeader(status)
	}))
	defer server.Close()
	s := webhook.NewSender(webhook.SenderOptions{AllowPrivate: true})
	for _, tt := range []struct {
		status int
		header http.Header
		want   string
		gone   bool
		wait   float64
	}{
		{status: 200},
		{status: 204},
		{status: 301, header: http.Header{"Location": {inside.URL}}, want: "answered 301 Moved Permanently; redirects are not followed"},
		{status: 307, header: http.Header{"Location": {inside.URL}}, want: "redirects are not followed"},
		{status: 404, want: "answered 404 Not Found"},
		{status: 410, want: "answered 410 Gone", gone: true},
		{status: 429, header: http.Header{"Retry-After": {"90"}}, want: "answered 429", wait: 90},
		{status: 503, header: http.Header{"Retry-After": {"soon"}}, want: "answered 503"},
		{status: 500, header: http.Header{"Retry-After": {"90"}}, want: "answered 500"},
		{status: 599, want: "answered 599"},
	} {
		status, header = tt.status, tt.header
		a := send(t, s, server.URL+"/secret-path")
		if a.Accepted() != (tt.want == "") || a.Gone != tt.gone || a.RetryAfter.Seconds() != tt.wait || *a.Answer != tt.status || a.Error != nil && !strings.Contains(*a.Error, tt.want) {
			t.Errorf("%d: %+v", tt.status, a)
		}
	}
	nobody := httptest.NewServer(nil)
	nobody.Close()
	if a := send(t, s, nobody.URL+"/secret-path"); a.Error == nil || strings.Contains(*a.Error, "secret-path") || !strings.Contains(*a.Error, "refused") {
		t.Errorf("nobody there: %+v", a)
	}
	silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer silent.Close()
	if a := send(t, s, silent.URL); a.Error == nil || *a.Error != "closed the connection without an answer" {
		t.Errorf("no answer: %+v", a)
	}
}
