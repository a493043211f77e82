// Command parley-bench measures Parley: it fills a database with synthetic records, and compares the real server with what
// could be had otherwise: bytes from memory, a service written by hand, plain SQL. Users of the API never need it.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/parley-api/parley/internal/config"
)

type cli struct {
	Data   dataCmd   `cmd:"" help:"Make the synthetic data set, or go on with it."`
	Run    runCmd    `cmd:"" help:"Measure against a data set that is made already, and write the results to a file."`
	Growth growthCmd `cmd:"" help:"Make the data set larger step by step, and measure at each size."`
	Rival  rivalCmd  `cmd:"" hidden:"" help:"Serve what Parley is compared with."`
}

// env is what every subcommand gets.
type env struct {
	ctx    context.Context //nolint:containedctx // the one of the whole run, handed to the subcommand by kong
	stdout io.Writer
	stderr io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var c cli
	command := kong.Parse(&c,
		kong.Name("parley-bench"),
		kong.Description("Measures Parley on synthetic records."),
		kong.UsageOnError(),
	)
	if err := command.Run(&env{ctx: ctx, stdout: os.Stdout, stderr: os.Stderr}); err != nil {
		fmt.Fprintln(os.Stderr, "parley-bench:", err)
		os.Exit(1)
	}
}

// target is the database that is filled and measured.
type target struct {
	config.Database
}
