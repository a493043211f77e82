package postgres

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakeInstall lays down programs that only tell their version.
func fakeInstall(t *testing.T, dir, version string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf("#!/bin/sh\necho 'postgres (PostgreSQL) %s'\n", version)
	for _, name := range []string{"initdb", "postgres"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPick(t *testing.T) {
	debian := map[string]string{"lib/13/bin": "13.1", "lib/15/bin": "15.2", "lib/16/bin": "16.0", "lib/9/bin": "9.6"}
	tests := []struct {
		name     string
		installs map[string]string // folder: version
		override string
		path     string
		want     int
		dir      string
		errors   []string // what the error must say
	}{
		{name: "newest", installs: debian, dir: "lib/16/bin"},
		{name: "the cluster's", installs: debian, want: 15, dir: "lib/15/bin"},
		{name: "first of equals", installs: map[string]string{"lib/15/bin": "15.1", "brew/postgresql@15/bin": "15.2"}, dir: "lib/15/bin"},
		{name: "newer in a later place", installs: map[string]string{"lib/15/bin": "15.1", "brew/postgresql@17/bin": "17.2"}, dir: "brew/postgresql@17/bin"},
		{name: "folder without a version", installs: map[string]string{"brew/postgresql@/bin": "18beta1"}, dir: "brew/postgresql@/bin"},
		{name: "PATH", installs: map[string]string{"usr/bin": "16.3"}, path: "none:usr/bin", dir: "usr/bin"},
		{name: "override", installs: map[string]string{"lib/17/bin": "17.0", "mine": "15.0"}, override: "mine", dir: "mine"},
		{name: "override is empty", installs: debian, override: "mine", errors: []string{"PARLEY_POSTGRES_BIN", "found none"}},
		{name: "wrong major", installs: debian, want: 17, errors: []string{"needs PostgreSQL 17", "found only", "15 in ", "install"}},
		{name: "old cluster", installs: debian, want: 13, errors: []string{"made by PostgreSQL 13", "14 and newer"}},
		{name: "only old", installs: map[string]string{"lib/13/bin": "13.1"}, errors: []string{"14 or newer", "13 in ", "DATABASE_URL"}},
		{name: "nothing", errors: []string{"found none", "install", "DATABASE_URL"}},
		{name: "broken program", installs: map[string]string{"usr/bin": "who knows"}, path: "usr/bin", errors: []string{"found none"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			root := t.TempDir()
			for dir, version := range test.installs {
				fakeInstall(t, filepath.Join(root, dir), version)
			}
			s := search{globs: []string{filepath.Join(root, "lib/*/bin"), filepath.Join(root, "brew/postgresql@*/bin")}}
			if test.override != "" {
				s.override = filepath.Join(root, test.override)
			}
			for dir := range strings.SplitSeq(test.path, ":") {
				s.path += filepath.Join(root, dir) + ":"
			}
			got, err := s.pick(test.want, "/data")
			if len(test.errors) == 0 {
				if err != nil || got.dir != filepath.Join(root, test.dir) {
					t.Fatalf("got %v, %v; want %s", got, err, test.dir)
				}
				return
			}
			if err == nil {
				t.Fatalf("got %v, want an error", got)
			}
			for _, part := range test.errors {
				if !strings.Contains(err.Error(), part) || strings.Contains(err.Error(), "\n") {
					t.Errorf("the error must say %q on one line: %v", part, err)
				}
			}
		})
	}
}
