package httpapi_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/parley-api/parley/internal/httpapi"
	"github.com/parley-api/parley/internal/pgtest"
)

// TestReadme: the curl lines of the README answer what the README shows.
func TestReadme(t *testing.T) {
	const address = "http://127.0.0.1:8080"
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(httpapi.New(httpapi.Options{DB: pgtest.Shared(t), PublicURL: address}))
	defer server.Close()
	a := &testAPI{Server: server}
	requestID := regexp.MustCompile(`"request_id":"\w+"`)
	blocks := regexp.MustCompile("(?s)```console\n\\$ curl -s '([^']+)'\n(.*?)\n```").FindAllStringSubmatch(string(readme), -1)
	if len(blocks) < 10 {
		t.Fatalf("only %d curl lines are found", len(blocks))
	}
	for _, block := range regexp.MustCompile("(?s)```console\n\\$ curl -sN '([^']+)'\n(.*?)\n```").FindAllStringSubmatch(string(readme), -1) {
		got := make([]byte, len(block[2])) // it does not end
		s := subscribe(t, strings.Replace(block[1], address, server.URL, 1))
		if _, err := io.ReadFull(s.lines, got); err != nil || string(got) != block[2] {
			t.Errorf("%s: %v (-README +got):\n%s", block[1], err, cmp.Diff(block[2], string(got)))
		}
		s.stop()
	}
	for _, block := range blocks {
		_, body := a.do(t, http.MethodGet, strings.Replace(block[1], address, server.URL, 1))
		got := strings.TrimSuffix(strings.ReplaceAll(string(body), "\r\n", "\n"), "\n")
		if diff := cmp.Diff(requestID.ReplaceAllString(block[2], "-"), requestID.ReplaceAllString(got, "-")); diff != "" {
			t.Errorf("%s (-README +got):\n%s", block[1], diff)
		}
	}
}
