package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// disturbance is how much longer small reads take beside four exports: windows with and without them take turns.
func (x *exporter) disturbance() (line, error) {
	var next atomic.Uint64
	next.Store(1 << 32)                              // others than have been asked for
	if _, err := x.paced(x.ctx, &next); err != nil { // warms up
		return line{}, err
	}
	var alone, beside []float64
	for range x.Rounds {
		p99, err := x.paced(x.ctx, &next)
		if err != nil {
			return line{}, err
		}
		alone = append(alone, p99)
		if p99, err = x.pacedBeside(4, &next); err != nil {
			return line{}, err
		}
		beside = append(beside, p99)
	}
	all := ratios(beside, alone)
	change := func(ratio float64) string { return fmt.Sprintf("%+.0f %%", 100*(ratio-1)) }
	return line{
		item: "p99 of small reads beside 4 exports", parley: amountOf(median(beside), "ms"), rival: amountOf(median(alone), "ms") + " alone", result: change(median(all)),
		spread: change(slices.Min(all)) + " to " + change(slices.Max(all)), target: "≤ +20 %", met: yesNo(median(all) <= 1.2),
	}, nil
}

// pacedBeside is paced while so many exports run, each followed by another one.
func (x *exporter) pacedBeside(exports int, next *atomic.Uint64) (float64, error) {
	ctx, stop := context.WithCancel(x.ctx)
	defer stop()
	group, ctx := errgroup.WithContext(ctx)
	for range exports {
		group.Go(func() error {
			for ctx.Err() == nil {
				if _, err := download(ctx, x.parley.address, x.path("csv")); err != nil && ctx.Err() == nil {
					return err
				}
			}
			return nil
		})
	}
	p99, err := x.paced(x.ctx, next)
	stop()
	return p99, errors.Join(err, group.Wait())
}

// paced is the 99th percentile of what records by id take at a modest rate, over four connections, in milliseconds.
func (x *exporter) paced(ctx context.Context, next *atomic.Uint64) (float64, error) {
	group, ctx := errgroup.WithContext(ctx)
	latencies := make([][]time.Duration, 4)
	for i := range latencies {
		group.Go(func() (err error) {
			latencies[i], err = x.pace(ctx, next)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}
	took := slices.Concat(latencies...)
	slices.Sort(took)
	return inMillis(percentile(took, 0.99)), nil
}

// pace sends fifty requests a second over one connection. What a request takes counts from when it was due.
func (x *exporter) pace(ctx context.Context, next *atomic.Uint64) ([]time.Duration, error) {
	const interval = 20 * time.Millisecond
	c, err := dial(x.parley.address)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	request := asking(x.parley.address, x.data.record)
	var took []time.Duration
	for due, end := time.Now(), time.Now().Add(x.window()); due.Before(end) && ctx.Err() == nil; due = due.Add(interval) {
		time.Sleep(time.Until(due))
		a, err := c.do(request(nil, next.Add(1)), nil)
		if err == nil && a.status != 200 {
			err = fmt.Errorf("status %d", a.status)
		}
		if err != nil {
			return nil, err
		}
		took = append(took, time.Since(due))
	}
	return took, ctx.Err()
}
