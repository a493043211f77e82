package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// logLimit is the size from which a start sets the old log aside.
const logLimit = 10 << 20

// errOrphans is the error of a start while workers of a killed server live.
var errOrphans = errors.New("workers of the server before still run")

// child is a program that we started.
type child struct {
	process *os.Process
	done    chan struct{} // closed when it has ended
	err     error         // how; valid then
	tail    func() string // the end of what it logged
}

// spawn starts a program as the account, with the least of environments:
// variables such as PGPORT would change what it does, and our secrets are none
// of its business. On our death the program gets the signal onDeath. Linux
// sends it when the *thread* that started the program ends, and Go ends
// threads as it sees fit; so a goroutine keeps that thread until then.
func (e *Embedded) spawn(cmd *exec.Cmd, onDeath syscall.Signal) (*child, error) {
	cmd.Dir = e.dir // the account may be barred from where we are
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
	cmd.SysProcAttr = childAttr(e.account.credential, onDeath)
	c := &child{done: make(chan struct{}), tail: func() string { return "" }}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			c.err = cmd.Wait()
			close(c.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	c.process = cmd.Process
	return c, nil
}

// reason says why an ended child ended.
func (c *child) reason() string {
	how := "it exited without an error"
	if c.err != nil {
		how = c.err.Error()
	}
	if tail := c.tail(); tail != "" {
		how += ": " + tail
	}
	return how
}

func (c *child) stop() error {
	return shutdown(context.Background(), c.process, func(within time.Duration) bool {
		select {
		case <-c.done:
			return true
		case <-time.After(within):
			return false
		}
	})
}

// launch starts a server and returns when it answers.
func (e *Embedded) launch(ctx context.Context) (*child, error) {
	if err := e.settle(ctx); err != nil {
		return nil, err
	}
	if err := e.account.makePrivate(e.socketDir); err != nil {
		return nil, err
	}
	log, err := e.openLog()
	if err != nil {
		return nil, err
	}
	defer log.Close()
	info, err := log.Stat()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(e.binaries.program("postgres"), e.arguments()...)
	cmd.Stdout, cmd.Stderr = log, log
	server, err := e.spawn(cmd, syscall.SIGINT)
	if err != nil {
		return nil, err
	}
	server.tail = func() string { return lastLines(e.logPath, info.Size()) }
	if err := e.awaitReady(ctx, server); err != nil {
		if stopErr := server.stop(); stopErr != nil {
			err = fmt.Errorf("%w; %w", err, stopErr)
		}
		return nil, err
	}
	return server, nil
}

// arguments are the settings that must hold, whatever the user has written in
// postgresql.conf. All others, such as memory, are the user's to edit there.
func (e *Embedded) arguments() []string {
	args := []string{"-D", e.cluster}
	for _, setting := range append([]string{
		"listen_addresses=",
		"unix_socket_directories=" + e.socketDir,
		"port=" + port,
		"cluster_name=parley",
		"log_destination=stderr", // ours to read when it fails to start
		"logging_collector=off",
		"lc_messages=C", // errOrphans is told by its words
		"timezone=UTC",
	}, platformFlags...) {
		args = append(args, "-c", setting)
	}
	return args
}

func (e *Embedded) openLog() (*os.File, error) {
	if info, err := os.Lstat(e.logPath); err == nil && info.Size() > logLimit {
		_ = os.Rename(e.logPath, e.logPath+".1") // failing, it just grows on
	}
	f, err := os.OpenFile(e.logPath, os.O_WRONLY|os.O_APPEND|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err := e.account.own(e.logPath); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// awaitReady waits until a server answers. Recovery after a crash may take
// long, so the clock runs only while the server does not say that it is
// starting; ctx bounds the whole.
func (e *Embedded) awaitReady(ctx context.Context, server *child) error {
	failure := errors.New("it does not say that it is starting")
	for deadline := time.Now().Add(startTime); time.Now().Before(deadline); {
		file, err := readPidFile(e.cluster)
		switch {
		case err != nil || file.pid != server.process.Pid: // not its file yet
		case file.status == statusStarting:
			deadline = time.Now().Add(startTime)
		case file.status == statusReady:
			if failure = e.ensureDatabase(ctx); failure == nil {
				return nil
			}
			// Anything else that the server itself answers will not change.
			if code := sqlState(failure); code != "" && code != "57P03" {
				return fmt.Errorf("the server refuses us; see its settings in %s: %s", e.cluster, oneLine(failure))
			}
		}
		select {
		case <-server.done:
			if strings.Contains(server.tail(), "is still in use") {
				return fmt.Errorf("%w: %s", errOrphans, server.reason())
			}
			return fmt.Errorf("the server gave up: %s (more in %s)", server.reason(), e.logPath)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pollInterval):
		}
	}
	return fmt.Errorf("the server did not answer in %v; see %s: %s", startTime, e.logPath, oneLine(failure))
}

// ensureDatabase connects to the database, and makes it if there is none.
func (e *Embedded) ensureDatabase(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, e.URL())
	if err == nil {
		return conn.Close(ctx)
	}
	if sqlState(err) != "3D000" { // there is no such database
		return err
	}
	if conn, err = pgx.Connect(ctx, connectionURL(e.socketDir, port, "postgres")); err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "CREATE DATABASE "+database)
	return err
}

// oneLine returns the words of an error that may span lines, as pgx's do.
func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

// sqlState returns the code of an error that the server reported, "" for
// another.
func sqlState(err error) string {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		return pgErr.Code
	}
	return ""
}
