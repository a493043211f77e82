package main

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"net/url"
	"os"
	"slices"
	"strconv"

	"github.com/parley-api/parley/internal/dataset"
	"github.com/parley-api/parley/internal/record"
)

type exportCmd struct {
	remote

	Dir    string `arg:"" help:"Folder to write the files to; it is made if it is not there. Files of the same names are replaced."`
	Format string `enum:"yaml,ndjson,csv" default:"yaml" help:"yaml, ndjson, or csv for the collections that are tables and ndjson for the others."`
	AsOf   string `placeholder:"MOMENT" help:"The data set as it was recorded at an instant, a day or a revision. Default: now."`
}

// Run writes the whole data set as it stands at one revision, in the format that import reads.
func (c *exportCmd) Run(e *env) error {
	if err := os.MkdirAll(c.Dir, 0o755); err != nil { //nolint:gosec // the data are public
		return err
	}
	return c.withClient(e, "export", nil, func(ctx context.Context, api *client) error {
		revision, err := api.revision(ctx, c.AsOf)
		if err != nil {
			return err
		}
		dates, err := roundDates(ctx, api, revision)
		if err != nil {
			return err
		}
		bar := newProgress(e.stderr, "exporting", len(record.Collections()))
		total := 0
		for _, name := range record.Collections() {
			n, err := dataset.Write(c.Dir, c.Format, name, inFileOrder(ctx, api, name, revision, dates))
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			total += n
			bar.add(1)
		}
		bar.finish()
		_, err = fmt.Fprintf(e.stdout, "%d records of revision %d are in %s\n", total, revision, c.Dir)
		return err
	})
}

func roundDates(ctx context.Context, api *client, revision int64) (map[string]string, error) {
	dates := map[string]string{}
	for r, err := range api.records(ctx, "rounds", url.Values{"fields": {"id,starts_on"}, "as_of": {strconv.FormatInt(revision, 10)}}) {
		if err != nil {
			return nil, err
		}
		dates[r["id"].(string)], _ = r["starts_on"].(string)
	}
	return dates, nil
}

// inFileOrder streams a collection by date, then id, as files have it. Commitments and claims without a date of their own
// stand where their round does, which takes sorting them here.
func inFileOrder(ctx context.Context, api *client, collection string, revision int64, dates map[string]string) iter.Seq2[map[string]any, error] {
	query := url.Values{"as_of": {strconv.FormatInt(revision, 10)}, "sort": {"date"}}
	own := map[string]string{"commitments": "agreed_on", "claims": "made_on"}[collection]
	switch collection {
	case "people", "parties", "coverage":
		query.Set("sort", "id")
	}
	stream := api.records(ctx, collection, query)
	if own == "" {
		return stream
	}
	return func(yield func(map[string]any, error) bool) {
		var all []map[string]any
		for r, err := range stream {
			if err != nil {
				yield(nil, err)
				return
			}
			all = append(all, r)
		}
		day := func(r map[string]any) string {
			day, _ := r[own].(string)
			round, _ := r["round"].(string)
			return cmp.Or(day, dates[round], "9999")
		}
		slices.SortStableFunc(all, func(a, b map[string]any) int {
			return cmp.Or(cmp.Compare(day(a), day(b)), cmp.Compare(a["id"].(string), b["id"].(string)))
		})
		for _, r := range all {
			if !yield(r, nil) {
				return
			}
		}
	}
}
