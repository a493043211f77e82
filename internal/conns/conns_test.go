package conns

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// served is a server whose connections are bounded.
func served(t *testing.T, most int, h http.HandlerFunc) *Listener {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a test
	if err != nil {
		t.Fatal(err)
	}
	l := Listen(inner, most, 30*time.Second)
	server := &http.Server{Handler: h, ConnState: l.ConnState, ConnContext: l.ConnContext, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return l
}

func dial(t *testing.T, l *Listener) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", l.Addr().String()) //nolint:noctx // a test
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(time.Minute)) // a test that waits in vain ends
	return c
}

// ask sends a request and returns the body of its answer.
func ask(t *testing.T, c net.Conn, path string) (string, error) {
	t.Helper()
	if _, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: test\r\n\r\n"); err != nil {
		return "", err
	}
	response, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return string(body), err
}

func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !so(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not so: %s", what)
		}
	}
}

// TestRoom: when there are as many connections as may be, those give way on which nothing is asked, the oldest first; those at
// work stay, and a new client is answered.
func TestRoom(t *testing.T) {
	begun, finish := make(chan struct{}), make(chan struct{})
	l := served(t, 4, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/long" {
			close(begun)
			<-finish
		}
		_, _ = io.WriteString(w, "answer")
	})
	working := dial(t, l)
	long := make(chan string, 1)
	go func() { body, _ := ask(t, working, "/long"); long <- body }()
	<-begun
	var slow []net.Conn
	for n := range 3 {
		c := dial(t, l)
		_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost:") // and no more
		until(t, "it is accepted", func() bool { return l.Counts().Idle == int64(n)+1 })
		l.ticks.Add(1)
		slow = append(slow, c)
	}
	for range 20 {
		c := dial(t, l)
		if body, err := ask(t, c, "/"); err != nil || body != "answer" {
			t.Fatalf("a new client is answered %q, %v", body, err)
		}
		_ = c.Close()
		until(t, "its connection is closed", func() bool { return l.Counts().Active == 1 })
	}
	if _, err := slow[0].Read(make([]byte, 1)); err == nil {
		t.Error("the connection that waited longest is still there")
	}
	close(finish)
	if body := <-long; body != "answer" {
		t.Errorf("what was at work was answered %q", body)
	}
	if n := l.Counts(); n.Shut == 0 || n.Active+n.Idle > 4 {
		t.Errorf("at the end there are %+v", n)
	}
}

// TestNoRoom: where all are at work, a newcomer is told so; and where that many are being told, turned away without a word.
func TestNoRoom(t *testing.T) {
	begun, finish := make(chan struct{}, 2), make(chan struct{})
	l := served(t, 2, func(w http.ResponseWriter, r *http.Request) {
		if Surplus(r.Context()) {
			_, _ = io.WriteString(w, "no room")
			return
		}
		begun <- struct{}{}
		<-finish
	})
	for range 2 {
		c := dial(t, l)
		go func() { _, _ = ask(t, c, "/") }()
		<-begun
	}
	for range 3 {
		if body, err := ask(t, dial(t, l), "/"); err != nil || body != "no room" {
			t.Errorf("a third is answered %q, %v", body, err)
		}
		until(t, "its connection is closed", func() bool { n := l.Counts(); return n.Active+n.Idle == 2 })
	}
	third := dial(t, l)
	until(t, "it is accepted", func() bool { return l.Counts().Idle == 1 })
	if _, err := ask(t, dial(t, l), "/"); err == nil {
		t.Error("a fourth is answered")
	}
	if n := l.Counts(); n.Active != 2 || n.Idle != 1 || n.Shut != 1 {
		t.Errorf("there are %+v", n)
	}
	close(finish)
	until(t, "there is room", func() bool { return l.Counts().Active == 0 })
	if body, err := ask(t, third, "/"); err != nil || body != "no room" {
		t.Errorf("the third is answered %q, %v", body, err)
	}
	if body, err := ask(t, dial(t, l), "/"); err != nil || body != "" {
		t.Errorf("a newcomer is answered %q, %v", body, err)
	}
}

// TestStalled: a client that does not read is cut off after a while, though its answer has no deadline.
func TestStalled(t *testing.T) {
	ended := make(chan error, 1)
	l := served(t, 0, func(w http.ResponseWriter, _ *http.Request) {
		_, err := io.WriteString(w, strings.Repeat("a", 64<<20)) // more than buffers hold
		ended <- err
	})
	c := dial(t, l)
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: test\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	var writing *conn
	until(t, "it writes", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		for c := range l.all {
			writing = c
		}
		return writing != nil && writing.writing.Load() != 0
	})
	until(t, "it is cut off, some time after 30 seconds", func() bool { // the clock is ours: it goes at once
		l.look(l.ticks.Add(10))
		return l.Counts().Cut > 0
	})
	if err := <-ended; err == nil {
		t.Error("the answer was written")
	}
	if l.ticks.Load() < 30 {
		t.Errorf("it was cut off after %d seconds", l.ticks.Load())
	}
}
