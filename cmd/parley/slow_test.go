package main_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// resident is the memory of the process in bytes; 0 where the system does not tell.
func (r *running) resident() int64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.cmd.Process.Pid))
	for line := range strings.SplitSeq(string(text), "\n") {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kilobytes, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			return kilobytes << 10
		}
	}
	return 0
}

// TestSlowClients: whatever many clients do that send their request byte by byte, never ask, or do not read what they asked for,
// others are answered, and memory stays within bounds. PARLEY_TEST_SLOW_CLIENTS says how many; make test-slow takes 10,000.
func TestSlowClients(t *testing.T) {
	clients := 2000
	if text := os.Getenv("PARLEY_TEST_SLOW_CLIENTS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		clients = n
	}
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		t.Fatal(err)
	}
	if most := uint64(clients) + 200; files.Cur < most {
		t.Fatalf("%d clients need as many files, and only %d may be open: ulimit -n %d", clients, files.Cur, most)
	}
	most := clients / 2
	r := serve(t, "PARLEY_DATA_DIR="+dataDir(t), "PARLEY_NO_WEBHOOKS=true", "PARLEY_MAX_CONNECTIONS="+strconv.Itoa(most))
	defer r.stop(t)
	const large = "/v1/reports?limit=1000" // kept, from the second time on
	for range 2 {
		status(t, r.url+large)
	}
	before := r.resident()
	address := strings.TrimPrefix(r.url, "http://")
	kinds := []string{
		"GET /v1/rounds HTTP/1.1\r\nHost: slow\r\nX-Slow: ", // the rest comes byte by byte
		"", // nothing
		"GET " + large + " HTTP/1.1\r\nHost: slow\r\n\r\n", // and does not read
		"POST /v1/changesets HTTP/1.1\r\nHost: slow\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{",
	}
	stop := make(chan struct{})
	var all sync.WaitGroup
	defer all.Wait()
	defer close(stop)
	opened := make(chan struct{}, clients)
	for n := range clients {
		all.Go(func() {
			c, err := net.Dial("tcp", address) //nolint:noctx // a test
			opened <- struct{}{}
			if err != nil {
				return
			}
			defer c.Close()
			_, _ = io.WriteString(c, kinds[n%len(kinds)])
			for n%len(kinds) == 0 {
				select {
				case <-stop:
					return
				case <-time.After(200 * time.Millisecond):
				}
				if _, err := io.WriteString(c, "x"); err != nil {
					break
				}
			}
			<-stop
		})
	}
	for range clients {
		<-opened
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute} // a new connection each time
	for n := range 200 {
		response, err := client.Get(r.url + "/v1/rounds?limit=1&_=" + strconv.Itoa(n))
		if err != nil {
			t.Fatalf("request %d beside %d slow clients: %v", n, clients, err)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			t.Fatalf("request %d beside %d slow clients: %s", n, clients, response.Status)
		}
	}
	after := r.resident()
	t.Logf("%d slow clients, %d connections at the most: memory from %d to %d MiB", clients, most, before>>20, after>>20)
	if bound := before + 32<<20 + int64(most)*48<<10; after > bound {
		t.Errorf("memory has grown from %d to %d MiB, more than to %d", before>>20, after>>20, bound>>20)
	}
	metrics := text(t, r.admin(t)+"/metrics")
	if !strings.Contains(metrics, `parley_connections_closed_total{reason="room"}`) || strings.Contains(metrics, `parley_connections_closed_total{reason="room"} 0`+"\n") {
		t.Error("no connection has given way: the test has seen nothing")
	}
}
