package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// child is a server in a process of its own: Parley itself, or a rival.
type child struct {
	address string
	cmd     *exec.Cmd
	ended   chan struct{} // closed when the process has ended
}

// startTime is how long a child may take to answer.
const startTime = time.Minute

// start starts a program on a free port of the loopback. args and environment are made for the address.
func start(ctx context.Context, program string, prepare func(address string) (args, environment []string), log *os.File) (*child, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	args, environment := prepare(address)
	cmd := exec.CommandContext(ctx, program, args...) //nolint:gosec // ours, or as the user says
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	cmd.Env = append(clean(os.Environ()), environment...)
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", filepath.Base(program), err)
	}
	c := &child{address: address, cmd: cmd, ended: make(chan struct{})}
	go func() {
		_ = cmd.Wait()
		close(c.ended)
	}()
	return c, nil
}

// clean is an environment without what sets Parley.
func clean(environment []string) []string {
	var kept []string
	for _, setting := range environment {
		name, _, _ := strings.Cut(setting, "=")
		if !strings.HasPrefix(name, "PARLEY_") && name != "DATABASE_URL" && name != "PORT" {
			kept = append(kept, setting)
		}
	}
	return kept
}

// freeAddress is an address that nobody listens on just now.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // loopback
	if err != nil {
		return "", fmt.Errorf("looking for a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// await returns when a request is answered with 200, or 304.
func (c *child) await(ctx context.Context, request []byte) error {
	for end := time.Now().Add(startTime); ; {
		a, _, err := fetch(c.address, request)
		if err == nil && (a.status == 200 || a.status == 304) {
			return nil
		}
		if err == nil {
			err = fmt.Errorf("it answers with status %d", a.status)
		}
		select {
		case <-c.ended:
			return fmt.Errorf("%s ended: %s; --log shows why", filepath.Base(c.cmd.Path), c.cmd.ProcessState)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Millisecond):
		}
		if time.Now().After(end) {
			return fmt.Errorf("%s does not answer: %w", filepath.Base(c.cmd.Path), err)
		}
	}
}

// stop ends the process and waits for its end.
func (c *child) stop() error {
	if c == nil {
		return nil
	}
	err := c.cmd.Process.Signal(syscall.SIGTERM)
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stopping %s: %w", filepath.Base(c.cmd.Path), err)
	}
	select {
	case <-c.ended:
	case <-time.After(20 * time.Second):
		_ = c.cmd.Process.Kill()
		<-c.ended
	}
	return nil
}

func (c *child) url() string { return "http://" + c.address }

// memory reads a figure of the process's memory in bytes: VmRSS, or VmHWM, the most that VmRSS has been. Only Linux tells.
func (c *child) memory(name string) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("reading memory: %w", err)
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			kilobytes, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			return kilobytes << 10, err
		}
	}
	return 0, fmt.Errorf("the system does not tell %s", name)
}

// forgetPeak has VmHWM begin anew.
func (c *child) forgetPeak() error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", c.cmd.Process.Pid), []byte("5"), 0o600)
}

// startRival starts this program as something that Parley is compared with, and waits until it answers a request.
func startRival(ctx context.Context, path, headers string, environment []string, args ...string) (*child, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	c, err := start(ctx, program, func(address string) ([]string, []string) {
		return append([]string{"rival"}, append(args, "--addr", address)...), environment
	}, os.Stderr)
	if err != nil {
		return nil, err
	}
	if err := c.await(ctx, get(c.address, path, headers)); err != nil {
		return nil, errors.Join(fmt.Errorf("rival %s: %w", args[0], err), c.stop())
	}
	return c, nil
}
