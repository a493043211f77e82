package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"mime"
	"net/http"
	"net/url"
	"time"
)

// EventKind is what an event of a stream tells.
type EventKind string

// The kinds of events of a stream.
const (
	Upsert EventKind = "upsert" // a record is new among those asked for, or shows something else
	Leave  EventKind = "leave"  // a record is still there, but no longer among those asked for
	Delete EventKind = "delete" // a record is gone
	Reset  EventKind = "reset"  // too much has changed to tell it: get the list again

	Reached EventKind = "revision" // everything up to a revision, the ID of the event, has been told
)

// StreamEvent is a change within a list.
type StreamEvent[T any] struct {
	Kind   EventKind
	ID     string          // of the event: see [Since]
	Record T               // of Upsert: the record as it now is; otherwise zero
	Data   json.RawMessage // what came with the event; of Leave and Delete it has the id of the record
}

// Since asks a stream to go on after an event, or after a revision of the data set, instead of beginning at the present.
func (q Query) Since(id string) Query { return q.Set("last_event_id", id) }

// longestWait is how long a stream waits at most before it tries again to connect.
const longestWait = time.Minute

// Stream follows what changes within a list. Where the connection is cut or the server away, it connects anew, ever more
// patiently, and goes on after the last event, so that none is missed and none comes twice. It ends with an error: that of
// the context, or a [*Problem] that trying again would not mend.
func Stream[T any](ctx context.Context, c *Client, from Collection[T], query Query) iter.Seq2[StreamEvent[T], error] {
	return func(yield func(StreamEvent[T], error) bool) {
		s := stream{client: c, address: c.address(url.Values(query), string(from)), retry: c.retry}
		for {
			for message, err := range s.connect(ctx) {
				if ctx.Err() != nil {
					break
				}
				if err != nil {
					yield(StreamEvent[T]{}, err)
					return
				}
				event := StreamEvent[T]{Kind: EventKind(message.kind), ID: message.id, Data: message.data}
				if event.Kind == Upsert {
					err = json.Unmarshal(message.data, &event.Record)
				}
				if !yield(event, err) || err != nil {
					return
				}
			}
			if !s.wait(ctx) {
				yield(StreamEvent[T]{}, context.Cause(ctx))
				return
			}
		}
	}
}

// stream is where the following of a list has got to.
type stream struct {
	client   *Client
	address  string
	last     string        // id of the last event
	failures int           // to connect, one after another
	retry    time.Duration // before connecting anew
	after    time.Duration // the least that the server asked to wait, this once
}

// connect yields what comes by one connection, until it ends. An error is one that trying again would not mend.
func (s *stream) connect(ctx context.Context) iter.Seq2[message, error] {
	return func(yield func(message, error) bool) {
		ctx, cut := context.WithCancel(ctx)
		defer cut()
		dead := time.AfterFunc(s.client.quiet, cut)
		defer dead.Stop()
		header := http.Header{"Accept": {"text/event-stream"}, "Accept-Encoding": {"identity"}, "Cache-Control": {"no-cache"}}
		if s.last != "" {
			header["Last-Event-ID"] = []string{s.last}
		}
		response, err := s.client.do(ctx, http.MethodGet, s.address, header, nil)
		if err != nil {
			s.failures++
			if final(err, &s.after) {
				yield(message{}, err)
			}
			return
		}
		defer response.Body.Close()
		s.failures = 0
		if media, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")); media != "text/event-stream" {
			yield(message{}, fmt.Errorf("%s answers %s with %q, not a stream", s.address, response.Status, media))
			return
		}
		read := func(p []byte) (int, error) {
			n, err := response.Body.Read(p)
			dead.Reset(s.client.quiet)
			return n, err
		}
		for m := range messages(readerFunc(read), s.last, func(d time.Duration) { s.retry = d }) {
			s.last = m.id
			if m.data != nil && !yield(m, nil) {
				return
			}
		}
	}
}

// final reports whether an error is one that trying again would not mend. after is set to how long to wait at the least.
func final(err error, after *time.Duration) bool {
	var p *Problem
	if !errors.As(err, &p) {
		return false
	}
	*after = p.RetryAfter
	return p.Status < 500 && p.Status != http.StatusTooManyRequests && p.Status != http.StatusRequestTimeout
}

// wait waits before connecting anew: twice as long after each failure, and not as long as others, who may have been cut off
// at the same time. It reports false when the context has ended.
func (s *stream) wait(ctx context.Context) bool {
	pause := min(s.retry<<min(s.failures, 10), longestWait)
	pause = max(pause/2+rand.N(pause/2+1), s.after)
	s.after = 0
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
