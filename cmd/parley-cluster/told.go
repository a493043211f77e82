//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/parley-api/parley/api/client"
)

// told is what somebody was told who follows the records.
type told struct {
	mu     sync.Mutex
	titles map[string]int // by title and record: how often
	last   int64
	back   int // how often an older revision came after a newer one
}

func (t *told) tell(revision int64, record, title string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.titles == nil {
		t.titles = map[string]int{}
	}
	t.titles[record+"\n"+title]++
	if revision < t.last {
		t.back++
	}
	t.last = max(t.last, revision)
}

// lacks counts the writes of which nothing was told.
func (t *told) lacks(acks []ack) (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, a := range acks {
		if t.titles[a.record+"\n"+a.title] == 0 {
			n++
		}
	}
	return n
}

// listen has a webhook and a stream tell of what changes.
func (r *trial) listen(ctx context.Context) (stop func(), err error) {
	listener, err := net.Listen("tcp", r.host(ownPort))
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: http.HandlerFunc(r.hear), ReadHeaderTimeout: patience}
	go func() { _ = server.Serve(listener) }()
	const query = "/v1/sources?publisher=Load"
	hook := map[string]any{"name": "load", "target": "http://" + r.host(ownPort), "query": query, "delivered_through": 1}
	if status, answer, _ := r.ask(ctx, http.MethodPost, r.url()+"/v1/webhooks", nil, hook); status != http.StatusCreated {
		return nil, fmt.Errorf("making a webhook: %d %s", status, answer)
	}
	c, err := client.New(r.url())
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		of := client.Query(url.Values{"publisher": {"Load"}}).Since("1")
		for event, err := range client.Stream[source](ctx, c, client.Collection[source]("sources"), of) {
			if err == nil && event.Kind == client.Upsert {
				r.stream.tell(event.Record.Revision, event.Record.ID, event.Record.Title)
			}
		}
	}()
	return func() {
		cancel()
		_ = server.Close()
	}, nil
}

// hear takes a message of the webhook.
func (r *trial) hear(_ http.ResponseWriter, request *http.Request) {
	var message struct {
		Data struct {
			Events []struct{ Record source }
		}
	}
	if json.NewDecoder(request.Body).Decode(&message) != nil {
		r.truth.accuse("a message of the webhook is not JSON")
	}
	for _, e := range message.Data.Events {
		r.webhook.tell(e.Record.Revision, e.Record.ID, e.Record.Title)
	}
}

// allTold waits until nothing is lacking.
func (r *trial) allTold(ctx context.Context) {
	for end := time.Now().Add(startTime); time.Now().Before(end) && ctx.Err() == nil; pause(ctx, 100*time.Millisecond) {
		if r.webhook.lacks(r.truth.acks) == 0 && r.stream.lacks(r.truth.acks) == 0 {
			return
		}
	}
}
