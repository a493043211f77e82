package postgres

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// platformFlags are the server settings that this system adds. A crash
// recovery first makes every file durable; one syncfs call does that in
// milliseconds, where opening each file in turn takes seconds on a big cluster.
var platformFlags = []string{"recovery_init_sync_method=syncfs"}

// childAttr starts a child as the given user (nil: ourselves), in a process
// group of its own so that Ctrl-C at the terminal reaches only Parley, and
// makes the kernel send it the signal should Parley die.
func childAttr(user *syscall.Credential, onDeath syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: user, Setpgid: true, Pdeathsig: onDeath}
}

// isPostmaster reports whether process pid is alive and a PostgreSQL program
// at work in the cluster folder: every one makes that its working folder. A
// process that we may not look at runs as somebody else, so is none of ours.
func isPostmaster(pid int, cluster string) bool {
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	exe, err := os.Readlink(filepath.Join(proc, "exe"))
	// The kernel marks a program whose file an upgrade has replaced.
	if err != nil || filepath.Base(strings.TrimSuffix(exe, " (deleted)")) != "postgres" {
		return false
	}
	cwd, err := os.Stat(filepath.Join(proc, "cwd"))
	if err != nil {
		return false
	}
	folder, err := os.Stat(cluster)
	return err == nil && os.SameFile(cwd, folder)
}

// memory is the machine's, in bytes; 0 if it is not known.
func memory() uint64 {
	var info syscall.Sysinfo_t
	if err := syscall.Sysinfo(&info); err != nil {
		return 0
	}
	return uint64(info.Totalram) * uint64(info.Unit)
}
