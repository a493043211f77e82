package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/pressly/goose/v3"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/parley-api/parley/internal/config"
	"github.com/parley-api/parley/internal/conns"
	"github.com/parley-api/parley/internal/httpapi"
	"github.com/parley-api/parley/internal/postgres"
	"github.com/parley-api/parley/internal/store"
	"github.com/parley-api/parley/internal/tracing"
	"github.com/parley-api/parley/internal/webhook"
)

type serveCmd struct {
	config.Server
	config.Drain
	config.TLS
	config.Replicas
	config.Webhooks
}

// Run serves until the program is told to stop: then no new requests, those in flight end, the database closes.
func (c *serveCmd) Run(e *env) (err error) {
	if err := errors.Join(c.Server.Check(), c.Drain.Check(), c.TLS.Check(), c.Replicas.Check()); err != nil {
		return err
	}
	certificate, err := loadCertificate(c.TLS, e.log)
	if err != nil {
		return err
	}
	limitMemory(e, memlimit.FromCgroup)
	// The addresses first: an occupied one is the commonest fault, and the database need not start for it.
	listener, err := listen(e.ctx, "PARLEY_ADDR", c.Listen())
	if err != nil {
		return err
	}
	defer listener.Close()
	var admin net.Listener
	if c.AdminAddr != "" {
		if admin, err = listen(e.ctx, "PARLEY_ADMIN_ADDR", c.AdminAddr); err != nil {
			return err
		}
		defer admin.Close()
	}

	url, closeDB, err := e.openDatabase(false)
	if err != nil {
		return err
	}
	defer func() {
		if e := closeDB(); err == nil {
			err = e
		}
	}()
	traces, err := startTracing(e)
	if err != nil {
		return err
	}
	if traces != nil {
		e.log = slog.New(tracing.Logged(e.log.Handler()))
		defer stopTracing(e, traces)
	}
	var lines store.Lines
	pool, err := postgres.NewPool(e.ctx, postgres.PoolOptions{URL: url, MaxConns: c.MaxConns, StatementTimeout: c.StatementTimeout, Tracer: statementTracer(traces), Attend: lines.Attend})
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := pool.Ping(e.ctx); err != nil {
		return unreachable(e, err)
	}
	if !c.NoMigrate {
		if err := migrate(e, url); err != nil {
			return err
		}
	}
	pools, err := c.pools(e, url, pool, &lines, statementTracer(traces))
	if err != nil {
		return err
	}
	defer pools.close()
	return c.serve(e, pools, traces, certificate, listener, admin)
}

// migrate brings the schema up to date, on connections of its own: migrations may take longer than a request may.
func migrate(e *env, url string) error {
	pool, err := postgres.NewPool(e.ctx, postgres.PoolOptions{URL: url, MaxConns: 4, LockTimeout: postgres.MigrationLockTimeout})
	if err != nil {
		return err
	}
	defer pool.Close()
	m, err := postgres.NewMigrator(pool)
	if err != nil {
		return err
	}
	defer m.Close()
	m.Log = e.log
	return m.Up(e.ctx, func(r *goose.MigrationResult) {
		e.log.Info("migrated", "file", r.Source.Path, "duration", r.Duration)
	})
}

func (c *serveCmd) serve(e *env, pools *pools, traces *tracing.Tracing, certificate *certificate, listener, admin net.Listener) error {
	drain := newDrain(c.Drain)
	watch := store.NewWatch(pools.reader)
	watch.Anew, watch.Lines = pools.reset, pools.lines
	replicas, err := c.replicas(e, pools, watch, statementTracer(traces))
	if err != nil {
		return err
	}
	if replicas != nil {
		defer replicas.Close()
	}
	group, told := errgroup.WithContext(e.ctx)
	ctx, finish := context.WithCancel(context.WithoutCancel(told)) // until nobody is served any more
	defer finish()
	sender := newSender(c.Webhooks)
	metrics := newMetrics()
	pools.register(metrics)
	proxies, err := httpapi.NewProxies(c.ProxyHeader, c.TrustedProxies)
	if err != nil {
		return fmt.Errorf("PARLEY_TRUSTED_PROXIES: %w; it is addresses or networks, such as 10.0.0.0/8,::1", err)
	}
	bounded := conns.Listen(listener, c.MaxConnections, stalled)
	registerConns(metrics, bounded)
	public := c.newServer(drain.lastAnswers(httpapi.New(httpapi.Options{
		DB:        pools.reader,
		Writer:    pools.writer,
		Log:       e.log,
		PublicURL: c.PublicURL,
		Version:   programVersion(),
		Ready:     drain.ready,
		Schema:    schemaCheck(pools.owner),
		Metrics:   metrics,
		Tracing:   traces.Provider(),
		Watch:     watch,
		Replicas:  replicas,
		Webhooks:  sender,
		Cache:     c.Cache,
		Stale:     c.StaleIfError,

		MaxStreams:      c.MaxStreams,
		MaxStreamsInAll: c.MaxStreamsInAll,
		Stop:            drain.streams,

		Proxies:       proxies,
		MaxURL:        c.MaxURL,
		ClientRate:    c.ClientRate,
		KeyRate:       c.KeyRate,
		BadKeyRate:    c.BadKeyRate,
		MaxRequests:   c.MaxRequests,
		Surplus:       conns.Surplus,
		Exports:       pools.exports,
		MaxExports:    int(c.MaxExports),
		ExportTimeout: c.ExportTimeout,

		MaxBody:       c.MaxBody,
		MaxOperations: c.MaxOperations,
	})))
	public.ConnState, public.ConnContext = bounded.ConnState, bounded.ConnContext
	servers, adminAddr := []*http.Server{public}, "none"
	scheme := "http"
	if certificate == nil {
		ignoreReload()
		group.Go(func() error { return public.Serve(bounded) })
	} else {
		scheme, public.TLSConfig = "https", certificate.config()
		group.Go(func() error { return public.ServeTLS(bounded, "", "") })
		group.Go(func() error { certificate.watch(ctx); return nil })
	}
	if admin != nil {
		operator := c.newServer(operatorRoutes(public.Handler, metrics))
		servers, adminAddr = append(servers, operator), admin.Addr().String()
		group.Go(func() error { return operator.Serve(admin) })
	}
	if os.Getenv("GOGC") == "" {
		letGarbageGather(ctx)
	}
	e.log.Info("serving", "url", scheme+"://"+listener.Addr().String()+"/v1", "admin", adminAddr, "database", e.database.String(), "version", programVersion())

	group.Go(func() error { tend(ctx, e, pools.owner); return nil })
	group.Go(func() error { keep(ctx, e, pools.writer, watch); return nil })
	group.Go(func() error { return watch.Listen(ctx, e.log) }) // without what it had, all that is kept is made anew by starting again
	if replicas != nil {
		group.Go(func() error { replicas.Run(ctx); return nil })
	}
	if !c.NoWebhooks {
		d := c.deliverer(e, pools.writer, watch, sender, metrics, scheme+"://"+listener.Addr().String())
		group.Go(func() error { d.Run(ctx); return nil })
	}
	group.Go(func() error {
		defer finish()
		<-told.Done()
		e.log.Info("stopping", "reason", context.Cause(told), "delay", c.Delay)
		drain.end(servers)
		return nil
	})
	tellManager("READY=1")
	if err := group.Wait(); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// replicas are the hot standbys that reads are spread over; nil: there are none.
func (c *serveCmd) replicas(e *env, p *pools, watch *store.Watch, tracer pgx.QueryTracer) (*store.Replicas, error) {
	options := postgres.PoolOptions{MaxConns: c.MaxConns, StatementTimeout: c.StatementTimeout, Tracer: tracer}
	if p.reader != p.owner {
		options.Role = postgres.ReaderRole
	}
	configs, err := postgres.StandbyConfigs(c.ReplicaURLs, options)
	if err != nil || configs == nil {
		return nil, err
	}
	watch.MaxLag = c.ReplicaMaxLag
	return store.NewReplicas(configs, p.owner, watch, e.log), nil
}

// deliverer delivers webhooks. Nobody has asked for a message by an address of ours that could stand in it: without
// PARLEY_PUBLIC_URL it is the one that we listen on.
func (c *serveCmd) deliverer(e *env, pool *pgxpool.Pool, watch *store.Watch, sender *webhook.Sender, metrics prometheus.Registerer, address string) *webhook.Deliverer {
	return webhook.NewDeliverer(webhook.DelivererOptions{
		DB:      pool,
		Schema:  postgres.QueueSchema,
		Watch:   watch,
		Sender:  sender,
		Policy:  webhook.Standard(rand.Float64),
		Log:     e.log,
		Metrics: metrics,
		Base:    cmp.Or(strings.TrimSuffix(c.PublicURL, "/"), address),
	})
}

// tending is how often history is looked after, for the first time when a server that starts has read what it is asked for.
const (
	tending      = time.Hour
	firstTending = time.Minute
)

// tend keeps the past as fast to read as the present. That it cannot just now is no fault: it tries again.
func tend(ctx context.Context, e *env, pool *pgxpool.Pool) {
	for wait(ctx, firstTending); ctx.Err() == nil; wait(ctx, tending) {
		switch closed, err := store.CloseSegments(ctx, pool, store.LeastEnded, store.EndedShare); {
		case err != nil && ctx.Err() == nil:
			e.log.Warn("history is not cut yet", "error", err)
		case closed > 0:
			e.log.Info("history cut", "segments", closed)
		}
	}
}

// How often keep looks whether the data set has changed, and how often it looks in any case.
const (
	keeping       = time.Second
	keepingAnyway = time.Minute
)

// keep has records kept as they are shown, soon after they change. That it cannot just now is no fault: it tries again.
func keep(ctx context.Context, e *env, pool *pgxpool.Pool, watch *store.Watch) {
	var kept int64
	var last time.Time
	for ; ctx.Err() == nil; wait(ctx, keeping) {
		revision, err := watch.Revision(ctx)
		if err != nil || revision == kept && time.Since(last) < keepingAnyway {
			continue
		}
		if _, err := store.Keep(ctx, pool); err != nil && ctx.Err() == nil {
			e.log.Warn("records are not kept as they are shown yet", "error", err)
		}
		kept, last = revision, time.Now()
	}
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// stalled is how long a write may take before its client is taken for one that does not read: what is given from the cache has no
// deadline of its own.
const stalled = 90 * time.Second

// newServer bounds what a client may take: the time for headers, their size, idle connections. Answers mind their own
// deadlines, because a page and a stream have different ones.
func (c *serveCmd) newServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    c.MaxHeader,
	}
}

func listen(ctx context.Context, setting, addr string) (net.Listener, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("the address %s is occupied by another program; end that one, or choose another address by %s", addr, setting)
	case err != nil:
		return nil, fmt.Errorf("cannot listen on %s: %w; choose another address by %s", addr, err, setting)
	}
	return l, nil
}
