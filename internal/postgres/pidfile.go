package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// What a server writes in the last line of its pid file.
const (
	statusStarting = "starting"
	statusReady    = "ready"
)

// pidFile is what a running server tells about itself in postmaster.pid. While
// it starts, the later fields are empty.
type pidFile struct {
	pid       int // negative: a single-user postgres; 0: unreadable
	port      string
	socketDir string
	status    string
}

func readPidFile(cluster string) (pidFile, error) {
	content, err := os.ReadFile(filepath.Join(cluster, "postmaster.pid"))
	if err != nil {
		return pidFile{}, err
	}
	lines := make([]string, 8) // 2: folder, 3: start time, 6: address, 7: shared memory
	copy(lines, strings.Split(string(content), "\n"))
	pid, _ := strconv.Atoi(strings.TrimSpace(lines[0]))
	return pidFile{pid, lines[3], lines[4], strings.TrimSpace(lines[7])}, nil
}

func socketPath(dir, port string) string {
	return filepath.Join(dir, ".s.PGSQL."+port)
}

func connectionURL(dir, port, database string) string {
	query := url.Values{"host": {dir}, "port": {port}}
	return (&url.URL{Scheme: "postgres", User: url.User(superuser), Path: "/" + database, RawQuery: query.Encode()}).String()
}

// settle leaves the cluster without a server and without a pid file that would
// keep a new one from starting. We hold the lock of the data folder, so a
// server that is still there was left behind by a Parley that was killed.
func (e *Embedded) settle(ctx context.Context) error {
	left, err := readPidFile(e.cluster)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case left.pid > 0 && isPostmaster(left.pid, e.cluster):
		e.log.Warn("stopping a PostgreSQL server that a killed Parley left behind", "pid", left.pid)
		if err := e.stopLeftover(ctx, left.pid); err != nil {
			return err
		}
	case left.pid == 0 || left.pid > 0 && alive(left.pid):
		// PostgreSQL would take the other process for its server. A dead pid it
		// sees through itself, and then also checks that no orphaned worker still
		// uses the shared memory that the file names; so that one stays.
		e.log.Info("removing a stale postmaster.pid", "pid", left.pid)
		if err := os.Remove(filepath.Join(e.cluster, "postmaster.pid")); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if strings.HasPrefix(filepath.Base(left.socketDir), socketDirPrefix) && left.socketDir != e.socketDir {
		removeSocket(left.socketDir) // its maker was killed before it could
	}
	removeSocketFiles(e.socketDir)
	return nil
}

func (e *Embedded) stopLeftover(ctx context.Context, pid int) error {
	process, err := os.FindProcess(pid)
	if err != nil {
		return nil // gone meanwhile
	}
	defer process.Release()
	return shutdown(ctx, process, func(within time.Duration) bool {
		for end := time.Now().Add(within); isPostmaster(pid, e.cluster); {
			if time.Now().After(end) || !sleep(ctx, pollInterval) {
				return false
			}
		}
		return true
	})
}

// shutdown asks a server for a fast shutdown, and if that takes too long for
// an immediate one. It never kills: what SIGKILL leaves behind (orphaned
// workers, shared memory) is worse than a server that has not ended.
func shutdown(ctx context.Context, server *os.Process, gone func(within time.Duration) bool) error {
	_ = server.Signal(syscall.SIGINT) // fails only when it is gone
	if gone(fastShutdownTime) {
		return nil
	} else if ctx.Err() != nil {
		return ctx.Err()
	}
	_ = server.Signal(syscall.SIGQUIT)
	if gone(immediateShutdownTime) {
		return nil
	}
	return fmt.Errorf("the PostgreSQL server (process %d) does not end; see what holds it up with: ps -fp %d", server.Pid, server.Pid)
}

func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}

// removeSocket removes a socket, and its folder too if that is a stand-in that
// we made. Failing is harmless: the next server says so if it matters.
func removeSocket(dir string) {
	removeSocketFiles(dir)
	if strings.HasPrefix(filepath.Base(dir), socketDirPrefix) {
		_ = os.Remove(dir) // only an empty folder goes
	}
}

func removeSocketFiles(dir string) {
	_ = os.Remove(socketPath(dir, port))
	_ = os.Remove(socketPath(dir, port) + ".lock")
}

// sleep waits, and reports false when ctx ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// lastLines returns the end of what was written to a log after offset, as one
// line.
func lastLines(path string, offset int64) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil || size <= offset {
		return ""
	}
	content := make([]byte, min(size-offset, 4096))
	n, _ := f.ReadAt(content, size-int64(len(content)))
	lines := strings.Split(strings.TrimSpace(string(content[:n])), "\n")
	return strings.Join(lines[max(0, len(lines)-10):], " | ")
}
