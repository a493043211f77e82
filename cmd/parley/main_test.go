package main_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// program is the real program, built once for all tests.
var program string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	folder, err := os.MkdirTemp("", "parley-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	program = filepath.Join(folder, "parley")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v: %s", err, out)
		return 1
	}
	code := m.Run()
	http.DefaultClient.CloseIdleConnections()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	return code
}

// dataDir is a folder that the user of the private PostgreSQL can reach.
func dataDir(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "parley-data-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	if err := os.Chmod(folder, 0o755); err != nil { //nolint:gosec // see above
		t.Fatal(err)
	}
	return folder
}

// command is the program with an environment of its own.
func command(environment []string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "PARLEY_ADDR=127.0.0.1:0", "PARLEY_ADMIN_ADDR=127.0.0.1:0", "PARLEY_CLIENT_RATE=0"}, environment...)
	return cmd
}

// running is a serve in progress.
type running struct {
	cmd *exec.Cmd
	url string
	log *bytes.Buffer
}

var serving = regexp.MustCompile(`msg=serving url=(https?://\S+)/v1`)

// serve starts the program and waits until it says where it serves.
func serve(t *testing.T, environment ...string) *running {
	t.Helper()
	r := &running{cmd: command(environment, "serve"), log: &bytes.Buffer{}}
	stderr, err := r.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.cmd.Process.Kill() })
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		fmt.Fprintln(r.log, lines.Text())
		if found := serving.FindStringSubmatch(lines.Text()); found != nil {
			r.url = found[1]
			go func() {
				for lines.Scan() { // keep the pipe empty
				}
			}()
			return r
		}
	}
	t.Fatalf("it does not serve: %s", r.log)
	return nil
}

// stop ends it as an operator would and checks that it ends well.
func (r *running) stop(t *testing.T) {
	t.Helper()
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

func status(t *testing.T, target string) int {
	t.Helper()
	response, err := http.Get(target) //nolint:gosec // our own
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode
}

// TestServe: an empty folder, one command, and real data; then again with what is there; and nothing is left behind.
func TestServe(t *testing.T) {
	folder := dataDir(t)
	for _, start := range []string{"cold", "warm"} {
		began := time.Now()
		r := serve(t, "PARLEY_DATA_DIR="+folder)
		if code := status(t, r.url+"/v1/rounds/istanbul-2025-3"); code != 200 {
			t.Fatalf("%s: status %d", start, code)
		}
		t.Logf("%s start to first 200: %v", start, time.Since(began))

		response, err := http.Get(r.url + "/v1/prisoner-exchanges?date=2025-07-23")
		if err != nil {
			t.Fatal(err)
		}
		var list struct {
			Data []struct{ ID string }
		}
		if err := json.NewDecoder(response.Body).Decode(&list); err != nil || len(list.Data) != 1 {
			t.Errorf("got %+v, %v", list, err)
		}
		response.Body.Close()

		// Other subcommands join the database of the running one; a second serve is refused.
		out, err := command([]string{"PARLEY_DATA_DIR=" + folder}, "migrate", "status").CombinedOutput()
		if err != nil || !strings.Contains(string(out), "00009_seed.sql") || strings.Contains(string(out), "pending") {
			t.Errorf("migrate status: %v: %s", err, out)
		}
		pid := strconv.Itoa(r.cmd.Process.Pid)
		wantFailure(t, []string{"PARLEY_DATA_DIR=" + folder}, []string{"serve"}, pid)
		port := r.url[strings.LastIndex(r.url, ":")+1:]
		if out, err := command([]string{"PORT=" + port}, "health").CombinedOutput(); err != nil || !strings.Contains(string(out), "ready") {
			t.Errorf("health: %v: %s", err, out)
		}

		postmaster := postmasterPID(t, folder)
		r.stop(t)
		if err := syscall.Kill(postmaster, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("PostgreSQL %d is still there: %v", postmaster, err)
		}
	}
}

func postmasterPID(t *testing.T, folder string) int {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(folder, "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(content), "\n")
	pid, err := strconv.Atoi(line)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// wantFailure runs the program and expects one clear line on stderr that says each of the words, and exit code 1.
func wantFailure(t *testing.T, environment, args []string, words ...string) {
	t.Helper()
	cmd := command(environment, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("%v ended with %v", args, err)
	}
	text := strings.TrimSpace(stderr.String())
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%v says %q, not %q", args, text, word)
		}
	}
	if strings.Contains(text, "goroutine") || strings.Count(text, "\n") > 0 {
		t.Errorf("%v says more than one line: %s", args, text)
	}
}

// TestFaultsAtTheStart: what is wrong, and what to do.
func TestFaultsAtTheStart(t *testing.T) {
	occupied, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer occupied.Close()
	folder := dataDir(t)
	tests := []struct {
		name        string
		environment []string
		args        []string
		words       []string
	}{
		{"occupied port", []string{"PARLEY_ADDR=" + occupied.Addr().String()}, []string{"serve"}, []string{"occupied", "PARLEY_ADDR"}},
		{"occupied admin port", []string{"PARLEY_ADMIN_ADDR=" + occupied.Addr().String()}, []string{"serve"}, []string{"occupied", "PARLEY_ADMIN_ADDR"}},
		{"nonsense address", []string{"PARLEY_ADDR=here"}, []string{"serve"}, []string{"PARLEY_ADDR", "HOST:PORT"}},
		{"nonsense database", []string{"DATABASE_URL=postgres://:::"}, []string{"serve"}, []string{"DATABASE_URL"}},
		{"absent database", []string{"DATABASE_URL=postgres://user:secret@127.0.0.1:1/db"}, []string{"serve"}, []string{"does not answer", "DATABASE_URL"}},
		{"no PostgreSQL", []string{"PARLEY_POSTGRES_BIN=/nonexistent", "PARLEY_DATA_DIR=" + folder}, []string{"serve"}, []string{"/nonexistent"}},
		{"unknown flag", nil, []string{"serve", "--colour"}, []string{"--colour", "--help"}},
		{"unknown command", nil, []string{"sing"}, []string{"sing", "--help"}},
		{"not running", []string{"PORT=1"}, []string{"health"}, []string{"not ready"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { wantFailure(t, tt.environment, tt.args, tt.words...) })
	}
	cmd := command([]string{"DATABASE_URL=postgres://user:secret@127.0.0.1:1/db"}, "serve")
	if out, _ := cmd.CombinedOutput(); strings.Contains(string(out), "secret") {
		t.Errorf("the password is shown: %s", out)
	}
	for _, args := range [][]string{{"--help"}, {"serve", "--help"}, {"version"}} {
		if out, err := command(nil, args...).Output(); err != nil || len(out) == 0 {
			t.Errorf("%v: %v %s", args, err, out)
		}
	}
}

// TestDatabaseDies: while PostgreSQL is away requests get 503, and afterwards answers again.
func TestDatabaseDies(t *testing.T) {
	folder := dataDir(t)
	r := serve(t, "PARLEY_DATA_DIR="+folder, "PARLEY_CLIENT_RATE=0")
	var codes [600]atomic.Int64
	done := make(chan struct{})
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		for {
			select {
			case <-done:
				return
			default:
				codes[status(t, r.url+"/v1/rounds?limit=1")].Add(1)
			}
		}
	}()
	for range 3 {
		before := postmasterPID(t, folder)
		if err := syscall.Kill(before, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		deadline := time.Now().Add(20 * time.Second)
		for away := true; away; {
			time.Sleep(20 * time.Millisecond)
			content, err := os.ReadFile(filepath.Join(folder, "data", "postmaster.pid"))
			away = err != nil || strings.HasPrefix(string(content), strconv.Itoa(before)+"\n") || status(t, r.url+"/readyz") != 200
			if time.Now().After(deadline) {
				t.Fatal("it does not come back")
			}
		}
	}
	close(done)
	<-finished
	for code := range codes {
		if n := codes[code].Load(); n > 0 && code != 200 && code != 503 {
			t.Errorf("%d answers with status %d", n, code)
		}
	}
	if codes[200].Load() == 0 || codes[503].Load() == 0 {
		t.Errorf("%d answers, %d while it was away: the test has seen nothing", codes[200].Load(), codes[503].Load())
	}
	r.stop(t)
}
