// Package conns bounds what the connections of a server take together: how many there are, and how long a client that does not
// read may hold one. It costs a request a few atomic operations; deadlines of each write would cost it a share of its time.
package conns

import (
	"cmp"
	"context"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Listener accepts connections and keeps an eye on them. When there are as many as may be, it closes those that have waited
// longest for their client to ask for something, so that new clients find a place whatever slow ones hold. While all are at
// work, a few more find a place to be turned away with an answer: see [Surplus].
type Listener struct {
	net.Listener
	most  int
	stall int64 // ticks
	ticks atomic.Int64
	stop  chan struct{}
	once  sync.Once

	mu      sync.Mutex
	all     map[*conn]struct{}
	surplus int          // of all
	shut    atomic.Int64 // connections that were closed to make room
	cut     atomic.Int64 // that were closed because their client did not read
}

// tick is how exact times are.
const tick = time.Second

// together is how many connections give way at once, and no more than a sixteenth of all: to look for them takes time. As
// many are in surplus at the most.
const together = 64

func (l *Listener) few() int { return max(1, min(together, l.most/16)) }

// Listen bounds the connections of a listener: so many in all (0: any number), each of which may take so long for one write.
func Listen(l net.Listener, most int, stall time.Duration) *Listener {
	b := &Listener{Listener: l, most: most, stall: int64((stall + tick - 1) / tick), stop: make(chan struct{}), all: map[*conn]struct{}{}}
	go b.watch()
	return b
}

// conn is a connection. Times are in ticks, and 0 is none.
type conn struct {
	net.Conn
	of      *Listener
	surplus bool
	active  atomic.Bool  // a request is being answered
	since   atomic.Int64 // active or not
	writing atomic.Int64
	closed  atomic.Bool
}

// Accept returns the next connection.
func (l *Listener) Accept() (net.Conn, error) {
	accepted, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: accepted, of: l}
	c.since.Store(l.ticks.Load())
	l.add(c)
	return c, nil
}

// add keeps an eye on a connection, and makes room for it.
func (l *Listener) add(c *conn) {
	l.mu.Lock()
	var shut []*conn
	if l.most > 0 && len(l.all)-l.surplus >= l.most {
		shut = l.longestIdle(l.few())
		switch {
		case shut != nil:
		case l.surplus < l.few(): // all others are at work
			c.surplus = true
			l.surplus++
		default:
			shut = []*conn{c}
		}
	}
	l.all[c] = struct{}{}
	l.mu.Unlock()
	for _, c := range shut {
		l.shut.Add(1)
		_ = c.Close()
	}
}

// longestIdle are at the most so many connections on which nothing is asked, those that have waited longest.
func (l *Listener) longestIdle(most int) []*conn {
	var idle []*conn
	for c := range l.all {
		if !c.active.Load() && !c.surplus {
			idle = append(idle, c)
		}
	}
	slices.SortFunc(idle, func(a, b *conn) int { return cmp.Compare(a.since.Load(), b.since.Load()) })
	return idle[:min(most, len(idle))]
}

// ConnState is to be that of the [http.Server]: it tells which connections are at work.
func (l *Listener) ConnState(accepted net.Conn, state http.ConnState) {
	if c := own(accepted); c != nil && (state == http.StateActive || state == http.StateIdle) {
		c.active.Store(state == http.StateActive)
		c.since.Store(l.ticks.Load())
		if state == http.StateIdle && c.surplus {
			_ = c.Close()
		}
	}
}

// ConnContext is to be that of the [http.Server]: it lets [Surplus] tell.
func (l *Listener) ConnContext(ctx context.Context, accepted net.Conn) context.Context {
	if c := own(accepted); c != nil && c.surplus {
		return context.WithValue(ctx, surplus{}, true)
	}
	return ctx
}

type surplus struct{}

// Surplus reports, by the context of a request, whether there is no room for its connection. It is closed after the answer.
func Surplus(ctx context.Context) bool { return ctx.Value(surplus{}) != nil }

// own is our connection within one that the server tells of; nil if there is none.
func own(accepted net.Conn) *conn {
	for {
		switch c := accepted.(type) {
		case *conn:
			return c
		case interface{ NetConn() net.Conn }: // TLS around it
			accepted = c.NetConn()
		default:
			return nil
		}
	}
}

// Counts is how connections stand.
type Counts struct{ Active, Idle, Shut, Cut int64 }

// Counts counts them.
func (l *Listener) Counts() Counts {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := Counts{Shut: l.shut.Load(), Cut: l.cut.Load()}
	for c := range l.all {
		if c.active.Load() {
			n.Active++
		} else {
			n.Idle++
		}
	}
	return n
}

// watch closes connections whose client does not read.
func (l *Listener) watch() {
	clock := time.NewTicker(tick)
	defer clock.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-clock.C:
			l.look(l.ticks.Add(1))
		}
	}
}

func (l *Listener) look(now int64) {
	l.mu.Lock()
	var stalled []*conn
	for c := range l.all {
		if begin := c.writing.Load(); begin != 0 && now+1-begin > l.stall {
			stalled = append(stalled, c)
		}
	}
	l.mu.Unlock()
	for _, c := range stalled {
		l.cut.Add(1)
		_ = c.Close()
	}
}

// Close ends listening. Connections that there are live on.
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.stop) })
	return l.Listener.Close()
}

// Write notes for how long it takes.
func (c *conn) Write(b []byte) (int, error) {
	c.writing.Store(c.of.ticks.Load() + 1)
	n, err := c.Conn.Write(b)
	c.writing.Store(0)
	return n, err
}

// CloseWrite ends what is sent, so that the last answer arrives before the end.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// Close ends the connection.
func (c *conn) Close() error {
	if c.closed.CompareAndSwap(false, true) {
		c.of.mu.Lock()
		delete(c.of.all, c)
		if c.surplus {
			c.of.surplus--
		}
		c.of.mu.Unlock()
	}
	return c.Conn.Close()
}
