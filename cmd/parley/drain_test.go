package main_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestDrain: told to stop, a server says that it is not ready, and serves on; then streams end, with word of when to come
// back, and it is gone. The service manager hears of its beginning and its end.
func TestDrain(t *testing.T) {
	address := &net.UnixAddr{Name: filepath.Join(t.TempDir(), "notify"), Net: "unixgram"}
	manager, err := net.ListenUnixgram("unixgram", address)
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	hears := func(want string) {
		t.Helper()
		_ = manager.SetReadDeadline(time.Now().Add(20 * time.Second))
		message := make([]byte, 100)
		n, err := manager.Read(message)
		if got := string(message[:n]); err != nil || got != want {
			t.Errorf("the service manager hears %q, %v, not %s", got, err, want)
		}
	}
	r := serve(t, "PARLEY_DATA_DIR="+dataDir(t), "PARLEY_DRAIN_DELAY=4s", "NOTIFY_SOCKET="+address.Name)
	hears("READY=1")
	stream, err := http.Get(r.url + "/v1/rounds.sse")
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	lines := bufio.NewReader(stream.Body)
	if first, err := lines.ReadString('\n'); err != nil || first != "retry: 3000\n" {
		t.Fatalf("the stream begins with %q, %v", first, err)
	}

	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	hears("STOPPING=1")
	if code := status(t, r.url+"/readyz"); code != http.StatusServiceUnavailable {
		t.Errorf("ready: %d", code)
	}
	response, err := http.Get(r.url + "/v1/rounds") // within the delay
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(response.Body); err != nil || response.StatusCode != http.StatusOK || !response.Close {
		t.Errorf("a request in the delay: %s, the connection ends: %v, %d bytes, %v", response.Status, response.Close, len(body), err)
	}
	response.Body.Close()
	rest, err := io.ReadAll(lines)
	if text := string(rest); err != nil || !strings.Contains(text, ": the server is stopping, connect anew\nretry: ") || !strings.HasSuffix(text, "\n\n") {
		t.Errorf("the stream ends with %q, %v", text, err)
	}
	if err := r.cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}
