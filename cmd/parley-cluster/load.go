//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// source is a record that is written and read, as far as that matters.
type source struct {
	ID       string `json:"id"`
	Title    string `json:"title"`
	Revision int64  `json:"revision"`
}

func recordOf(writer int) string { return fmt.Sprintf("load-%d", writer+1) }

// patience is how long an answer may take.
const patience = 5 * time.Second

var clients = &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}

// ask sends a request, and returns the answer. status is 0 if there was none.
func (r *trial) ask(ctx context.Context, method, url string, header map[string]string, body any) (status int, answer []byte, got http.Header) {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // our own
	}
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(text))
	if err != nil {
		panic(err) // our own
	}
	if body == nil {
		request.Body, request.ContentLength = nil, 0
	} else {
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Authorization", "Bearer "+r.key)
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	response, err := clients.Do(request)
	if err != nil {
		return 0, nil, nil
	}
	defer response.Body.Close()
	if answer, err = io.ReadAll(response.Body); err != nil {
		return 0, nil, nil
	}
	return response.StatusCode, answer, response.Header
}

func revisionOf(h http.Header) int64 {
	revision, _ := strconv.ParseInt(h.Get("Parley-Revision"), 10, 64)
	return revision
}

// prepareRecords makes a record for each writer.
func (r *trial) prepareRecords(ctx context.Context, writers int) error {
	r.records = writers
	for n := range writers {
		id := recordOf(n)
		body := map[string]any{"publisher": "Load", "title": "begin", "title_is_descriptive": true, "language": "en", "kind": "news", "url": "https://example.org/" + id, "published_on": "2026-11-25"}
		status, answer, header := r.ask(ctx, http.MethodPut, r.url()+"/v1/sources/"+id, map[string]string{"If-None-Match": "*"}, body)
		if status != http.StatusCreated {
			return fmt.Errorf("making %s: %d %s", id, status, answer)
		}
		r.truth.acknowledge(ack{id, revisionOf(header), "begin", time.Now()})
	}
	return nil
}

// write writes a record again and again until it is told to stop; what it has begun, it ends. Half of the writers repeat a request
// of which they do not know what came of it under the same Idempotency-Key. The others say by If-Match what they have seen, and when
// that no longer holds, look whether it was they who changed it.
func (r *trial) write(ctx, until context.Context, n int) error {
	id, etag := recordOf(n), "*"
	url := r.url() + "/v1/sources/" + id
	for i := 1; until.Err() == nil; i++ {
		title := fmt.Sprintf("%d by writer %d", i, n+1)
		header := map[string]string{"If-Match": "*", "Idempotency-Key": fmt.Sprintf("load-%d-%d", n, i)}
		if n%2 == 1 {
			header = map[string]string{"If-Match": etag}
		}
		var revision int64
		for end := time.Now().Add(startTime); revision == 0; {
			status, answer, got := r.ask(ctx, http.MethodPatch, url, header, map[string]any{"title": title})
			switch {
			case status == http.StatusOK:
				revision, etag = revisionOf(got), got.Get("Etag")
			case status == http.StatusPreconditionFailed:
				now, tag, ok := r.look(ctx, id)
				switch {
				case !ok:
				case now.Title == title:
					revision, etag = now.Revision, tag
				default:
					header["If-Match"] = tag
				}
			case status != 0 && status < 500 && status != http.StatusConflict && status != http.StatusTooManyRequests:
				return fmt.Errorf("writing %s: %d %s", id, status, answer)
			default:
				r.writes.count(false)
				pause(ctx, 50*time.Millisecond)
			}
			if time.Now().After(end) || ctx.Err() != nil {
				return errors.Join(ctx.Err(), fmt.Errorf("writing %s: not done within %v", id, startTime))
			}
		}
		r.writes.count(true)
		r.truth.acknowledge(ack{id, revision, title, time.Now()})
		r.own(ctx, id, revision, title)
		pause(ctx, 20*time.Millisecond)
	}
	return nil
}

// look reads a record as it is now.
func (r *trial) look(ctx context.Context, id string) (now source, etag string, ok bool) {
	// The newest there is at the primary: who was refused for what he has seen must see at least why.
	status, _, header := r.ask(ctx, http.MethodPatch, r.url()+"/v1/sources/"+id+"?dry_run=true", nil, map[string]any{})
	if status != http.StatusOK {
		return now, "", false
	}
	status, answer, header := r.ask(ctx, http.MethodGet, r.url()+"/v1/sources/"+id+"?min_revision="+header.Get("Parley-Revision"), nil, nil)
	if status != http.StatusOK || json.Unmarshal(answer, &now) != nil {
		return now, "", false
	}
	return now, header.Get("Etag"), true
}

// own reads what was just written, at whichever server.
func (r *trial) own(ctx context.Context, id string, revision int64, title string) {
	target := fmt.Sprintf("/v1/sources/%s?min_revision=%d", id, revision)
	status, answer, _ := r.ask(ctx, http.MethodGet, r.url()+target, nil, nil)
	var now source
	if r.reads.count(status == http.StatusOK); status != http.StatusOK {
		r.truth.excuse(target, status, answer)
	}
	if status == http.StatusOK && (json.Unmarshal(answer, &now) != nil || now.Title != title) {
		r.truth.accuse(fmt.Sprintf("min_revision=%d of %s, which was %q, shows %s", revision, id, title, answer))
	}
}

// read reads until the context ends: a record, the list of all, and something of the past. At an API process itself, answers must
// not go back as long as it runs.
func (r *trial) read(ctx context.Context, n int, base string, m *meter, a *api) {
	var started, last int64
	for i := n; ctx.Err() == nil; i++ {
		if a != nil && a.started.Load() != started {
			started, last = a.started.Load(), 0
		}
		past := r.truth.some(rand.Int())
		record := recordOf(rand.IntN(r.records))
		target := []string{
			"/v1/sources/" + record + "?fields=id,title,revision",
			"/v1/sources?publisher=Load&fields=id,title,revision",
			fmt.Sprintf("/v1/sources/%s?fields=id,title,revision&as_of=%d", past.record, past.revision),
			"/v1/sources?publisher=Load&total_count=true&limit=" + strconv.Itoa(10+rand.IntN(900)),
		}[i%4]
		asked := time.Now()
		status, answer, header := r.ask(ctx, http.MethodGet, base+target, nil, nil)
		if ctx.Err() != nil {
			return
		}
		if m.count(status == http.StatusOK); status != http.StatusOK {
			if a == nil {
				r.truth.excuse(target, status, answer)
			}
			pause(ctx, 20*time.Millisecond)
			continue
		}
		revision := revisionOf(header)
		stale := header.Get("Cache-Status") != ""
		if stale { // it says itself that it may be behind: it has to be right as of its revision
			asked = time.Time{}
		}
		var one source
		var list struct{ Data []source }
		switch i % 4 {
		case 0:
			if json.Unmarshal(answer, &one) == nil {
				r.truth.see(asked, revision, seen{record, revision, one.Title})
			}
		case 2:
			if json.Unmarshal(answer, &one) != nil || one.Title != past.title {
				r.truth.accuse(fmt.Sprintf("as_of=%d of %s, which was %q, shows %s", past.revision, past.record, past.title, answer))
			}
		default:
			if json.Unmarshal(answer, &list) == nil {
				shown := make([]seen, len(list.Data))
				for i, s := range list.Data {
					shown[i] = seen{s.ID, revision, s.Title}
				}
				r.truth.see(asked, revision, shown...)
			}
		}
		if i%4 != 2 && !stale && a != nil && a.started.Load() == started {
			if revision < last {
				r.truth.accuse(fmt.Sprintf("%s went back from revision %d to %d", a.name, last, revision))
			}
			last = max(last, revision)
		}
	}
}
