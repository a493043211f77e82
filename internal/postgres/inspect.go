package postgres

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// ServerMajor is the major version of the server.
func ServerMajor(ctx context.Context, db *pgxpool.Pool) (major int, err error) {
	err = db.QueryRow(ctx, "select current_setting('server_version_num')::int / 10000").Scan(&major)
	return major, err
}

// CountTables counts the tables of a database, whosoever they are.
func CountTables(ctx context.Context, db *pgxpool.Pool) (n int, err error) {
	err = db.QueryRow(ctx, "select count(*) from pg_tables where schemaname not in ('pg_catalog', 'information_schema')").Scan(&n)
	return n, err
}

// Facts are what there is to know of a server and its database before judging how they are.
type Facts struct {
	Version      string // such as 15.4
	Major        int
	Encoding     string // of the database
	Size         int64  // of the database, in bytes
	Standby      bool
	User         string
	OwnsDatabase bool
	Clock        time.Duration // how far its clock is before ours
	ClockWithin  time.Duration // and how exactly that is known
	Connections  int           // in use, by everybody
	MostOfThem   int
	Unsafe       []string       // settings by which what was acknowledged may be lost
	Missing      []string       // extensions that are neither there nor can be made
	ReplayLag    *time.Duration // of a standby: how old what it shows is; nil: it has shown nothing yet
	Replicas     []Replica
	IdleSlots    []Slot
}

// Replica is a standby that a primary feeds.
type Replica struct {
	Name  string
	State string
	Bytes int64         // that it has not replayed yet
	Lag   time.Duration // how long that takes it
}

// Slot is a place in the log from which somebody who is not there wants to go on.
type Slot struct {
	Name  string
	Bytes int64 // of the log that are kept for it
}

// extensions are those that the schema needs.
var extensions = []string{"unaccent", "pg_trgm"}

const factsSQL = `select current_setting('server_version'), current_setting('server_version_num')::int / 10000,
	pg_encoding_to_char(d.encoding), pg_database_size(d.oid), pg_is_in_recovery(), current_user::text, pg_has_role(d.datdba, 'usage'),
	(select count(*) from pg_stat_activity where backend_type = 'client backend'), current_setting('max_connections')::int,
	array(select format('%s = %s', name, setting) from pg_settings where name in ('fsync', 'full_page_writes') and setting = 'off' order by name),
	array(select e from unnest($1::text[]) e where e not in (select name from pg_available_extensions) and e not in (select extname from pg_extension)),
	case when pg_is_in_recovery() then extract(epoch from now() - pg_last_xact_replay_timestamp())::float8 end
	from pg_database d where d.datname = current_database()`

// Inspect looks at a server and its database; now is our clock. It changes nothing.
func Inspect(ctx context.Context, db *pgxpool.Pool, now func() time.Time) (f Facts, err error) {
	var lag *float64
	err = db.QueryRow(ctx, factsSQL, extensions).Scan(&f.Version, &f.Major, &f.Encoding, &f.Size, &f.Standby, &f.User, &f.OwnsDatabase,
		&f.Connections, &f.MostOfThem, &f.Unsafe, &f.Missing, &lag)
	if err != nil {
		return f, fmt.Errorf("looking at the database: %w", err)
	}
	if lag != nil {
		d := time.Duration(*lag * float64(time.Second))
		f.ReplayLag = &d
	}
	var there time.Time
	before := now()
	if err := db.QueryRow(ctx, "select clock_timestamp()").Scan(&there); err != nil {
		return f, fmt.Errorf("reading the clock of the database: %w", err)
	}
	f.ClockWithin = now().Sub(before) / 2
	f.Clock = there.Sub(before.Add(f.ClockWithin))
	if f.Standby {
		return f, nil // what follows is a primary's
	}
	rows, err := db.Query(ctx, `select application_name, coalesce(state, 'unknown'), coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn), 0)::bigint,
		coalesce(extract(epoch from replay_lag), 0)::float8 * interval '1 second' from pg_stat_replication order by 1`)
	if err != nil {
		return f, fmt.Errorf("looking at replicas: %w", err)
	}
	if f.Replicas, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Replica]); err != nil {
		return f, fmt.Errorf("looking at replicas: %w", err)
	}
	rows, err = db.Query(ctx, `select slot_name::text, coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)::bigint
		from pg_replication_slots where not active order by 1`)
	if err != nil {
		return f, fmt.Errorf("looking at replication slots: %w", err)
	}
	if f.IdleSlots, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Slot]); err != nil {
		return f, fmt.Errorf("looking at replication slots: %w", err)
	}
	return f, nil
}

// Newest is the number of the newest migration that the program knows.
func (m *Migrator) Newest() int64 {
	sources := m.provider.ListSources()
	return sources[len(sources)-1].Version
}

// Compare tells which of our migrations a database has not, and which it has that we do not know. It changes nothing.
func (m *Migrator) Compare(ctx context.Context) (pending, unknown []int64, err error) {
	var applied []int64
	var there bool
	if err := m.pool.QueryRow(ctx, "select to_regclass('goose_db_version') is not null").Scan(&there); err != nil {
		return nil, nil, fmt.Errorf("looking for migrations: %w", err)
	}
	if there {
		rows, err := m.pool.Query(ctx, "select version_id from goose_db_version where is_applied and version_id > 0 order by 1")
		if err != nil {
			return nil, nil, fmt.Errorf("looking for migrations: %w", err)
		}
		if applied, err = pgx.CollectRows(rows, pgx.RowTo[int64]); err != nil {
			return nil, nil, fmt.Errorf("looking for migrations: %w", err)
		}
	}
	var known []int64
	for _, s := range m.provider.ListSources() {
		known = append(known, s.Version)
	}
	missingFrom := func(all, others []int64) []int64 {
		return slices.DeleteFunc(slices.Clone(all), func(v int64) bool { return slices.Contains(others, v) })
	}
	return missingFrom(known, applied), missingFrom(applied, known), nil
}
