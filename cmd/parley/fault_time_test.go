//go:build rollout && linux

package main_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parley-api/parley/internal/postgres"
)

// TestFaultsOfTime: a replica that lags, and clocks that are set.
func TestFaultsOfTime(t *testing.T) {
	t.Run("replica_lags", func(t *testing.T) {
		s := setScene(t, postgres.EmbeddedOptions{})
		folder := dataDir(t)
		standby, err := s.database.StartStandby(t.Context(), postgres.EmbeddedOptions{DataDir: folder, Log: s.options.Log})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = standby.Stop() }()
		_ = s.program.Process.Kill()
		_ = s.program.Wait()
		s.setting = append(s.setting, "PARLEY_REPLICA_URLS="+standby.URL())
		s.start()
		const reads = "select xact_commit from pg_stat_database where datname = 'parley'"
		before := 0
		s.hold = 32 * time.Second
		s.under("a replica 30 s behind", func() func() {
			if before = countAt(t, standby.URL(), reads); before < readsASecond/4 {
				t.Error("the replica is not read from")
			}
			countAt(t, standby.URL(), "select 1 from pg_wal_replay_pause()")
			time.Sleep(time.Second)
			before = countAt(t, standby.URL(), reads)
			return func() {
				// It is asked ten times a second what it has.
				if n := countAt(t, standby.URL(), reads) - before; n > int(s.hold.Seconds())*readsASecond/6 {
					t.Errorf("%d reads at a replica that is behind", n)
				} else {
					t.Logf("the replica was asked %d times", n)
				}
				countAt(t, standby.URL(), "select 1 from pg_wal_replay_resume()")
			}
		})
		if len(s.load.failures) > 0 || s.load.stale > 0 {
			t.Errorf("failures %v, %d stale: the primary was there", s.load.failures, s.load.stale)
		}
	})
	t.Run("clock_of_the_database", func(t *testing.T) {
		clock := newClock(t)
		s := setScene(t, postgres.EmbeddedOptions{BinDir: clock.binaries})
		var steps []string
		s.hold = 0
		s.under("the clock of PostgreSQL an hour back, two on, an hour back", func() func() {
			for _, step := range []string{"-3600", "+3600", "+0"} {
				clock.set(step)
				time.Sleep(2 * time.Second)
				var now time.Time
				conn := s.connect()
				if err := conn.QueryRow(context.Background(), "select clock_timestamp()").Scan(&now); err != nil {
					t.Fatal(err)
				}
				_ = conn.Close(context.Background())
				steps = append(steps, time.Until(now).Round(time.Minute).String())
			}
			return func() {}
		})
		if got := strings.Join(steps, " "); got != "-1h0m0s 1h0m0s 0s" {
			t.Errorf("the clock was not set: %s", got)
		}
		if len(s.load.failures) > 0 || s.load.stale > 0 {
			t.Errorf("failures %v, %d stale", s.load.failures, s.load.stale)
		}
		// Moments go on in the order of revisions, whatever the clock did.
		if n := s.count("select count(*) from (select recorded_at < lag(recorded_at) over (order by id) as back from changesets) x where back"); n > 0 {
			t.Errorf("%d changesets were recorded before the one before", n)
		}
		for _, at := range []string{"", "?as_of=" + strconv.FormatInt(s.load.acked[0].revision, 10), "?as_of=2026-01-01"} {
			if code := status(t, s.base+"/v1/rounds"+at); code != http.StatusOK {
				t.Errorf("/v1/rounds%s: %d", at, code)
			}
		}
	})
}

// clock is the clock of a PostgreSQL, which can be set.
type clock struct {
	t        *testing.T
	binaries string // wrappers of the programs, which have it
	file     string
}

func newClock(t *testing.T) *clock {
	t.Helper()
	libraries, _ := filepath.Glob("/usr/lib/*/faketime/libfaketime.so.1")
	real := ""
	for _, folder := range []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin"} {
		if all, _ := filepath.Glob(folder); len(all) > 0 {
			real = all[len(all)-1]
		}
	}
	if len(libraries) == 0 || real == "" {
		t.Fatal("this needs libfaketime, and PostgreSQL as Debian has it: apt-get install faketime")
	}
	folder := dataDir(t)
	c := &clock{t: t, binaries: filepath.Join(folder, "bin"), file: filepath.Join(folder, "clock")}
	if err := os.Mkdir(c.binaries, 0o755); err != nil { //nolint:gosec // the user of PostgreSQL must get through
		t.Fatal(err)
	}
	for _, program := range []string{"initdb", "postgres", "pg_basebackup", "pg_ctl"} {
		script := "#!/bin/sh\nexec " + filepath.Join(real, program) + ` "$@"` + "\n"
		if program == "postgres" {
			script = strings.Replace(script, "exec ", fmt.Sprintf("exec env LD_PRELOAD=%s FAKETIME_TIMESTAMP_FILE=%s FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 ", libraries[0], c.file), 1)
		}
		if err := os.WriteFile(filepath.Join(c.binaries, program), []byte(script), 0o755); err != nil { //nolint:gosec // a program
			t.Fatal(err)
		}
	}
	c.set("+0")
	return c
}

// set sets the clock to so many seconds before or after the right time.
func (c *clock) set(step string) {
	c.t.Helper()
	if err := os.WriteFile(c.file+".new", []byte(step+"\n"), 0o644); err != nil { //nolint:gosec // see above
		c.t.Fatal(err)
	}
	if err := os.Rename(c.file+".new", c.file); err != nil {
		c.t.Fatal(err)
	}
}
