package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// The roles that the program takes on, as migration 29 makes them.
const (
	ReaderRole = "parley_reader" // reads what is public
	WriterRole = "parley_writer" // records changesets, and sees to webhooks
)

// takeRole has every connection take a role on, also those that others make by the configuration of the pool.
func (o PoolOptions) takeRole(config *pgxpool.Config) {
	if o.Role == "" {
		return
	}
	set := "set role " + pgx.Identifier{o.Role}.Sanitize()
	if o.Role == ReaderRole {
		set += "; set default_transaction_read_only = on"
	}
	config.ConnConfig.AfterConnect = func(ctx context.Context, conn *pgconn.PgConn) error {
		if _, err := conn.Exec(ctx, set).ReadAll(); err != nil {
			return fmt.Errorf("taking on the role %s: %w", o.Role, err)
		}
		return nil
	}
}

// MissingRoles says what keeps the user of a pool from taking on the roles of reader and writer with their rights; "": nothing.
func MissingRoles(ctx context.Context, db *pgxpool.Pool) (missing string, err error) {
	for _, role := range []struct{ name, needs string }{{ReaderRole, "select"}, {WriterRole, "insert"}} {
		var may bool
		err := pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "set local role "+pgx.Identifier{role.name}.Sanitize()); err != nil {
				return err
			}
			return tx.QueryRow(ctx, "select has_table_privilege('rounds', $1)", role.needs).Scan(&may)
		})
		switch code := sqlState(err); {
		case code == noSuchRole || code == notPermitted || code == noSuchTable:
			return oneLine(err), nil
		case err != nil:
			return "", fmt.Errorf("taking on the role %s: %w", role.name, err)
		case !may:
			return role.name + " has not its rights on the tables", nil
		}
	}
	return "", nil
}

// SQLSTATEs of what may be missing. A role that there is not is a parameter that is not understood.
const (
	noSuchRole   = "22023"
	notPermitted = "42501"
	noSuchTable  = "42P01"
)

// makeRoles makes the roles and gives them their rights, where that is still to be done and the user may.
func (m *Migrator) makeRoles(ctx context.Context) error {
	var there bool // the migration of roles
	if err := m.pool.QueryRow(ctx, "select to_regprocedure('share_out()') is not null").Scan(&there); err != nil {
		return fmt.Errorf("looking for roles: %w", err)
	}
	if !there {
		return nil
	}
	if missing, err := MissingRoles(ctx, m.pool); err != nil || missing == "" {
		return err
	}
	err := pgx.BeginFunc(ctx, m.pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "do $$ begin if make_roles() then perform share_out(); end if; end $$")
		return err
	})
	if err != nil {
		return fmt.Errorf("giving roles their rights: %w", err)
	}
	return nil
}
