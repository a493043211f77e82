package postgres

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// between parts URLs from each other: one that names several hosts has commas of its own.
var between = regexp.MustCompile(`[\s,]+(postgres(?:ql)?://)`)

// StandbyConfigs are how to connect to each host that some URLs name, of which one stands after the other with a space or a
// comma between. What is done there cannot write.
func StandbyConfigs(urls string, o PoolOptions) ([]*pgxpool.Config, error) {
	var configs []*pgxpool.Config
	var hosts []string
	for _, url := range strings.Fields(between.ReplaceAllString(urls, " $1")) {
		config, err := pgxpool.ParseConfig(url)
		if err != nil {
			return nil, fmt.Errorf("PARLEY_REPLICA_URLS is not understood: %w; it looks like postgres://user:password@host1:5432,host2:5432/database", err)
		}
		o.apply(config)
		config.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on"
		config.ConnConfig.ValidateConnect = nil // what the server is, who uses it looks at
		ways := waysTo(config.ConnConfig.Config)
		for i, way := range ways {
			host := fmt.Sprintf("%s:%d", way.Host, way.Port)
			if slices.Contains(hosts, host) {
				continue
			}
			hosts = append(hosts, host)
			one := config.Copy()
			one.ConnConfig.Host, one.ConnConfig.Port, one.ConnConfig.TLSConfig = way.Host, way.Port, way.TLSConfig
			one.ConnConfig.Fallbacks = slices.DeleteFunc(slices.Clone(ways[i+1:]), func(other *pgconn.FallbackConfig) bool {
				return other.Host != way.Host || other.Port != way.Port
			})
			configs = append(configs, one)
		}
	}
	return configs, nil
}

// waysTo lists all that a configuration tries, in order: hosts, and each perhaps with and without TLS.
func waysTo(config pgconn.Config) []*pgconn.FallbackConfig {
	first := &pgconn.FallbackConfig{Host: config.Host, Port: config.Port, TLSConfig: config.TLSConfig}
	return append([]*pgconn.FallbackConfig{first}, config.Fallbacks...)
}
