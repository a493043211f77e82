//go:build rollout && linux

package main_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/parley-api/parley/internal/postgres"
)

// recovery is how soon after the end of a fault reads and writes must be answered again.
const recovery = 2 * time.Second

// exportsAtOnce is more than the load has under way, all of which comes from one address.
const exportsAtOnce = 32

// scene is the program, its PostgreSQL, the network between them, and a load.
type scene struct {
	t        *testing.T
	folder   string
	options  postgres.EmbeddedOptions
	database *postgres.Embedded
	network  *network
	program  *exec.Cmd
	log      string
	tmp      string // where its temporary files are
	base     string
	admin    string
	key      string
	setting  []string
	load     *steady

	goroutines int
	hold       time.Duration // of the fault
}

// setScene starts everything. The folder is that of the database; "" for one of its own.
func setScene(t *testing.T, options postgres.EmbeddedOptions, setting ...string) *scene {
	t.Helper()
	if options.DataDir == "" {
		options.DataDir = dataDir(t)
	}
	options.Log = slog.New(slog.DiscardHandler)
	database, err := postgres.StartEmbedded(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	s := &scene{t: t, folder: options.DataDir, options: options, database: database, hold: 5 * time.Second}
	t.Cleanup(func() { _ = s.database.Stop() })
	s.network = newNetwork(t, filepath.Join(options.DataDir, "run", ".s.PGSQL.5432"))
	address, admin := freeAddress(t), freeAddress(t)
	s.base, s.admin, s.log = "http://"+address, "http://"+admin, filepath.Join(t.TempDir(), "parley.log")
	s.tmp = t.TempDir()
	s.setting = append([]string{"DATABASE_URL=postgres://parley@" + s.network.address + "/parley?sslmode=disable", "PARLEY_CLIENT_RATE=0", "PARLEY_KEY_RATE=0", fmt.Sprintf("PARLEY_MAX_EXPORTS=%d", exportsAtOnce), "PARLEY_ADDR=" + address, "PARLEY_ADMIN_ADDR=" + admin, "TMPDIR=" + s.tmp}, setting...)
	s.start()
	s.key = strings.TrimSpace(ok(t, s.setting[:1], "keys", "create", "--name", "writer"))
	return s
}

// start starts the program.
func (s *scene) start() {
	s.t.Helper()
	log, err := os.OpenFile(s.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	s.program = command(s.setting, "serve")
	s.program.Stderr = log
	if err := s.program.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = s.program.Process.Kill() })
	awaitReady(s.t, s.base)
}

// errors are what the program has logged as faults of its own.
func (s *scene) errors() (lines []string) {
	s.t.Helper()
	log, err := os.ReadFile(s.log)
	if err != nil {
		s.t.Fatal(err)
	}
	for line := range strings.Lines(string(log)) {
		if strings.Contains(line, "level=ERROR") {
			lines = append(lines, line)
		}
	}
	return lines
}

// connect connects as the superuser, past the network.
func (s *scene) connect() *pgx.Conn {
	s.t.Helper()
	conn, err := pgx.Connect(context.Background(), s.database.URL())
	if err != nil {
		s.t.Fatal(err)
	}
	return conn
}

// count counts by a statement, past the network.
func (s *scene) count(statement string) int {
	s.t.Helper()
	return countAt(s.t, s.database.URL(), statement)
}

func countAt(t *testing.T, url, statement string) (n int) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := conn.QueryRow(context.Background(), statement).Scan(&n); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return n
}

// answers waits until PostgreSQL answers.
func (s *scene) answers() {
	s.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		conn, err := pgx.Connect(ctx, s.database.URL())
		if err == nil {
			_, err = conn.Exec(ctx, "select 1")
			_ = conn.Close(ctx)
		}
		cancel()
		if err == nil {
			return
		}
	}
	s.t.Fatal("PostgreSQL does not come back")
}

var total = regexp.MustCompile(`^goroutine profile: total ([0-9]+)`)

// running counts goroutines of the program.
func (s *scene) running() int {
	s.t.Helper()
	found := total.FindStringSubmatch(text(s.t, s.admin+"/debug/pprof/goroutine?debug=1"))
	if found == nil {
		s.t.Fatal("no goroutine profile")
	}
	n, _ := strconv.Atoi(found[1])
	return n
}

const ours = "select count(*) from pg_stat_activity where application_name = 'parley' and pid <> pg_backend_pid()"

var inUse = regexp.MustCompile(`(?m)^parley_db_pool_connections_in_use\{[^}]*\} ([0-9.]+)$`)

// leaks waits until nothing is at work any more, and says what is left beyond what was there before.
func (s *scene) leaks() (what string) {
	s.t.Helper()
	s.load.http.CloseIdleConnections()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		what = ""
		http.DefaultClient.CloseIdleConnections()
		if n := s.running(); n > s.goroutines+8 { // connections that wait in pools have goroutines
			what += fmt.Sprintf(" %d goroutines, %d before", n, s.goroutines)
		}
		for _, found := range inUse.FindAllStringSubmatch(text(s.t, s.admin+"/metrics"), -1) {
			if found[1] != "0" {
				what += " a connection in use"
			}
		}
		if n := s.count(ours); n > 16+exportsAtOnce+1+4 { // what the pools may have, one that listens, and the queue's own
			what += fmt.Sprintf(" %d connections", n)
		}
		if what == "" || time.Now().After(end) {
			return what
		}
	}
}

// under holds a load, injects a fault, and ends it. The fault returns what ends it, which is over when the database could answer again; what it
// says itself it is given to say. Then all is counted.
func (s *scene) under(fault string, inject func() (end func())) {
	t := s.t
	t.Helper()
	s.goroutines = s.running()
	s.load = startSteady(t, s.base, s.key)
	time.Sleep(2 * time.Second)
	end := inject()
	time.Sleep(s.hold)
	end()
	over := time.Now()
	time.Sleep(4 * time.Second)
	s.load.end()
	s.judge(fault, over)
}

// table is what is told of all faults.
var table []string

func (s *scene) judge(fault string, over time.Time) {
	t, l := s.t, s.load
	t.Helper()
	for i, wrong := range l.wrong {
		if i < 5 {
			t.Errorf("wrong: %.1500s", wrong)
		}
	}
	for i, line := range s.errors() {
		if i < 5 {
			t.Errorf("logged: %.1000s", line)
		}
	}
	lost := l.lost(t)
	if len(lost) > 0 {
		t.Errorf("%d acknowledged writes are lost, such as %v", len(lost), lost[0])
	}
	var back [kindsOfRequests]time.Duration
	for kind := range kindsOfRequests {
		if back[kind] = l.back(over, kind); back[kind] > recovery {
			t.Errorf("%s come back %v after the end of the fault", kind, back[kind])
		}
	}
	if leaks := s.leaks(); leaks != "" {
		t.Errorf("left:%s", leaks)
	}
	failures := 0
	var kinds []string
	for _, kind := range slices.Sorted(maps.Keys(l.failures)) {
		failures += l.failures[kind]
		kinds = append(kinds, fmt.Sprintf("%d × %s", l.failures[kind], kind))
	}
	if len(l.acked) == 0 {
		t.Error("nothing was written: the test has seen nothing")
	}
	gap := func(kinds ...what) string { return fmt.Sprintf("%.2f s", l.gap(kinds...).Seconds()) }
	line := fmt.Sprintf("| %s | %d reads, %d writes a second | %d | %d (%s) | kept reads %s, cold reads %s, writes %s | %d stale, %d s at most | reads %.2f s, writes %.2f s | %d of %d |",
		fault, readsASecond, writesASecond, len(l.done), failures, strings.Join(kinds, ", "), gap(keptRead), gap(coldRead), gap(write), l.stale, l.oldest,
		back[coldRead].Seconds(), back[write].Seconds(), len(lost), len(l.acked))
	table = append(table, line)
	t.Log(line)
}

// postmaster is the process of PostgreSQL.
func (s *scene) postmaster(signal syscall.Signal) {
	s.t.Helper()
	if err := syscall.Kill(postmasterPID(s.t, s.folder), signal); err != nil {
		s.t.Fatal(err)
	}
}

// TestFaults injects every fault that a server meets in years, each under a steady load, and counts what comes of it.
func TestFaults(t *testing.T) {
	t.Cleanup(func() {
		t.Log("\n| fault | load | requests | failures | longest gap | stale | back after | lost |\n|---|---|---|---|---|---|---|---|\n" + strings.Join(table, "\n"))
	})
	t.Run("postgres_terminated", func(t *testing.T) {
		s := setScene(t, postgres.EmbeddedOptions{})
		s.hold = 0
		s.under("PostgreSQL stopped (INT) and started again", func() func() {
			return func() { s.postmaster(syscall.SIGINT); time.Sleep(100 * time.Millisecond); s.answers() }
		})
	})
	t.Run("postgres_smart_shutdown", func(t *testing.T) {
		s := setScene(t, postgres.EmbeddedOptions{})
		s.under("PostgreSQL told to stop (TERM), then stopped and started", func() func() {
			s.postmaster(syscall.SIGTERM)
			return func() { s.postmaster(syscall.SIGINT); time.Sleep(100 * time.Millisecond); s.answers() }
		})
	})
	t.Run("postgres_killed", func(t *testing.T) {
		s := setScene(t, postgres.EmbeddedOptions{})
		s.hold = 0
		s.under("PostgreSQL killed (KILL)", func() func() {
			return func() { s.postmaster(syscall.SIGKILL); time.Sleep(100 * time.Millisecond); s.answers() }
		})
	})
	t.Run("backends_killed", func(t *testing.T) {
		s := setScene(t, postgres.EmbeddedOptions{})
		s.hold = time.Second
		s.under("a backend killed (KILL), all are ended", func() func() {
			if err := syscall.Kill(s.count("select pid from pg_stat_activity where application_name = 'parley' limit 1"), syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			return s.answers
		})
	})
	t.Run("refused", func(t *testing.T) {
		s := setScene(t, postgres.EmbeddedOptions{})
		s.under("connections reset and refused", func() func() { s.network.refuse(); return func() { s.network.listen(t) } })
	})
	t.Run("swallowed", func(t *testing.T) {
		s := setScene(t, postgres.EmbeddedOptions{})
		s.hold = 8 * time.Second
		s.under("packets swallowed (half-open)", func() func() { s.network.swallow(t, true); return func() { s.network.swallow(t, false) } })
	})
	t.Run("silent", func(t *testing.T) {
		s := setScene(t, postgres.EmbeddedOptions{})
		s.hold = 8 * time.Second
		s.under("connections open, nothing answered", func() func() { return s.network.stall() })
	})
	t.Run("full", func(t *testing.T) {
		s := setScene(t, postgres.EmbeddedOptions{})
		s.under("no connection left (max_connections)", func() func() { return s.occupy() })
	})
	t.Run("disk_full", func(t *testing.T) {
		disk := smallDisk(t)
		s := setScene(t, postgres.EmbeddedOptions{DataDir: disk})
		s.under("disk full", func() func() {
			fill(t, disk)
			return func() {
				if err := os.Remove(filepath.Join(disk, "ballast")); err != nil {
					t.Fatal(err)
				}
				s.answers()
			}
		})
		if s.load.failures["503"] == 0 {
			t.Error("nothing has failed: the disk was not full")
		}
	})
	t.Run("locked", func(t *testing.T) {
		s := setScene(t, postgres.EmbeddedOptions{})
		s.under("tables locked", func() func() {
			conn := s.connect()
			for locked := false; !locked; {
				_, err := conn.Exec(context.Background(), "begin; lock table changesets, sources, prisoner_exchanges, rounds in access exclusive mode")
				if locked = err == nil; !locked { // a deadlock with somebody who locks in another order
					if _, err := conn.Exec(context.Background(), "rollback"); err != nil {
						t.Fatal(err)
					}
				}
			}
			return func() { _ = conn.Close(context.Background()) }
		})
	})
	t.Run("slow", func(t *testing.T) {
		s := setScene(t, postgres.EmbeddedOptions{})
		s.under("each packet takes 50 ms longer", func() func() {
			s.network.pace.Store(int64(50 * time.Millisecond))
			return func() { s.network.pace.Store(0) }
		})
	})
	t.Run("listen_cut", func(t *testing.T) {
		s := setScene(t, postgres.EmbeddedOptions{})
		s.hold = time.Second
		s.under("the connection that listens cut", func() func() {
			if n := s.count("select count(*) filter (where pg_terminate_backend(pid)) from pg_stat_activity where query like '%recent as (select c.collection%' and pid <> pg_backend_pid()"); n != 1 {
				t.Fatalf("%d connections listen", n)
			}
			return func() {}
		})
		if s.load.failures["503"] > 0 {
			t.Error("requests have failed that do not need it")
		}
	})
}

// occupy takes all connections that PostgreSQL has, also those of the program.
func (s *scene) occupy() (free func()) {
	ctx, cancel := context.WithCancel(context.Background())
	watcher := s.connect()
	done := make(chan struct{})
	full := make(chan struct{})
	go func() {
		defer close(done)
		defer watcher.Close(context.Background())
		var all []*pgx.Conn
		defer func() {
			for _, conn := range all {
				_ = conn.Close(context.Background())
			}
		}()
		for refused := 0; ctx.Err() == nil; {
			conn, err := pgx.Connect(ctx, s.database.URL())
			if err == nil {
				all = append(all, conn)
				continue
			}
			if _, err := watcher.Exec(ctx, "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'parley'"); err != nil && ctx.Err() == nil {
				s.t.Error(err)
			}
			if refused++; refused == 20 {
				close(full)
			}
		}
	}()
	<-full
	return func() { cancel(); <-done }
}

// smallDisk mounts a disk that is soon full.
func smallDisk(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a small disk")
	}
	folder := dataDir(t)
	if err := syscall.Mount("parley-test", folder, "tmpfs", 0, "size=400m,mode=755"); err != nil {
		t.Fatal("a small disk: ", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(folder, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return folder
}

// fill fills a disk to the last byte.
func fill(t *testing.T, disk string) {
	t.Helper()
	f, err := os.Create(filepath.Join(disk, "ballast"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 4<<10)
	for {
		if _, err := f.Write(block); err != nil {
			return
		}
	}
}
