package main

import (
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-api/parley/internal/postgres"
	"github.com/parley-api/parley/internal/store"
)

// pools are the connections of a server, by what may be done with them. Where the database does not let us take its roles on,
// owner, reader and writer are one and the same.
type pools struct {
	owner   *pgxpool.Pool // as the user of DATABASE_URL: what only an owner may, now and then
	reader  *pgxpool.Pool // what is asked for
	writer  *pgxpool.Pool // what is recorded
	exports *pgxpool.Pool // what is read in bulk: it takes no connection from what others wait for

	lines *store.Lines // all their connections
}

// pools divides the connections that a server may have: a reader cannot write, and a writer can neither make keys nor change
// a table, whatever they are made to do.
func (c *serveCmd) pools(e *env, url string, owner *pgxpool.Pool, lines *store.Lines, tracer pgx.QueryTracer) (_ *pools, err error) {
	missing, err := postgres.MissingRoles(e.ctx, owner)
	if err != nil {
		return nil, err
	}
	p := &pools{owner: owner, reader: owner, writer: owner, lines: lines}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	exports := postgres.PoolOptions{URL: url, MaxConns: c.MaxExports, StatementTimeout: c.ExportTimeout, Tracer: tracer, Attend: lines.Attend}
	if missing == "" {
		options := postgres.PoolOptions{URL: url, StatementTimeout: c.StatementTimeout, Tracer: tracer, Attend: lines.Attend}
		options.MaxConns, options.Role = max(2, c.MaxConns/4), postgres.WriterRole // 2: what one waits for may need another
		if p.writer, err = postgres.NewPool(e.ctx, options); err != nil {
			return nil, err
		}
		options.MaxConns, options.Role = c.MaxConns-options.MaxConns, postgres.ReaderRole
		if p.reader, err = postgres.NewPool(e.ctx, options); err != nil {
			return nil, err
		}
		exports.Role = postgres.ReaderRole
		owner.Reset() // it is seldom needed from now on
	} else {
		e.log.Warn("serving with all rights of the database user, as its roles cannot be taken on; parley doctor says what to do", "reason", missing)
	}
	p.exports, err = postgres.NewPool(e.ctx, exports)
	return p, err
}

// register counts what the pools do.
func (p *pools) register(metrics prometheus.Registerer) {
	metrics.MustRegister(postgres.PoolCollector("requests", p.reader), postgres.PoolCollector("exports", p.exports))
	if p.writer != p.reader {
		metrics.MustRegister(postgres.PoolCollector("writes", p.writer))
	}
}

// reset has connections be made anew: those that there are may lead to a server that is no longer there, or no longer the primary.
func (p *pools) reset() {
	for _, pool := range []*pgxpool.Pool{p.owner, p.reader, p.writer, p.exports} {
		pool.Reset()
	}
}

// close closes what was opened beside the owner's.
func (p *pools) close() {
	for _, pool := range []*pgxpool.Pool{p.reader, p.writer, p.exports} {
		if pool != nil && pool != p.owner {
			pool.Close()
		}
	}
}
