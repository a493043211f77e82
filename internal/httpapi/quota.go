package httpapi

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-chi/httprate"
)

// quotas are how much may be asked within a minute. Answers from the cache cost nothing and are not counted: to count them
// would take longer than to give them.
type quotas struct {
	client  *quota // of each client address
	key     *quota // of each API key
	badKeys *quota // keys of each client address that are none
}

// quota is one of them: requests of each of many in a sliding window of a minute. It is counted in tenths: that a client has
// what there is already (304), or only asks about it (HEAD), is a tenth of a request.
type quota struct {
	name    string
	policy  string // the header RateLimit-Policy
	most    int    // tenths
	mu      sync.Mutex
	counter httprate.LimitCounter
}

const (
	window = time.Minute
	whole  = 10 // tenths
	cheap  = 1
)

// newQuota is a quota of so many requests a minute; nil, which is none, for 0.
func newQuota(name string, requests int) *quota {
	if requests <= 0 {
		return nil
	}
	return &quota{
		name: name, policy: fmt.Sprintf(`"%s";q=%d;w=%d`, name, requests, int(window.Seconds())),
		most: requests * whole, counter: httprate.NewLocalLimitCounter(window),
	}
}

// spent is how somebody stands after a request.
type spent struct {
	left  int           // whole requests
	reset time.Duration // until more are left, or one is if there is none
	over  bool          // this one was too many, and is not counted
}

// spend counts a request of somebody. A cost of 0 only looks.
func (q *quota) spend(now time.Time, who string, cost int) spent {
	current := now.UTC().Truncate(window)
	passed := now.Sub(current)
	q.mu.Lock()
	defer q.mu.Unlock()
	n, before, _ := q.counter.Get(who, current, current.Add(-window)) // in memory, it has no errors
	share := float64(window-passed) / float64(window)
	used := n + int(math.Round(float64(before)*share))
	if used+max(cost, 1) > q.most {
		return spent{reset: q.wait(n, before, share, max(cost, 1)), over: true}
	}
	if cost > 0 {
		_ = q.counter.IncrementBy(who, current, cost)
	}
	return spent{left: (q.most - used - cost) / whole, reset: window - passed}
}

// wait is how long it takes until there is room for a cost: until the window before weighs less, or this one does as the one
// before the next.
func (q *quota) wait(n, before int, share float64, cost int) time.Duration {
	room := q.most - cost
	if n <= room {
		return time.Duration((share - float64(room-n)/float64(before)) * float64(window))
	}
	return time.Duration((share + 1 - float64(room)/float64(n)) * float64(window))
}

// refund takes back a part of what was counted a moment ago.
func (q *quota) refund(now time.Time, who string, cost int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	_ = q.counter.IncrementBy(who, now.UTC().Truncate(window), -cost)
}

// overQuota is the error of who has asked for too much.
type overQuota struct {
	quota *quota
	wait  time.Duration
}

func (e *overQuota) Error() string {
	return fmt.Sprintf("more than %d requests within a minute; ask again after %d seconds", e.quota.most/whole, seconds(e.wait))
}

// seconds is a time in whole seconds, never too short and at least one.
func seconds(d time.Duration) int { return max(1, int(math.Ceil(d.Seconds()))) }

// charge counts a request of somebody and announces how they stand (draft-ietf-httpapi-ratelimit-headers). The error is an
// [*overQuota].
func (s *server) charge(w http.ResponseWriter, q *quota, who string, cost int) error {
	if q == nil {
		return nil
	}
	got := q.spend(s.Now(), who, cost)
	h := w.Header()
	h["RateLimit-Policy"] = []string{q.policy} // as it is written, which Set would change
	h["RateLimit"] = []string{fmt.Sprintf(`"%s";r=%d;t=%d`, q.name, got.left, seconds(got.reset))}
	if got.over {
		s.metrics.refused.WithLabelValues(refusedRate).Inc()
		return &overQuota{q, got.reset}
	}
	return nil
}

// limit holds each client to its quota. Who brings an API key to where one is needed is held to that of the key, by
// [server.authorize].
func (s *server) limit(next http.Handler) http.Handler {
	q := s.quotas.client
	if q == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isCheck(r) || needsKey(r) && r.Header["Authorization"] != nil {
			next.ServeHTTP(w, r)
			return
		}
		cost := whole
		if r.Method == http.MethodHead {
			cost = cheap
		}
		client := s.clientOf(r)
		if err := s.charge(w, q, client, cost); err != nil {
			s.suspectProxy(r, client)
			s.fail(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
		if o, ok := w.(*observed); ok && o.status == http.StatusNotModified && cost > cheap {
			q.refund(s.Now(), client, cost-cheap)
		}
	})
}

// suspectProxy tells the operator, once, that a client with too many requests may be a proxy of many.
func (s *server) suspectProxy(r *http.Request, client string) {
	if s.Proxies == nil && (r.Header["X-Forwarded-For"] != nil || r.Header["Forwarded"] != nil) {
		s.suspected.Do(func() {
			s.Log.WarnContext(r.Context(), "a client that is refused may be a proxy, whose clients all count as one: if it is yours, name it by PARLEY_TRUSTED_PROXIES", "client", client)
		})
	}
}

// isCheck reports whether a request is one of those by which others see whether we live: they are never refused.
func isCheck(r *http.Request) bool { return r.URL.Path == "/healthz" || r.URL.Path == "/readyz" }

// needsKey reports whether a request is for what needs an API key.
func needsKey(r *http.Request) bool {
	return r.Method != http.MethodGet && r.Method != http.MethodHead || strings.HasPrefix(r.URL.Path, "/v1/webhooks")
}

// Why a request is refused, so that others are answered.
const (
	refusedRate     = "rate"     // its client, or key, has asked for too much
	refusedOverload = "overload" // so many are at work already
	refusedExports  = "exports"  // so many exports are
	refusedStreams  = "streams"  // so many streams are open
)

// errBusy is the error of a request for which there is no room.
var errBusy = errors.New("as much is asked as there is room for")

// retryBusy is after how many seconds it may be tried again.
const retryBusy = 2

// shed turns requests away while as many are at work as may be, or as many connections: soon, and at little cost, instead of
// all later. It says nothing to those that are answered from the cache, nor of streams once they have begun.
func (s *server) shed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := s.atWork.Add(1)
		defer s.atWork.Add(-1)
		noRoom := s.Surplus != nil && s.Surplus(r.Context())
		if (noRoom || s.MaxRequests > 0 && n > int64(s.MaxRequests)) && !isCheck(r) {
			if noRoom {
				w.Header().Set("Connection", "close")
			}
			s.metrics.refused.WithLabelValues(refusedOverload).Inc()
			s.fail(w, r, errBusy)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// failLimit answers for a request that is refused by one of these bounds, and reports whether it is.
func (s *server) failLimit(w http.ResponseWriter, r *http.Request, err error) bool {
	var over *overQuota
	var long *longURL
	switch {
	case errors.As(err, &over):
		w.Header().Set("Retry-After", strconv.Itoa(seconds(over.wait)))
		s.problem(w, r, tooManyRequests, over.Error(), nil)
	case errors.As(err, &long):
		s.problem(w, r, uriTooLong, long.Error(), nil)
	case errors.Is(err, errTooManyStreams):
		w.Header().Set("Retry-After", strconv.Itoa(retryFull))
		s.problem(w, r, tooManyStreams, fmt.Sprintf("%s has %d streams open, which is as many as one client address may have", s.clientOf(r), s.MaxStreams), nil)
	case errors.Is(err, errTooManyExports):
		w.Header().Set("Retry-After", strconv.Itoa(retryFull))
		s.problem(w, r, tooManyExports, fmt.Sprintf("%s has %d exports under way, which is as many as one client address may have", s.clientOf(r), s.exports.each), nil)
	case errors.Is(err, errBusy):
		w.Header().Set("Retry-After", strconv.Itoa(retryBusy))
		s.problem(w, r, busy, busy.About, nil)
	default:
		return false
	}
	return true
}

// longURL is the error of an address that is longer than may be.
type longURL struct{ most int }

func (e *longURL) Error() string {
	return fmt.Sprintf("the address has more than %d bytes; ask for less at a time, or for the whole list and choose from it", e.most)
}

// short refuses addresses that are too long.
func (s *server) short(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.MaxURL > 0 && len(r.RequestURI) > s.MaxURL {
			s.fail(w, r, &longURL{s.MaxURL})
			return
		}
		next.ServeHTTP(w, r)
	})
}
