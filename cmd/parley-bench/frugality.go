package main

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// frugality looks at what the program takes: memory, room, time to start.
func (b *bench) frugality() (s section, err error) {
	s.about = "Memory is that of the server's process. Idle is on the seed alone, with the private PostgreSQL; so is the start, from the start of the process to the first answer."
	info, err := os.Stat(b.Parley)
	if err != nil {
		return s, fmt.Errorf("the program: %w", err)
	}
	s.lines = append(s.lines, below("size of the program", []float64{float64(info.Size()) / 1e6}, "MB", 40))
	if after, err := b.parley.memory("VmRSS"); err == nil {
		s.lines = append(s.lines, below("memory after the sections above", []float64{float64(after) / (1 << 20)}, "MiB", 256))
	}
	dir, err := os.MkdirTemp("", "parley-bench-")
	if err != nil {
		return s, fmt.Errorf("a folder for the seed: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // the user that runs PostgreSQL must get through
		return s, fmt.Errorf("a folder for the seed: %w", err)
	}
	idle, err := b.idle(dir)
	if err != nil {
		return s, err
	}
	s.lines = append(s.lines, idle...)
	starts, err := b.starts(dir)
	if err != nil {
		return s, err
	}
	s.lines = append(s.lines, below("start to the first answer", starts, "ms", 150))
	return s, nil
}

// idle is the memory of a server that has just made its data and does nothing; none where the system does not tell.
func (b *bench) idle(dir string) (all []line, err error) {
	c, err := b.start("", dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.stop()) }()
	time.Sleep(b.window())
	if bytes, err := c.memory("VmRSS"); err == nil {
		all = append(all, below("memory, idle", []float64{float64(bytes) / (1 << 20)}, "MiB", 64))
	}
	return all, nil
}

// starts is how long each of some starts on data that are there takes, in milliseconds.
func (b *bench) starts(dir string) ([]float64, error) {
	var took []float64
	for range max(b.Rounds, 5) {
		begin := time.Now()
		c, err := b.launch("", dir)
		if err != nil {
			return nil, err
		}
		err = c.await(b.ctx, get(c.address, "/v1/prisoner-exchanges?limit=1", ""))
		took = append(took, inMillis(time.Since(begin)))
		if err := errors.Join(err, c.stop()); err != nil {
			return nil, err
		}
	}
	return took, nil
}
