package httpapi

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/render"
	"github.com/parley-api/parley/internal/store"
)

// streams is what streams of changes share. What changes within a query is found out once for all who follow it, by the
// query's topic, and handed out from memory. Who is further behind than that reaches back reads it from the database instead:
// there it is the same. So memory only saves work, and can be bounded as one likes.
type streams struct {
	db    *pgxpool.Pool
	watch *store.Watch
	log   *slog.Logger
	slots chan struct{} // so many connections to the database are used at a time
	most  int           // of one client; 0: any number
	inAll int           // of all clients; 0: any number

	mu      sync.Mutex
	topics  map[string]*topic
	clients map[string]int
	all     int // of clients
	opened  int // since memory was given back

	steps struct { // what was read last: of one changeset all topics ask the same
		sync.Mutex
		after, through int64
		steps          []store.Step
	}
	kept struct { // by all topics
		sync.Mutex
		bytes int
	}
}

// What is kept in memory of events that were told: by a topic, and by all of them. It is for those who are a little behind.
const (
	mostOfTopic  = 256 << 10
	mostOfTopics = 32 << 20
)

func newStreams(o *Options) *streams {
	slots := 1
	if o.DB != nil {
		slots = max(slots, int(o.DB.Config().MaxConns)/4)
	}
	return &streams{
		db: o.DB, watch: o.Watch, log: o.Log, most: o.MaxStreams, inAll: o.MaxStreamsInAll,
		slots:  make(chan struct{}, slots),
		topics: map[string]*topic{}, clients: map[string]int{},
	}
}

// enter counts a stream of a client. The error says that it has as many as it may, or that all have.
func (s *streams) enter(client string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.most > 0 && s.clients[client] >= s.most:
		return errTooManyStreams
	case s.inAll > 0 && s.all >= s.inAll:
		return errBusy
	}
	s.clients[client]++
	s.all++
	if s.opened++; s.opened == manyOpened { // once for all that are opened soon after each other
		time.AfterFunc(time.Second, func() {
			s.mu.Lock()
			s.opened = 0
			s.mu.Unlock()
			debug.FreeOSMemory()
		})
	}
	return nil
}

// open is how many streams are open.
func (s *streams) open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all
}

// manyOpened is after how many streams the memory is given back that opening them took: twice what they hold as they wait.
const manyOpened = 500

func (s *streams) leave(client string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all--
	if s.clients[client]--; s.clients[client] == 0 {
		delete(s.clients, client)
	}
}

// slot waits for a connection that streams may use.
func (s *streams) slot(ctx context.Context) (release func(), err error) {
	select {
	case s.slots <- struct{}{}:
		return func() { <-s.slots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// stepsAfter is [store.Steps], asked once for all.
func (s *streams) stepsAfter(ctx context.Context, after, through int64) ([]store.Step, int64, error) {
	k := &s.steps
	k.Lock()
	defer k.Unlock()
	if after < k.after || through > k.through {
		steps, reached, err := store.Steps(ctx, s.db, after, through)
		if err != nil {
			return nil, after, err
		}
		k.after, k.through, k.steps = after, reached, steps
	}
	first, _ := slices.BinarySearchFunc(k.steps, after+1, func(step store.Step, r int64) int { return cmp.Compare(step.Revision, r) })
	return k.steps[first:], k.through, nil
}

// topic is a query that is followed: what changes within it.
type topic struct {
	*streams
	question store.Question
	base     string // of addresses
	key      string
	readers  int // guarded by streams.mu
	stop     context.CancelFunc

	mu      sync.Mutex
	floor   int64 // what changed after this revision, and
	through int64 // through this one, is all in told
	told    []batch
	bytes   int
	moved   chan struct{} // closed, and another one made, when something has changed
}

// batch is the events of one changeset, each as it is written.
type batch struct {
	revision int64
	events   [][]byte
	bytes    int
}

// join follows a query. A topic that nobody followed begins at a revision.
func (s *streams) join(q store.Question, base, of string, revision int64) *topic {
	key := base + "\n" + of + "?" + q.List.Canonical()
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.topics[key]
	if t == nil {
		ctx, stop := context.WithCancel(context.Background())
		t = &topic{streams: s, question: q, base: base, key: key, stop: stop, floor: revision, through: revision, moved: make(chan struct{})}
		s.topics[key] = t
		go t.watching(ctx)
	}
	t.readers++
	return t
}

// part ends following; the last one ends the topic.
func (t *topic) part() {
	t.streams.mu.Lock()
	defer t.streams.mu.Unlock()
	if t.readers--; t.readers == 0 {
		t.stop()
		delete(t.topics, t.key)
	}
}

// again is how long after a fault the database is asked anew.
const again = time.Second

// watching finds out what changes, until the topic ends.
func (t *topic) watching(ctx context.Context) {
	defer func() { t.forget(t.through) }()
	for ctx.Err() == nil {
		revision, err := t.watch.After(ctx, t.through)
		if err == nil {
			err = t.catchUp(ctx, revision)
		}
		if err != nil && ctx.Err() == nil {
			t.log.Warn("a stream waits for the database", "error", err)
			select {
			case <-ctx.Done():
			case <-time.After(again):
			}
		}
	}
}

// catchUp finds out what changed up to a revision.
func (t *topic) catchUp(ctx context.Context, revision int64) error {
	if revision-t.through > mostReplayed {
		t.forget(revision)
		return nil
	}
	for t.through < revision {
		steps, reached, err := t.stepsAfter(ctx, t.through, revision)
		if err != nil {
			return err
		}
		for i := range steps {
			switch news, err := t.read(ctx, &steps[i]); {
			case errors.Is(err, store.ErrTooMuch), errors.Is(err, errLarge):
				t.forget(steps[i].Revision) // each reads it at its own pace, or is told to fetch again
			case err != nil:
				return err
			default:
				t.tell(news)
			}
		}
		t.mu.Lock()
		t.through = max(t.through, reached)
		t.mu.Unlock()
	}
	return nil
}

// errLarge is the error of events that are too large to be kept.
var errLarge = errors.New("too large to be kept")

// read reads the events of a changeset.
func (t *topic) read(ctx context.Context, step *store.Step) (batch, error) {
	news := batch{revision: step.Revision}
	release, err := t.slot(ctx)
	if err != nil {
		return news, err
	}
	defer release()
	writer := t.writer()
	for event, err := range t.question.Changed(ctx, t.db, step) {
		if err != nil {
			return news, err
		}
		text := writer.append(nil, event)
		if news.bytes += len(text); news.bytes > mostOfTopic {
			return news, errLarge
		}
		news.events = append(news.events, text)
	}
	return news, nil
}

// tell hands on the events of the next changeset.
func (t *topic) tell(news batch) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.through = news.revision
	if news.events == nil {
		return
	}
	t.told = append(t.told, news)
	t.keep(news.bytes)
	for t.bytes > mostOfTopic || t.bytes > 0 && t.tooMuch() {
		t.floor = t.told[0].revision
		t.keep(-t.told[0].bytes)
		t.told = t.told[1:]
	}
	t.wake()
}

// keep counts what is kept.
func (t *topic) keep(bytes int) {
	t.bytes += bytes
	t.kept.Lock()
	t.kept.bytes += bytes
	t.kept.Unlock()
}

func (t *topic) tooMuch() bool {
	t.kept.Lock()
	defer t.kept.Unlock()
	return t.kept.bytes > mostOfTopics
}

// forget lets who follows read from the database what changed up to a revision.
func (t *topic) forget(revision int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.keep(-t.bytes)
	t.told, t.floor, t.through = nil, revision, revision
	t.wake()
}

func (t *topic) wake() {
	close(t.moved)
	t.moved = make(chan struct{})
}

// news is what a topic has for who knows everything up to a revision.
type news struct {
	behind  bool // it is to be read from the database, up to through
	told    []batch
	through int64
	moved   <-chan struct{} // closed when there is more
}

func (t *topic) after(revision int64) news {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := news{behind: revision < t.floor, through: max(t.through, revision), moved: t.moved}
	if !n.behind {
		first, _ := slices.BinarySearchFunc(t.told, revision+1, func(b batch, r int64) int { return cmp.Compare(b.revision, r) })
		n.told = slices.Clone(t.told[first:]) // the topic goes on with its own
	}
	return n
}

// eventWriter writes the events of a topic.
type eventWriter struct {
	row  render.Record
	list string // the address of the list
}

func (t *topic) writer() *eventWriter {
	q := t.question
	return &eventWriter{row: render.Record{Columns: q.Shape(), Base: t.base + "/v1/"}, list: t.base + "/v1/" + q.Table.Name + "/"}
}

func (w *eventWriter) append(b []byte, e store.Event) []byte {
	id := query.EventID{Revision: e.Revision, Sequence: e.Sequence}
	if e.Sequence == 0 {
		id.Record = e.ID
	}
	return render.AppendEvent(b, string(e.Kind), id.String(), func(b []byte) []byte {
		if e.Kind == store.Upserted {
			w.row.Values = e.Row
			return render.AppendJSON(b, w.row)
		}
		return appendJSON(b, struct {
			ID       string `json:"id"`
			URL      string `json:"url"`
			Revision int64  `json:"revision"`
		}{e.ID, w.list + e.ID, e.Revision})
	})
}
