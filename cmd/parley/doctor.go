package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/config"
	"github.com/parley-api/parley/internal/postgres"
)

type doctorCmd struct {
	config.Server
	config.Drain
	config.TLS
	JSON bool `name:"json" help:"As JSON, an array of findings, for programs."`
}

// finding is what the doctor says of one thing.
type finding struct {
	Level string `json:"level"` // ok, warn: it runs, but not as it should; fail: it does not run, or loses something
	About string `json:"about"`
	Says  string `json:"says"`
	Do    string `json:"do,omitempty"` // what mends it
}

// findings are what the doctor says of all.
type findings []finding

func (f *findings) ok(about, format string, args ...any) {
	*f = append(*f, finding{"ok", about, fmt.Sprintf(format, args...), ""})
}

func (f *findings) warn(about, do, format string, args ...any) {
	*f = append(*f, finding{"warn", about, fmt.Sprintf(format, args...), do})
}

func (f *findings) fail(about, do, format string, args ...any) {
	*f = append(*f, finding{"fail", about, fmt.Sprintf(format, args...), do})
}

// Bounds between what is well, what is not and what is bad.
const (
	littleSpace      = 1 << 30   // bytes that are free
	leastSpace       = 100 << 20 // below that a disk is full before anybody has looked
	certificateEnds  = 14 * 24 * time.Hour
	clockDeviates    = time.Second
	clockIsWrong     = time.Minute
	replicaLags      = 30 * time.Second
	slotKeeps        = 1 << 30 // bytes of the log
	spareConnections = 3       // that PostgreSQL keeps for its superuser
)

// Run looks at everything and says what it has found. It fails if anything is bad.
func (c *doctorCmd) Run(e *env) error {
	var all findings
	c.settings(&all)
	c.certificate(e, &all)
	temporaryFiles(&all)
	if err := e.withPool(func(ctx context.Context, db *pgxpool.Pool) error { return c.database(ctx, e, db, &all) }); err != nil {
		all.fail("database", "see the message; the log of PostgreSQL may say more", "%v", err)
	}
	if err := all.print(e, c.JSON); err != nil {
		return err
	}
	for _, f := range all {
		if f.Level == "fail" {
			return errors.New("something is wrong: see above")
		}
	}
	return nil
}

func (f findings) print(e *env, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(e.stdout).Encode(f)
	}
	for _, one := range f {
		if _, err := fmt.Fprintf(e.stdout, "%-4s  %-12s  %s\n", one.Level, one.About, one.Says); err != nil {
			return err
		}
		if one.Do != "" {
			fmt.Fprintf(e.stdout, "      %-12s  → %s\n", "", one.Do)
		}
	}
	return nil
}

func (c *doctorCmd) settings(all *findings) {
	err := errors.Join(c.Server.Check(), c.Drain.Check(), c.TLS.Check())
	if err == nil {
		all.ok("settings", "API on %s, %d connections to the database at the most", c.Listen(), c.MaxConns)
		return
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		all.fail("settings", "correct the setting; parley serve --help explains it", "%s", line)
	}
}

// certificate: one that has run out keeps everybody away.
func (c *doctorCmd) certificate(e *env, all *findings) {
	const about, do = "certificate", "renew it; a running server reads the files again by itself"
	cert, err := loadCertificate(c.TLS, e.log)
	switch {
	case err != nil:
		all.fail(about, "correct the files; a server that is started now does not serve", "%v", err)
	case cert == nil:
	case time.Now().After(cert.leaf().NotAfter):
		all.fail(about, do, "%s has run out on %s", cert.Cert, cert.leaf().NotAfter.Format(time.DateOnly))
	case time.Until(cert.leaf().NotAfter) < certificateEnds:
		all.warn(about, do, "%s runs out on %s", cert.Cert, cert.leaf().NotAfter.Format(time.DateOnly))
	default:
		all.ok(about, "%s is good until %s", cert.Cert, cert.leaf().NotAfter.Format(time.DateOnly))
	}
}

// temporaryFiles: Parquet is finished in a file before it is sent.
func temporaryFiles(all *findings) {
	folder := os.TempDir()
	f, err := os.CreateTemp("", "parley-")
	if err != nil {
		all.fail("temporary", "have a folder that can be written to, and name it by TMPDIR; in a container, mount a tmpfs on /tmp", "files cannot be made in %s: %v", folder, err)
		return
	}
	f.Close()
	os.Remove(f.Name())
	space("temporary", folder, all)
}

// space judges what is free where a folder is.
func space(about, folder string, all *findings) {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(folder, &disk); err != nil {
		all.warn(about, "run this as the user that runs parley", "what is free in %s cannot be found out: %v", folder, err)
		return
	}
	free := disk.Bavail * uint64(disk.Bsize) //nolint:gosec,unconvert // the size of a block is small, and of another type elsewhere
	const do = "make room, or move the folder to a larger disk; PostgreSQL stops when its disk is full"
	switch {
	case free < leastSpace:
		all.fail(about, do, "%s has only %s free", folder, size(free))
	case free < littleSpace:
		all.warn(about, do, "%s has only %s free", folder, size(free))
	default:
		all.ok(about, "%s has %s free", folder, size(free))
	}
}

func size[T uint64 | int64](bytes T) string {
	switch {
	case bytes >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30))
	default:
		return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
	}
}

// database judges the server, the database, and how they fit us.
func (c *doctorCmd) database(ctx context.Context, e *env, db *pgxpool.Pool, all *findings) error {
	facts, err := postgres.Inspect(ctx, db, time.Now)
	if err != nil {
		return err
	}
	c.server(e, facts, all)
	replication(facts, all)
	clock(facts, all)
	if e.database.URL == "" {
		folder := e.database.DataDir
		if folder == "" {
			if folder, err = postgres.DefaultDataDir(); err != nil {
				return err
			}
		}
		space("disk", folder, all)
	}
	if err := schema(ctx, db, facts, all); err != nil {
		return err
	}
	return roles(ctx, db, facts, all)
}

// oldest is the first major version whose functions the schema has been tried with.
const oldest = 14

func (c *doctorCmd) server(e *env, f postgres.Facts, all *findings) {
	if f.Major < oldest {
		all.fail("database", fmt.Sprintf("move to PostgreSQL %d or newer (parley backup, parley restore)", oldest), "PostgreSQL %s is too old", f.Version)
	} else {
		all.ok("database", "%s: PostgreSQL %s, %s", e.database, f.Version, size(f.Size))
	}
	if f.Encoding != "UTF8" {
		all.fail("database", "make one with: create database … encoding 'UTF8' template template0", "its encoding is %s, not UTF8", f.Encoding)
	}
	for _, setting := range f.Unsafe {
		all.fail("database", "set it to on in postgresql.conf and restart PostgreSQL", "%s: a crash loses what was acknowledged, or everything", setting)
	}
	for _, name := range f.Missing {
		all.fail("extensions", "install the package with PostgreSQL's own extensions: postgresql-contrib", "%s is not on the server", name)
	}
	if len(f.Missing) == 0 {
		all.ok("extensions", "unaccent and pg_trgm are there")
	}
	if free := f.MostOfThem - spareConnections; int(c.MaxConns) > free {
		all.fail("connections", "raise max_connections of PostgreSQL, or lower PARLEY_MAX_CONNS", "up to %d are wanted, and the server has %d in all", c.MaxConns, f.MostOfThem)
	} else if f.Connections*10 > free*9 {
		all.warn("connections", "raise max_connections, or lower PARLEY_MAX_CONNS of every process", "%d of %d are in use", f.Connections, f.MostOfThem)
	} else {
		all.ok("connections", "%d of %d are in use", f.Connections, f.MostOfThem)
	}
}

func replication(f postgres.Facts, all *findings) {
	const about = "replication"
	switch {
	case f.Standby && f.ReplayLag == nil:
		all.warn(about, "see pg_stat_wal_receiver there: is it connected to the primary?", "this is a standby that has replayed nothing yet")
	case f.Standby && *f.ReplayLag > replicaLags:
		all.warn(about, "if the primary is written to, see pg_stat_replication there", "this is a standby; what it shows is %s old", f.ReplayLag.Round(time.Second))
	case f.Standby:
		all.ok(about, "this is a standby, at most %s behind", f.ReplayLag.Round(time.Millisecond))
	case len(f.Replicas) == 0:
		all.ok(about, "a primary without replicas")
	}
	for _, r := range f.Replicas {
		if r.Lag > replicaLags || r.State != "streaming" {
			all.warn(about, "look at the log, the disk and the network of that replica", "%s is %s, %s and %s behind", r.Name, r.State, size(r.Bytes), r.Lag.Round(time.Millisecond))
		} else {
			all.ok(about, "%s is %s, %s and %s behind", r.Name, r.State, size(r.Bytes), r.Lag.Round(time.Millisecond))
		}
	}
	for _, s := range f.IdleSlots {
		if s.Bytes > slotKeeps {
			all.fail(about, fmt.Sprintf("bring its replica back, or: select pg_drop_replication_slot('%s')", s.Name), "nobody reads from the slot %s, for which %s of the log are kept: in the end the disk is full", s.Name, size(s.Bytes))
		} else {
			all.warn(about, "bring its replica back, or drop the slot", "nobody reads from the slot %s; the log is kept for it", s.Name)
		}
	}
}

func clock(f postgres.Facts, all *findings) {
	const about, do = "clock", "have both machines set their clocks by NTP (chrony, systemd-timesyncd)"
	off := f.Clock.Abs() - f.ClockWithin
	switch text := fmt.Sprintf("the database's differs from ours by %s", f.Clock.Abs().Round(time.Millisecond)); {
	case off > clockIsWrong:
		all.fail(about, do, "%s", text)
	case off > clockDeviates:
		all.warn(about, do, "%s", text)
	default:
		all.ok(about, "%s", text)
	}
}

// schema judges the migrations, and whether we may apply them.
func schema(ctx context.Context, db *pgxpool.Pool, f postgres.Facts, all *findings) error {
	const about = "schema"
	m, err := postgres.NewMigrator(db)
	if err != nil {
		return err
	}
	defer m.Close()
	pending, unknown, err := m.Compare(ctx)
	if err != nil {
		return err
	}
	if len(unknown) > 0 {
		all.warn(about, "run the program of that version; this one serves meanwhile, if the newer only expands", "the database has migrations that this program does not know: %v", unknown)
	}
	switch {
	case len(pending) == 0:
		all.ok(about, "all migrations are applied, up to number %d", m.Newest())
	case f.Standby:
		all.warn(about, "migrate the primary: parley migrate up", "%d migrations are pending: %v", len(pending), pending)
	case !f.OwnsDatabase:
		all.fail(about, fmt.Sprintf("migrate as the owner of the database, or: alter database … owner to %s", f.User), "%d migrations are pending, and %s may not apply them", len(pending), f.User)
	default:
		all.warn(about, "parley migrate up, or start parley serve", "%d migrations are pending: %v", len(pending), pending)
	}
	return nil
}

// roles judges whether the program can do without the rights of the owner for what it is asked.
func roles(ctx context.Context, db *pgxpool.Pool, f postgres.Facts, all *findings) error {
	const about = "roles"
	missing, err := postgres.MissingRoles(ctx, db)
	switch {
	case err != nil:
		return err
	case missing == "":
		all.ok(about, "reads go as %s, writes as %s", postgres.ReaderRole, postgres.WriterRole)
	case f.Standby:
		all.warn(about, "see what it says of the primary", "the roles cannot be taken on: %s", missing)
	default:
		all.warn(about, fmt.Sprintf("as a superuser: create role %[1]s; create role %[2]s; grant %[1]s, %[2]s to %[3]q (what is there already, leave out); then parley migrate up, and restart",
			postgres.ReaderRole, postgres.WriterRole, f.User), "reads and writes go with all rights of %s: %s", f.User, missing)
	}
	return nil
}
