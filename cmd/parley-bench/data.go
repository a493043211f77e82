package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/store"
)

type dataCmd struct {
	target

	Records int `default:"1000000" help:"Exchanges that there are to be."`
	Batch   int `default:"10000" help:"Records of one changeset."`
}

// Run fills the database up to the size that was asked for.
func (c *dataCmd) Run(e *env) error {
	return c.with(e.ctx, func(_ string, db *pgxpool.Pool) error { return fill(e.ctx, db, c.Records, c.Batch, e.stderr) })
}

// there is how much of the data set is there. Changesets are made in the order of the numbers, each whole or not at all: so
// a count says where to go on. In the order of the column, letters come after digits.
func there(ctx context.Context, db *pgxpool.Pool) (exchanges, rounds int, err error) {
	err = db.QueryRow(ctx, `select (select count(*) from prisoner_exchanges where id >= 'synthetic-0' and id < 'synthetic-a'),
		(select count(*) from rounds where id >= 'synthetic-round-0' and id < 'synthetic-round-a')`).Scan(&exchanges, &rounds)
	if err != nil {
		return 0, 0, fmt.Errorf("counting synthetic records: %w", err)
	}
	return exchanges, rounds, nil
}

// fill makes what the data set of n exchanges lacks, through changesets as any writer would, and then has the planner look
// at it.
func fill(ctx context.Context, db *pgxpool.Pool, n, batch int, progress io.Writer) error {
	exchanges, rounds, err := there(ctx, db)
	if err != nil {
		return err
	}
	if exchanges >= n && rounds >= roundsFor(n) {
		return settle(ctx, db) // another program may have made it, which kept it otherwise
	}
	if batch < 1 {
		return errors.New("a changeset has one record at least")
	}
	if rounds == 0 {
		if err := recordAll(ctx, db, "Synthetic people and sources", foundations()); err != nil {
			return err
		}
	}
	if err := inBatches(ctx, db, "rounds", rounds, roundsFor(n), max(1, batch/10), round, progress); err != nil {
		return err
	}
	if err := inBatches(ctx, db, "exchanges", exchanges, n, batch, exchange, progress); err != nil {
		return err
	}
	return settle(ctx, db)
}

// settle does at once what the server and PostgreSQL would do sooner or later by themselves, so that figures do not depend
// on when they did.
func settle(ctx context.Context, db *pgxpool.Pool) error {
	for all := false; !all; {
		if _, err := store.Keep(ctx, db); err != nil {
			return err
		}
		const sql = `select not exists (select from prisoner_exchanges x left join kept.prisoner_exchanges k on k.id = x.id and k.revision = x.revision where k.id is null),
			pg_sleep(0.1)` // a server may be at it, and is not to be kept from it
		if err := db.QueryRow(ctx, sql).Scan(&all, nil); err != nil {
			return fmt.Errorf("waiting until all is kept: %w", err)
		}
	}
	if _, err := db.Exec(ctx, "vacuum (analyze)"); err != nil {
		return fmt.Errorf("analysing the tables: %w", err)
	}
	_, _ = db.Exec(ctx, "checkpoint") // which not every user may do
	return nil
}

// inBatches makes the records numbered done+1 to n.
func inBatches(ctx context.Context, db *pgxpool.Pool, what string, done, n, batch int, make func(int) store.Operation, progress io.Writer) error {
	begin, first := time.Now(), done
	for done < n {
		var operations []store.Operation
		for i := done + 1; i <= min(done+batch, n); i++ {
			operations = append(operations, make(i))
		}
		if err := recordAll(ctx, db, fmt.Sprintf("Synthetic %s %d to %d", what, done+1, done+len(operations)), operations); err != nil {
			return err
		}
		done += len(operations)
		fmt.Fprintf(progress, "%s: %d of %d, %.0f/s\n", what, done, n, float64(done-first)/time.Since(begin).Seconds())
	}
	return nil
}

func recordAll(ctx context.Context, db *pgxpool.Pool, message string, operations []store.Operation) error {
	_, err := store.Record(ctx, db, store.Changeset{Author: "parley-bench", Message: message, Operations: operations})
	if err != nil {
		return fmt.Errorf("%s: %w", message, err)
	}
	return nil
}
