package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

// following is streams that are open, and when their events came.
type following struct {
	*bench
	server *child
	opened sync.WaitGroup // those that have had their first event
	mu     sync.Mutex
	came   map[int64][]time.Time // by the revision that an event is of
}

// streams measures what many who follow cost, and how soon they are told.
func (b *bench) streams() (s section, err error) {
	const watchers = 100
	s.about = fmt.Sprintf("%s streams of twenty queries within which nothing changes, on one server; then %d more, of ten queries, each told of every one of the changesets of one new exchange that follow, one after another. "+
		"The time counts from before the commit to when a client has the event.", amountOf(float64(b.Streams), ""), watchers)
	f := &following{bench: b, came: map[int64][]time.Time{}}
	if f.server, err = b.start(b.url, "", "PARLEY_MAX_STREAMS=0"); err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, f.server.stop()) }()
	ctx, stop := context.WithCancel(b.ctx)
	group, ctx := errgroup.WithContext(ctx)
	defer func() { stop(); err = errors.Join(err, group.Wait()) }()
	alone, _ := f.server.memory("VmRSS")
	begin := time.Now()
	f.open(ctx, group, b.Streams, func(i int) string { return fmt.Sprintf("country=BY&place=Nowhere+%d", i%20) })
	opened := time.Since(begin)
	time.Sleep(max(b.window(), 2*time.Second)) // what opening left is collected
	s.lines = append(s.lines, below("to open them", []float64{opened.Seconds()}, "s", 0))
	if bytes, err := f.server.memory("VmRSS"); err == nil {
		s.lines = append(s.lines, line{
			item: "memory, idle", parley: amountOf(float64(bytes)/(1<<20), "MiB"), rival: amountOf(float64(alone)/(1<<20), "MiB") + " without", target: "< 100 MiB", met: yesNo(bytes < 100<<20),
		})
	}
	f.open(ctx, group, watchers, func(i int) string { return fmt.Sprintf("fields=id,date,place,transfers&date=..1999-12-%d", 20+i%10) })
	took, err := f.write(ctx, watchers)
	if err != nil {
		return s, err
	}
	const target = 50 // ms
	s.lines = append(
		s.lines,
		below("from commit to delivery, p50", []float64{inMillis(percentile(took, 0.5))}, "ms", 0),
		below("from commit to delivery, p99", []float64{inMillis(percentile(took, 0.99))}, "ms", target),
		below("from commit to delivery, the slowest", []float64{inMillis(took[len(took)-1])}, "ms", 0),
	)
	if bytes, err := f.server.memory("VmHWM"); err == nil {
		s.lines = append(s.lines, below("memory at the most", []float64{float64(bytes) / (1 << 20)}, "MiB", 0))
	}
	return s, nil
}

// open opens streams, and returns when all have begun.
func (f *following) open(ctx context.Context, group *errgroup.Group, n int, query func(i int) string) {
	f.opened.Add(n)
	for i := range n {
		group.Go(func() error {
			began := sync.OnceFunc(f.opened.Done)
			defer began()
			if err := f.read(ctx, "/v1/prisoner-exchanges.sse?"+query(i), began); ctx.Err() == nil {
				return fmt.Errorf("a stream: %w", err)
			}
			return nil
		})
	}
	f.opened.Wait()
}

// read follows a stream and notes when its events come.
func (f *following) read(ctx context.Context, path string, began func()) error {
	conn, err := (&net.Dialer{Timeout: startTime}).DialContext(ctx, "tcp", f.server.address)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if _, err := conn.Write(get(f.server.address, path, "")); err != nil {
		return err
	}
	for in := bufio.NewReaderSize(conn, 4<<10); ; {
		text, err := in.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
		if status, ok := bytes.CutPrefix(text, []byte("HTTP/1.1 ")); ok && !bytes.HasPrefix(status, []byte("200")) {
			return fmt.Errorf("it is answered with %s", bytes.TrimSpace(status))
		}
		id, ok := bytes.CutPrefix(text, []byte("id: "))
		if !ok {
			continue
		}
		began()
		if number, _, changed := strings.Cut(strings.TrimSpace(string(id)), "-"); changed {
			now := time.Now()
			revision, err := strconv.ParseInt(number, 10, 64)
			if err != nil {
				return err
			}
			f.mu.Lock()
			f.came[revision] = append(f.came[revision], now)
			f.mu.Unlock()
		}
	}
}

// write records changesets, and returns in order how long each took to each of so many who are told of it.
func (f *following) write(ctx context.Context, told int) ([]time.Duration, error) {
	run := "synthetic-stream-" + strconv.FormatInt(time.Now().Unix(), 36)
	var took []time.Duration
	for i := range f.Writes {
		revision, begin, err := f.commit(ctx, fmt.Sprintf("%s-%d", run, i))
		if err != nil {
			return nil, err
		}
		for end := begin.Add(startTime); ; time.Sleep(time.Millisecond) {
			f.mu.Lock()
			came := f.came[revision]
			f.mu.Unlock()
			if len(came) == told {
				for _, at := range came {
					took = append(took, at.Sub(begin))
				}
				break
			}
			if time.Now().After(end) {
				return nil, fmt.Errorf("%d of %d are told of revision %d", len(came), told, revision)
			}
		}
	}
	slices.Sort(took)
	return took, nil
}

// commit records a changeset of a new exchange, and returns when its commit began.
func (f *following) commit(ctx context.Context, id string) (revision int64, begin time.Time, err error) {
	tx, err := f.db.Begin(ctx)
	if err != nil {
		return 0, begin, fmt.Errorf("a changeset: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	var batch pgx.Batch
	batch.Queue("insert into changesets (author, message) values ('parley-bench', 'Synthetic write') returning id").QueryRow(func(row pgx.Row) error { return row.Scan(&revision) })
	batch.Queue("insert into prisoner_exchanges (id, date, summary) values ($1, '1999-01-01', 'Synthetic exchange')", id)
	batch.Queue("insert into prisoner_exchange_transfers (prisoner_exchange, from_party, to_party, total, position) values ($1, 'RU', 'UA', 10, 1)", id)
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return 0, begin, fmt.Errorf("a changeset: %w", err)
	}
	begin = time.Now()
	return revision, begin, tx.Commit(ctx)
}
