package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

type runCmd struct {
	target

	Parley        string  `default:"bin/parley" help:"The program to measure."`
	Out           string  `default:"bench/RESULTS.md" help:"Where to write the results."`
	Only          string  `placeholder:"REGEXP" help:"Only the sections whose names match."`
	Seconds       float64 `default:"2" help:"Length of one window."`
	Rounds        int     `default:"5" help:"Windows of each side."`
	Connections   []int   `default:"16,64" help:"Connections of the load."`
	ExportRecords int     `default:"100000" help:"Exchanges that an export has, about. 0: all."`
	ImportRecords int     `default:"100000" help:"Exchanges that are imported in one changeset."`
	Writes        int     `default:"300" help:"Writes after which a second process is watched."`
	Streams       int     `default:"2000" help:"Streams that are open while nothing changes."`
	Pgbench       string  `default:"pgbench" help:"The program pgbench, if there is one."`
	Log           string  `placeholder:"FILE" help:"Where Parley's log goes. Default: nowhere."`
	LogLevel      string  `default:"info" help:"What Parley logs: at info every request."`
}

// bench is a run.
type bench struct {
	runCmd

	ctx      context.Context //nolint:containedctx // of the whole run
	url      string
	db       *pgxpool.Pool
	data     dataset
	parley   *child // as its users run it
	log      *os.File
	progress io.Writer
}

// part is a section that can be measured.
type part struct {
	name    string
	measure func(b *bench) (section, error)
}

// parts in order: those that write come late, and memory is looked at last.
var parts = []part{
	{"warm", (*bench).warm},
	{"cold", (*bench).cold},
	{"totals", (*bench).totals},
	{"exports", (*bench).exports},
	{"writes", (*bench).writes},
	{"streams", (*bench).streams},
	{"frugality", (*bench).frugality},
}

// Run measures and reports. A section that fails is told of, and the others are still measured.
func (c *runCmd) Run(e *env) error {
	only, err := regexp.Compile(c.Only)
	if err != nil {
		return fmt.Errorf("--only: %w", err)
	}
	if c.Rounds < 1 || c.Seconds <= 0 {
		return errors.New("--rounds and --seconds are more than nothing")
	}
	if _, err := os.Stat(c.Parley); err != nil {
		return fmt.Errorf("the program to measure: %w; make build makes it", err)
	}
	return c.with(e.ctx, func(url string, db *pgxpool.Pool) error {
		b := &bench{runCmd: *c, ctx: e.ctx, url: url, db: db, progress: e.stderr}
		return b.run(only, e.stdout)
	})
}

func (b *bench) run(only *regexp.Regexp, stdout io.Writer) (err error) {
	if b.log, err = openLog(b.Log); err != nil {
		return err
	}
	defer b.log.Close()
	if b.data, err = look(b.ctx, b.db); err != nil {
		return err
	}
	if b.parley, err = b.start(b.url, ""); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.parley.stop()) }()
	begin := time.Now()
	var sections []section
	var failed []error
	for _, p := range parts {
		if !only.MatchString(p.name) || b.ctx.Err() != nil {
			continue
		}
		fmt.Fprintf(b.progress, "%s …\n", p.name)
		var s section
		err := settle(b.ctx, b.db) // what the part before it wrote
		if err == nil {
			s, err = p.measure(b)
		}
		s.name = p.name
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", p.name, err))
			s.lines = append(s.lines, line{item: "**failed**", result: fmt.Sprint(err), met: "no"})
		}
		sections = append(sections, s)
	}
	return errors.Join(append(failed, b.report(sections, time.Since(begin), stdout))...)
}

func (b *bench) report(sections []section, took time.Duration, stdout io.Writer) error {
	if err := table(stdout, sections); err != nil {
		return err
	}
	return b.write(func(w io.Writer) error {
		if err := b.preamble(w, took); err != nil {
			return err
		}
		markdown(w, sections)
		return nil
	})
}

// write writes the file of results.
func (b *bench) write(results func(w io.Writer) error) error {
	var text bytes.Buffer
	if err := results(&text); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(b.Out), 0o755); err != nil { //nolint:gosec // results are for everybody
		return fmt.Errorf("--out: %w", err)
	}
	if err := os.WriteFile(b.Out, text.Bytes(), 0o644); err != nil { //nolint:gosec // results are for everybody
		return fmt.Errorf("--out: %w", err)
	}
	return nil
}

// start starts the server that is measured, on a database or with a private one in dir.
func (b *bench) start(url, dir string, settings ...string) (*child, error) {
	c, err := b.launch(url, dir, settings...)
	if err != nil {
		return nil, err
	}
	if err := c.await(b.ctx, get(c.address, "/readyz", "")); err != nil {
		return nil, errors.Join(err, c.stop())
	}
	return c, nil
}

// launch does not wait until it answers.
func (b *bench) launch(url, dir string, settings ...string) (*child, error) {
	return start(b.ctx, b.Parley, func(address string) ([]string, []string) {
		environment := []string{
			"PARLEY_ADDR=" + address, "PARLEY_ADMIN_ADDR=", "PARLEY_LOG_LEVEL=" + b.LogLevel,
			"PARLEY_CLIENT_RATE=0", "PARLEY_KEY_RATE=0", "PARLEY_MAX_STREAMS_IN_ALL=0", "PARLEY_MAX_CONNECTIONS=0", // all come from one address
		}
		if url != "" {
			environment = append(environment, "DATABASE_URL="+url)
		} else {
			environment = append(environment, "PARLEY_DATA_DIR="+dir, "PARLEY_POSTGRES_BIN="+b.PostgresBin)
		}
		return []string{"serve"}, append(environment, settings...)
	}, b.log)
}

func openLog(path string) (*os.File, error) {
	if path == "" {
		path = os.DevNull
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("--log: %w", err)
	}
	return f, nil
}

// look finds out what is there to ask about.
func look(ctx context.Context, db *pgxpool.Pool) (dataset, error) {
	var d dataset
	var err error
	if d.exchanges, d.rounds, err = there(ctx, db); err != nil {
		return d, err
	}
	if d.exchanges == 0 || d.rounds == 0 {
		return d, errors.New("there are no synthetic records: parley-bench data makes them")
	}
	if err := db.QueryRow(ctx, "select max(id) from changesets").Scan(&d.revision); err != nil {
		return d, fmt.Errorf("asking for the revision: %w", err)
	}
	return d, nil
}

func (b *bench) window() time.Duration { return time.Duration(b.Seconds * float64(time.Second)) }

// measure is one window of one side: its figure.
type measure func(window time.Duration) (float64, error)

// alternate measures sides in turn, after a short window of each that does not count, and returns the figures of each.
func (b *bench) alternate(sides ...measure) ([][]float64, error) {
	for _, side := range sides {
		if _, err := side(b.window() / 4); err != nil {
			return nil, err
		}
	}
	figures := make([][]float64, len(sides))
	for range b.Rounds {
		for i, side := range sides {
			x, err := side(b.window())
			if err != nil {
				return nil, err
			}
			figures[i] = append(figures[i], x)
		}
	}
	return figures, nil
}
