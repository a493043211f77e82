package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"
)

var tps = regexp.MustCompile(`(?m)^tps = ([0-9.]+)`)

// pgbench measures the bare rows, without anything nested and without HTTP, for orientation; where there is no pgbench,
// there is no line.
func (b *bench) pgbench() (lines []line, err error) {
	program, err := exec.LookPath(b.Pgbench)
	if err != nil {
		return nil, nil //nolint:nilerr // it is not needed
	}
	dir, err := os.MkdirTemp("", "parley-bench-")
	if err != nil {
		return nil, fmt.Errorf("pgbench: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	for _, s := range []struct{ name, script string }{
		{"pgbench: the row of a record by id", fmt.Sprintf("\\set i random(1, %d)\nselect * from prisoner_exchanges where id = 'synthetic-' || :i::int;\n", b.data.exchanges)},
		{"pgbench: the rows of 50 of a country in 60 days", fmt.Sprintf("\\set day random(0, %d)\nselect * from prisoner_exchanges where country = 'TR' "+
			"and date between date '2000-01-01' + :day::int and date '2000-01-01' + :day::int + %d order by date desc, id desc limit %d;\n", syntheticDays-windowDays, windowDays-1, pageSize)},
	} {
		path := filepath.Join(dir, "script.sql")
		if err := os.WriteFile(path, []byte(s.script), 0o600); err != nil {
			return lines, fmt.Errorf("pgbench: %w", err)
		}
		figures, err := b.alternate(func(window time.Duration) (float64, error) { return b.transactions(program, path, window) })
		if err != nil {
			return lines, err
		}
		l := below(s.name, figures[0], "/s", 0)
		l.parley, l.rival, l.result = "", l.parley, "for orientation"
		lines = append(lines, l)
	}
	return lines, nil
}

// transactions is how many of a script pgbench carries out a second, on 16 connections.
func (b *bench) transactions(program, script string, window time.Duration) (float64, error) {
	seconds := strconv.Itoa(max(1, int(window.Seconds())))
	cmd := exec.CommandContext(b.ctx, program, "-M", "prepared", "-n", "-c", "16", "-j", "2", "-T", seconds, "-f", script, b.url) //nolint:gosec // as the user says
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("pgbench: %w: %.500s", err, out)
	}
	m := tps.FindSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("pgbench says nothing of tps: %.500s", out)
	}
	return strconv.ParseFloat(string(m[1]), 64)
}
