package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// PoolOptions bound what the program asks of the database.
type PoolOptions struct {
	URL              string
	MaxConns         int32
	StatementTimeout time.Duration   // 0: none
	LockTimeout      time.Duration   // how long a statement waits for a lock; 0: as long as it takes
	Role             string          // taken on by every connection: ReaderRole, WriterRole, or "" for none
	Tracer           pgx.QueryTracer // told of statements; nil: nobody is
}

// NewPool makes a pool of connections. It connects when first used: a database that is away makes requests fail, not
// the start.
func NewPool(ctx context.Context, o PoolOptions) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(o.URL)
	if err != nil {
		return nil, fmt.Errorf("DATABASE_URL is not understood: %w; it looks like postgres://user:password@host:5432/database", err)
	}
	config.MaxConns = o.MaxConns
	config.ConnConfig.Tracer = o.Tracer
	config.ConnConfig.ConnectTimeout = 5 * time.Second
	params := config.ConnConfig.RuntimeParams
	if params["application_name"] == "" {
		params["application_name"] = "parley"
	}
	// Texts that PostgreSQL makes of dates and times must not depend on the server's settings.
	params["timezone"] = "UTC"
	params["datestyle"] = "ISO"
	params["jit"] = "off"              // compiling costs more than it saves in queries for a page
	params["random_page_cost"] = "1.1" // what is read often is in memory; and a plan made while a table is small must not read all of it when it has grown
	params["statement_timeout"] = fmt.Sprint(o.StatementTimeout.Milliseconds())
	if o.LockTimeout > 0 {
		params["lock_timeout"] = fmt.Sprint(o.LockTimeout.Milliseconds())
	}
	o.takeRole(config)
	return pgxpool.NewWithConfig(ctx, config)
}
