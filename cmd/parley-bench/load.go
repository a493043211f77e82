package main

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// requests makes the request of a number, in the space of the one before.
type requests func(space []byte, n uint64) []byte

// always makes the same request.
func always(request []byte) requests { return func([]byte, uint64) []byte { return request } }

// load is a closed loop: every connection sends its next request when it has read the answer to the last one.
type load struct {
	address     string
	connections int
	window      time.Duration
	status      int // that every answer must have
	requests    requests
	next        *atomic.Uint64 // the number of the next request; it goes on from one window to the next
}

// loaded is what came of a load.
type loaded struct {
	rate      float64         // answers a second
	latencies []time.Duration // in order
}

// run lasts for the window. An answer with another status ends it: it would not measure what it is meant to.
func (l load) run(ctx context.Context) (loaded, error) {
	clients := make([]*client, l.connections)
	for i := range clients {
		c, err := dial(l.address)
		if err != nil {
			return loaded{}, err
		}
		defer c.Close()
		clients[i] = c
	}
	group, ctx := errgroup.WithContext(ctx)
	latencies := make([][]time.Duration, l.connections)
	begin := time.Now()
	for i, c := range clients {
		group.Go(func() (err error) {
			latencies[i], err = l.loop(ctx, c, begin.Add(l.window))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return loaded{}, err
	}
	all := slices.Concat(latencies...)
	slices.Sort(all)
	return loaded{rate: float64(len(all)) / time.Since(begin).Seconds(), latencies: all}, nil
}

func (l load) loop(ctx context.Context, c *client, end time.Time) ([]time.Duration, error) {
	const patience = time.Minute // for an answer
	if err := c.conn.SetDeadline(end.Add(patience)); err != nil {
		return nil, err
	}
	latencies := make([]time.Duration, 0, 1<<14)
	var space []byte
	for begin := time.Now(); begin.Before(end); {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		space = l.requests(space[:0], l.next.Add(1))
		a, err := c.do(space, nil)
		if err != nil {
			return nil, err
		}
		if a.status != l.status {
			return nil, fmt.Errorf("status %d, not %d, to %.200q", a.status, l.status, space)
		}
		now := time.Now()
		latencies = append(latencies, now.Sub(begin))
		begin = now
	}
	return latencies, nil
}

// fetch asks once and returns the whole answer.
func fetch(address string, request []byte) (answer, []byte, error) {
	c, err := dial(address)
	if err != nil {
		return answer{}, nil, err
	}
	defer c.Close()
	if err := c.conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return answer{}, nil, err
	}
	var body sink
	a, err := c.do(request, &body)
	return a, body, err
}

// sink keeps what is written to it.
type sink []byte

func (s *sink) Write(b []byte) (int, error) {
	*s = append(*s, b...)
	return len(b), nil
}
