package postgres

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// oldestMajor is the first PostgreSQL that Parley starts itself: older ones
// lack recovery_init_sync_method and get no more fixes.
const oldestMajor = 14

// binaries is one installed PostgreSQL: the folder that holds initdb and
// postgres, and its major version.
type binaries struct {
	dir   string
	major int
}

// program returns the path of one of the server's programs.
func (b binaries) program(name string) string { return filepath.Join(b.dir, name) }

// search says where to look for binaries.
type search struct {
	override string   // the one folder to use, "" to search
	globs    []string // patterns of bin folders, in order of preference
	path     string   // folders to look through last, in the form of $PATH
}

// machineSearch looks where the packagers of PostgreSQL put its server
// programs; most keep them off the PATH, so that versions can live together.
func machineSearch(override string) search {
	return search{override: override, path: os.Getenv("PATH"), globs: []string{
		"/usr/lib/postgresql/*/bin",
		"/usr/pgsql-*/bin",
		"/opt/homebrew/opt/postgresql@*/bin",
		"/usr/local/opt/postgresql@*/bin",
		"/opt/homebrew/opt/postgresql/bin",
		"/usr/local/opt/postgresql/bin",
		"/Applications/Postgres.app/Contents/Versions/*/bin",
	}}
}

// pick returns the binaries of major version want, or with want 0 the newest;
// of equals the first found. cluster is the data folder that needs them, for
// the error.
func (s search) pick(want int, cluster string) (binaries, error) {
	var best binaries
	var seen []string
	for _, b := range s.installed() {
		if b.major == 0 {
			b.major = askMajor(b)
		}
		if b.major == want && want >= oldestMajor {
			return b, nil
		}
		if b.major > 0 {
			seen = append(seen, fmt.Sprintf("%d in %s", b.major, b.dir))
		}
		if b.major >= oldestMajor && b.major > best.major {
			best = b
		}
	}
	if want == 0 && best.major > 0 {
		return best, nil
	}
	return binaries{}, s.missing(want, cluster, seen)
}

// installed lists what has both programs that we run, best first. Packagers
// name a folder after the major version; believing that saves every start the
// dozen milliseconds that asking the program takes. Of others it stays 0.
func (s search) installed() []binaries {
	var all []binaries
	if s.override != "" {
		all = append(all, binaries{dir: s.override})
	} else {
		for _, glob := range s.globs {
			dirs, _ := filepath.Glob(glob) // fails only on a malformed pattern
			for _, dir := range dirs {
				name := strings.TrimLeft(filepath.Base(filepath.Dir(dir)), "abcdefghijklmnopqrstuvwxyz@-")
				major, _ := strconv.Atoi(name)
				all = append(all, binaries{dir, major})
			}
		}
		for _, dir := range filepath.SplitList(s.path) {
			all = append(all, binaries{dir: dir})
		}
	}
	return slices.DeleteFunc(all, func(b binaries) bool {
		return !filepath.IsAbs(b.dir) || !executable(b.program("initdb")) || !executable(b.program("postgres"))
	})
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

var majorInVersion = regexp.MustCompile(`\(PostgreSQL\) ([0-9]+)`)

// askMajor has a program tell its major version; 0 says that it does not.
func askMajor(b binaries) int {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	out, _ := exec.CommandContext(ctx, b.program("postgres"), "--version").Output()
	m := majorInVersion.FindSubmatch(out)
	if m == nil {
		return 0
	}
	major, _ := strconv.Atoi(string(m[1]))
	return major
}

// missing explains that no binaries fit, and how to mend it.
func (s search) missing(want int, cluster string, seen []string) error {
	found := "found none"
	if len(seen) > 0 {
		found = "found only " + strings.Join(seen, ", ")
	}
	if s.override != "" {
		found += " (PARLEY_POSTGRES_BIN is " + s.override + ", so nowhere else was searched)"
	}
	switch {
	case want >= oldestMajor:
		return fmt.Errorf("the database in %s needs PostgreSQL %d, but %s; nothing was changed; to mend, type: %s",
			cluster, want, found, installHint(want))
	case want > 0:
		return fmt.Errorf("the database in %s was made by PostgreSQL %d, but Parley starts only %d and newer; nothing was changed; to mend, upgrade it with pg_upgrade, or start PostgreSQL %d yourself and set DATABASE_URL",
			cluster, want, oldestMajor, want)
	default:
		return fmt.Errorf("a PostgreSQL server (%d or newer) is needed, but %s; to mend, type: %s; or set DATABASE_URL to a server that you run",
			oldestMajor, found, installHint(0))
	}
}

// installHint says what to type to install PostgreSQL, of one major version or
// (0) of any.
func installHint(major int) string {
	if runtime.GOOS == "darwin" {
		if major == 0 {
			major = 17
		}
		return fmt.Sprintf("brew install postgresql@%d", major)
	}
	if major == 0 {
		return "apt-get install postgresql (Debian, Ubuntu) or dnf install postgresql-server postgresql-contrib (Fedora)"
	}
	return fmt.Sprintf("apt-get install postgresql-%d (Debian, Ubuntu) or dnf install postgresql%d-server (Fedora)", major, major)
}
