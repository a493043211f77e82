//go:build rollout

package main_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/parley-api/parley/api/client"
	"github.com/parley-api/parley/internal/postgres"
)

// TestRestartBehindHAProxy restarts two processes in turn behind HAProxy, as deploy/haproxy/haproxy.cfg has it, while many
// read, some write and some follow. Not one request may fail, no write be lost, no event be missed.
func TestRestartBehindHAProxy(t *testing.T) {
	database, err := postgres.StartEmbedded(t.Context(), postgres.EmbeddedOptions{DataDir: dataDir(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = database.Stop() })
	environment := []string{"DATABASE_URL=" + database.URL(), "PARLEY_DRAIN_DELAY=2s", "PARLEY_ADMIN_ADDR=", "PARLEY_LOG_LEVEL=warn"}
	addresses := []string{freeAddress(t), freeAddress(t)}
	var servers [2]*exec.Cmd
	for i := range servers {
		servers[i] = startAt(t, addresses[i], environment)
	}
	base := startHAProxy(t, addresses)
	key := strings.TrimSpace(ok(t, environment[:1], "keys", "create", "--name", "writer"))

	const followers, restarts = 4, 6
	load := startLoad(base, key, 0)
	following, unfollow := context.WithCancel(t.Context())
	var told [followers]atomic.Int64
	var ends sync.WaitGroup
	for i := range followers {
		c, err := client.New(base)
		if err != nil {
			t.Fatal(err)
		}
		ends.Go(func() {
			for e, err := range client.Stream(following, c, client.Sources, client.Where("publisher", "Test")) {
				switch {
				case following.Err() != nil:
					return
				case err != nil:
					load.failed("stream: " + err.Error())
					return
				case e.Kind == client.Upsert:
					told[i].Add(1)
				case e.Kind == client.Reset:
					load.failed("stream: a reset")
				}
			}
		})
	}

	time.Sleep(time.Second)
	for n := range restarts {
		i := n % 2
		if err := servers[i].Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := servers[i].Wait(); err != nil {
			t.Errorf("it ended with %v: %s", err, servers[i].Stderr)
		}
		servers[i] = startAt(t, addresses[i], environment)
		time.Sleep(2 * time.Second) // until HAProxy has seen it
	}
	load.stop()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		behind := false
		for i := range told {
			behind = behind || told[i].Load() < load.writes.Load()
		}
		if !behind {
			break
		}
	}
	unfollow()
	ends.Wait()

	load.report(t)
	for i := range told {
		if told[i].Load() != load.writes.Load() {
			t.Errorf("follower %d was told of %d of %d writes", i, told[i].Load(), load.writes.Load())
		}
	}
	load.nothingLost(t, base)
	t.Logf("%d restarts, %d reads, %d writes, %d streams; the longest answer took %v", restarts, load.reads.Load(), load.writes.Load(), followers, time.Duration(load.longest.Load()))
}

// startHAProxy starts HAProxy before servers, by the configuration that others are given, and returns its address.
func startHAProxy(t *testing.T, servers []string) (base string) {
	t.Helper()
	text, err := os.ReadFile("../../deploy/haproxy/haproxy.cfg")
	if err != nil {
		t.Fatal(err)
	}
	own := freeAddress(t)
	config := strings.NewReplacer("127.0.0.1:8000", own, "127.0.0.1:8080", servers[0], "127.0.0.1:8090", servers[1]).Replace(string(text))
	cmd := exec.Command("haproxy", "-db", "-f", writeFile(t, t.TempDir(), "haproxy.cfg", config))
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); errors.Is(err, exec.ErrNotFound) {
		t.Fatal("this needs haproxy; to have it (Debian, Ubuntu), type: apt-get install haproxy")
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("HAProxy: %s", &log)
		}
	})
	awaitReady(t, "http://"+own)
	return "http://" + own
}
