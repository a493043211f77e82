//go:build linux

package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// What listens on which port, counted from the first one.
const (
	etcdPort     = 0
	etcdPeerPort = 1
	apiPort      = 2 // HAProxy, to an API process
	primaryPort  = 3 // HAProxy, to the primary
	statsPort    = 4 // HAProxy, about itself
	ownPort      = 5 // of the test
	postgresPort = 10
	patroniPort  = 20
	servePort    = 30
	adminPort    = 40
)

const (
	nodes    = 3
	mostAPIs = 3 // of which two run, unless it is measured what a third one does
)

// How long what is started may take to be there, and what is stopped to be gone.
const (
	startTime = 2 * time.Minute
	stopTime  = 30 * time.Second
)

// cluster is all processes, and what they share.
type cluster struct {
	*launcher

	dir      string
	base     int
	program  string
	binaries string
	password string
	etcd     *process
	haproxy  *process
	nodes    [nodes]*node
	apis     []*api
}

// node is a machine with PostgreSQL on it, looked after by Patroni.
type node struct {
	*process

	of   *cluster
	n    int
	name string
	dir  string
}

// api is an API process.
type api struct {
	*process

	of      *cluster
	n       int
	name    string
	started atomic.Int64 // how often

	replicas bool // reads are spread over the standbys
	uncached bool // answers are not kept
}

func newCluster(o *cli) (*cluster, error) {
	c := &cluster{base: o.Port, binaries: o.Binaries, password: rand.Text()}
	var err error
	if c.program, err = filepath.Abs(o.Program); err != nil {
		return nil, err
	}
	if c.dir, err = filepath.Abs(o.Dir); err != nil {
		return nil, err
	}
	if c.binaries == "" {
		found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
		if found == nil {
			return nil, errors.New("PostgreSQL is not in /usr/lib/postgresql, where Debian has it: say where by PARLEY_POSTGRES_BIN")
		}
		c.binaries = filepath.Dir(found[len(found)-1])
	}
	for _, needed := range []string{"etcd", "patroni", "haproxy"} {
		if _, err := exec.LookPath(needed); err != nil {
			return nil, fmt.Errorf("%s is not on this machine: scripts/cluster installs what is needed", needed)
		}
	}
	credential, err := unprivileged()
	if err != nil {
		return nil, err
	}
	c.launcher = newLauncher(credential)
	for n := range c.nodes {
		name := fmt.Sprintf("node%d", n+1)
		c.nodes[n] = &node{of: c, n: n, name: name, dir: filepath.Join(c.dir, name)}
	}
	for n := range mostAPIs {
		c.apis = append(c.apis, &api{of: c, n: n, name: fmt.Sprintf("api%d", n+1), replicas: true})
	}
	return c, c.prepare()
}

// unprivileged is the user postgres for root, as which PostgreSQL does not run; else nil.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // as ourselves
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, err
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(err1, err2)
}

// marker is in a folder that is ours to empty.
const marker = "parley-cluster"

// prepare makes the folder anew, and all configurations.
func (c *cluster) prepare() error {
	if entries, err := os.ReadDir(c.dir); err == nil && len(entries) > 0 {
		if _, err := os.Stat(filepath.Join(c.dir, marker)); err != nil {
			return fmt.Errorf("%s is not empty, and not of a cluster: choose another folder", c.dir)
		}
		if err := os.RemoveAll(c.dir); err != nil {
			return err
		}
	}
	for _, dir := range append([]string{c.dir}, c.folders()...) {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		if err := c.own(dir); err != nil {
			return err
		}
	}
	if err := c.write(marker, nil); err != nil {
		return err
	}
	for _, n := range c.nodes {
		text, err := n.patroni()
		if err != nil {
			return err
		}
		if err := c.write(n.name+"/patroni.yml", text); err != nil {
			return err
		}
	}
	return c.write("haproxy.cfg", []byte(c.proxy()))
}

func (c *cluster) folders() []string {
	all := []string{filepath.Join(c.dir, "etcd")}
	for _, n := range c.nodes {
		all = append(all, n.dir, filepath.Join(n.dir, "run"))
	}
	return all
}

func (c *cluster) own(path string) error {
	if c.user == nil {
		return nil
	}
	return os.Lchown(path, int(c.user.Uid), int(c.user.Gid))
}

func (c *cluster) write(name string, text []byte) error {
	path := filepath.Join(c.dir, name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return err
	}
	return c.own(path)
}

func (c *cluster) port(of int) int { return c.base + of }

// host is an address on the loopback.
func (c *cluster) host(of int) string { return fmt.Sprintf("127.0.0.1:%d", c.port(of)) }

// url is where clients ask.
func (c *cluster) url() string { return "http://" + c.host(apiPort) }

func (c *cluster) superuserURL(port int) string {
	return fmt.Sprintf("postgres://postgres:%s@127.0.0.1:%d/parley", c.password, port)
}

// start starts everything, and returns when all of it answers.
func (c *cluster) start(ctx context.Context) (err error) {
	etcd := "http://" + c.host(etcdPort)
	peer := "http://" + c.host(etcdPeerPort)
	c.etcd, err = c.launcher.start("etcd", c.dir, nil, "etcd", "--name=etcd1", "--data-dir="+filepath.Join(c.dir, "etcd"), "--listen-client-urls="+etcd, "--advertise-client-urls="+etcd,
		"--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer, "--initial-cluster=etcd1="+peer, "--log-level=warn")
	if err != nil {
		return err
	}
	if err := c.await(ctx, "etcd", func() bool { return answers(etcd + "/health") }); err != nil {
		return err
	}
	for _, n := range c.nodes {
		if err := n.start(); err != nil {
			return err
		}
	}
	if err := c.await(ctx, "a primary with two standbys", c.healthy); err != nil {
		return err
	}
	if c.haproxy, err = c.launcher.start("haproxy", c.dir, nil, "haproxy", "-db", "-f", filepath.Join(c.dir, "haproxy.cfg")); err != nil {
		return err
	}
	if err := c.await(ctx, "a database", func() bool { return c.makeDatabase(ctx) == nil }); err != nil {
		return err
	}
	for _, a := range c.apis[:2] { // one after the other: the first one makes the schema
		if err := c.startAPI(ctx, a); err != nil {
			return err
		}
	}
	return c.await(ctx, "HAProxy", func() bool { return answers(c.url() + "/readyz") })
}

// startAPI starts an API process, and returns when it answers. One that ends because there is no primary yet, as HAProxy sees it, is
// started again, as a service is.
func (c *cluster) startAPI(ctx context.Context, a *api) error {
	var failed error
	err := c.await(ctx, a.name, func() bool {
		if !a.running() {
			failed = a.start()
		}
		return failed != nil || answers(a.url()+"/readyz")
	})
	return errors.Join(failed, err)
}

// stop stops what was started, the last first.
func (c *cluster) stop() error {
	var faults []error
	for _, a := range c.apis {
		faults = append(faults, a.stop())
	}
	faults = append(faults, c.haproxy.stop())
	ended := make(chan error, nodes)
	for _, n := range c.nodes { // at once: who is left alone waits for the others
		go func() { ended <- n.stop() }()
	}
	for range c.nodes {
		faults = append(faults, <-ended)
	}
	return errors.Join(append(faults, c.etcd.stop())...)
}

// await waits until something is so.
func (c *cluster) await(ctx context.Context, what string, so func() bool) error {
	for end := time.Now().Add(startTime); ; pause(ctx, 100*time.Millisecond) {
		switch {
		case so():
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case time.Now().After(end):
			return fmt.Errorf("there is not %s within %v", what, startTime)
		}
	}
}

var impatient = &http.Client{Timeout: 2 * time.Second}

// answers reports whether an address answers 200.
func answers(url string) bool {
	response, err := impatient.Get(url)
	if err != nil {
		return false
	}
	response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// is asks Patroni: "primary", "replica", "synchronous" …
func (n *node) is(role string) bool {
	return answers("http://" + n.of.host(patroniPort+n.n) + "/" + role)
}

func (n *node) start() (err error) {
	n.process, err = n.of.launcher.start(n.name, n.of.dir, nil, "patroni", filepath.Join(n.dir, "patroni.yml"))
	return err
}

// postmaster is the process of PostgreSQL; none if it does not run.
func (n *node) postmaster() []int {
	content, err := os.ReadFile(filepath.Join(n.dir, "data", "postmaster.pid"))
	if err != nil {
		return nil
	}
	line, _, _ := strings.Cut(string(content), "\n")
	pid, err := strconv.Atoi(line)
	if program, linkErr := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); err != nil || linkErr != nil || filepath.Base(program) != "postgres" {
		return nil // the file is of one that has ended
	}
	return []int{pid}
}

// kill ends the machine, as it were.
func (n *node) kill() { n.process.kill(n.postmaster()...) }

// primary is the node that is the primary; nil: none is just now.
func (c *cluster) primary() *node {
	for _, n := range c.nodes {
		if n.running() && n.is("primary") {
			return n
		}
	}
	return nil
}

// healthy reports whether there are a primary, and two standbys, one of which is synchronous.
func (c *cluster) healthy() bool {
	primary, synchronous, standbys := 0, 0, 0
	for _, n := range c.nodes {
		switch {
		case n.is("primary"):
			primary++
		case n.is("synchronous"):
			synchronous++
			standbys++
		case n.is("replica"):
			standbys++
		}
	}
	return primary == 1 && synchronous == 1 && standbys == nodes-1
}

// makeDatabase makes the database of the program, and its roles.
func (c *cluster) makeDatabase(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, strings.TrimSuffix(c.superuserURL(c.port(primaryPort)), "parley")+"postgres")
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, sql := range []string{
		"create role parley login password '" + c.password + "'",
		"create role parley_reader; create role parley_writer; grant parley_reader, parley_writer to parley",
		"create database parley owner parley",
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

func (a *api) url() string { return "http://" + a.of.host(servePort+a.n) }

func (a *api) start() (err error) {
	a.started.Add(1)
	a.process, err = a.of.launcher.start(a.name, a.of.dir, a.environment(), a.of.program, "serve")
	return err
}
