//go:build linux

// Command parley-cluster runs Parley on one machine as it runs on several: etcd, three PostgreSQL under Patroni, HAProxy, and two
// API processes. It kills some of them under load, and counts what is lost. scripts/cluster calls it; users of the API never need it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

type cli struct {
	Dir      string `default:"/var/tmp/parley-cluster" placeholder:"DIR" help:"Where everything is kept; it is emptied first. Its path must be open to the user that runs PostgreSQL."`
	Port     int    `default:"18140" help:"The first of 60 ports of the loopback."`
	Program  string `default:"bin/parley" placeholder:"FILE" help:"The program that serves."`
	Binaries string `env:"PARLEY_POSTGRES_BIN" placeholder:"DIR" help:"Folder of the PostgreSQL binaries. Default: the newest that is found."`

	Run  runCmd  `cmd:"" help:"Run the cluster until the program is told to stop."`
	Test testCmd `cmd:"" help:"Run it, write and read, kill, and count what is lost."`

	Measure measureCmd `cmd:"" help:"Run it, and measure how many reads a second one, two and three API processes answer, with replicas and without."`
}

// env is what every subcommand gets.
type env struct {
	ctx     context.Context //nolint:containedctx // the one of the whole run, handed to the subcommand by kong
	cluster *cluster
	stdout  io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var c cli
	command := kong.Parse(&c, kong.Name("parley-cluster"), kong.Description("Runs Parley on one machine as it runs on several."), kong.UsageOnError())
	if err := c.run(ctx, command); err != nil {
		fmt.Fprintln(os.Stderr, "parley-cluster:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to undo
	}
}

func (c *cli) run(ctx context.Context, command *kong.Context) (err error) {
	all, err := newCluster(c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, all.stop()) }()
	if err := all.start(ctx); err != nil {
		return fmt.Errorf("%w (logs are in %s)", err, all.dir)
	}
	return command.Run(&env{ctx: ctx, cluster: all, stdout: os.Stdout})
}

type runCmd struct{}

// Run runs the cluster until the program is told to stop.
func (*runCmd) Run(e *env) error {
	c := e.cluster
	_, err := fmt.Fprintf(e.stdout, "%s/v1 by HAProxy, %s and %s directly\nThe primary: %s\nLogs: %s\nCtrl-C ends it.\n", c.url(), c.apis[0].url(), c.apis[1].url(), c.superuserURL(c.port(primaryPort)), c.dir)
	if err != nil {
		return err
	}
	<-e.ctx.Done()
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
