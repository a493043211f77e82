package pgtest

import (
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/parley-api/parley/internal/postgres"
)

// Standby is a hot standby of the server of this test process, for one test.
type Standby struct {
	t       testing.TB
	options postgres.EmbeddedOptions
	running *postgres.Embedded
}

// StartStandbys starts some hot standbys, which stream from the server.
func StartStandbys(t testing.TB, n int) []*Standby {
	t.Helper()
	start(t)
	all := make([]*Standby, n)
	var group errgroup.Group
	for i := range all {
		folder, err := os.MkdirTemp("", "parley-standby-")
		if err != nil {
			t.Fatal("pgtest:", err)
		}
		if err := os.Chmod(folder, 0o755); err != nil { //nolint:gosec // the user postgres must get through
			t.Fatal("pgtest:", err)
		}
		s := &Standby{t: t, options: postgres.EmbeddedOptions{DataDir: folder, BinDir: os.Getenv("PARLEY_POSTGRES_BIN"), Log: slog.New(slog.DiscardHandler)}}
		t.Cleanup(func() {
			s.Stop()
			_ = os.RemoveAll(folder)
		})
		group.Go(s.start)
		all[i] = s
	}
	if err := group.Wait(); err != nil {
		t.Fatal("pgtest: no standby: ", err)
	}
	return all
}

func (s *Standby) start() (err error) {
	s.running, err = server.running.StartStandby(s.t.Context(), s.options)
	return err
}

// Start starts the standby anew, after Stop.
func (s *Standby) Start() {
	s.t.Helper()
	if err := s.start(); err != nil {
		s.t.Fatal("pgtest: no standby: ", err)
	}
}

// Stop ends the standby.
func (s *Standby) Stop() {
	s.t.Helper()
	if s.running == nil {
		return
	}
	if err := s.running.Stop(); err != nil {
		s.t.Error("pgtest: a standby does not end:", err)
	}
	s.running = nil
}

// URL returns the address of a database of the standby.
func (s *Standby) URL(database string) string {
	return strings.Replace(s.running.URL(), "/parley?", "/"+database+"?", 1)
}

// Socket returns where the standby listens.
func (s *Standby) Socket() string {
	return filepath.Join(s.options.DataDir, "run", ".s.PGSQL.5432")
}

// Kill ends the standby by a signal that it cannot prepare for. It starts again by itself.
func (s *Standby) Kill() {
	s.t.Helper()
	content, err := os.ReadFile(filepath.Join(s.options.DataDir, "data", "postmaster.pid"))
	if err != nil {
		s.t.Fatal("pgtest:", err)
	}
	line, _, _ := strings.Cut(string(content), "\n")
	pid, err := strconv.Atoi(line)
	if err == nil {
		err = syscall.Kill(pid, syscall.SIGKILL)
	}
	if err != nil {
		s.t.Fatal("pgtest:", err)
	}
}
