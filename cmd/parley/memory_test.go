package main

import (
	"bytes"
	"log/slog"
	"math"
	"os"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/KimMachineGun/automemlimit/memlimit"

	"github.com/parley-api/parley/internal/config"
)

// TestMemoryLimit: of what the system lets us have, most is the program's, half of it with a private PostgreSQL beside it; and
// GOMEMLIMIT has the last word.
func TestMemoryLimit(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	given, isGiven := os.LookupEnv("GOMEMLIMIT")
	os.Unsetenv("GOMEMLIMIT")
	defer func() {
		if isGiven {
			os.Setenv("GOMEMLIMIT", given) //nolint:usetesting // t.Setenv cannot unset
		}
	}()
	none := func() (uint64, error) { return 0, memlimit.ErrNoLimit }
	for _, c := range []struct {
		name     string
		database string
		provider memlimit.Provider
		want     int64
		log      string
	}{
		{"a container of its own", "postgres://elsewhere/db", memlimit.Limit(1000 << 20), 900 << 20, "bytes=943718400"},
		{"with a private PostgreSQL", "", memlimit.Limit(1000 << 20), 500 << 20, "bytes=524288000"},
		{"no limit", "", none, math.MaxInt64, ""},
		{"not known", "", func() (uint64, error) { return 0, os.ErrPermission }, math.MaxInt64, "GOMEMLIMIT"},
	} {
		debug.SetMemoryLimit(math.MaxInt64)
		var log bytes.Buffer
		limitMemory(&env{database: config.Database{URL: c.database}, log: slog.New(slog.NewTextHandler(&log, nil))}, c.provider)
		if got := debug.SetMemoryLimit(-1); got != c.want || !strings.Contains(log.String(), c.log) || c.log == "" && log.Len() > 0 {
			t.Errorf("%s: %d bytes, not %d; log: %s", c.name, got, c.want, log.String())
		}
	}
	t.Setenv("GOMEMLIMIT", "123MiB")
	debug.SetMemoryLimit(123 << 20)
	limitMemory(&env{log: slog.New(slog.DiscardHandler)}, memlimit.Limit(1000<<20))
	if got := debug.SetMemoryLimit(-1); got != 123<<20 {
		t.Errorf("with GOMEMLIMIT it is %d bytes", got)
	}
}
