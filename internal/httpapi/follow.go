package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"iter"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzhttp"

	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/render"
	"github.com/parley-api/parley/internal/store"
)

const (
	// mostReplayed is how many changesets a stream goes through to reach the present. Who is further behind fetches again.
	mostReplayed = 1000
	// together is how far behind the first of several may be whose streams were cut off together, for all to be told as one.
	together = 50
	// heartbeat is how often a stream says that it is there.
	heartbeat = 15 * time.Second
	// retry is how long after its end a client connects anew, in milliseconds; retryFull, in seconds, where it has too many.
	retry     = 3000
	retryFull = 10
)

// errTooManyStreams is the error of a client that has as many streams as it may.
var errTooManyStreams = errors.New("too many streams")

// follow serves a stream of what changes within a list.
func (c *collection) follow(w http.ResponseWriter, r *http.Request, a *asked) error {
	present := func(ctx context.Context) (int64, error) { return c.present(ctx, r, a) }
	now, err := present(r.Context())
	waits := err != nil && away(err) && r.Method == http.MethodGet && r.Context().Err() == nil
	if err != nil && !waits {
		return err
	}
	client := c.clientOf(r)
	if r.Method != http.MethodHead {
		if err := c.streams.enter(client); err != nil {
			c.metrics.refused.WithLabelValues(refusedStreams).Inc()
			return err
		}
	}
	h := w.Header()
	h.Set("Content-Type", a.Header)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	if !waits {
		h.Set("Parley-Revision", strconv.FormatInt(now, 10))
	}
	h.Add("Link", "<"+Licence+`>; rel="license"`)
	if !wantsStream(r) {
		h.Set(gzhttp.HeaderNoCompression, "true") // it would hold events back
	}
	if r.Method == http.MethodHead {
		return nil
	}
	f := &follower{
		server:  c.server,
		id:      requestID(w),
		client:  client,
		table:   c.table,
		list:    a.List,
		base:    a.base,
		of:      c.grammar.Of,
		again:   a.base + strings.TrimSuffix(a.path, "."+a.Name) + "?",
		w:       w,
		control: http.NewResponseController(w),
		buf:     fmt.Appendf(nil, "retry: %d\n\n", retry),
	}
	if waits {
		f.present = present
	}
	_ = f.flush() // if that fails, so does what comes next
	afterwards(w, r, func(ctx context.Context, w http.ResponseWriter) { f.serve(ctx, w, now) })
	return nil
}

// serve serves the stream, whose beginning is sent already.
func (f *follower) serve(ctx context.Context, w http.ResponseWriter, now int64) {
	defer f.streams.leave(f.client)
	f.ctx, f.w, f.control = ctx, w, http.NewResponseController(w)
	begin := time.Now()
	err := f.run(now)
	reason := endFault
	switch {
	case errors.Is(err, errSlow):
		reason = endSlow
	case ctx.Err() != nil:
		err, reason = errGone, endGone
	case errors.Is(err, errStopping):
		f.farewell()
		reason = endStopping
	}
	f.metrics.ended.WithLabelValues(reason).Inc()
	f.Log.LogAttrs(ctx, slog.LevelInfo, "stream ended", slog.String("request_id", f.id), slog.Int64("revision", f.done),
		slog.Duration("duration", time.Since(begin)), slog.String("client", f.client), slog.Any("reason", err))
}

// rest is the key, in the context of a request, of what is to be done when all handlers have returned.
type rest struct{}

// afterwards has something done when all handlers have returned, if the request asks for a stream by name, and else at once.
func afterwards(w http.ResponseWriter, r *http.Request, do func(context.Context, http.ResponseWriter)) {
	if later, ok := r.Context().Value(rest{}).(*func(context.Context, http.ResponseWriter)); ok {
		*later = do
		return
	}
	do(r.Context(), w)
}

// resting lets streams wait outside of all other handlers: where many wait for long, what these hold is half of what a stream
// takes in memory. The line in the log of access is about its beginning; its end has one of its own.
func resting(handlers http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !wantsStream(r) {
			handlers.ServeHTTP(w, r)
			return
		}
		var later func(context.Context, http.ResponseWriter)
		onOtherStack(func() { handlers.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), rest{}, &later))) })
		if later != nil {
			later(r.Context(), w)
		}
	})
}

// onOtherStack does something that needs much of a stack, which is given back when it is done: a goroutine keeps what its own
// stack has grown to.
func onOtherStack(do func()) {
	panicked := make(chan any)
	go func() {
		defer func() { panicked <- recover() }()
		do()
	}()
	if p := <-panicked; p != nil {
		panic(p)
	}
}

var streamExtension = "." + render.SSE.Name

// wantsStream reports whether a request asks for a stream by name. Of these many wait for long: what is of no use to them is left out.
func wantsStream(r *http.Request) bool {
	if strings.HasSuffix(r.URL.Path, streamExtension) || slices.Contains(r.Header[byExtension], streamExtension) {
		return true
	}
	for _, accept := range r.Header["Accept"] {
		if strings.Contains(accept, render.SSE.Media) {
			return true
		}
	}
	return false
}

// besideStreams serves streams by a handler of their own.
func besideStreams(others, streams http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if wantsStream(r) {
			streams.ServeHTTP(w, r)
		} else {
			others.ServeHTTP(w, r)
		}
	})
}

// ofStream reads the query of a stream.
func ofStream(r *http.Request) func(url.Values, query.Grammar) (query.List, error) {
	return func(values url.Values, g query.Grammar) (query.List, error) {
		g.Stream = true
		if id := r.Header.Get(lastEventID); id != "" {
			values.Set("last_event_id", id)
		}
		l, err := query.Parse(values, g)
		var bad *query.Error
		if errors.As(err, &bad) {
			for i := range bad.Faults {
				if bad.Faults[i].Parameter == "last_event_id" {
					bad.Faults[i].Parameter = sinceFrom(r)
				}
			}
		}
		return l, err
	}
}

// lastEventID is the header in which a client that connects anew, to the same address, says how far it has read since.
const lastEventID = "Last-Event-ID"

// sinceFrom is where a request says how far it has read.
func sinceFrom(r *http.Request) string {
	if r.Header.Get(lastEventID) != "" {
		return lastEventID
	}
	return "last_event_id"
}

// follower is a client that follows a topic.
type follower struct {
	*server
	id      string // of the request
	client  string
	table   *store.Table
	list    query.List
	base    string                               // of addresses
	of      string                               // whose list it is
	again   string                               // the address of the list, up to its query
	present func(context.Context) (int64, error) // asks the database that was away at first; nil: it was not
	topic   *topic
	writer  *eventWriter
	ctx     context.Context //nolint:containedctx // of the request, for as long as it is served
	w       http.ResponseWriter
	control *http.ResponseController
	buf     []byte

	done int64 // everything up to this revision is written,
	some int   // and so many events of the next one
	said int64 // the revision of the last id that was written
}

// errStopping is the error of a stream that ends because the server does.
var errStopping = errors.New("the server is stopping")

// errSlow is the error of a stream whose client does not read. The context of its request ends as well.
var errSlow = fmt.Errorf("the client has read nothing for %s", stallTimeout)

// errGone is the error of a stream whose client has ended it.
var errGone = errors.New("the client is gone")

// farewell has the client connect anew, to another server if there is one: not all of them at the same moment, and each soon.
func (f *follower) farewell() {
	const soonest, latest = 200, retry // milliseconds
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(f.id))
	f.buf = fmt.Appendf(f.buf[:0], ": the server is stopping, connect anew\nretry: %d\n\n", soonest+hash.Sum32()%(latest-soonest))
	_ = f.control.SetWriteDeadline(time.Now().Add(time.Second))
	if _, err := f.w.Write(f.buf); err == nil { // failing, the client learns of it by the end of the connection
		_ = f.control.Flush()
	}
}

// run writes until the client goes away or is too slow, the server stops, or the database does not answer.
func (f *follower) run(now int64) error {
	now, err := f.ready(now)
	if err != nil {
		return err
	}
	f.join(now)
	defer f.topic.part()
	if err := f.begin(now); err != nil {
		return err
	}
	beat := time.NewTicker(f.Heartbeat)
	defer beat.Stop()
	for {
		news := f.topic.after(f.done)
		if news.behind {
			if err := f.replay(news.through); err != nil {
				return err
			}
			continue
		}
		for _, b := range news.told {
			events := f.news(b)
			for _, event := range events {
				f.buf = append(f.buf, event...)
			}
			f.metrics.events.Add(float64(len(events)))
			f.reach(b.revision)
			f.said = b.revision
		}
		f.reach(news.through)
		if err := f.flush(); err != nil {
			return err
		}
		select {
		case <-news.moved:
		case <-beat.C:
			if f.done > f.said {
				f.sayRevision()
			}
			f.buf = append(f.buf, ":\n\n"...)
		case <-f.Stop:
			return errStopping
		case <-f.ctx.Done():
			return f.ctx.Err()
		}
	}
}

// begin finds out from where to go on, and writes the records that there are if that is asked for.
func (f *follower) begin(now int64) error {
	since := f.list.Since
	switch {
	case since != nil && since.Revision > now:
		return f.reset(now, fmt.Sprintf("there is no revision %d: the data set is at revision %d", since.Revision, now))
	case since == nil && f.list.Snapshot:
		return f.snapshot(now, "")
	case since == nil:
		f.done = now
		f.sayRevision() // to go on from here, should the client be cut off before anything changes
	case since.Record != "":
		return f.snapshot(since.Revision, since.Record)
	case since.Sequence > 0:
		f.done, f.some, f.said = since.Revision-1, since.Sequence, since.Revision
	default:
		f.done, f.said = since.Revision, since.Revision
	}
	if now-f.done > mostReplayed {
		return f.resetFar(now)
	}
	return f.flush()
}

// reach tells that everything up to a revision is written.
func (f *follower) reach(revision int64) {
	if revision > f.done {
		f.done, f.some = revision, 0
	}
}

// news is the events of a changeset that are not written yet.
func (f *follower) news(b batch) [][]byte {
	if b.revision != f.done+1 {
		return b.events
	}
	return b.events[min(f.some, len(b.events)):]
}

// snapshot writes the records as of a revision whose ids come after one.
func (f *follower) snapshot(revision int64, after string) error {
	if err := f.flush(); err != nil { // the first page may take a moment
		return err
	}
	if err := f.write(store.Snapshot(f.ctx, f.DB, f.topic.question, revision, after)); err != nil {
		return err
	}
	f.done = revision
	f.sayRevision()
	return f.flush()
}

// replay writes from the database what changed up to a revision.
func (f *follower) replay(through int64) error {
	if through-f.done > mostReplayed {
		return f.resetFar(through)
	}
	for f.done < through {
		steps, reached, err := f.topic.stepsAfter(f.ctx, f.done, through)
		if err != nil {
			return err
		}
		for i := range steps {
			switch err := f.write(f.topic.question.Changed(f.ctx, f.DB, &steps[i])); {
			case errors.Is(err, store.ErrTooMuch):
				return f.reset(reached, fmt.Sprintf("changeset %d changed more than a stream tells", steps[i].Revision))
			case err != nil:
				return err
			}
			f.reach(steps[i].Revision)
		}
		f.reach(reached)
	}
	return f.flush()
}

// resetFar is the reset of a client that is too far behind.
func (f *follower) resetFar(revision int64) error {
	return f.reset(revision, fmt.Sprintf("more than %d changesets have been recorded since revision %d", mostReplayed, f.done))
}

// reset tells the client to fetch again what is as of a revision, or sends it again if the stream began with that.
func (f *follower) reset(revision int64, reason string) error {
	f.buf = render.AppendEvent(f.buf, "reset", query.EventID{Revision: revision}.String(), func(b []byte) []byte {
		return appendJSON(b, struct {
			Reason   string `json:"reason"`
			URL      string `json:"url"`
			Revision int64  `json:"revision"`
		}{reason, f.again + f.list.Pinned(revision), revision})
	})
	f.reach(revision)
	f.said = revision
	if f.list.Snapshot {
		return f.snapshot(revision, "")
	}
	return f.flush()
}

// write writes events as they come from the database. While the client takes them, no connection is held.
func (f *follower) write(events iter.Seq2[store.Event, error]) error {
	next, stop := iter.Pull2(events)
	defer stop()
	for more := true; more; {
		var err error
		if more, err = f.fill(next); err != nil {
			return err
		}
		if more {
			if err := f.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// fill reads events until there is enough to write, and reports whether there may be more.
func (f *follower) fill(next func() (store.Event, error, bool)) (bool, error) {
	release, err := f.streams.slot(f.ctx)
	if err != nil {
		return false, err
	}
	defer release()
	for len(f.buf) < chunk {
		event, err, more := next()
		if err != nil || !more {
			return false, err
		}
		if event.Sequence == 0 || event.Revision != f.done+1 || event.Sequence > f.some {
			f.buf = f.writer.append(f.buf, event)
			f.said = event.Revision
			f.metrics.events.Inc()
		}
	}
	return true, nil
}

// sayRevision tells that everything up to a revision is written.
func (f *follower) sayRevision() {
	f.buf = render.AppendEvent(f.buf, "revision", query.EventID{Revision: f.done}.String(), func(b []byte) []byte {
		return fmt.Appendf(b, `{"revision":%d}`, f.done)
	})
	f.said = f.done
}

// flush sends what is written. A client that does not take it in time is cut off; it can go on from the last event that it has.
func (f *follower) flush() error {
	select {
	case <-f.Stop:
		return errStopping
	default:
	}
	if len(f.buf) == 0 {
		return nil
	}
	_ = f.control.SetWriteDeadline(time.Now().Add(stallTimeout))
	_, err := f.w.Write(f.buf)
	if f.buf = f.buf[:0]; cap(f.buf) > keptBuffer {
		f.buf = nil
	}
	if err == nil {
		err = f.control.Flush()
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errSlow
	}
	return err
}

// keptBuffer is how much memory a client holds that waits: there are many who wait for long.
const keptBuffer = 1 << 10

func appendJSON(b []byte, value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // our own texts
	}
	return append(b, text...)
}
