//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a program that this one started, and what it starts in its turn.
type process struct {
	name  string
	cmd   *exec.Cmd
	ended chan struct{} // closed when it has ended
}

// launcher starts programs, all of them from one thread: Linux ends them when the thread ends that started them, and so when this
// program does, however that is.
type launcher struct {
	user *syscall.Credential // nil: as ourselves
	work chan func()
}

func newLauncher(user *syscall.Credential) *launcher {
	l := &launcher{user: user, work: make(chan func())}
	go func() {
		runtime.LockOSThread()
		for do := range l.work {
			do()
		}
	}()
	return l
}

// start starts a program, which logs to a file.
func (l *launcher) start(name, dir string, environment []string, program string, args ...string) (*process, error) {
	log, err := os.OpenFile(filepath.Join(dir, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p := &process{name: name, cmd: exec.Command(program, args...), ended: make(chan struct{})}
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, log, log
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8", "TZ=UTC", "HOME=" + dir}, environment...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: l.user, Pdeathsig: syscall.SIGTERM, Setpgid: true}
	started := make(chan error)
	l.work <- func() { started <- p.cmd.Start() }
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// running reports whether the program has not ended.
func (p *process) running() bool {
	if p == nil {
		return false
	}
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// stop has the program end, and kills it and its own if it does not.
func (p *process) stop() error {
	if !p.running() {
		return nil
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
		return nil
	case <-time.After(stopTime):
		p.kill()
		return fmt.Errorf("%s had to be killed: it did not end within %v", p.name, stopTime)
	}
}

// kill ends the program at once, with others.
func (p *process) kill(others ...int) {
	kill(append(others, p.cmd.Process.Pid)...)
	<-p.ended
}

// kill ends processes at once, with all that they have started, as when a machine loses its power: first nobody goes on, then all
// end.
func kill(pids ...int) {
	var all []int
	for _, pid := range pids {
		all = append(append(all, pid), descendants(pid)...)
	}
	for _, signal := range []syscall.Signal{syscall.SIGSTOP, syscall.SIGKILL} {
		for _, pid := range all {
			_ = syscall.Kill(pid, signal)
		}
	}
}

// descendants lists the processes that one has started, and those that they have.
func descendants(of int) []int {
	children := map[int][]int{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		content, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		// PID (NAME) STATE PARENT …, and the name may have anything in it.
		fields := strings.Fields(string(content[bytes.LastIndexByte(content, ')')+1:]))
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if len(fields) > 1 {
			parent, _ := strconv.Atoi(fields[1])
			children[parent] = append(children[parent], pid)
		}
	}
	var all []int
	for next := children[of]; len(next) > 0; next = next[1:] {
		all = append(all, next[0])
		next = append(next, children[next[0]]...)
	}
	return all
}
