// Package config is the program's settings: one struct, filled from flags and environment by the command line, checked
// whole, and safe to print.
package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"
)

// Database says which database to use.
type Database struct {
	URL         string `name:"database-url" env:"DATABASE_URL" placeholder:"URL" help:"PostgreSQL to use, such as postgres://user:password@host/database. Without it a private one is started from the binaries on this machine."`
	DataDir     string `name:"data-dir" env:"PARLEY_DATA_DIR" placeholder:"DIR" help:"Where the private PostgreSQL keeps its data. Default: /var/lib/parley for root, otherwise parley in the XDG data home."`
	PostgresBin string `name:"postgres-bin" env:"PARLEY_POSTGRES_BIN" placeholder:"DIR" help:"Folder of the PostgreSQL binaries for the private server. Default: the newest that is found."`
}

// Replicas says where reads are answered beside the primary.
type Replicas struct {
	ReplicaURLs   string        `name:"replica-urls" env:"PARLEY_REPLICA_URLS" placeholder:"URLS" help:"Hot standbys of the database, over which reads are spread: URLs with spaces between, or one that names several hosts. The primary may be among them."`
	ReplicaMaxLag time.Duration `env:"PARLEY_REPLICA_MAX_LAG" default:"30s" help:"How long replicas go on answering for the present while the primary is away: no answer is further behind than that."`
}

// Check reports every fault at once.
func (r Replicas) Check() error {
	if r.ReplicaMaxLag < 0 {
		return fmt.Errorf("PARLEY_REPLICA_MAX_LAG is %s; it cannot be negative", r.ReplicaMaxLag)
	}
	return nil
}

// Server says how to serve.
type Server struct {
	Addr             string        `env:"PARLEY_ADDR" default:"127.0.0.1:8080" help:"Address of the API."`
	Port             string        `env:"PORT" placeholder:"PORT" help:"Serve on this port of all addresses instead."`
	AdminAddr        string        `env:"PARLEY_ADMIN_ADDR" default:"127.0.0.1:8081" help:"Address for the operator: metrics, profiles and health. Empty: none."`
	PublicURL        string        `env:"PARLEY_PUBLIC_URL" placeholder:"URL" help:"What absolute links begin with, such as https://api.example.org. Default: as the client addressed us."`
	MaxConns         int32         `env:"PARLEY_MAX_CONNS" default:"16" help:"Connections to the database for requests, a quarter of them for what writes. Beside them exports have PARLEY_MAX_EXPORTS, and one listens to changesets."`
	StatementTimeout time.Duration `env:"PARLEY_STATEMENT_TIMEOUT" default:"15s" help:"How long a statement may take."`
	MaxBody          int64         `env:"PARLEY_MAX_BODY" default:"16777216" help:"Bytes of a request to write at the most."`
	MaxOperations    int           `env:"PARLEY_MAX_OPERATIONS" default:"10000" help:"Operations of a changeset at the most."`
	Cache            int64         `env:"PARLEY_CACHE" default:"67108864" help:"Bytes of finished answers that are kept. 0: none."`
	StaleIfError     time.Duration `env:"PARLEY_STALE_IF_ERROR" default:"24h" help:"How old a kept answer may be that is given while the database is away: since when nobody can say whether it still holds. 0: none is given."`
	MaxStreams       int           `env:"PARLEY_MAX_STREAMS" default:"100" help:"Streams of changes that one client address may have open. 0: any number."`
	MaxStreamsInAll  int           `env:"PARLEY_MAX_STREAMS_IN_ALL" default:"10000" help:"Streams of changes that all clients together may have open. 0: any number."`
	TrustedProxies   []string      `env:"PARLEY_TRUSTED_PROXIES" placeholder:"NETWORKS" help:"Addresses or networks of proxies, such as 10.0.0.0/8,::1, that are believed when they say which client a request comes from. Default: none is."`
	ProxyHeader      string        `env:"PARLEY_PROXY_HEADER" default:"X-Forwarded-For" enum:"X-Forwarded-For,Forwarded" help:"The header in which they say so; the other one counts for nothing."`
	ClientRate       int           `env:"PARLEY_CLIENT_RATE" default:"3000" help:"Requests a minute of one client address, without those answered from the cache. 0: any number."`
	KeyRate          int           `env:"PARLEY_KEY_RATE" default:"6000" help:"Requests a minute of one API key. 0: any number."`
	BadKeyRate       int           `env:"PARLEY_BAD_KEY_RATE" default:"30" help:"Keys a minute from one client address that are none, before it has to wait. 0: any number."`
	MaxRequests      int           `env:"PARLEY_MAX_REQUESTS" default:"512" help:"Requests at work at a time, without those answered from the cache; more are told to come back. 0: any number."`
	MaxExports       int32         `env:"PARLEY_MAX_EXPORTS" default:"8" help:"Exports under way at a time, half of them of one client address, each on a connection to the database of their own."`
	ExportTimeout    time.Duration `env:"PARLEY_EXPORT_TIMEOUT" default:"15m" help:"How long an export may take."`
	MaxURL           int           `env:"PARLEY_MAX_URL" default:"8192" help:"Bytes of an address at the most."`
	MaxHeader        int           `env:"PARLEY_MAX_HEADER" default:"32768" help:"Bytes of the headers of a request at the most, the address included."`
	MaxConnections   int           `env:"PARLEY_MAX_CONNECTIONS" default:"12000" help:"Connections of clients at the most; beyond, those give way that have waited longest for their client to ask. 0: any number."`
	NoMigrate        bool          `env:"PARLEY_NO_MIGRATE" help:"Do not bring the database schema up to date at the start."`
	NoWebhooks       bool          `env:"PARLEY_NO_WEBHOOKS" help:"Do not deliver webhooks: another process on the same database does."`
}

// Drain says how to stop.
type Drain struct {
	Delay   time.Duration `name:"drain-delay" env:"PARLEY_DRAIN_DELAY" default:"0s" help:"When told to stop, how long to serve on while /readyz says no, so that what hands out requests sends them elsewhere: longer than it takes to notice."`
	Timeout time.Duration `name:"drain-timeout" env:"PARLEY_DRAIN_TIMEOUT" default:"10s" help:"After that, how long requests in flight have to end."`
}

// Check reports every fault at once.
func (d Drain) Check() error {
	var faults []error
	if d.Delay < 0 {
		faults = append(faults, fmt.Errorf("PARLEY_DRAIN_DELAY is %s; it cannot be negative", d.Delay))
	}
	if d.Timeout < 0 {
		faults = append(faults, fmt.Errorf("PARLEY_DRAIN_TIMEOUT is %s; it cannot be negative", d.Timeout))
	}
	return errors.Join(faults...)
}

// TLS says how to serve encrypted, without a proxy that does it.
type TLS struct {
	Cert string `name:"tls-cert" env:"PARLEY_TLS_CERT" placeholder:"FILE" help:"Serve HTTPS with this certificate, PEM with all that vouch for it. Read again when the file changes, and on SIGHUP."`
	Key  string `name:"tls-key" env:"PARLEY_TLS_KEY" placeholder:"FILE" help:"The private key of the certificate, PEM."`
}

// Check reports every fault at once.
func (t TLS) Check() error {
	if (t.Cert == "") != (t.Key == "") {
		return errors.New("PARLEY_TLS_CERT and PARLEY_TLS_KEY are to be given both, or neither")
	}
	return nil
}

// Webhooks says where webhooks may lead.
type Webhooks struct {
	AllowPrivate bool `name:"webhooks-allow-private" env:"PARLEY_WEBHOOKS_ALLOW_PRIVATE" help:"Deliver webhooks to private and loopback addresses too, and by plain HTTP. Whoever has an admin key can then reach what this machine can."`
}

// Listen is the address that the API listens on.
func (s Server) Listen() string {
	if s.Port != "" {
		return net.JoinHostPort("", s.Port)
	}
	return s.Addr
}

// Check reports every fault at once.
func (s Server) Check() error {
	faults := []error{address("PARLEY_ADDR", s.Listen())}
	if s.AdminAddr != "" {
		faults = append(faults, address("PARLEY_ADMIN_ADDR", s.AdminAddr))
	}
	if u, err := url.Parse(s.PublicURL); s.PublicURL != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "") {
		faults = append(faults, fmt.Errorf("PARLEY_PUBLIC_URL %q is not an address such as https://api.example.org", s.PublicURL))
	}
	if s.MaxConns < 4 {
		faults = append(faults, fmt.Errorf("PARLEY_MAX_CONNS is %d; it takes 4 at least", s.MaxConns))
	}
	if s.MaxExports < 1 {
		faults = append(faults, fmt.Errorf("PARLEY_MAX_EXPORTS is %d; it takes 1 at least", s.MaxExports))
	}
	if s.MaxHeader < 4096 {
		faults = append(faults, fmt.Errorf("PARLEY_MAX_HEADER is %d; it takes 4096 at least", s.MaxHeader))
	}
	for name, value := range map[string]int64{
		"PARLEY_CACHE": s.Cache, "PARLEY_MAX_STREAMS": int64(s.MaxStreams), "PARLEY_MAX_STREAMS_IN_ALL": int64(s.MaxStreamsInAll),
		"PARLEY_CLIENT_RATE": int64(s.ClientRate), "PARLEY_KEY_RATE": int64(s.KeyRate), "PARLEY_BAD_KEY_RATE": int64(s.BadKeyRate),
		"PARLEY_MAX_REQUESTS": int64(s.MaxRequests), "PARLEY_MAX_URL": int64(s.MaxURL), "PARLEY_MAX_CONNECTIONS": int64(s.MaxConnections),
	} {
		if value < 0 {
			faults = append(faults, fmt.Errorf("%s is %d; it cannot be negative", name, value))
		}
	}
	if s.ExportTimeout < 0 {
		faults = append(faults, fmt.Errorf("PARLEY_EXPORT_TIMEOUT is %s; it cannot be negative", s.ExportTimeout))
	}
	if s.StaleIfError < 0 {
		faults = append(faults, fmt.Errorf("PARLEY_STALE_IF_ERROR is %s; it cannot be negative", s.StaleIfError))
	}
	if s.StatementTimeout < 0 {
		faults = append(faults, fmt.Errorf("PARLEY_STATEMENT_TIMEOUT is %s; it cannot be negative", s.StatementTimeout))
	}
	return errors.Join(faults...)
}

func address(name, value string) error {
	if _, port, err := net.SplitHostPort(value); err != nil || port == "" {
		return fmt.Errorf("%s %q is not HOST:PORT, such as 127.0.0.1:8080", name, value)
	}
	return nil
}

// String shows the settings without secrets.
func (d Database) String() string {
	if d.URL == "" {
		return "private PostgreSQL"
	}
	u, err := url.Parse(d.URL)
	if err != nil || u.Host == "" {
		return "the PostgreSQL of DATABASE_URL"
	}
	return "PostgreSQL at " + u.Host + "/" + strings.TrimPrefix(u.Path, "/")
}
