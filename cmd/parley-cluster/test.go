//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// bound is how far behind an answer may be.
const bound = 30 * time.Second

type testCmd struct {
	For     time.Duration `default:"2m" help:"How long to write and read."`
	Writers int           `default:"4" help:"How many write, each a record of its own."`
	Readers int           `default:"4" help:"How many read through HAProxy, and half as many from each API process."`
}

// trial is a test in progress.
type trial struct {
	*cluster

	key     string
	records int // one for each writer
	truth   truth
	reads   meter // by HAProxy
	direct  meter // at API processes themselves
	writes  meter
	faults  []fault
	webhook told
	stream  told
}

// fault is something that was killed, and what came of it.
type fault struct {
	what              string
	at                time.Duration // after the beginning
	writeGap, readGap time.Duration
	failedReads       int
	retriedWrites     int
}

var errFaulty = errors.New("the cluster is not as it must be: see above")

// Run writes and reads for a while, kills the primary, an API process, and the primary again, and compares what was answered with
// what is there in the end.
func (t *testCmd) Run(e *env) error {
	r := &trial{cluster: e.cluster}
	var err error
	if r.key, err = r.makeKey(e.ctx); err != nil {
		return err
	}
	if err := r.prepareRecords(e.ctx, t.Writers); err != nil {
		return err
	}
	stopListening, err := r.listen(e.ctx)
	if err != nil {
		return err
	}
	defer stopListening()

	fmt.Fprintf(e.stdout, "Writing and reading for %v.\n", t.For)
	ctx, stop := context.WithCancel(e.ctx)
	defer stop()
	group, ctx := errgroup.WithContext(ctx)
	writing, stopWriting := context.WithCancel(ctx)
	var writers errgroup.Group
	for n := range t.Writers {
		writers.Go(func() error { return r.write(ctx, writing, n) })
	}
	for n := range t.Readers {
		group.Go(func() error { r.read(ctx, n, r.url(), &r.reads, nil); return nil })
	}
	for n := range t.Readers / 2 {
		for _, a := range r.apis[:2] {
			group.Go(func() error { r.read(ctx, n, a.url(), &r.direct, a); return nil })
		}
	}
	err = r.disturb(ctx, e, t.For)
	stopWriting()
	err = errors.Join(err, writers.Wait())
	stop()
	err = errors.Join(err, group.Wait())
	if e.ctx.Err() != nil || err != nil {
		return errors.Join(err, e.ctx.Err())
	}
	found := r.compare(e.ctx)
	found.print(e.stdout, r)
	if found.faulty() {
		return errFaulty
	}
	return nil
}

// disturb kills one after the other.
func (r *trial) disturb(ctx context.Context, e *env, whole time.Duration) error {
	begin := time.Now()
	for _, next := range []struct {
		after float64
		what  string
		kill  func() (again func() error)
	}{
		{0, "none", func() func() error { return nil }},
		{0.15, "machine of the primary killed", r.killPrimary},
		{0.5, "API process killed", r.killAPI},
		{0.65, "PostgreSQL of the primary killed", r.killPostgres},
	} {
		pause(ctx, time.Until(begin.Add(time.Duration(next.after*float64(whole)))))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if next.what != "none" {
			if err := r.await(ctx, "a healthy cluster to kill something of", r.healthy); err != nil {
				return err
			}
			r.closeFault()
		}
		r.faults = append(r.faults, fault{what: next.what, at: time.Since(begin)})
		fmt.Fprintf(e.stdout, "%4.0f s: %s\n", time.Since(begin).Seconds(), next.what)
		if again := next.kill(); again != nil {
			pause(ctx, 3*time.Second)
			if err := again(); err != nil {
				return err
			}
		}
	}
	pause(ctx, time.Until(begin.Add(whole)))
	err := r.await(ctx, "a healthy cluster in the end", r.healthy)
	r.closeFault()
	return err
}

// closeFault takes down what came of the last fault.
func (r *trial) closeFault() {
	f := &r.faults[len(r.faults)-1]
	f.writeGap, f.retriedWrites = r.writes.take()
	f.readGap, f.failedReads = r.reads.take()
}

// killPrimary ends the machine of the primary; it comes back when another one has taken over.
func (r *trial) killPrimary() func() error {
	was := r.primary()
	if was == nil {
		return func() error { return errors.New("there is no primary to kill") }
	}
	was.kill()
	return func() error {
		if err := r.await(context.Background(), "a new primary", func() bool { return r.primary() != nil }); err != nil {
			return err
		}
		return was.start()
	}
}

// killPostgres ends the PostgreSQL of the primary alone; Patroni is there to see it.
func (r *trial) killPostgres() func() error {
	was := r.primary()
	if was == nil {
		return func() error { return errors.New("there is no primary to kill") }
	}
	kill(was.postmaster()...)
	return func() error { return nil }
}

func (r *trial) killAPI() func() error {
	r.apis[0].kill()
	return r.apis[0].start
}

// makeKey makes an API key, as an operator does.
func (c *cluster) makeKey(ctx context.Context) (string, error) {
	cmd := exec.CommandContext(ctx, c.program, "keys", "create", "--name", "load", "--scope", "write,admin")
	cmd.Env = append(c.apis[1].environment(), "PATH="+os.Getenv("PATH"))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("making a key: %w: %s", err, stderr.String())
	}
	return strings.TrimSpace(string(out)), nil
}
