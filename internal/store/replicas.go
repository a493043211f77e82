package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"
)

// Replicas are the hot standbys over which reads are spread: those that answer, are of the same cluster as the primary, and
// have what is asked for. Of each it is known which revision it has at least, and that is never too much: a connection to a
// standby that has less than it had before, as after a restart, is not used. A nil *Replicas is none.
type Replicas struct {
	primary  *pgxpool.Pool
	watch    *Watch
	log      *slog.Logger
	all      []*replica
	next     atomic.Uint32
	failures atomic.Int64
}

// replica is a hot standby.
type replica struct {
	of   *Replicas
	name string // HOST:PORT
	db   *pgxpool.Pool
	lines

	chosen   atomic.Int64  // how often it was to answer
	has      atomic.Int64  // the revision that it has at least; none: it is not to be used
	promised atomic.Int64  // the latest one that it ever had
	doubted  chan struct{} // has room for one
}

// none is less than any revision.
const none = -1

// ErrBehind is the error of a read at a standby that has less than it had before.
var ErrBehind = errors.New("the standby has less than it had before")

// NewReplicas makes a pool of connections to each of some standbys. They are not used before [Replicas.Run] has found out what
// they have.
func NewReplicas(ctx context.Context, configs []*pgxpool.Config, primary *pgxpool.Pool, watch *Watch, log *slog.Logger) (*Replicas, error) {
	r := &Replicas{primary: primary, watch: watch, log: log}
	for _, config := range configs {
		one := &replica{of: r, name: fmt.Sprintf("%s:%d", config.ConnConfig.Host, config.ConnConfig.Port), doubted: make(chan struct{}, 1)}
		one.has.Store(none)
		one.attend(config.ConnConfig, one.doubt)
		config.AfterConnect = one.keepsPromise
		var err error
		if one.db, err = pgxpool.NewWithConfig(ctx, config); err != nil {
			r.Close()
			return nil, fmt.Errorf("replica %s: %w", one.name, err)
		}
		r.all = append(r.all, one)
	}
	return r, nil
}

// Close closes all connections.
func (r *Replicas) Close() {
	for _, one := range r.all {
		one.db.Close()
	}
}

// Having returns a standby that has a revision, each in its turn; nil if there is none.
func (r *Replicas) Having(revision int64) *pgxpool.Pool {
	if r == nil {
		return nil
	}
	first := int(r.next.Add(1))
	for i := range r.all {
		if one := r.all[(first+i)%len(r.all)]; one.has.Load() >= revision {
			one.chosen.Add(1)
			return one.db
		}
	}
	return nil
}

// Failures counts how often a standby has failed. Each time it is left out from that moment on, so who was reading there may
// read elsewhere at once.
func (r *Replicas) Failures() int64 { return r.failures.Load() }

// Standby is what is known of a hot standby.
type Standby struct {
	Name     string // HOST:PORT
	Usable   bool
	Revision int64 // that it has at least, if it is usable
	Chosen   int64 // how often it was to answer
}

// Standbys tells what is known of each standby.
func (r *Replicas) Standbys() []Standby {
	if r == nil {
		return nil
	}
	all := make([]Standby, len(r.all))
	for i, one := range r.all {
		has := one.has.Load()
		all[i] = Standby{Name: one.name, Usable: has != none, Revision: max(has, 0), Chosen: one.chosen.Load()}
	}
	return all
}

// Run looks after the standbys until the context ends.
func (r *Replicas) Run(ctx context.Context) {
	kin, err := r.kinship(ctx)
	if err != nil {
		return // the context has ended
	}
	var group errgroup.Group
	for _, one := range r.all {
		group.Go(func() error { one.run(ctx, kin); return nil })
	}
	_ = group.Wait()
}

// kinship is by what a standby of the primary is known, and one that can be read by this program.
type kinship struct {
	system string // the identifier of the cluster
	schema int64  // the version that it has at least
}

const kinshipSQL = "select (select system_identifier::text from pg_control_system()), (select max(version_id) from goose_db_version where is_applied)"

func (r *Replicas) kinship(ctx context.Context) (k kinship, err error) {
	for {
		if err = r.primary.QueryRow(ctx, kinshipSQL).Scan(&k.system, &k.schema); err == nil || ctx.Err() != nil {
			return k, err
		}
		r.log.Warn("replicas are not used yet: the primary does not say what it is", "error", err)
		pause(ctx, silence)
	}
}

// doubt leaves the standby out until it has been asked anew.
func (one *replica) doubt() {
	one.has.Store(none)
	one.of.failures.Add(1)
	select {
	case one.doubted <- struct{}{}:
	default:
	}
}

// keepsPromise refuses a connection to a standby that has less than others have relied on.
func (one *replica) keepsPromise(ctx context.Context, conn *pgx.Conn) error {
	var revision int64
	if err := conn.QueryRow(ctx, revisionSQL).Scan(&revision); err != nil {
		return err
	}
	if revision < one.promised.Load() {
		one.doubt()
		return ErrBehind
	}
	return nil
}

// How soon a standby that is behind is asked again, at first and at last.
const (
	soon  = time.Millisecond
	later = 100 * time.Millisecond
)

// run asks what the standby has, on a connection of its own: at once after a changeset, again and again until it has that, and
// now and then in any case. One that does not answer is left out, and what waits for it is cut off.
func (one *replica) run(ctx context.Context, kin kinship) {
	var reason string
	for ctx.Err() == nil {
		err := one.follow(ctx, kin, func() {
			if reason != "" {
				one.of.log.Info("replica is used", "replica", one.name, "revision", one.has.Load())
			}
			reason = ""
		})
		one.has.Store(none)
		one.of.failures.Add(1)
		one.cut()
		one.db.Reset()
		if err != nil && ctx.Err() == nil {
			if err.Error() != reason {
				one.of.log.Warn("replica is not used", "replica", one.name, "reason", err)
			}
			reason = err.Error()
		}
	}
}

// follow keeps account of what the standby has until that fails.
func (one *replica) follow(ctx context.Context, kin kinship, used func()) error {
	one.settle(ctx)
	asking, cancel := context.WithTimeout(ctx, 2*silence)
	conn, err := pgx.ConnectConfig(asking, one.db.Config().ConnConfig)
	cancel()
	if err != nil {
		return err
	}
	defer func() { _ = conn.PgConn().Conn().Close() }() // without a word: nobody may be there to hear it
	for wait := soon; ; {
		moved := one.of.watch.whenMoved()
		revision, err := one.ask(ctx, conn, kin)
		if err != nil {
			return err
		}
		one.has.Store(revision)
		used()
		pace := silence
		if revision < one.of.watch.floor.Load() {
			pace, moved = wait, nil
			wait = min(2*wait, later)
		} else {
			wait = soon
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-one.doubted:
			one.has.Store(none)
			one.settle(ctx)
		case <-moved:
		case <-time.After(pace):
		}
	}
}

// settle gives the reads that failed the time to go elsewhere.
func (one *replica) settle(ctx context.Context) {
	pause(ctx, respite)
	select {
	case <-one.doubted:
	default:
	}
}

// ask asks what the standby has.
func (one *replica) ask(ctx context.Context, conn *pgx.Conn, kin kinship) (revision int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	var standby bool
	var is kinship
	const sql = "select pg_is_in_recovery(), (" + revisionSQL + "), k.* from (" + kinshipSQL + ") k (system, schema)"
	if err := conn.QueryRow(ctx, sql).Scan(&standby, &revision, &is.system, &is.schema); err != nil {
		return none, err
	}
	promised := one.promised.Load()
	switch {
	case !standby:
		return none, errors.New("it is no standby")
	case is.system != kin.system:
		return none, fmt.Errorf("it is a standby of another cluster: of %s, and not of %s", is.system, kin.system)
	case is.schema < kin.schema:
		return none, fmt.Errorf("it has version %d of the schema yet, and not %d", is.schema, kin.schema)
	case revision < promised:
		return none, fmt.Errorf("%w: revision %d, and not %d", ErrBehind, revision, promised)
	}
	one.promised.Store(max(promised, revision))
	return revision, nil
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
