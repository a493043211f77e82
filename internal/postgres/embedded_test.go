package postgres

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// TestMain lets the test program serve as the process that tests kill.
func TestMain(m *testing.M) {
	if dir := os.Getenv("PARLEY_TEST_WRITER"); dir != "" {
		writeForever(dir)
	}
	os.Exit(m.Run())
}

// writeForever starts a server and prints the number of each row once it is
// committed.
func writeForever(dir string) {
	fail := func(err error) {
		if err != nil {
			fmt.Println("failed:", err)
			os.Exit(1)
		}
	}
	ctx := context.Background()
	e, err := StartEmbedded(ctx, EmbeddedOptions{DataDir: dir})
	fail(err)
	conn, err := pgx.Connect(ctx, e.URL())
	fail(err)
	_, err = conn.Exec(ctx, "create table if not exists rows (n bigint primary key)")
	fail(err)
	var n int64
	fail(conn.QueryRow(ctx, "select coalesce(max(n), 0) from rows").Scan(&n))
	for {
		n++
		_, err = conn.Exec(ctx, "insert into rows values ($1)", n)
		fail(err)
		fmt.Println(n)
	}
}

// newDir returns a folder that the user postgres can reach, unlike t.TempDir.
func newDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "parley-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func options(t *testing.T, dir string) EmbeddedOptions {
	return EmbeddedOptions{DataDir: dir, Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
}

func start(t *testing.T, dir string) *Embedded {
	t.Helper()
	began := time.Now()
	e, err := StartEmbedded(t.Context(), options(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("started in %v", time.Since(began))
	t.Cleanup(func() { e.Stop() })
	return e
}

func stop(t *testing.T, e *Embedded) {
	t.Helper()
	pid := serverPid(t, e)
	if err := e.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := e.Stop(); err != nil {
		t.Fatal("the second Stop:", err)
	}
	if alive(pid) {
		t.Errorf("the server %d outlives Stop", pid)
	}
}

func serverPid(t *testing.T, e *Embedded) int {
	t.Helper()
	file, err := readPidFile(e.cluster)
	if err != nil {
		t.Fatal(err)
	}
	return file.pid
}

// query runs one statement on a connection of its own and returns its value.
func query(url, sql string) (value int64, err error) {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return 0, err
	}
	defer conn.Close(ctx)
	err = conn.QueryRow(ctx, sql).Scan(&value)
	return value, err
}

func mustQuery(t *testing.T, url, sql string, want int64) {
	t.Helper()
	if got, err := query(url, sql); err != nil || got != want {
		t.Fatalf("%s: got %d, %v; want %d", sql, got, err, want)
	}
}

// eventually waits until what happens.
func eventually(t *testing.T, what string, happens func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !happens(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it never happens that", what)
		}
	}
}

func TestStartStopRestart(t *testing.T) {
	dir := filepath.Join(newDir(t), "deep", "data, \"folder\"")
	e := start(t, dir)
	mustQuery(t, e.URL(), "with t as (select 1) select count(*) from t", 1)
	conn, err := pgx.Connect(t.Context(), e.URL())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "create table kept (n int); insert into kept values (1), (2)"); err != nil {
		t.Fatal(err)
	}
	var settings string
	if err := conn.QueryRow(t.Context(), `select concat_ws(' ', current_setting('listen_addresses'), current_setting('TimeZone'),
		current_setting('fsync'), current_setting('synchronous_commit'), current_setting('server_encoding'), current_user,
		current_setting('wal_compression') in ('lz4', 'pglz'))`).Scan(&settings); err != nil {
		t.Fatal(err)
	}
	if want := " UTC on on UTF8 parley t"; settings != want {
		t.Errorf("settings %q, want %q", settings, want)
	}
	for _, private := range []string{e.cluster, e.socketDir} {
		if info, err := os.Stat(private); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v; want mode 0700", private, info.Mode(), err)
		}
	}
	stop(t, e) // with a connection open
	e = start(t, dir)
	mustQuery(t, e.URL(), "select count(*) from kept", 2)
	stop(t, e)
	if left, _ := filepath.Glob(filepath.Join(dir, initdbPrefix+"*")); left != nil {
		t.Error("initdb left", left)
	}
}

func TestLockAndAttach(t *testing.T) {
	dir := newDir(t)
	if _, running, err := AttachEmbedded(options(t, dir)); running || err != nil {
		t.Fatalf("attached to nothing: %v, %v", running, err)
	}
	e := start(t, dir)
	_, err := StartEmbedded(t.Context(), options(t, dir))
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) || !strings.Contains(err.Error(), dir) {
		t.Fatal("the second start:", err)
	}
	url, running, err := AttachEmbedded(options(t, dir))
	if url != e.URL() || !running || err != nil {
		t.Fatalf("attach: %q, %v, %v; want %q", url, running, err, e.URL())
	}
	mustQuery(t, url, "select 1::bigint", 1)
	stop(t, e)
	if _, running, err := AttachEmbedded(options(t, dir)); running || err != nil {
		t.Fatalf("attached to a stopped server: %v, %v", running, err)
	}
}

func TestWrongMajorTouchesNothing(t *testing.T) {
	dir := newDir(t)
	cluster := filepath.Join(dir, "data")
	if err := os.Mkdir(cluster, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(cluster, "PG_VERSION"), []byte("99\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := StartEmbedded(t.Context(), options(t, dir))
	if err == nil || !strings.Contains(err.Error(), "needs PostgreSQL 99") {
		t.Fatal(err)
	}
	for folder, want := range map[string]string{dir: "data", cluster: "PG_VERSION"} {
		if entries, err := os.ReadDir(folder); err != nil || len(entries) != 1 || entries[0].Name() != want {
			t.Errorf("%s now holds %v, %v", folder, entries, err)
		}
	}
}

func TestForeignFolderIsKept(t *testing.T) {
	dir := newDir(t)
	file := filepath.Join(dir, "data", "letter")
	if err := os.Mkdir(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("dear"), 0o600); err != nil {
		t.Fatal(err)
	}
	if e, err := StartEmbedded(t.Context(), options(t, dir)); err == nil {
		e.Stop()
		t.Error("it started")
	}
	if content, err := os.ReadFile(file); err != nil || string(content) != "dear" {
		t.Errorf("the letter is %q, %v", content, err)
	}
}

func TestUnreachableFolder(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root runs PostgreSQL as somebody else")
	}
	dir := newDir(t)
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := StartEmbedded(t.Context(), options(t, filepath.Join(dir, "db")))
	if err == nil || !strings.Contains(err.Error(), "may not enter "+dir+" ") {
		t.Fatal(err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) > 0 {
		t.Error("it made", entries)
	}
}

func TestForeignPidFiles(t *testing.T) {
	dir := newDir(t)
	e := start(t, dir)
	stop(t, e)
	for _, content := range []string{
		fmt.Sprintf("%d\n%s\n1\n5432\n%s\n\n  1 1\nready   \n", os.Getpid(), e.cluster, e.socketDir),
		"", "1\n", "999999999\n",
	} {
		if err := os.WriteFile(filepath.Join(e.cluster, "postmaster.pid"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := e.account.own(filepath.Join(e.cluster, "postmaster.pid")); err != nil {
			t.Fatal(err)
		}
		lock := socketPath(e.socketDir, port) + ".lock"
		if err := os.WriteFile(lock, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		again := start(t, dir)
		mustQuery(t, again.URL(), "select 1::bigint", 1)
		stop(t, again)
	}
}

func TestCrashedServerIsRestarted(t *testing.T) {
	e := start(t, newDir(t))
	for range 3 {
		pid := serverPid(t, e)
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		eventually(t, "a query works again", func() bool {
			_, err := query(e.URL(), "select 1::bigint")
			return err == nil && serverPid(t, e) != pid
		})
	}
	stop(t, e)
}

// TestOrphanedWorker kills a server while a worker is too busy to notice.
func TestOrphanedWorker(t *testing.T) {
	e := start(t, newDir(t))
	began := time.Now()
	busy := make(chan error)
	go func() {
		conn, err := pgx.Connect(t.Context(), e.URL())
		busy <- err
		if err == nil {
			conn.Exec(t.Context(), `do $$ declare till timestamptz := clock_timestamp() + '1500ms';
				begin while clock_timestamp() < till loop end loop; end $$`)
		}
		close(busy)
	}()
	if err := <-busy; err != nil {
		t.Fatal(err)
	}
	eventually(t, "the worker is busy", func() bool {
		n, err := query(e.URL(), "select count(*) from pg_stat_activity where query like 'do $$%' and state = 'active'")
		return err == nil && n == 1
	})
	if err := syscall.Kill(serverPid(t, e), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	// Even with the pid in other hands, no second server may join the worker.
	if err := os.WriteFile(filepath.Join(e.cluster, "postmaster.pid"), fmt.Appendln(nil, os.Getpid()), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a query works again", func() bool {
		_, err := query(e.URL(), "select 1::bigint")
		return err == nil
	})
	if took := time.Since(began); took < 1500*time.Millisecond {
		t.Error("a server was started beside the worker, after", took)
	}
	<-busy
	stop(t, e)
}

func TestLongPath(t *testing.T) {
	dir := filepath.Join(newDir(t), strings.Repeat("long", 30))
	e := start(t, dir)
	if strings.HasPrefix(e.socketDir, dir) || !fits(e.socketDir) {
		t.Error("the socket is in", e.socketDir)
	}
	url, running, err := AttachEmbedded(options(t, dir))
	if url != e.URL() || !running || err != nil {
		t.Errorf("attach: %q, %v, %v; want %q", url, running, err, e.URL())
	}
	mustQuery(t, e.URL(), "select 1::bigint", 1)
	stop(t, e)
	if _, err := os.Stat(e.socketDir); err == nil {
		t.Error("the temporary socket folder outlives Stop")
	}
}

func TestCancelledStart(t *testing.T) {
	dir := newDir(t)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := StartEmbedded(ctx, options(t, dir)); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	stop(t, start(t, dir)) // and nothing is in the way
}

// TestKilledProcess kills a process that writes, with and without its server,
// and looks for every row that it said is committed.
func TestKilledProcess(t *testing.T) {
	for _, test := range []struct {
		name       string
		killServer bool
	}{{"alone", false}, {"with its server", true}} {
		t.Run(test.name, func(t *testing.T) {
			dir := newDir(t)
			var last int64
			for range 3 {
				pid, acknowledged := killWriter(t, dir, last+50, test.killServer)
				last = acknowledged
				began := time.Now()
				e := start(t, dir)
				t.Logf("%d rows; back after %v; the old server was %d", last, time.Since(began), pid)
				mustQuery(t, e.URL(), fmt.Sprintf("select count(*) from rows where n <= %d", last), last)
				stop(t, e)
			}
		})
	}
}

// killWriter runs a writer until it has acknowledged enough rows, kills it and
// returns its server and the last row acknowledged.
func killWriter(t *testing.T, dir string, enough int64, killServer bool) (pid int, last int64) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "PARLEY_TEST_WRITER="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	killed := false
	for lines := bufio.NewScanner(out); lines.Scan(); {
		n, err := strconv.ParseInt(lines.Text(), 10, 64)
		if err != nil && !killed {
			t.Fatal(lines.Text())
		} else if err == nil {
			last = n
		}
		if last < enough || killed {
			continue
		}
		file, err := readPidFile(filepath.Join(dir, "data"))
		if err != nil {
			t.Fatal(err)
		}
		if pid = file.pid; killServer {
			syscall.Kill(pid, syscall.SIGKILL)
		}
		cmd.Process.Kill()
		killed = true // but what it still had said counts
	}
	if !killed {
		t.Fatal("the writer ended after row", last)
	}
	return pid, last
}

// TestServerEndsWithItsProcess needs no next start to end the server.
func TestServerEndsWithItsProcess(t *testing.T) {
	if len(platformFlags) == 0 {
		t.Skip("this system sends no signal at the death of a parent")
	}
	dir := newDir(t)
	pid, _ := killWriter(t, dir, 1, false)
	eventually(t, "the server ends", func() bool { return !isPostmaster(pid, filepath.Join(dir, "data")) })
}
