package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/record"
	"github.com/parley-api/parley/internal/store"
)

type growthCmd struct {
	target

	Sizes    []int  `default:"100,10000,1000000" help:"Exchanges, from few to many."`
	Batch    int    `default:"10000" help:"Records of one changeset."`
	Requests int    `default:"200" help:"Requests that a median is of."`
	Parley   string `default:"bin/parley" help:"The program to measure."`
	Out      string `default:"bench/GROWTH.md" help:"Where to write the results."`
	Log      string `placeholder:"FILE" help:"Where Parley's log goes. Default: nowhere."`
}

// Growth should cost nothing: so much more than at the size in the middle may the largest take.
const (
	growthTarget = 1.5
	growthFrom   = 10_000
)

// Run fills up to each size in turn and measures there.
func (c *growthCmd) Run(e *env) error {
	slices.Sort(c.Sizes)
	c.Sizes = slices.Compact(c.Sizes)
	if len(c.Sizes) == 0 || c.Sizes[0] < 1 {
		return errors.New("--sizes are numbers of records")
	}
	return c.with(e.ctx, func(url string, db *pgxpool.Pool) (err error) {
		b := &bench{runCmd: runCmd{Parley: c.Parley, Out: c.Out, Rounds: c.Requests, LogLevel: "warn"}, ctx: e.ctx, url: url, db: db, progress: e.stderr}
		if b.log, err = openLog(c.Log); err != nil {
			return err
		}
		defer b.log.Close()
		medians := make([][]float64, len(c.Sizes))
		for i, size := range c.Sizes {
			if err := fill(e.ctx, db, size, c.Batch, e.stderr); err != nil {
				return err
			}
			if err := b.turn(size); err != nil {
				return err
			}
			if b.data, err = look(e.ctx, db); err != nil {
				return err
			}
			if b.data.exchanges > size {
				return fmt.Errorf("there are %d exchanges already, too many for the size %d: begin with an empty database", b.data.exchanges, size)
			}
			if medians[i], err = b.medians(c.Requests); err != nil {
				return fmt.Errorf("at %d exchanges: %w", size, err)
			}
		}
		return b.growth(c.Sizes, medians, e.stdout)
	})
}

// turn records one small changeset more, so that the revision before the last has all exchanges too.
func (b *bench) turn(size int) error {
	o := put(record.Sources, fmt.Sprintf("synthetic-growth-%d", size), map[string]any{
		"publisher": "Synthetic", "title": "Synthetic growth", "title_is_descriptive": true, "language": "en", "kind": "news",
	})
	o.Guard = store.Guard{Exists: true, OrNew: true} // a run before may have done it
	return recordAll(b.ctx, b.db, "Synthetic growth", []store.Operation{o})
}

// read is something that is read at every size.
type read struct {
	name string
	path func(n uint64) string
}

// reads are what must cost the same at every size.
func (b *bench) reads() ([]read, error) {
	last, err := b.deep()
	if err != nil {
		return nil, err
	}
	deep, _, err := b.data.after(last)
	if err != nil {
		return nil, err
	}
	past := fmt.Sprintf("as_of=%d", b.data.revision-1)
	always := func(path string) func(uint64) string { return func(uint64) string { return path } }
	return []read{
		{"a record by id", b.data.record},
		{"newest 50 of a country in 60 days (in more where there are fewer)", b.data.country},
		{"a round with its delegations", b.data.round},
		{"first page of 50", always(walk())},
		{"page 1,000 (or the middle) by keyset", always(deep)},
		{"a record as of the revision before", func(uint64) string { return b.data.record(0) + "?" + past }},
		{"newest 50 of a country, as of the revision before", func(n uint64) string { return b.data.country(n) + "&" + past }},
		{"search of one", func(n uint64) string {
			return fmt.Sprintf("/v1/prisoner-exchanges?q=synthetic+%d&limit=%d", pick(n, b.data.exchanges), pageSize)
		}},
	}, nil
}

// medians are what reads take at the size that the data set has, in milliseconds.
func (b *bench) medians(requests int) (all []float64, err error) {
	c, err := b.start(b.url, "", "PARLEY_CACHE=0")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.stop()) }()
	reads, err := b.reads()
	if err != nil {
		return nil, err
	}
	client, err := dial(c.address)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	for _, r := range reads {
		var took []float64
		ask := asking(c.address, r.path)
		for n := range uint64(2 * requests) {
			begin := time.Now()
			a, err := client.do(ask(nil, n), nil)
			if err != nil {
				return nil, err
			}
			if a.status != 200 {
				return nil, fmt.Errorf("%s: status %d to %s", r.name, a.status, r.path(n))
			}
			if n >= uint64(requests) { // the first half warms up
				took = append(took, inMillis(time.Since(begin)))
			}
		}
		all = append(all, median(took))
	}
	return all, nil
}

// growth reports the medians by size.
func (b *bench) growth(sizes []int, medians [][]float64, stdout io.Writer) error {
	reads, err := b.reads()
	if err != nil {
		return err
	}
	head := []string{"median, ms"}
	for _, size := range sizes {
		head = append(head, amountOf(float64(size), ""))
	}
	from := max(0, slices.Index(sizes, growthFrom))
	head = append(head, "largest / "+head[from+1], "target", "met")
	rows := [][]string{head}
	for i, r := range reads {
		row := []string{r.name}
		for j := range sizes {
			row = append(row, fmt.Sprintf("%.2f", medians[j][i]))
		}
		ratio := medians[len(sizes)-1][i] / medians[from][i]
		rows = append(rows, append(row, fmt.Sprintf("%.2f", ratio), fmt.Sprintf("≤ %g", growthTarget), yesNo(ratio <= growthTarget)))
	}
	t := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return b.write(func(w io.Writer) error {
		fmt.Fprintf(w, "# What growth costs\n\nWritten by `make bench-growth`. Every figure is the median of %d requests on one connection, after as many that do not count, without the cache.\n\n", b.Rounds)
		if err := b.facts(w); err != nil {
			return err
		}
		for i, row := range rows {
			if i == 0 {
				fmt.Fprintln(w)
			}
			fmt.Fprintf(w, "| %s |\n", strings.Join(row, " | "))
			if i == 0 {
				fmt.Fprintf(w, "|%s\n", strings.Repeat(" --- |", len(row)))
			}
		}
		return nil
	})
}
