package postgres

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Tools are the programs of PostgreSQL that save and restore a database.
type Tools struct {
	dir string // of the programs; "": the PATH has them
}

// FindTools finds programs that understand a server of a major version: pg_dump refuses servers newer than itself. They are
// looked for where those of the private server are, and on the PATH.
func FindTools(ctx context.Context, binDir string, major int) (Tools, error) {
	var seen []string
	for _, b := range machineSearch(binDir).installed() {
		t := Tools{b.dir}
		if has := t.major(ctx); has >= major {
			return t, nil
		} else if has > 0 {
			seen = append(seen, fmt.Sprintf("%d in %s", has, b.dir))
		}
	}
	if has := (Tools{}).major(ctx); has >= major && binDir == "" {
		return Tools{}, nil
	} else if has > 0 {
		seen = append(seen, fmt.Sprintf("%d on the PATH", has))
	}
	there := "there is none on this machine"
	if len(seen) > 0 {
		there = "there is " + strings.Join(seen, ", ")
	}
	return Tools{}, fmt.Errorf("this needs pg_dump and pg_restore of PostgreSQL %d or newer, as the server is, and %s; install postgresql-client-%d, or name their folder by PARLEY_POSTGRES_BIN", major, there, major)
}

// major is the version of the programs, 0 where they are not.
func (t Tools) major(ctx context.Context) int {
	if _, err := exec.LookPath(t.program("pg_restore")); err != nil {
		return 0
	}
	out, err := exec.CommandContext(ctx, t.program("pg_dump"), "--version").Output() //nolint:gosec // from the usual places, or the operator's own setting
	m := majorInVersion.FindSubmatch(out)
	if err != nil || m == nil {
		return 0
	}
	major, _ := strconv.Atoi(string(m[1]))
	return major
}

func (t Tools) program(name string) string { return filepath.Join(t.dir, name) }

// Dump writes a database as it is in a snapshot that a transaction has exported, in the format of pg_restore. Owners and
// rights are not in it: they are those of whoever restores it.
func (t Tools) Dump(ctx context.Context, database, snapshot, path string) error {
	return t.run(ctx, database, nil, "pg_dump", "--format=custom", "--no-owner", "--no-privileges", "--snapshot="+snapshot, "--file="+path)
}

// Restore fills an empty database: with all, or with nothing.
func (t Tools) Restore(ctx context.Context, database string, dump io.Reader) error {
	return t.run(ctx, database, dump, "pg_restore", "--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges")
}

// run runs one of the programs on a database. Its password goes by the environment, which other users do not see.
func (t Tools) run(ctx context.Context, database string, stdin io.Reader, name string, args ...string) error {
	address, password := withoutPassword(database)
	cmd := exec.CommandContext(ctx, t.program(name), append([]string{"--no-password", "--dbname=" + address}, args...)...) //nolint:gosec // see above
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	if password != "" {
		cmd.Env = append(cmd.Env, "PGPASSWORD="+password)
	}
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = stdin, &stderr
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
		return fmt.Errorf("%s: %w: %s", name, err, strings.Join(lines[:min(3, len(lines))], " | "))
	}
	return nil
}

var passwordInKeywords = regexp.MustCompile(`(?:^|\s)password\s*=\s*('(?:[^'\\]|\\.)*'|(?:[^\s\\]|\\.)*)`)

// withoutPassword takes the password out of an address, be it a URL or keywords.
func withoutPassword(address string) (rest, password string) {
	if u, err := url.Parse(address); err == nil && (u.Scheme == "postgres" || u.Scheme == "postgresql") {
		if u.User != nil {
			password, _ = u.User.Password()
			u.User = url.User(u.User.Username())
		}
		if query := u.Query(); query.Has("password") {
			password = query.Get("password")
			query.Del("password")
			u.RawQuery = query.Encode()
		}
		return u.String(), password
	}
	m := passwordInKeywords.FindStringSubmatchIndex(address)
	if m == nil {
		return address, ""
	}
	value := address[m[2]:m[3]]
	if strings.HasPrefix(value, "'") {
		value = value[1 : len(value)-1]
	}
	return strings.TrimSpace(address[:m[0]] + address[m[1]:]), regexp.MustCompile(`\\(.)`).ReplaceAllString(value, "$1")
}
