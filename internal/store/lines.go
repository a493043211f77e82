package store

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Lines are all connections of some pools to the same database, beside those of a [Watch], by which the watch ends what waits for a
// database that does not answer: see [Watch.Lines].
type Lines struct {
	lines
	answers atomic.Pointer[answering]
	dial    pgconn.DialFunc // makes a connection that is none of them
}

// answering is a time in which the database answers; done when it no longer does.
type answering struct {
	ctx context.Context
	end context.CancelCauseFunc
}

// Attend has all connections that a pool of this configuration makes be among the lines.
func (l *Lines) Attend(config *pgxpool.Config) {
	if l.dial == nil {
		l.dial = config.ConnConfig.DialFunc
		l.found()
	}
	config.ConnConfig.DialFunc = l.connect
	l.attend(config.ConnConfig, func() {})
}

// connect makes a connection, as long as the database answers. That goes also for those by which statements are cancelled: as long as
// they are tried, their pool has no room for others.
func (l *Lines) connect(ctx context.Context, network, addr string) (net.Conn, error) {
	now := l.answers.Load().ctx
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(now, func() { cancel(context.Cause(now)) })()
	if now.Err() != nil {
		return nil, context.Cause(now)
	}
	conn, err := l.dial(ctx, network, addr)
	if err != nil && now.Err() != nil {
		err = context.Cause(now)
	}
	return conn, err
}

// found says that the database answers.
func (l *Lines) found() {
	if now := l.answers.Load(); now != nil && now.ctx.Err() == nil {
		return
	}
	var now answering
	now.ctx, now.end = context.WithCancelCause(context.Background())
	l.answers.Store(&now)
}

// errSilent is the error of a database that does not answer, as if each had waited by itself.
var errSilent = fmt.Errorf("the database does not answer: %w", context.DeadlineExceeded)

// silence says that the database does not answer: who waits for it learns that now, and who asks from now on at once.
func (l *Lines) silence() {
	l.answers.Load().end(errSilent)
	l.cut()
}

// lines are the connections to a server, as the network has them. They tell when the server fails, and are cut when it does not
// answer: who waits for it then learns that, and need not wait until time is up.
type lines struct {
	mu   sync.Mutex
	open map[*line]struct{}
}

// line is a connection to a server.
type line struct {
	net.Conn

	of     *lines
	failed func()
	heard  bool // something has come
}

// attend has all connections that are made by a configuration be lines. failed is called when one of them fails.
func (l *lines) attend(config *pgx.ConnConfig, failed func()) {
	if l.open == nil {
		l.open = map[*line]struct{}{}
	}
	dial, onError := config.DialFunc, config.OnPgError
	config.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			if ctx.Err() == nil {
				failed()
			}
			return nil, err
		}
		one := &line{Conn: conn, of: l, failed: failed}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.open[one] = struct{}{}
		return one, nil
	}
	config.OnPgError = func(conn *pgconn.PgConn, err *pgconn.PgError) bool {
		if ofServer(err) {
			failed()
		}
		return onError(conn, err)
	}
}

// ofServer reports whether an error is none of the statement's: the server stops, is short of something, or cannot keep what
// the statement reads because it has to go on with what the primary sends.
func ofServer(err *pgconn.PgError) bool {
	switch err.Code[:2] {
	case "08", "53", "58", "XX":
		return true
	case "57":
		return err.Code != "57014" // it took too long, or nobody wanted it any more
	}
	return err.Code == "40001" || err.Code == "40P01"
}

// cut ends all connections.
func (l *lines) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for one := range l.open {
		_ = one.Conn.Close()
	}
	clear(l.open)
}

// Read reads what has come.
func (one *line) Read(b []byte) (int, error) {
	n, err := one.Conn.Read(b)
	if err == nil {
		one.heard = true
	} else if one.heard { // a connection to cancel a statement ends without a word
		one.tell(err)
	}
	return n, err
}

// Write sends.
func (one *line) Write(b []byte) (int, error) {
	n, err := one.Conn.Write(b)
	if err != nil {
		one.tell(err)
	}
	return n, err
}

// tell tells of an error that is the server's.
func (one *line) tell(err error) {
	if !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, net.ErrClosed) {
		one.failed()
	}
}

// Close ends the connection.
func (one *line) Close() error {
	one.of.mu.Lock()
	delete(one.of.open, one)
	one.of.mu.Unlock()
	return one.Conn.Close()
}
