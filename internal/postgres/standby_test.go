package postgres

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestStandbyConfigs(t *testing.T) {
	for _, test := range []struct{ urls, want string }{
		{"", ""},
		{"postgres://parley:secret@one/parley", "one:5432"},
		{"postgres://parley@one,two:5433/parley", "one:5432 two:5433"},
		{"postgres://parley@one/parley, postgresql://parley@two:1,one/parley\tpostgres://three/x", "one:5432 two:1 three:5432"},
		{"postgres://parley@one,one/parley?sslmode=disable&target_session_attrs=standby", "one:5432"},
	} {
		configs, err := StandbyConfigs(test.urls, PoolOptions{MaxConns: 3})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range configs {
			got = append(got, fmt.Sprintf("%s:%d", c.ConnConfig.Host, c.ConnConfig.Port))
			for _, other := range c.ConnConfig.Fallbacks {
				if other.Host != c.ConnConfig.Host || other.Port != c.ConnConfig.Port {
					t.Errorf("%s: %s falls back to %s", test.urls, c.ConnConfig.Host, other.Host)
				}
			}
			if c.MaxConns != 3 || c.ConnConfig.RuntimeParams["default_transaction_read_only"] != "on" {
				t.Errorf("%s: %+v", test.urls, c)
			}
		}
		if diff := cmp.Diff(test.want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%s: %s", test.urls, diff)
		}
	}
	for _, bad := range []string{"nonsense", "postgres://one:x/parley", "postgres://one/parley nonsense"} {
		if _, err := StandbyConfigs(bad, PoolOptions{MaxConns: 3}); err == nil || !strings.Contains(err.Error(), "PARLEY_REPLICA_URLS") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
