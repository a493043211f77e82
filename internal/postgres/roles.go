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

// CheckRoles tells whether the user of a pool may take on the roles of reader and writer, and these have their rights; the
// error says what is missing.
func CheckRoles(ctx context.Context, db *pgxpool.Pool) error {
	for role, needs := range map[string]string{ReaderRole: "select", WriterRole: "insert"} {
		var may bool
		err := pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "set local role "+pgx.Identifier{role}.Sanitize()); err != nil {
				return err
			}
			return tx.QueryRow(ctx, "select has_table_privilege('rounds', $1)", needs).Scan(&may)
		})
		switch {
		case sqlState(err) != "":
			return fmt.Errorf("%s", oneLine(err))
		case err != nil:
			return fmt.Errorf("taking on the role %s: %w", role, err)
		case !may:
			return fmt.Errorf("%s has not its rights on the tables", role)
		}
	}
	return nil
}

// makeRoles makes the roles and gives them their rights, where that is still to be done and the user may.
func (m *Migrator) makeRoles(ctx context.Context) error {
	var there bool // the migration of roles
	if err := m.pool.QueryRow(ctx, "select to_regprocedure('share_out()') is not null").Scan(&there); err != nil {
		return fmt.Errorf("looking for roles: %w", err)
	}
	if !there || CheckRoles(ctx, m.pool) == nil {
		return nil
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
