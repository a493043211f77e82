package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// preamble says where, when and how was measured.
func (b *bench) preamble(w io.Writer, took time.Duration) error {
	fmt.Fprintf(w, "# What Parley costs and gives\n\nWritten by `make bench`. Every figure is the median of %d windows of %g s; the sides of a comparison take turns, "+
		"and their ratio is taken turn by turn. The client runs on the same machine. Spread is from the least to the greatest, or their distance as a share of the median.\n\n", b.Rounds, b.Seconds)
	fmt.Fprintf(w, "- length: %.0f minutes\n", took.Minutes())
	return b.facts(w)
}

// facts are where and when was measured, and on what.
func (b *bench) facts(w io.Writer) error {
	about, err := b.server()
	if err != nil {
		return err
	}
	for _, fact := range [][2]string{
		{"date", time.Now().UTC().Format(time.DateOnly)},
		{"machine", fmt.Sprintf("%s, %d cores, %s of memory", cpuModel(), runtime.NumCPU(), memorySize())},
		{"system", system()},
		{"Go", runtime.Version()},
		{"PostgreSQL", about},
		{"commit", commit()},
		{"data set", fmt.Sprintf("%s synthetic exchanges, %s rounds, revision %d", amountOf(float64(b.data.exchanges), ""), amountOf(float64(b.data.rounds), ""), b.data.revision)},
	} {
		fmt.Fprintf(w, "- %s: %s\n", fact[0], fact[1])
	}
	return nil
}

// server is the version of PostgreSQL and the settings that matter to figures.
func (b *bench) server() (string, error) {
	var version, buffers, commit, fsync string
	err := b.db.QueryRow(b.ctx, `select current_setting('server_version'), current_setting('shared_buffers'), current_setting('synchronous_commit'), current_setting('fsync')`).
		Scan(&version, &buffers, &commit, &fsync)
	if err != nil {
		return "", fmt.Errorf("asking PostgreSQL for its settings: %w", err)
	}
	return fmt.Sprintf("%s, shared_buffers %s, synchronous_commit %s, fsync %s", version, buffers, commit, fsync), nil
}

func cpuModel() string { return setting("/proc/cpuinfo", "model name", ":") }

func system() string {
	return runtime.GOOS + "/" + runtime.GOARCH + ", " + strings.Trim(setting("/etc/os-release", "PRETTY_NAME", "="), `"`)
}

func memorySize() string {
	var kilobytes float64
	if _, err := fmt.Sscan(setting("/proc/meminfo", "MemTotal", ":"), &kilobytes); err != nil {
		return "an unknown amount"
	}
	return fmt.Sprintf("%.0f GiB", kilobytes/(1<<20))
}

// setting is the value of a name in a file of names and values.
func setting(path, name, separator string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		if key, value, ok := strings.Cut(line, separator); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// commit is what was measured, where git knows.
func commit() string {
	out, err := exec.Command("git", "describe", "--tags", "--always", "--dirty").Output() //nolint:noctx // a moment
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}
