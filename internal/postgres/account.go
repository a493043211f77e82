package postgres

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is the user that PostgreSQL runs as.
type account struct {
	name       string
	credential *syscall.Credential // nil: as ourselves
}

// chooseAccount returns ourselves, except when we are root, which PostgreSQL
// refuses to run as. Root runs an existing cluster as its owner, and makes a
// new one for the user postgres, else nobody.
func chooseAccount(cluster string) (account, error) {
	if os.Geteuid() != 0 {
		return account{}, nil
	}
	if info, err := os.Stat(filepath.Join(cluster, "PG_VERSION")); err == nil {
		stat := info.Sys().(*syscall.Stat_t)
		if stat.Uid == 0 {
			return account{}, fmt.Errorf("the database in %s belongs to root, and PostgreSQL refuses to run as root; type: chown -R postgres %s", cluster, cluster)
		}
		name := strconv.FormatUint(uint64(stat.Uid), 10)
		if owner, err := user.LookupId(name); err == nil {
			name = owner.Username
		}
		return account{name, &syscall.Credential{Uid: stat.Uid, Gid: stat.Gid}}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			return accountOf(u)
		}
	}
	return account{}, errors.New("PostgreSQL refuses to run as root, and this machine has neither a user postgres nor nobody; start Parley as an ordinary user, or type: useradd --system postgres")
}

func accountOf(u *user.User) (account, error) {
	uid, err1 := strconv.ParseInt(u.Uid, 10, 64)
	gid, err2 := strconv.ParseInt(u.Gid, 10, 64)
	if err := errors.Join(err1, err2); err != nil {
		return account{}, fmt.Errorf("the user %s has no numeric id: %w", u.Username, err)
	}
	// Where ids are signed, nobody is -2: the same bits.
	return account{u.Username, &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
}

// own hands a file or folder to the account. It never follows a link, so
// nobody can lay one that makes root give away something else.
func (a account) own(path string) error {
	if a.credential == nil {
		return nil
	}
	return os.Lchown(path, int(a.credential.Uid), int(a.credential.Gid))
}

// makePrivate makes sure that path is a folder that only the account may enter.
func (a account) makePrivate(path string) error {
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if info, err := os.Lstat(path); err != nil {
		return err
	} else if !info.IsDir() {
		return fmt.Errorf("%s is not a folder; move it away", path)
	}
	if err := a.own(path); err != nil {
		return err
	}
	return os.Chmod(path, 0o700)
}

// blockedBy returns the first folder on the way to dir that the account may
// not enter, "" when it may enter them all. It goes by the mode bits alone.
func (a account) blockedBy(dir string) string {
	if a.credential == nil {
		return ""
	}
	if parent := filepath.Dir(dir); parent != dir {
		if blocked := a.blockedBy(parent); blocked != "" {
			return blocked
		}
	}
	info, err := os.Stat(dir)
	if err != nil {
		return "" // what is not there yet, we make
	}
	allowed := fs.FileMode(0o001)
	switch stat := info.Sys().(*syscall.Stat_t); {
	case stat.Uid == a.credential.Uid:
		allowed = 0o100
	case stat.Gid == a.credential.Gid:
		allowed = 0o010
	}
	if info.Mode()&allowed == 0 {
		return dir
	}
	return ""
}

// checkReach explains when the account cannot get to dir, before PostgreSQL
// says so in its own terms.
func (a account) checkReach(dir string) error {
	blocked := a.blockedBy(dir)
	if blocked == "" {
		return nil
	}
	return fmt.Errorf("PostgreSQL runs as the user %s (it refuses to run as root), who may not enter %s on the way to %s; type: chmod a+x %s, or choose another folder",
		a.name, blocked, dir, blocked)
}

// makeParents makes the folder that holds everything, open to the account
// whatever the umask, and returns its real path.
func makeParents(dir string) (string, error) {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		if _, err := makeParents(filepath.Dir(dir)); err != nil {
			return "", err
		}
		if err := os.Mkdir(dir, 0o755); err == nil {
			if err := os.Chmod(dir, 0o755); err != nil {
				return "", err
			}
		} else if !errors.Is(err, fs.ErrExist) {
			return "", err
		}
	}
	return filepath.EvalSymlinks(dir)
}
