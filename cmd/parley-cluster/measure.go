//go:build linux

package main

import (
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"
)

type measureCmd struct {
	For     time.Duration `default:"5s" help:"How long each."`
	Clients int           `default:"16" help:"How many ask at the same time."`
}

// Run asks HAProxy for pages that are not kept, and for some that are.
func (m *measureCmd) Run(e *env) error {
	c := e.cluster
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "API processes\treads/s from the primary\tfrom two replicas\tfrom what is kept\t")
	for n := 1; n <= mostAPIs; n++ {
		fmt.Fprintf(w, "%d\t", n)
		for _, way := range []struct{ replicas, uncached bool }{{false, true}, {true, true}, {true, false}} {
			for i, a := range c.apis {
				if err := a.stop(); err != nil {
					return err
				}
				if a.replicas, a.uncached = way.replicas, way.uncached; i >= n {
					continue
				}
				if err := c.startAPI(e.ctx, a); err != nil {
					return err
				}
			}
			pause(e.ctx, 2*time.Second) // HAProxy has seen it, and the replicas are used
			rate, err := m.rate(c.url())
			if err != nil {
				return err
			}
			fmt.Fprintf(w, "%.0f\t", rate)
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}

// rate is how many answers a second come.
func (m *measureCmd) rate(base string) (float64, error) {
	client := &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: m.Clients}}
	var answered atomic.Int64
	var group errgroup.Group
	begin := time.Now()
	for n := range m.Clients {
		group.Go(func() error {
			for i := n; time.Since(begin) < m.For; i++ {
				response, err := client.Get(fmt.Sprintf("%s/v1/prisoner-exchanges?fields=id,date,transfers&limit=%d", base, 10+i%50))
				if err != nil {
					return err
				}
				_, err = io.Copy(io.Discard, response.Body)
				response.Body.Close()
				if err != nil || response.StatusCode != http.StatusOK {
					return fmt.Errorf("%s: %w", response.Status, err)
				}
				answered.Add(1)
			}
			return nil
		})
	}
	err := group.Wait()
	return float64(answered.Load()) / time.Since(begin).Seconds(), err
}
