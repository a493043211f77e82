package main

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/pressly/goose/v3"

	"github.com/parley-api/parley/internal/postgres"
)

type migrateCmd struct {
	Up     migrateUpCmd     `cmd:"" help:"Apply all pending migrations."`
	Down   migrateDownCmd   `cmd:"" help:"Undo the newest migration."`
	Status migrateStatusCmd `cmd:"" help:"List the migrations, applied and pending."`
}

type (
	migrateUpCmd     struct{}
	migrateDownCmd   struct{}
	migrateStatusCmd struct{}
)

func (migrateUpCmd) Run(e *env) error {
	return e.withMigrator(func(ctx context.Context, m *postgres.Migrator) error {
		applied := 0
		err := m.Up(ctx, func(r *goose.MigrationResult) {
			applied++
			fmt.Fprintln(e.stdout, r)
		})
		if err == nil && applied == 0 {
			fmt.Fprintln(e.stdout, "nothing to do: the schema is up to date")
		}
		return err
	})
}

func (migrateDownCmd) Run(e *env) error {
	return e.withMigrator(func(ctx context.Context, m *postgres.Migrator) error {
		result, err := m.Down(ctx)
		if err == nil {
			fmt.Fprintln(e.stdout, result)
		}
		return err
	})
}

func (migrateStatusCmd) Run(e *env) error {
	return e.withMigrator(func(ctx context.Context, m *postgres.Migrator) error {
		all, err := m.Status(ctx)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "VERSION\tSTATE\tAPPLIED AT\tFILE")
		for _, s := range all {
			at := ""
			if !s.AppliedAt.IsZero() {
				at = s.AppliedAt.UTC().Format("2006-01-02 15:04:05Z")
			}
			fmt.Fprintf(table, "%d\t%s\t%s\t%s\n", s.Source.Version, s.State, at, s.Source.Path)
		}
		return table.Flush()
	})
}
