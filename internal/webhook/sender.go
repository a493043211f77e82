package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/parley-api/parley/internal/store"
)

// Bounds of one attempt.
const (
	attemptTimeout = 15 * time.Second // from the name lookup to the end of the answer
	mostAnswer     = 64 << 10         // bytes of an answer that are read, so that its connection can be used again
	mostError      = 500              // bytes of what is kept of an error
	mostTarget     = 2000
)

// Sender sends messages. Targets may be whatever a subscriber writes; so only the public internet is reached, over TLS, whatever
// a name resolves to, and no redirect is followed.
type Sender struct {
	client    *http.Client
	guard     *ssrf.Guardian // nil: every address may be reached, and plain HTTP used
	userAgent string
	now       func() time.Time
}

// SenderOptions are what a sender is made of.
type SenderOptions struct {
	AllowPrivate bool // private and loopback addresses and plain HTTP too
	Version      string
	Now          func() time.Time // nil: the clock
}

// NewSender makes a sender.
func NewSender(o SenderOptions) *Sender {
	s := &Sender{userAgent: "Parley/" + o.Version + " (webhooks)", now: o.Now}
	if s.now == nil {
		s.now = time.Now
	}
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	if !o.AllowPrivate {
		s.guard = ssrf.New(ssrf.WithAnyPort())
		dialer.Control = s.control
	}
	s.client = &http.Client{
		Timeout: attemptTimeout,
		// A redirect would be another target than the one that was checked and is shown.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{ // without a proxy, which would look up names by itself
			DialContext:            dialer.DialContext,
			TLSHandshakeTimeout:    5 * time.Second,
			MaxIdleConns:           16,
			MaxIdleConnsPerHost:    1,
			IdleConnTimeout:        30 * time.Second,
			MaxResponseHeaderBytes: 32 << 10,
			DisableCompression:     true,
			ForceAttemptHTTP2:      true,
		},
	}
	return s
}

// refused is the error of an address that must not be reached.
type refused struct{ address netip.Addr }

func (e *refused) Error() string {
	return fmt.Sprintf("leads to %s, which is not on the public internet; the operator may allow that by PARLEY_WEBHOOKS_ALLOW_PRIVATE", e.address)
}

// control looks at the address that is about to be reached, after its name was looked up: a name can lead to one address when
// it is checked and to another one when it is used.
func (s *Sender) control(network, address string, conn syscall.RawConn) error {
	if err := s.guard.Safe(network, address, conn); err != nil {
		to, _ := netip.ParseAddrPort(address)
		return &refused{to.Addr()}
	}
	return nil
}

// CheckTarget returns what is wrong with an address to send to, as far as that can be told without looking its name up.
func (s *Sender) CheckTarget(target string) error {
	u, err := url.Parse(target)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "" || len(target) > mostTarget || strings.ContainsFunc(target, func(c rune) bool { return c <= ' ' || c > '~' }):
		return errors.New("is no address such as https://example.org/hook, of up to 2000 bytes in ASCII")
	case u.Scheme != "https" && u.Scheme != "http":
		return errors.New("begins with https://")
	case u.Scheme == "http" && s.guard != nil:
		return errors.New("begins with https://: what is sent must not be read or changed on its way")
	case u.User != nil:
		return errors.New("has no name and password in it: a receiver knows us by the signature")
	case u.Fragment != "" || strings.Contains(target, "#"):
		return errors.New("ends before the #, which is never sent")
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return errors.New("has a port from 1 to 65535, or none")
		}
	}
	if address, err := netip.ParseAddr(u.Hostname()); err == nil && s.guard != nil && s.guard.SafeAddr(address) != nil {
		return &refused{address}
	}
	return nil
}

// Answer is what came of an attempt.
type Answer struct {
	store.WebhookAttempt
	Gone       bool          // 410: the receiver wants nothing any more
	RetryAfter time.Duration // the least that the receiver asks to wait
}

// Accepted reports whether the receiver has taken the message.
func (a *Answer) Accepted() bool { return a.Error == nil }

// Send sends a message, signed, and returns what came of it. Only of a context that has ended it returns an error.
func (s *Sender) Send(ctx context.Context, w *store.Webhook, m Message) (Answer, error) {
	at := s.now()
	a := Answer{WebhookAttempt: store.WebhookAttempt{Message: &m.ID, At: &at}}
	response, err := s.post(ctx, w, m, at)
	if err != nil && ctx.Err() != nil {
		return a, ctx.Err()
	}
	if err != nil {
		a.Error = shortened(reason(err))
		return a, nil
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, mostAnswer) // what it says does not matter
	a.Answer = &response.StatusCode
	fault := fmt.Sprintf("answered %d %s", response.StatusCode, http.StatusText(response.StatusCode))
	switch code := response.StatusCode; {
	case code >= 200 && code < 300:
		return a, nil
	case code >= 300 && code < 400:
		fault += "; redirects are not followed: make the address that it leads to the target"
	case code == http.StatusGone:
		a.Gone = true
	case code == http.StatusTooManyRequests, code == http.StatusServiceUnavailable:
		a.RetryAfter = s.retryAfter(response.Header.Get("Retry-After"))
	}
	a.Error = shortened(fault)
	return a, nil
}

func (s *Sender) post(ctx context.Context, w *store.Webhook, m Message, at time.Time) (*http.Response, error) {
	if err := s.CheckTarget(w.Target); err != nil { // it may have been allowed when it was set
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.Target, bytes.NewReader(m.Body))
	if err != nil {
		return nil, err
	}
	signature, err := sign(w, m, at)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", s.userAgent)
	request.Header.Set(standardwebhooks.HeaderWebhookID, m.ID)
	request.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	request.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	return s.client.Do(request)
}

// sign signs a message with the secret of its webhook and with those before that still hold.
func sign(w *store.Webhook, m Message, at time.Time) (string, error) {
	secrets := []store.WebhookSecret{w.Secret}
	for _, previous := range w.Previous {
		if at.Before(previous.Until) {
			secrets = append(secrets, previous.WebhookSecret)
		}
	}
	var signatures []string
	for _, secret := range secrets {
		signer, err := standardwebhooks.NewWebhookRaw(secret)
		if err != nil {
			return "", err
		}
		signature, err := signer.Sign(m.ID, at, m.Body)
		if err != nil {
			return "", err
		}
		signatures = append(signatures, signature)
	}
	return strings.Join(signatures, " "), nil
}

// retryAfter reads the header Retry-After: seconds or a date.
func (s *Sender) retryAfter(text string) time.Duration {
	if seconds, err := strconv.ParseUint(text, 10, 24); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return at.Sub(s.now())
	}
	return 0
}

// reason is why there was no answer, without the target, which may hold a secret of the receiver's, and without addresses of
// ours: that of the server that looks up names, and that which the connection was made from.
func reason(err error) string {
	var forbidden *refused
	var lookup *net.DNSError
	var about *url.Error
	var connection *net.OpError
	switch {
	case errors.As(err, &forbidden):
		return forbidden.Error()
	case errors.As(err, &lookup) && lookup.IsNotFound:
		return "its name is not known"
	case errors.As(err, &lookup):
		return "its name could not be looked up"
	case errors.As(err, &about) && about.Timeout():
		return fmt.Sprintf("gave no answer within %s", attemptTimeout)
	case errors.Is(err, io.EOF):
		return "closed the connection without an answer"
	case errors.As(err, &connection):
		return connection.Err.Error()
	case errors.As(err, &about):
		return about.Err.Error()
	}
	return err.Error()
}

func shortened(text string) *string {
	text = strings.ToValidUTF8(strings.ReplaceAll(text[:min(len(text), mostError)], "\x00", ""), "")
	return &text
}
