package webhook

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
)

// TestReason: why there was no answer says nothing of where we are, and nothing of the target but its fault.
func TestReason(t *testing.T) {
	ours, theirs := &net.TCPAddr{IP: net.IPv4(10, 1, 2, 3), Port: 4321}, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 443}
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	for want, err := range map[string]error{
		"its name is not known":           dial(&net.DNSError{Err: "no such host", Name: "secret.example.org", Server: "10.1.2.3:53", IsNotFound: true}),
		"its name could not be looked up": dial(&net.DNSError{Err: "server misbehaving", Name: "secret.example.org", Server: "10.1.2.3:53", IsTimeout: true, IsTemporary: true}),
		"connect: connection refused":     &net.OpError{Op: "dial", Net: "tcp", Addr: theirs, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)},
		"read: connection reset by peer":  fmt.Errorf("http2: %w", &net.OpError{Op: "read", Net: "tcp", Source: ours, Addr: theirs, Err: os.NewSyscallError("read", syscall.ECONNRESET)}),
		"tls: no certificate":             errors.New("tls: no certificate"),
	} {
		got := reason(&url.Error{Op: "Post", URL: "https://secret.example.org/secret", Err: err})
		if got != want || strings.Contains(got, "secret") || strings.Contains(got, "10.1.2.3") {
			t.Errorf("%v: %s, want %s", err, got, want)
		}
	}
}
