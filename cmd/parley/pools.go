package main

import (
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/postgres"
)

// pools are the connections of a server, by what may be done with them. Where the database does not let us take its roles on,
// they are one and the same.
type pools struct {
	owner  *pgxpool.Pool // as the user of DATABASE_URL: what only an owner may, now and then
	reader *pgxpool.Pool // what is asked for
	writer *pgxpool.Pool // what is recorded
}

// pools divides the connections that a server may have: a reader cannot write, and a writer can neither make keys nor change
// a table, whatever they are made to do.
func (c *serveCmd) pools(e *env, url string, owner *pgxpool.Pool) (*pools, error) {
	missing, err := postgres.MissingRoles(e.ctx, owner)
	if err != nil {
		return nil, err
	}
	if missing != "" {
		e.log.Warn("serving with all rights of the database user, as its roles cannot be taken on; parley doctor says what to do", "reason", missing)
		return &pools{owner, owner, owner}, nil
	}
	options := postgres.PoolOptions{URL: url, StatementTimeout: c.StatementTimeout}
	p := &pools{owner: owner}
	options.MaxConns, options.Role = max(2, c.MaxConns/4), postgres.WriterRole // 2: what one waits for may need another
	if p.writer, err = postgres.NewPool(e.ctx, options); err != nil {
		return nil, err
	}
	options.MaxConns, options.Role = c.MaxConns-options.MaxConns, postgres.ReaderRole
	if p.reader, err = postgres.NewPool(e.ctx, options); err != nil {
		p.writer.Close()
		return nil, err
	}
	owner.Reset() // it is seldom needed from now on
	return p, nil
}

// reset has connections be made anew: those that there are may lead to a server that is no longer there, or no longer the primary.
func (p *pools) reset() {
	for _, pool := range []*pgxpool.Pool{p.owner, p.reader, p.writer} {
		pool.Reset()
	}
}

// close closes what was opened beside the owner's.
func (p *pools) close() {
	if p.reader != p.owner {
		p.reader.Close()
		p.writer.Close()
	}
}
