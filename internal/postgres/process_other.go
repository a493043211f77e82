//go:build !linux

package postgres

import (
	"context"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// platformFlags are the server settings that this system adds: none.
var platformFlags []string

// childAttr starts a child as the given user (nil: ourselves), in a process
// group of its own so that Ctrl-C at the terminal reaches only Parley. No
// signal at Parley's death is to be had here; the next start ends what is left.
func childAttr(user *syscall.Credential, _ syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: user, Setpgid: true}
}

// isPostmaster reports whether process pid is alive and a server that was
// started on the cluster folder, going by its command line.
func isPostmaster(pid int, cluster string) bool {
	if pid <= 0 {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "ps", "-ww", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	program, arguments, _ := strings.Cut(strings.TrimSpace(string(out)), " -D ")
	return err == nil && strings.HasSuffix(program, "postgres") &&
		(arguments == cluster || strings.HasPrefix(arguments, cluster+" "))
}

// memory is the machine's, in bytes; 0 if it is not known.
func memory() uint64 { return 0 }
