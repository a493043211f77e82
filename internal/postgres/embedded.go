package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"
)

const (
	superuser = "parley" // the role that owns everything
	database  = "parley"
	port      = "5432" // no port is opened; it only names the socket

	pollInterval          = 5 * time.Millisecond
	startTime             = 60 * time.Second // for a server that shows no progress
	fastShutdownTime      = 30 * time.Second
	immediateShutdownTime = 10 * time.Second
	firstBackoff          = 100 * time.Millisecond
	lastBackoff           = 5 * time.Second
	steadyTime            = 10 * time.Second // what a server must live for its next crash to count as a first
)

// ErrLocked is the error of a start on a data folder that another process
// serves.
var ErrLocked = errors.New("the data folder is in use")

// EmbeddedOptions says where a private server keeps its data and whose
// binaries it runs. The zero value works.
type EmbeddedOptions struct {
	DataDir string       // holds all that the server keeps; "" is DefaultDataDir
	BinDir  string       // holds initdb and postgres; "" searches the machine
	Log     *slog.Logger // nil is slog.Default
}

// Embedded is a private PostgreSQL server, from StartEmbedded to Stop. It belongs
// to one Parley process: it listens on a unix socket that only its user can
// reach, is restarted when it crashes, and ends when the process ends, even if
// that is killed.
type Embedded struct {
	log      *slog.Logger
	dir      string // the data folder; in it lie:
	cluster  string // data, the database itself, and
	logPath  string // postgres.log, what the server reports
	account  account
	binaries binaries

	lock      *os.File
	socketDir string

	cancel  context.CancelFunc // asks the supervisor to stop
	stopped chan struct{}      // closed when it has
	stopErr error              // valid then
}

// DefaultDataDir returns the data folder of this user: /var/lib/parley for
// root, otherwise parley in $XDG_DATA_HOME or ~/.local/share.
func DefaultDataDir() (string, error) {
	if os.Geteuid() == 0 {
		return "/var/lib/parley", nil
	}
	// The XDG specification has relative paths ignored.
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "parley"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("no place for the data folder; name one, or set HOME: %w", err)
	}
	return filepath.Join(home, ".local", "share", "parley"), nil
}

func (o EmbeddedOptions) dataDir() (string, error) {
	if o.DataDir == "" {
		return DefaultDataDir()
	}
	return filepath.Abs(o.DataDir)
}

// StartEmbedded starts the server of a data folder and returns when it answers.
// It makes the folder, the cluster and the database parley if they are
// missing. A crashed server is restarted, on the same URL, until Stop; ctx
// bounds only the start. While another process serves the folder the error
// wraps ErrLocked.
func StartEmbedded(ctx context.Context, o EmbeddedOptions) (*Embedded, error) {
	e, isNew, err := prepare(o)
	if err != nil {
		return nil, err
	}
	server, err := e.start(ctx, isNew)
	if err != nil {
		e.release()
		return nil, fmt.Errorf("cannot start PostgreSQL on %s: %w", e.dir, err)
	}
	ctx, e.cancel = context.WithCancel(context.WithoutCancel(ctx))
	go e.supervise(ctx, server)
	return e, nil
}

// prepare decides what to run, as whom and where, and takes the lock. Until
// all is known to fit it changes nothing.
func prepare(o EmbeddedOptions) (e *Embedded, isNew bool, err error) {
	dir, err := o.dataDir()
	if err != nil {
		return nil, false, err
	}
	cluster := filepath.Join(dir, "data")
	major, err := clusterMajor(cluster)
	if err != nil {
		return nil, false, err
	}
	e = &Embedded{log: o.Log, stopped: make(chan struct{})}
	if e.log == nil {
		e.log = slog.Default()
	}
	if e.binaries, err = machineSearch(o.BinDir).pick(major, cluster); err != nil {
		return nil, false, err
	}
	if e.account, err = chooseAccount(cluster); err != nil {
		return nil, false, err
	}
	for _, needed := range []string{dir, e.binaries.dir} {
		if err := e.account.checkReach(needed); err != nil {
			return nil, false, err
		}
	}
	if e.dir, err = makeParents(dir); err != nil {
		return nil, false, fmt.Errorf("cannot make the data folder: %w", err)
	}
	if err := e.account.checkReach(e.dir); err != nil { // now without links
		return nil, false, err
	}
	e.cluster = filepath.Join(e.dir, "data")
	e.logPath = filepath.Join(e.dir, "postgres.log")
	e.lock, err = lockFolder(e.dir, e.account)
	return e, major == 0, err
}

// start brings up the first server. After a crash of everything, workers of
// the server before may still be on their way out: it waits for them.
func (e *Embedded) start(ctx context.Context, isNew bool) (*child, error) {
	if isNew {
		if err := e.initCluster(ctx); err != nil {
			return nil, err
		}
	}
	var err error
	if e.socketDir, err = e.chooseSocketDir(); err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(startTime); ; {
		server, err := e.launch(ctx)
		if !errors.Is(err, errOrphans) || time.Now().After(deadline) || !sleep(ctx, firstBackoff) {
			return server, err
		}
	}
}

// supervise keeps a server running until ctx ends.
func (e *Embedded) supervise(ctx context.Context, server *child) {
	defer close(e.stopped)
	defer e.release()
	backoff := firstBackoff
	for born := time.Now(); ; born = time.Now() {
		select {
		case <-ctx.Done():
			e.stopErr = server.stop()
			return
		case <-server.done:
		}
		if time.Since(born) > steadyTime {
			backoff = firstBackoff
		}
		e.log.Error("the PostgreSQL server ended unasked; restarting it", "reason", server.reason(), "log", e.logPath)
		for server = nil; server == nil; backoff = min(2*backoff, lastBackoff) {
			if !sleep(ctx, backoff) {
				return
			}
			var err error
			if server, err = e.launch(ctx); err != nil && ctx.Err() == nil {
				e.log.Error("cannot restart the PostgreSQL server; trying again", "reason", err)
			}
		}
		e.log.Info("the PostgreSQL server is back")
	}
}

// release gives up the data folder.
func (e *Embedded) release() {
	if e.socketDir != "" {
		removeSocket(e.socketDir)
	}
	unlockFolder(e.lock)
}

// URL returns the connection string of the database parley. It stays the same
// when the server is restarted.
func (e *Embedded) URL() string { return connectionURL(e.socketDir, port, database) }

// Stop ends the server, rolling back what is not committed, and gives up the
// data folder. It returns when that is done, and may be called again.
func (e *Embedded) Stop() error {
	e.cancel()
	<-e.stopped
	return e.stopErr
}

// AttachEmbedded returns the URL of the server that another process runs on
// the data folder, and whether there is one that answers.
func AttachEmbedded(o EmbeddedOptions) (url string, running bool, err error) {
	dir, err := o.dataDir()
	if err != nil {
		return "", false, err
	}
	server, err := readPidFile(filepath.Join(dir, "data"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	} else if err != nil {
		return "", false, fmt.Errorf("cannot look for a running server; run this as the user that runs it: %w", err)
	}
	if server.socketDir == "" {
		return "", false, nil // it has just begun to start
	}
	conn, err := net.DialTimeout("unix", socketPath(server.socketDir, server.port), time.Second)
	if errors.Is(err, fs.ErrPermission) {
		return "", false, fmt.Errorf("cannot reach the running server; run this as the user that runs it: %w", err)
	} else if err != nil {
		return "", false, nil // a crash left the file behind
	}
	conn.Close()
	return connectionURL(server.socketDir, server.port, database), true, nil
}
