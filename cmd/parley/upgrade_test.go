//go:build rollout

package main_test

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/parley-api/parley/internal/postgres"
)

// TestUpgradeUnderLoad: the program before serves on, reads and writes, while this one migrates its database and afterwards;
// it can also be started anew on the new schema, beside this one.
func TestUpgradeUnderLoad(t *testing.T) {
	previous := os.Getenv("PARLEY_TEST_PREVIOUS")
	if previous == "" {
		t.Fatal("PARLEY_TEST_PREVIOUS is to name the program before: make test-upgrade builds it")
	}
	database, err := postgres.StartEmbedded(t.Context(), postgres.EmbeddedOptions{DataDir: dataDir(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = database.Stop() })
	environment := []string{"DATABASE_URL=" + database.URL(), "PARLEY_ADMIN_ADDR="}
	current := program
	defer func() { program = current }()

	program = previous
	address := freeAddress(t)
	old := startAt(t, address, environment)
	key := strings.TrimSpace(ok(t, environment[:1], "keys", "create", "--name", "writer"))
	load := startLoad("http://"+address, key, 0)
	time.Sleep(time.Second)

	program = current
	began := time.Now()
	applied := ok(t, environment[:1], "migrate", "up")
	took := time.Since(began)
	if !strings.Contains(applied, ".sql") {
		t.Errorf("nothing was migrated: %s", applied)
	}
	time.Sleep(2 * time.Second) // it serves on
	load.stop()
	load.report(t)
	load.nothingLost(t, "http://"+address)
	reads, writes, longest := load.reads.Load(), load.writes.Load(), time.Duration(load.longest.Load())

	// A process of the program before that is restarted now, beside one of this.
	if err := old.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := old.Wait(); err != nil {
		t.Errorf("it ended with %v: %s", err, old.Stderr)
	}
	program = previous
	startAt(t, address, environment)
	program = current
	beside := freeAddress(t)
	startAt(t, beside, environment)
	for i, base := range []string{"http://" + address, "http://" + beside} {
		both := startLoad(base, key, i+1)
		time.Sleep(time.Second)
		both.stop()
		both.report(t)
	}
	t.Logf("migrated in %v: %s", took, strings.Join(strings.Fields(applied), " "))
	t.Logf("the program before served %d reads and %d writes meanwhile; the longest answer took %v", reads, writes, longest)
}
