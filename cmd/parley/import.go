package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/user"
	"strconv"
	"strings"

	"github.com/parley-api/parley/internal/dataset"
)

type importCmd struct {
	remote

	Paths      []string `arg:"" name:"path" help:"Files, folders, or - for standard input."`
	Message    string   `short:"m" help:"What changes and why, for the changeset. Default: the names of the files."`
	Author     string   `help:"In whose name. Default: the key's, or on the database the user's."`
	DryRun     bool     `help:"Only show what would change."`
	Prune      bool     `help:"Also delete the records of the files' collections that are not in the files."`
	Restore    bool     `help:"Bring back records that were deleted before."`
	Format     string   `enum:",yaml,json,ndjson,csv" default:"" help:"Of standard input: yaml, json, ndjson or csv. Files tell it by their extension."`
	Collection string   `help:"Of records whose file is not named after it."`
}

// Run brings the records of the files into the data set by one changeset: all of them or, if anything is wrong with any,
// none.
func (c *importCmd) Run(e *env) error {
	if c.Format == "json" {
		c.Format = dataset.YAML // which contains it
	}
	records, err := dataset.Read(dataset.Options{Format: c.Format, Collection: c.Collection, Stdin: os.Stdin}, c.Paths...)
	if err != nil {
		return err
	}
	author := c.Author
	if author == "" {
		author = userName()
	}
	bar := newProgress(e.stderr, "comparing", len(records))
	return c.withClient(e, author, bar.share, func(ctx context.Context, api *client) error {
		if c.URL == "" {
			author = "" // the API in this process has it already
		} else {
			author = c.Author
		}
		operations, err := c.operations(ctx, api, records)
		if err != nil {
			return err
		}
		message := c.Message
		if message == "" {
			message = "Import of " + strings.Join(c.Paths, ", ")
		}
		preview, err := api.record(ctx, message, author, operations, nil)
		bar.finish()
		if err != nil {
			return located(err, records)
		}
		printDifference(e.stdout, preview.Changes)
		if len(preview.Changes) == 0 || c.DryRun {
			return nil
		}
		*bar = *newProgress(e.stderr, "writing", len(operations))
		done, err := api.record(ctx, message, author, changing(operations, preview.Changes), &preview.Revision)
		bar.finish()
		if err != nil {
			return located(err, nil)
		}
		_, err = fmt.Fprintf(e.stdout, "Recorded as revision %d.\n", done.ID)
		return err
	})
}

// userName is who runs the program, as far as is known.
func userName() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "import"
}

// operations puts every record; pruned ones are deleted.
func (c *importCmd) operations(ctx context.Context, api *client, records []*dataset.Record) ([]operation, error) {
	var all []operation
	named := map[string]map[string]bool{}
	for _, r := range records {
		all = append(all, operation{Op: "put", Type: r.Collection, ID: r.ID, Body: r.Document, Restore: c.Restore})
		if named[r.Collection] == nil {
			named[r.Collection] = map[string]bool{}
		}
		named[r.Collection][r.ID] = true
	}
	if !c.Prune {
		return all, nil
	}
	for collection := range maps.Keys(named) {
		for r, err := range api.records(ctx, collection, map[string][]string{"fields": {"id"}}) {
			if err != nil {
				return nil, err
			}
			if id, _ := r["id"].(string); !named[collection][id] {
				all = append(all, operation{Op: "delete", Type: collection, ID: id})
			}
		}
	}
	return all, nil
}

// changing are the operations that a dry run found to change something.
func changing(operations []operation, changes []change) []operation {
	changed := map[string]bool{}
	for _, c := range changes {
		changed[c.Collection+"/"+c.Record] = true
	}
	var some []operation
	for _, o := range operations {
		if changed[o.Type+"/"+o.ID] {
			some = append(some, o)
		}
	}
	return some
}

// located says of each fault that the API found in which file and line it is. Operations are in the order of the records.
func located(err error, records []*dataset.Record) error {
	var problem *errProblem
	if !errors.As(err, &problem) || len(problem.Errors) == 0 {
		return err
	}
	lines := make([]string, len(problem.Errors))
	for i, fault := range problem.Errors {
		lines[i] = strings.TrimSpace(fault.Parameter+fault.Pointer) + ": " + fault.Reason
		parts := strings.SplitN(fault.Pointer, "/", 5)
		if len(parts) >= 4 && parts[1] == "operations" {
			n, err := strconv.Atoi(parts[2])
			if err == nil && n < len(records) {
				lines[i] = at(records[n], append(parts[3:], "")[:2]) + fault.Reason
			}
		}
		if fault.Suggestion != "" {
			lines[i] += "; did you mean " + fault.Suggestion + "?"
		}
	}
	return errors.New(strings.Join(lines, "\n"))
}

// at is the place of a fault: file and line, the record, and the field within it. rest is what follows the operation in
// the pointer: "body" and the pointer into the document, or another key of the operation.
func at(r *dataset.Record, rest []string) string {
	pointer := ""
	if rest[0] == "body" && rest[1] != "" {
		pointer = "/" + rest[1]
	}
	text := r.Position(pointer).String() + ": " + r.Collection + "/" + r.ID + ": "
	if pointer != "" {
		text += strings.ReplaceAll(pointer[1:], "/", ".") + ": "
	}
	return text
}
