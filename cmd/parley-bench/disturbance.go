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

// disturbance is how much longer small reads take beside four exports: windows with and without them take turns. Of one
// window the slowest hundredth is a handful of requests: so the windows of a side are taken together, and there are four times
// as many of them as usual.
func (x *exporter) disturbance() (line, error) {
	var next atomic.Uint64
	next.Store(1 << 32)                              // others than have been asked for
	if _, err := x.paced(x.ctx, &next); err != nil { // warms up
		return line{}, err
	}
	var alone, beside []time.Duration
	var all []float64 // by pair of windows
	for range 4 * x.Rounds {
		quiet, err := x.paced(x.ctx, &next)
		if err != nil {
			return line{}, err
		}
		busy, err := x.pacedBeside(4, &next)
		if err != nil {
			return line{}, err
		}
		all = append(all, slowest(busy)/slowest(quiet))
		alone, beside = append(alone, quiet...), append(beside, busy...)
	}
	change := func(ratio float64) string { return fmt.Sprintf("%+.0f %%", 100*(ratio-1)) }
	ratio := slowest(beside) / slowest(alone)
	return line{
		item: "p99 of small reads beside 4 exports", parley: amountOf(slowest(beside), "ms"), rival: amountOf(slowest(alone), "ms") + " alone", result: change(ratio),
		spread: change(slices.Min(all)) + " to " + change(slices.Max(all)), target: "≤ +20 %", met: yesNo(ratio <= 1.2),
	}, nil
}

// slowest is the 99th percentile, in milliseconds.
func slowest(took []time.Duration) float64 {
	return inMillis(percentile(slices.Sorted(slices.Values(took)), 0.99))
}

// pacedBeside is paced while so many exports run, each followed by another one.
func (x *exporter) pacedBeside(exports int, next *atomic.Uint64) ([]time.Duration, error) {
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
	took, err := x.paced(x.ctx, next)
	stop()
	return took, errors.Join(err, group.Wait())
}

// paced is what records by id take at a modest rate, over four connections.
func (x *exporter) paced(ctx context.Context, next *atomic.Uint64) ([]time.Duration, error) {
	group, ctx := errgroup.WithContext(ctx)
	took := make([][]time.Duration, 4)
	for i := range took {
		group.Go(func() (err error) {
			took[i], err = x.pace(ctx, next)
			return err
		})
	}
	err := group.Wait()
	return slices.Concat(took...), err
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
