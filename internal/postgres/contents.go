package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Contents is what a database holds, in figures that two databases have in common only if all their rows are the same.
type Contents struct {
	Revision int64   `json:"revision"` // of the data set
	Schema   int64   `json:"schema"`   // the newest migration
	Tables   []Table `json:"tables"`   // by name
}

// Table is the rows of a table, in whatever order. The checksum is the sum of the first 60 bits of the SHA-256 of each row as
// text: it does not depend on where rows lie, nor on the version of PostgreSQL.
type Table struct {
	Name     string `json:"name"`
	Rows     int64  `json:"rows"`
	Checksum string `json:"checksum"`
}

// ReadContents reads all that a database holds. In a transaction that sees one moment it is that of the moment.
func ReadContents(ctx context.Context, tx pgx.Tx) (c Contents, err error) {
	if err := tx.QueryRow(ctx, "select coalesce(max(version_id), 0) from goose_db_version where is_applied").Scan(&c.Schema); err != nil {
		return c, fmt.Errorf("reading the version of the schema: %w", err)
	}
	if err := tx.QueryRow(ctx, "select coalesce(max(id), 0) from changesets").Scan(&c.Revision); err != nil {
		return c, fmt.Errorf("reading the revision: %w", err)
	}
	rows, err := tx.Query(ctx, `select format('%I.%I', schemaname, tablename) from pg_tables
		where schemaname not in ('pg_catalog', 'information_schema') order by schemaname collate "C", tablename collate "C"`)
	if err != nil {
		return c, fmt.Errorf("listing tables: %w", err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return c, fmt.Errorf("listing tables: %w", err)
	}
	for _, name := range names {
		t := Table{Name: name}
		// The name is quoted by PostgreSQL itself, above.
		sql := `select count(*), coalesce(sum(('x' || left(encode(sha256(convert_to(t::text, 'UTF8')), 'hex'), 15))::bit(60)::bigint), 0)::text from ` + name + ` t`
		if err := tx.QueryRow(ctx, sql).Scan(&t.Rows, &t.Checksum); err != nil {
			return c, fmt.Errorf("adding up %s: %w", name, err)
		}
		c.Tables = append(c.Tables, t)
	}
	return c, nil
}

// Difference says in which tables two databases differ; "": in none.
func (c Contents) Difference(other Contents) string {
	if c.Revision != other.Revision {
		return fmt.Sprintf("revision %d, not %d", other.Revision, c.Revision)
	}
	if c.Schema != other.Schema {
		return fmt.Sprintf("the schema of migration %d, not %d", other.Schema, c.Schema)
	}
	there := map[string]Table{}
	for _, t := range other.Tables {
		there[t.Name] = t
	}
	for _, t := range c.Tables {
		switch o, ok := there[t.Name]; {
		case !ok:
			return fmt.Sprintf("no table %s", t.Name)
		case o.Rows != t.Rows:
			return fmt.Sprintf("%d rows in %s, not %d", o.Rows, t.Name, t.Rows)
		case o != t:
			return fmt.Sprintf("other rows in %s", t.Name)
		}
	}
	if len(c.Tables) != len(other.Tables) {
		return "more tables"
	}
	return ""
}
