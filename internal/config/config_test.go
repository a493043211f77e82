package config

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestLimitsAreDocumented: each limit that can be set stands in the README, with the number that it has by itself.
func TestLimitsAreDocumented(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| (`PARLEY_[^|]*) \\| ([^|]*) \\|").FindAllStringSubmatch(string(readme), -1) {
		names, defaults := strings.Split(row[1], ", "), strings.Split(row[2], ", ")
		if len(names) != len(defaults) {
			t.Errorf("%s has the defaults %s", row[1], row[2])
			continue
		}
		for i, name := range names {
			documented[strings.Trim(name, "`")] = defaults[i]
		}
	}
	limit := regexp.MustCompile("^PARLEY_(MAX_.*|.*_RATE|.*_TIMEOUT)$")
	count := 0
	for settings, i := reflect.TypeFor[Server](), 0; i < settings.NumField(); i++ {
		tag := settings.Field(i).Tag
		if name := tag.Get("env"); limit.MatchString(name) {
			count++
			if got := documented[name]; got != tag.Get("default") {
				t.Errorf("%s is %s by itself; the README says %q", name, tag.Get("default"), got)
			}
		}
	}
	if count < 12 {
		t.Errorf("only %d limits are found", count)
	}
}

// TestCheck reports every fault at once, by the name of the setting.
func TestCheck(t *testing.T) {
	good := Server{Addr: "127.0.0.1:0", MaxConns: 4, MaxExports: 1, MaxHeader: 4096}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	bad := Server{
		Addr: "here", AdminAddr: "there", PublicURL: "nowhere", MaxConns: 1, MaxExports: 0, MaxHeader: 10, Cache: -1, MaxStreams: -1, MaxStreamsInAll: -1,
		ClientRate: -1, KeyRate: -1, BadKeyRate: -1, MaxRequests: -1, MaxURL: -1, MaxConnections: -1, StatementTimeout: -time.Second, ExportTimeout: -time.Second,
	}
	err := bad.Check()
	if err == nil {
		t.Fatal("nothing is wrong with it")
	}
	for _, name := range []string{
		"PARLEY_ADDR", "PARLEY_ADMIN_ADDR", "PARLEY_PUBLIC_URL", "PARLEY_MAX_CONNS", "PARLEY_MAX_EXPORTS", "PARLEY_MAX_HEADER", "PARLEY_CACHE", "PARLEY_MAX_STREAMS ", "PARLEY_MAX_STREAMS_IN_ALL",
		"PARLEY_CLIENT_RATE", "PARLEY_KEY_RATE", "PARLEY_BAD_KEY_RATE", "PARLEY_MAX_REQUESTS", "PARLEY_MAX_URL", "PARLEY_MAX_CONNECTIONS", "PARLEY_STATEMENT_TIMEOUT", "PARLEY_EXPORT_TIMEOUT",
	} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not complained of: %v", name, err)
		}
	}
}
