package httpapi_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parley-api/parley/internal/httpapi"
	"github.com/parley-api/parley/internal/pgtest"
)

// TestSmuggling writes to the bare socket what proxies and servers are known to understand each in their own way. Whatever it
// is taken for, what is hidden in it is never carried out, and the connection does not live on to be mistaken.
func TestSmuggling(t *testing.T) {
	log := &logged{}
	server := httptest.NewUnstartedServer(httpapi.New(httpapi.Options{DB: pgtest.Shared(t), Log: slog.New(slog.NewTextHandler(log, nil)), Author: "attacker", MaxBody: 1 << 20}))
	server.Config.MaxHeaderBytes = 32 << 10
	server.Config.ErrorLog = slog.NewLogLogger(slog.NewTextHandler(log, nil).WithAttrs([]slog.Attr{slog.String("by", "net/http")}), slog.LevelWarn)
	server.Start()
	defer server.Close()

	const hidden = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n"
	post := func(headers, body string) string {
		return "POST /v1/changesets?dry_run=true HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n" + headers + "\r\n" + body
	}
	size := fmt.Sprintf("Content-Length: %d\r\n", len(hidden)+5)
	attacks := map[string]string{
		"both lengths, chunked first":      post("Transfer-Encoding: chunked\r\n"+size, "0\r\n\r\n"+hidden),
		"both lengths, chunked last":       post(size+"Transfer-Encoding: chunked\r\n", "0\r\n\r\n"+hidden),
		"chunked":                          post("Transfer-Encoding: chunked\r\n", "0\r\n\r\n"+hidden),
		"two lengths":                      post("Content-Length: 0\r\n"+size, "{}   "+hidden),
		"a list of lengths":                post("Content-Length: 0, 40\r\n", hidden),
		"a signed length":                  post("Content-Length: +0\r\n", hidden),
		"a negative length":                post("Content-Length: -1\r\n", hidden),
		"a hexadecimal length":             post("Content-Length: 0x00\r\n", hidden),
		"a length without end":             post("Content-Length: 99999999999999999999\r\n", hidden),
		"a length after a space":           post("Content-Length : 0\r\n"+size, hidden),
		"a length in a folded line":        post("X-A: b\r\n Content-Length: 0\r\nConnection: close\r\n"+size, "     "+hidden),
		"a length behind a bare return":    post("X-A: b\rContent-Length: 0\r\n"+size, "     "+hidden),
		"chunked behind a vertical tab":    post("Transfer-Encoding: \x0bchunked\r\n"+size, "0\r\n\r\n"+hidden),
		"chunked in quotation marks":       post("Transfer-Encoding: \"chunked\"\r\n"+size, "0\r\n\r\n"+hidden),
		"chunked and more":                 post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"+hidden),
		"chunked twice":                    post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"+hidden),
		"another coding":                   post("Transfer-Encoding: xchunked\r\n"+size, "0\r\n\r\n"+hidden),
		"a chunk that is too large":        post("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\n"+hidden+"\r\n0\r\n\r\n"),
		"a chunk of a negative size":       post("Transfer-Encoding: chunked\r\n", "-1\r\n"+hidden+"\r\n0\r\n\r\n"),
		"a chunk with a bare line feed":    post("Transfer-Encoding: chunked\r\n", "2;\n{}\r\n0\r\n\r\n"+hidden),
		"a chunk that is longer than said": post("Transfer-Encoding: chunked\r\n", "1\r\n{}\r\n0\r\n\r\n"+hidden),
		"a null byte in a header":          post("X-A: \x00\r\nContent-Length: 0\r\n", hidden),
		"a null byte in the name":          post("X-\x00A: b\r\nContent-Length: 0\r\n", hidden),
		"two hosts":                        post("Host: b\r\nContent-Length: 0\r\n", hidden),
		"a forged host":                    "GET /v1 HTTP/1.1\r\nHost: a b\"<>\r\n\r\n" + hidden,
		"no host":                          "GET /v1 HTTP/1.1\r\n\r\n" + hidden,
		"a null byte in the address":       "GET /v1/\x00 HTTP/1.1\r\nHost: a\r\n\r\n" + hidden,
		"no text in the address":           "GET /v1/rounds?q=\xff\xfe HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + hidden,
		"a line break in the address":      "GET /v1/rounds%0d%0aX:%20y?q=%0d%0aSet-Cookie:%20a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + hidden,
		"a space in the address":           "GET /v1/rounds ?q=a HTTP/1.1\r\nHost: a\r\n\r\n" + hidden,
		"no version":                       "GET /v1\r\n\r\n" + hidden,
		"a version that is none":           "GET /v1 HTTP/9.9\r\nHost: a\r\n\r\n" + hidden,
		"a method that is none":            "GE T /v1 HTTP/1.1\r\nHost: a\r\n\r\n" + hidden,
		"a header without a colon":         "GET /v1 HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n" + hidden,
		"headers without end":              "GET /v1 HTTP/1.1\r\nHost: a\r\nX-A: " + strings.Repeat("a", 64<<10) + "\r\n\r\n" + hidden,
		"an address without end":           "GET /" + strings.Repeat("a", 64<<10) + " HTTP/1.1\r\nHost: a\r\n\r\n" + hidden,
		"a body where none belongs":        "GET /v1/parties/UA?fields=id HTTP/1.1\r\nHost: a\r\n" + fmt.Sprintf("Content-Length: %d\r\n", len(hidden)) + "Connection: close\r\n\r\n" + hidden,
		"a tunnel":                         "CONNECT /v1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
		"HTTP/2 without being asked":       "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + hidden,
	}
	for name, attack := range attacks {
		t.Run(name, func(t *testing.T) {
			status := bareSocket(t, server.Listener.Addr().String(), attack)
			for _, s := range status {
				if s >= 500 && s != http.StatusNotImplemented && s != http.StatusHTTPVersionNotSupported {
					t.Errorf("answered by %d", s)
				}
			}
			if len(status) != 1 {
				t.Errorf("%d answers: %v", len(status), status)
			}
		})
	}
	if text := log.text(); strings.Contains(text, "path=/hidden") || strings.Contains(text, "level=ERROR") || strings.Contains(text, "panic") {
		t.Errorf("what was hidden is carried out, or something has failed:\n%s", text)
	}
}

// bareSocket writes bytes to a socket, and reads answers until it is closed.
func bareSocket(t *testing.T, address, bytes string) (status []int) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second)) // a connection that lives on fails the test
	go func() { _, _ = io.WriteString(conn, bytes) }()     // which may be refused before it is over
	for reader := bufio.NewReader(conn); ; {
		line, err := reader.ReadString('\n')
		if err != nil {
			if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
				t.Error("the connection lives on")
			}
			return status
		}
		if rest, ok := strings.CutPrefix(line, "HTTP/1."); ok && len(rest) > 5 {
			code, err := strconv.Atoi(rest[2:5])
			if err != nil {
				t.Fatalf("answered by %q", line)
			}
			status = append(status, code)
		}
	}
}
