package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// StartStandby starts a hot standby of the server in a data folder of its own. It copies the server there first, if the folder
// has no copy yet. Stop ends it; started again in the same folder, it goes on from where it was.
func (e *Embedded) StartStandby(ctx context.Context, o EmbeddedOptions) (*Embedded, error) {
	dir, err := o.dataDir()
	if err != nil {
		return nil, err
	}
	if major, err := clusterMajor(filepath.Join(dir, "data")); err != nil {
		return nil, err
	} else if major == 0 {
		if err := e.copyTo(ctx, dir); err != nil {
			return nil, err
		}
	}
	return StartEmbedded(ctx, o)
}

// copyTo copies the running server to a data folder, as a standby that follows it.
func (e *Embedded) copyTo(ctx context.Context, dir string) error {
	dir, err := makeParents(dir)
	if err != nil {
		return err
	}
	cluster := filepath.Join(dir, "data")
	if err := e.account.makePrivate(cluster); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, e.binaries.program("pg_basebackup"), "--pgdata="+cluster, "--host="+e.socketDir, "--port="+port, "--username="+superuser,
		"--write-recovery-conf", "--checkpoint=fast", "--wal-method=stream", "--no-sync")
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	child, err := e.spawn(cmd, syscall.SIGKILL)
	if err != nil {
		return err
	}
	if <-child.done; child.err != nil {
		return errors.Join(ctx.Err(), fmt.Errorf("pg_basebackup: %w: %s", child.err, strings.TrimSpace(output.String())))
	}
	return nil
}
