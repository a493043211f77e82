package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Replicas are the hot standbys over which reads are spread: those that answer, are of the same cluster as the primary, and
// have what is asked for. Of each it is known which revision it has at least, and that is never too much: all connections are to the
// very server that said so, and a standby that has less than it had before, as after a restart, is not used. A nil *Replicas is none.
type Replicas struct {
	primary  *pgxpool.Pool
	watch    *Watch
	log      *slog.Logger
	configs  []*pgxpool.Config
	all      atomic.Pointer[[]*replica]
	next     atomic.Uint32
	failures atomic.Int64
}

// replica is a hot standby.
type replica struct {
	of      *Replicas
	config  *pgxpool.Config // by which it was found
	address string
	db      *pgxpool.Pool
	stop    context.CancelFunc
	lines

	chosen   atomic.Int64           // how often it was to answer
	has      atomic.Int64           // the revision that it has at least; none: it is not to be used
	promised atomic.Int64           // the latest one that it ever had
	born     atomic.Pointer[string] // which server it is, and since when
	doubted  chan struct{}          // has room for one
}

// none is less than any revision.
const none = -1

// ErrBehind is the error of a read at a standby that has less than it had before, and ErrOther of one at another server than the one
// that said what it has: behind one address there may be several.
var (
	ErrBehind = errors.New("the standby has less than it had before")
	ErrOther  = errors.New("the address leads to several servers, or to another one than before")
)

// NewReplicas spreads reads over the standbys that some configurations lead to: each address that the name of a host has is one.
// They are not used before [Replicas.Run] has found out what they have.
func NewReplicas(configs []*pgxpool.Config, primary *pgxpool.Pool, watch *Watch, log *slog.Logger) *Replicas {
	r := &Replicas{primary: primary, watch: watch, log: log, configs: configs}
	r.all.Store(new([]*replica))
	return r
}

// Close closes all connections.
func (r *Replicas) Close() {
	for _, one := range *r.all.Load() {
		one.db.Close()
	}
}

// Having returns a standby that has a revision, each in its turn; nil if there is none.
func (r *Replicas) Having(revision int64) *pgxpool.Pool {
	if r == nil {
		return nil
	}
	all := *r.all.Load()
	first := int(r.next.Add(1))
	for i := range all {
		if one := all[(first+i)%len(all)]; one.has.Load() >= revision {
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
	var all []Standby
	for _, one := range *r.all.Load() {
		has := one.has.Load()
		all = append(all, Standby{Name: one.name(), Usable: has != none, Revision: max(has, 0), Chosen: one.chosen.Load()})
	}
	return all
}

// lookingUp is how often it is looked up which addresses the names of hosts have.
const lookingUp = 10 * time.Second

// Run looks after the standbys until the context ends.
func (r *Replicas) Run(ctx context.Context) {
	kin, err := r.kinship(ctx)
	if err != nil {
		return // the context has ended
	}
	var group sync.WaitGroup
	defer group.Wait()
	for ; ctx.Err() == nil; pause(ctx, lookingUp) {
		for _, one := range r.lookUp(ctx) {
			looked, stop := context.WithCancel(ctx)
			one.stop = stop
			group.Go(func() { one.run(looked, kin) })
		}
	}
}

// lookUp finds out which standbys there are. It lets go of those that are no more, and returns the new ones.
func (r *Replicas) lookUp(ctx context.Context) (found []*replica) {
	before := *r.all.Load()
	var all []*replica
	for _, config := range r.configs {
		host := config.ConnConfig.Host
		addresses, err := addressesOf(ctx, config)
		if err != nil { // those that are known may still be there
			if ctx.Err() == nil {
				r.log.Warn("replicas are not looked up", "host", host, "error", err)
			}
			for _, one := range before {
				if one.config == config {
					all = append(all, one)
				}
			}
		}
		for _, address := range addresses {
			i := slices.IndexFunc(before, func(one *replica) bool { return one.config == config && one.address == address })
			if i >= 0 {
				all = append(all, before[i])
				continue
			}
			one, err := r.open(ctx, config, address)
			if err != nil {
				r.log.Error("a replica cannot be used", "host", host, "error", err)
				continue
			}
			all, found = append(all, one), append(found, one)
		}
	}
	r.all.Store(&all)
	for _, one := range before {
		if !slices.Contains(all, one) {
			one.stop()
			go one.db.Close() // when those who read there have ended
		}
	}
	return found
}

// addressesOf lists the addresses that the name of a host has; the folder of a socket is one.
func addressesOf(ctx context.Context, config *pgxpool.Config) ([]string, error) {
	if host := config.ConnConfig.Host; strings.HasPrefix(host, "/") {
		return []string{host}, nil
	}
	return config.ConnConfig.LookupFunc(ctx, config.ConnConfig.Host)
}

// open makes the connections to a standby.
func (r *Replicas) open(ctx context.Context, config *pgxpool.Config, address string) (*replica, error) {
	one := &replica{of: r, config: config, address: address, doubted: make(chan struct{}, 1)}
	one.has.Store(none)
	own := config.Copy()
	own.ConnConfig.Host = address
	for _, other := range own.ConnConfig.Fallbacks { // with and without TLS
		other.Host = address
	}
	one.attend(own.ConnConfig, one.doubt)
	own.AfterConnect = one.recognize
	var err error
	one.db, err = pgxpool.NewWithConfig(context.WithoutCancel(ctx), own)
	return one, err
}

// name is HOST:PORT, with the address where the host has a name.
func (one *replica) name() string {
	host := one.config.ConnConfig.Host
	if host != one.address {
		host += "/" + one.address
	}
	return fmt.Sprintf("%s:%d", host, one.config.ConnConfig.Port)
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

// standsSQL is which server this is and since when, and what it has.
const standsSQL = "select coalesce(host(inet_server_addr()), '') || ' ' || pg_postmaster_start_time(), (" + revisionSQL + ")"

// recognize refuses a connection to another server than the one that is known, and to one that has less than others have relied on.
func (one *replica) recognize(ctx context.Context, conn *pgx.Conn) error {
	var born string
	var revision int64
	if err := conn.QueryRow(ctx, standsSQL).Scan(&born, &revision); err != nil {
		return err
	}
	known := one.born.Load()
	switch {
	case known == nil || *known != born:
		one.doubt()
		return ErrOther
	case revision < one.promised.Load():
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
	said := "it is not known yet"
	say := func(unfit error) {
		switch {
		case unfit == nil && said != "":
			said = ""
			one.of.log.Info("replica is used", "replica", one.name(), "revision", one.has.Load())
		case unfit != nil && said != unfit.Error():
			said = unfit.Error()
			one.of.log.Warn("replica is not used", "replica", one.name(), "reason", unfit)
		}
	}
	for {
		err := one.follow(ctx, kin, say)
		one.has.Store(none)
		if ctx.Err() != nil {
			return // those who are reading go on
		}
		one.of.failures.Add(1)
		one.cut()
		one.db.Reset()
		say(err)
	}
}

// follow keeps account of what the standby has until it does not answer. It says why the standby is not used, or that it is.
func (one *replica) follow(ctx context.Context, kin kinship, say func(unfit error)) error {
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
		revision, unfit, err := one.ask(ctx, conn, kin)
		if err != nil {
			return err
		}
		one.has.Store(revision)
		say(unfit)
		pace := silence
		if unfit == nil && revision < one.of.watch.floor.Load() || errors.Is(unfit, ErrBehind) {
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

// ask asks what the standby has; that is none if it is unfit to be used.
func (one *replica) ask(ctx context.Context, conn *pgx.Conn, kin kinship) (revision int64, unfit, err error) {
	ctx, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	var standby bool
	var born string
	var is kinship
	const sql = "select pg_is_in_recovery(), s.*, k.* from (" + standsSQL + ") s (born, revision), (" + kinshipSQL + ") k (system, schema)"
	if err := conn.QueryRow(ctx, sql).Scan(&standby, &born, &revision, &is.system, &is.schema); err != nil {
		return none, nil, err
	}
	promised := one.promised.Load()
	switch {
	case !standby:
		unfit = errors.New("it is no standby")
	case is.system != kin.system:
		unfit = fmt.Errorf("it is a standby of another cluster: of %s, and not of %s", is.system, kin.system)
	case is.schema < kin.schema:
		unfit = fmt.Errorf("%w: version %d of the schema, and not %d", ErrBehind, is.schema, kin.schema)
	case revision < promised:
		unfit = fmt.Errorf("%w: revision %d, and not %d", ErrBehind, revision, promised)
	}
	if unfit != nil {
		return none, unfit, nil
	}
	one.promised.Store(max(promised, revision))
	if known := one.born.Load(); known == nil || *known != born {
		one.born.Store(&born)
	}
	return revision, nil, nil
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
