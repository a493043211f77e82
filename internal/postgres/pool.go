package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// PoolOptions bound what the program asks of the database.
type PoolOptions struct {
	URL              string
	MaxConns         int32
	StatementTimeout time.Duration         // 0: none
	LockTimeout      time.Duration         // how long a statement waits for a lock; 0: as long as it takes
	Role             string                // taken on by every connection: ReaderRole, WriterRole, or "" for none
	Tracer           pgx.QueryTracer       // told of statements; nil: nobody is
	Attend           func(*pgxpool.Config) // is shown how the pool connects; nil: nobody is
}

// connectTime is how long a server may take to answer, each of several. The URL can say less, by connect_timeout.
const connectTime = 5 * time.Second

// NewPool makes a pool of connections. It connects when first used: a database that is away makes requests fail, not
// the start.
//
// Of several hosts in the URL, and behind an address that leads to several, the primary is used: a server that is a standby
// when it is connected to counts as one that is away, and a connection to one that has become a standby is given up.
func NewPool(ctx context.Context, o PoolOptions) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(o.URL)
	if err != nil {
		return nil, fmt.Errorf("DATABASE_URL is not understood: %w; it looks like postgres://user:password@host:5432/database", err)
	}
	o.apply(config)
	validate := config.ConnConfig.ValidateConnect
	config.ConnConfig.ValidateConnect = func(ctx context.Context, conn *pgconn.PgConn) error {
		if standby(conn) {
			return errStandby
		}
		if validate != nil {
			return validate(ctx, conn)
		}
		return nil
	}
	if o.Attend != nil {
		o.Attend(config)
	}
	config.PrepareConn = func(_ context.Context, conn *pgx.Conn) (bool, error) { return !standby(conn.PgConn()), nil }
	return pgxpool.NewWithConfig(ctx, config)
}

var errStandby = errors.New("the server is a standby: it takes no writes")

// standby reports whether a connection leads to a hot standby. The server tells that of itself, also when it changes.
func standby(conn *pgconn.PgConn) bool { return conn.ParameterStatus("in_hot_standby") == "on" }

// apply sets what every pool has in common.
func (o PoolOptions) apply(config *pgxpool.Config) {
	config.MaxConns = o.MaxConns
	config.ConnConfig.Tracer = o.Tracer
	if t := &config.ConnConfig.ConnectTimeout; *t == 0 || *t > connectTime {
		*t = connectTime
	}
	config.ConnConfig.DialFunc = dialer.DialContext
	params := config.ConnConfig.RuntimeParams
	for name, value := range hearing {
		if params[name] == "" {
			params[name] = value
		}
	}
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
}
