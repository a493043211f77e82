package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// initdbPrefix begins the name of a cluster in the making.
	initdbPrefix = ".parley-initdb-"
	// socketDirPrefix begins the name of a stand-in for a socket folder whose
	// path is too long.
	socketDirPrefix = "parley-socket-"
)

// clusterMajor returns the major version of the cluster in a folder, 0 when
// there is none yet.
func clusterMajor(cluster string) (int, error) {
	content, err := os.ReadFile(filepath.Join(cluster, "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	} else if err != nil {
		return 0, fmt.Errorf("cannot read the database folder; run Parley as the user it belongs to: %w", err)
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil || major <= 0 {
		return 0, fmt.Errorf("the database folder %s is damaged: its PG_VERSION says %q; restore it from a backup, or choose another folder", cluster, content)
	}
	return major, nil
}

// lockFolder takes the lock that makes us the one Parley on a data folder. The
// kernel drops it when we die, however that happens.
func lockFolder(dir string, owner account) (*os.File, error) {
	path := filepath.Join(dir, "parley.lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o644)
	if err != nil {
		return nil, fmt.Errorf("cannot lock the data folder; run Parley as the user it belongs to: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("cannot lock %s (is it on a network file system? choose a local data folder): %w", path, err)
		}
		holder := "another process"
		if content, _ := os.ReadFile(path); len(content) > 0 {
			holder = "process " + strings.TrimSpace(string(content))
		}
		return nil, fmt.Errorf("%w: %s serves %s; stop it first, or choose another data folder", ErrLocked, holder, dir)
	}
	err = errors.Join(f.Truncate(0), owner.own(path))
	if _, writeErr := fmt.Fprintln(f, os.Getpid()); err != nil || writeErr != nil {
		f.Close()
		return nil, fmt.Errorf("cannot lock the data folder: %w", errors.Join(err, writeErr))
	}
	return f, nil
}

// unlockFolder lets go of the folder. The file stays: were it removed, one
// process could lock the old file and another a new one of the same name.
func unlockFolder(f *os.File) {
	_ = f.Truncate(0)
	_ = f.Close()
}

// initCluster makes a new cluster beside its place and moves it there when it
// is complete and durable, so that a kill or a power cut leaves all or nothing.
func (e *Embedded) initCluster(ctx context.Context) error {
	leftovers, _ := filepath.Glob(filepath.Join(e.dir, initdbPrefix+"*"))
	for _, dir := range leftovers {
		_ = os.RemoveAll(dir)
	}
	temp, err := os.MkdirTemp(e.dir, initdbPrefix)
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp) // after the rename there is nothing to remove
	if err := e.account.makePrivate(temp); err != nil {
		return err
	}
	if err := e.runInitdb(ctx, temp); err != nil {
		return err
	}
	if err := e.settings(ctx, temp); err != nil {
		return err
	}
	// The bare system call replaces an empty folder, and nothing else.
	if err := syscall.Rename(temp, e.cluster); err != nil {
		return fmt.Errorf("cannot move the new database to %s (anything there must be moved away first): %w", e.cluster, err)
	}
	return syncFolder(e.dir)
}

// settings writes what suits a database of records with their history better than what initdb writes: more memory for what
// is read often, large changesets that are not held up by checkpoints, and a log in which the pages that a record touches in
// its many indexes are compressed. From then on it is the user's to edit.
func (e *Embedded) settings(ctx context.Context, cluster string) error {
	const least, most = 128 << 20, 512 << 20 // bytes
	compression := "on"                      // PostgreSQL's own, which every server has; it takes longer
	if e.takes(ctx, cluster, "wal_compression=lz4") {
		compression = "lz4"
	}
	f, err := os.OpenFile(filepath.Join(cluster, "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, `
# Set by Parley when it made this database; change them as you like.
shared_buffers = %dMB
max_wal_size = 4GB
checkpoint_timeout = 15min
wal_compression = %s
`, min(max(memory()/16, least), most)>>20, compression)
	return errors.Join(err, f.Sync(), f.Close())
}

// takes reports whether the server understands a setting: what it was built with decides about some.
func (e *Embedded) takes(ctx context.Context, cluster, setting string) bool {
	name, _, _ := strings.Cut(setting, "=")
	_, err := e.run(exec.CommandContext(ctx, e.binaries.program("postgres"), "-D", cluster, "-c", setting, "-C", name))
	return err == nil
}

// runInitdb fills an empty folder with a cluster. Sorting by code point makes
// indexes independent of the system's locale data; not every system knows
// C.UTF-8, and plain C sorts the same.
func (e *Embedded) runInitdb(ctx context.Context, folder string) error {
	locales := []string{"C.UTF-8", "C"}
	if runtime.GOOS == "darwin" {
		locales = locales[1:]
	}
	for {
		output, err := e.tryInitdb(ctx, folder, locales[0])
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err() // which killed it
		}
		locales = locales[1:]
		if len(locales) == 0 || !strings.Contains(output, "invalid locale") {
			return fmt.Errorf("initdb could not make a database in %s: %w: %s", e.dir, err, output)
		}
	}
}

// tryInitdb runs initdb and returns the end of its output as one line. Initdb
// syncs what it wrote: of the ways to do that it is the one that reports
// errors on every system, and it costs a sixth of its time at most.
func (e *Embedded) tryInitdb(ctx context.Context, folder, locale string) (string, error) {
	cmd := exec.CommandContext(ctx, e.binaries.program("initdb"), "--pgdata="+folder, "--username="+superuser,
		"--encoding=UTF8", "--locale="+locale, "--auth=trust", "--no-instructions")
	return e.run(cmd)
}

// run runs a program of PostgreSQL and returns the end of its output as one line.
func (e *Embedded) run(cmd *exec.Cmd) (string, error) {
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	// It may have children of its own, which hold the output open.
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	child, err := e.spawn(cmd, syscall.SIGKILL)
	if err == nil {
		<-child.done
		err = child.err
	}
	lines := strings.Split(strings.TrimSpace(output.String()), "\n")
	return strings.Join(lines[max(0, len(lines)-3):], " | "), err
}

func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// chooseSocketDir returns the folder for the socket: "run" in the data folder,
// or a new temporary one where that path will not do for a socket.
func (e *Embedded) chooseSocketDir() (string, error) {
	if dir := filepath.Join(e.dir, "run"); fits(dir) {
		return dir, nil
	}
	for _, parent := range []string{os.TempDir(), "/tmp"} {
		if !fits(filepath.Join(parent, socketDirPrefix+"0123456789")) || e.account.blockedBy(parent) != "" {
			continue
		}
		return os.MkdirTemp(parent, socketDirPrefix)
	}
	return "", fmt.Errorf("the data folder %s has too long a path for a unix socket (or a comma in it), and so has the temporary folder; choose a shorter path", e.dir)
}

// fits reports whether a socket in dir has an address that the system can
// hold, with the zero byte that ends it, and that settings and URLs can: a
// comma there parts one folder from the next.
func fits(dir string) bool {
	return !strings.Contains(dir, ",") && len(socketPath(dir, port)) < len(syscall.RawSockaddrUnix{}.Path)
}
