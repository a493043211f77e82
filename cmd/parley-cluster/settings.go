//go:build linux

package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

// m is an object of YAML.
type m = map[string]any

// patroni is the configuration of Patroni. No write is acknowledged that is not on a second machine, and no machine becomes the
// primary that is not known to have all of them.
func (n *node) patroni() ([]byte, error) {
	c := n.of
	role := func(name string) m { return m{"username": name, "password": c.password} }
	return yaml.Marshal(m{
		"scope": "parley",
		"name":  n.name,
		"etcd3": m{"hosts": c.host(etcdPort)},
		"restapi": m{
			"listen":          c.host(patroniPort + n.n),
			"connect_address": c.host(patroniPort + n.n),
		},
		"bootstrap": m{
			"dcs": m{
				"ttl":                     20, // the least that Patroni takes: after so long the primary counts as lost
				"loop_wait":               2,
				"retry_timeout":           5,
				"primary_start_timeout":   0, // a primary that crashes is not waited for
				"maximum_lag_on_failover": 1 << 20,
				"synchronous_mode":        true,
				"synchronous_mode_strict": true,
				"postgresql": m{
					"use_pg_rewind": true,
					"parameters":    m{"max_connections": 100, "wal_keep_size": "256MB", "shared_buffers": "64MB", "wal_log_hints": "on"},
				},
			},
			"initdb": []any{m{"encoding": "UTF8"}, m{"locale": "C.UTF-8"}, "data-checksums"},
		},
		"postgresql": m{
			"listen":          c.host(postgresPort + n.n),
			"connect_address": c.host(postgresPort + n.n),
			"data_dir":        filepath.Join(n.dir, "data"),
			"bin_dir":         c.binaries,
			"pgpass":          filepath.Join(n.dir, "pgpass"),
			"authentication":  m{"superuser": role("postgres"), "replication": role("replicator"), "rewind": role("rewinder")},
			"pg_hba":          []string{"host all all 127.0.0.1/32 scram-sha-256", "host replication replicator 127.0.0.1/32 scram-sha-256"},
			"parameters":      m{"unix_socket_directories": filepath.Join(n.dir, "run")},
		},
	})
}

// proxy is the configuration of HAProxy. It asks API processes and Patroni twice a second how they are, sends a read that one
// process did not answer to the other, and cuts connections to what is no longer the primary.
func (c *cluster) proxy() string {
	var b strings.Builder
	fmt.Fprintf(&b, `global
  maxconn 4000

defaults
  timeout connect 2s
  timeout client 1m
  timeout server 1m
  timeout check 2s
  default-server inter 500ms fall 2 rise 1 on-marked-down shutdown-sessions

frontend api
  mode http
  bind %s
  option forwardfor
  default_backend api

backend api
  mode http
  balance roundrobin
  option httpchk GET /readyz
  option redispatch 1
  retries 3
  retry-on conn-failure empty-response 503
  http-request disable-l7-retry unless METH_GET || { method HEAD }
`, c.host(apiPort))
	for _, a := range c.apis {
		fmt.Fprintf(&b, "  server %s %s check\n", a.name, c.host(servePort+a.n))
	}
	fmt.Fprintf(&b, `
listen primary
  mode tcp
  bind %s
  option httpchk OPTIONS /primary
  timeout client 1h
  timeout server 1h
`, c.host(primaryPort))
	for _, n := range c.nodes {
		fmt.Fprintf(&b, "  server %s %s check port %d\n", n.name, c.host(postgresPort+n.n), c.port(patroniPort+n.n))
	}
	fmt.Fprintf(&b, `
frontend stats
  mode http
  bind %s
  stats enable
  stats uri /
`, c.host(statsPort))
	return b.String()
}

// environment is the settings of an API process. The first one finds the primary by HAProxy, the second one by itself, and it
// delivers webhooks for both.
func (a *api) environment() []string {
	c := a.of
	hosts := make([]string, nodes)
	for i, n := range c.nodes {
		hosts[i] = c.host(postgresPort + n.n)
	}
	all := "postgres://parley:" + c.password + "@" + strings.Join(hosts, ",") + "/parley"
	primary := all + "?target_session_attrs=read-write&connect_timeout=2"
	if a.n == 0 {
		primary = "postgres://parley:" + c.password + "@" + c.host(primaryPort) + "/parley"
	}
	if !a.replicas {
		all = ""
	}
	cache := 64 << 20
	if a.uncached {
		cache = 0
	}
	return []string{
		"DATABASE_URL=" + primary,
		"PARLEY_REPLICA_URLS=" + all,
		fmt.Sprint("PARLEY_CACHE=", cache),
		"PARLEY_CLIENT_RATE=0", "PARLEY_KEY_RATE=0", // all load is that of one address
		"PARLEY_LOG_LEVEL=warn",
		"PARLEY_REPLICA_MAX_LAG=" + bound.String(),
		"PARLEY_ADDR=" + c.host(servePort+a.n),
		"PARLEY_ADMIN_ADDR=" + c.host(adminPort+a.n),
		"PARLEY_PUBLIC_URL=" + c.url(),
		"PARLEY_WEBHOOKS_ALLOW_PRIVATE=true",
		fmt.Sprint("PARLEY_NO_WEBHOOKS=", a.n != 1),
	}
}
