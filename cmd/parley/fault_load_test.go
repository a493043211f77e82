//go:build rollout && linux

package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A steady load is asked for at fixed times, however long answers take: so what does not answer is seen, and not waited for.
const (
	readsASecond  = 120
	writesASecond = 20
)

// what is one kind of request.
type what int

const (
	keptRead what = iota // always the same: from what is kept, if need be
	coldRead             // asked for the first time
	ownRead              // what was just written, at its revision or later
	write
	kindsOfRequests
)

func (w what) String() string {
	return [...]string{"kept reads", "cold reads", "own reads", "writes"}[w]
}

// did is what became of a request.
type did struct {
	what       what
	begun, end time.Time
	ok         bool
}

// acked is a write that was acknowledged.
type acked struct {
	id, title string
	revision  int64
}

// steady is a steady load on a server, and all that came of it.
type steady struct {
	base, key string
	http      http.Client
	expected  map[string]string // what of the answers to kept reads never changes, by target
	stop      context.CancelFunc
	all       sync.WaitGroup
	cold      atomic.Int64

	mu       sync.Mutex
	done     []did
	acked    []acked
	failures map[string]int
	wrong    []string
	stale    int
	oldest   int // Age
	byWriter string
}

// keptTargets are what is asked for again and again, in several forms. The load changes nothing of it.
var keptTargets = []string{
	"/v1/rounds?limit=5", "/v1/prisoner-exchanges.csv", "/v1/rounds/istanbul-2025-3", "/v1/prisoner-exchanges/totals?by=month", "/v1/proposals.ndjson?limit=5",
	"/v1/claims?limit=5", "/rounds/istanbul-2025-3", "/v1/proposals.atom", "/v1/people?limit=5", "/v1/body-repatriations.geojson", "/v1/parties/UA",
}

// ofTheMoment is what changes in an answer though its records do not: its revision, and when that was recorded.
var ofTheMoment = regexp.MustCompile(`"next":.*|"meta":\{.*|<updated>[^<]*</updated>|[0-9]+`)

func lasting(body []byte) string {
	return ofTheMoment.ReplaceAllStringFunc(string(body), func(found string) string {
		if len(body) > 0 && body[0] == '<' || found[0] < '0' || found[0] > '9' {
			return ""
		}
		return found
	})
}

// startSteady begins the load on a server, whose answers of now are the right ones.
func startSteady(t *testing.T, base, key string) *steady {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	s := &steady{
		base: base, key: key, stop: stop, expected: map[string]string{}, failures: map[string]int{}, byWriter: fmt.Sprint(time.Now().UnixNano()),
		http: http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
	}
	for range 2 { // now they are kept
		for _, target := range keptTargets {
			s.expected[target] = lasting([]byte(text(t, base+target)))
		}
	}
	every := func(d time.Duration, f func(n int)) {
		s.all.Go(func() {
			ticker := time.NewTicker(d)
			defer ticker.Stop()
			for n := 0; ; n++ {
				select {
				case <-ctx.Done():
					return
				case <-ticker.C:
					s.all.Go(func() { f(n) })
				}
			}
		})
	}
	every(time.Second/readsASecond, s.read)
	every(time.Second/writesASecond, s.write)
	return s
}

// read reads something.
func (s *steady) read(n int) {
	switch n % 4 {
	case 0:
		s.ask(coldRead, http.MethodGet, fmt.Sprintf("/v1/prisoner-exchanges?total=..%d&limit=3", 100_000+s.cold.Add(1)), nil, nil)
	default:
		target := keptTargets[n%len(keptTargets)]
		body, header := s.ask(keptRead, http.MethodGet, target, nil, nil)
		if header != nil && lasting(body) != s.expected[target] {
			s.accuse("%s, revision %s %s: %s", target, header.Get("Parley-Revision"), header.Get("Cache-Status"), differ(lasting(body), s.expected[target]))
		}
	}
}

// differ shows where two texts begin to differ.
func differ(got, want string) string {
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	from := max(0, at-60)
	return fmt.Sprintf("%q instead of %q", got[from:min(len(got), at+60)], want[from:min(len(want), at+60)])
}

// write writes a record and reads it.
func (s *steady) write(n int) {
	a := acked{id: fmt.Sprintf("fault-%s-%d", s.byWriter, n), title: fmt.Sprintf("Source %d", n)}
	body := fmt.Sprintf(`{"publisher": "Test", "title": %q, "title_is_descriptive": true, "url": "https://example.org/%s", "language": "en", "kind": "wire"}`, a.title, a.id)
	_, header := s.ask(write, http.MethodPut, "/v1/sources/"+a.id, []byte(body), http.Header{
		"Content-Type": {"application/json"}, "Authorization": {"Bearer " + s.key}, "If-None-Match": {"*"},
	})
	if header == nil {
		return
	}
	a.revision, _ = strconv.ParseInt(header.Get("Parley-Revision"), 10, 64)
	s.mu.Lock()
	s.acked = append(s.acked, a)
	s.mu.Unlock()
	target := fmt.Sprintf("/v1/sources/%s?fields=id,title&min_revision=%d", a.id, a.revision)
	if answer, header := s.ask(ownRead, http.MethodGet, target, nil, nil); header != nil {
		if revision, _ := strconv.ParseInt(header.Get("Parley-Revision"), 10, 64); revision < a.revision || !bytes.Contains(answer, []byte(strconv.Quote(a.title))) {
			s.accuse("%s: revision %d, %s", target, revision, answer)
		}
	}
}

// ask sends a request and counts what becomes of it; a header says that it was answered.
func (s *steady) ask(w what, method, target string, body []byte, header http.Header) ([]byte, http.Header) {
	request, err := http.NewRequest(method, s.base+target, bytes.NewReader(body))
	if err != nil {
		panic(err) // our own
	}
	if header != nil {
		request.Header = header
	}
	one := did{what: w, begun: time.Now()}
	response, err := s.http.Do(request)
	var answer []byte
	if err == nil {
		answer, err = io.ReadAll(response.Body)
		response.Body.Close()
	}
	one.end = time.Now()
	failure := ""
	switch {
	case err != nil && strings.Contains(err.Error(), "Client.Timeout"):
		failure = "no answer"
	case err != nil:
		failure = "cut off"
	case response.StatusCode == http.StatusOK || response.StatusCode == http.StatusCreated:
		one.ok = true
		s.look(target, answer, response)
	case response.StatusCode == http.StatusServiceUnavailable:
		failure = "503"
		if response.Header.Get("Retry-After") == "" || !strings.HasPrefix(response.Header.Get("Content-Type"), "application/problem+json") {
			s.accuse("%s: 503 without %v %s", target, response.Header, answer)
		}
	case response.StatusCode == http.StatusTooManyRequests && response.Header.Get("Retry-After") != "": // exports that wait are as many as may be
		failure = "429"
	default:
		failure = strconv.Itoa(response.StatusCode)
		s.accuse("%s %s: %s %.300s", method, target, response.Status, answer)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done = append(s.done, one)
	if !one.ok {
		s.failures[failure]++
		return nil, nil
	}
	return answer, response.Header
}

// look looks whether what came with 200 is an answer.
func (s *steady) look(target string, answer []byte, response *http.Response) {
	if bytes.Contains(answer, []byte("/problems/")) || len(answer) == 0 {
		s.accuse("%s: %s with %.300s", target, response.Status, answer)
	}
	if strings.HasPrefix(response.Header.Get("Content-Type"), "application/json") {
		var list struct{ Meta *struct{ Revision int64 } }
		if err := json.Unmarshal(answer, &list); err != nil {
			s.accuse("%s: %v in %.300s", target, err, answer)
		} else if list.Meta != nil && strconv.FormatInt(list.Meta.Revision, 10) != response.Header.Get("Parley-Revision") {
			s.accuse("%s: the header says revision %s, the answer %d", target, response.Header.Get("Parley-Revision"), list.Meta.Revision)
		}
	}
	if of := response.Header.Get("Cache-Status"); of != "" {
		age, err := strconv.Atoi(response.Header.Get("Age"))
		if err != nil || age < 1 || of != fmt.Sprintf("parley; hit; ttl=-%d; detail=stale-if-error", age) {
			s.accuse("%s: Age %q, Cache-Status %s", target, response.Header.Get("Age"), of)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.stale++
		s.oldest = max(s.oldest, age)
	}
}

// accuse takes down that something is wrong.
func (s *steady) accuse(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wrong = append(s.wrong, fmt.Sprintf(format, args...))
}

// end ends the load when the last answer has come.
func (s *steady) end() {
	s.stop()
	s.all.Wait()
	slices.SortFunc(s.done, func(a, b did) int { return a.end.Compare(b.end) })
}

// gap is the longest time between two answers to what somebody asked.
func (s *steady) gap(kinds ...what) (longest time.Duration) {
	var last time.Time
	for _, one := range s.done {
		if one.ok && slices.Contains(kinds, one.what) {
			if !last.IsZero() {
				longest = max(longest, one.end.Sub(last))
			}
			last = one.end
		}
	}
	return longest
}

// back is how long after a moment something was answered again that was asked after it.
func (s *steady) back(after time.Time, kind what) time.Duration {
	for _, one := range s.done {
		if one.ok && one.what == kind && one.begun.After(after) {
			return one.end.Sub(after)
		}
	}
	return time.Hour
}

// lost lists the acknowledged writes that are not there, or of which no change tells.
func (s *steady) lost(t *testing.T) (lost []acked) {
	t.Helper()
	titles, revisions := map[string]string{}, map[string]int64{}
	var record struct{ ID, Title string }
	for line := range strings.Lines(text(t, s.base+"/v1/sources.ndjson?publisher=Test&fields=id,title")) {
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatal(err)
		}
		titles[record.ID] = record.Title
	}
	var change struct {
		Record   string
		Revision int64
	}
	for line := range strings.Lines(text(t, s.base+"/v1/changes.ndjson?collection=sources&fields=record,revision")) {
		if err := json.Unmarshal([]byte(line), &change); err != nil {
			t.Fatal(err)
		}
		if revisions[change.Record] != 0 && strings.HasPrefix(change.Record, "fault-") {
			t.Errorf("%s was recorded twice", change.Record)
		}
		revisions[change.Record] = change.Revision
	}
	for _, a := range s.acked {
		if titles[a.id] != a.title || revisions[a.id] != a.revision {
			lost = append(lost, a)
		}
	}
	return lost
}
