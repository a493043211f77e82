// Command parley serves the reference API for negotiations and their humanitarian results.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/parley-api/parley/internal/config"
)

type cli struct {
	config.Database

	LogLevel  slog.Level `env:"PARLEY_LOG_LEVEL" default:"info" help:"debug, info, warn or error."`
	LogFormat string     `env:"PARLEY_LOG_FORMAT" default:"text" enum:"text,json" help:"text, or json: a JSON object a line."`

	Serve    serveCmd    `cmd:"" help:"Serve the API."`
	Import   importCmd   `cmd:"" help:"Bring the records of files into the data set, by one changeset."`
	Export   exportCmd   `cmd:"" help:"Write the data set to files, in the format that import reads."`
	Keys     keysCmd     `cmd:"" help:"Make, list and end the API keys that writes need."`
	Webhooks webhooksCmd `cmd:"" help:"Say who is told of changes by HTTP, and see how that goes."`
	Migrate  migrateCmd  `cmd:"" help:"Look at or change the version of the database schema."`
	Backup   backupCmd   `cmd:"" help:"Save the database to a file, as it is at one moment, while it is written to."`
	Restore  restoreCmd  `cmd:"" help:"Bring a backup into an empty database, and compare all of it with what was saved."`
	Doctor   doctorCmd   `cmd:"" help:"Look for what is wrong with settings, database, disk and clock, and say what to do."`
	Health   healthCmd   `cmd:"" help:"Ask a running server whether it is ready, and fail if not."`
	Version  versionCmd  `cmd:"" help:"Print the version of the program and of the contract that it keeps to."`

	Completion    completionCmd    `cmd:"" help:"Print what has a shell complete the words of commands."`
	Man           manCmd           `cmd:"" help:"Print the manual page, for man."`
	CompleteWords completeWordsCmd `cmd:"" hidden:""`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the second signal ends the program at once
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			fmt.Fprintln(os.Stderr, "parley:", line)
		}
		os.Exit(1)
	}
}

// env is what every subcommand gets.
type env struct {
	ctx      context.Context //nolint:containedctx // the one of the whole run, handed to the subcommand by kong
	database config.Database
	log      *slog.Logger
	model    *kong.Application
	stdout   io.Writer
	stderr   io.Writer
}

// errHelp ends a run that only asked for help.
var errHelp = errors.New("help was asked for")

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	var c cli
	parser, err := kong.New(&c,
		kong.Name("parley"),
		kong.Description("The reference API for negotiations and their humanitarian results: one HTTP server over PostgreSQL."),
		kong.UsageOnError(),
		kong.Writers(stdout, stderr),
		kong.Exit(func(int) { panic(errHelp) }),
	)
	if err != nil {
		return err
	}
	defer func() { // kong ends the process after --help: we end the run instead
		if fault := recover(); fault == errHelp { //nolint:errorlint // the very value
			err = nil
		} else if fault != nil {
			panic(fault)
		}
	}()
	command, err := parser.Parse(args)
	if err != nil {
		return fmt.Errorf("%w; see parley --help", err)
	}
	return command.Run(&env{ctx: ctx, database: c.Database, log: c.log(stderr), model: parser.Model, stdout: stdout, stderr: stderr})
}

func (c *cli) log(to io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.LogLevel}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(to, options))
	}
	return slog.New(slog.NewTextHandler(to, options))
}
