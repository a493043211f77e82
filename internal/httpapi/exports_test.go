package httpapi

import (
	"testing"
	"time"
)

// TestReaderOfAnExport: a client may stall for a while, and on the whole must read at some rate.
func TestReaderOfAnExport(t *testing.T) {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name  string
		bytes int
		took  time.Duration
		want  time.Duration
	}{
		{"at the beginning", 0, 0, stallTimeout},
		{"a quick one", 100 << 20, time.Second, stallTimeout},
		{"just quick enough", leastRate * 60, 60 * time.Second, stallTimeout},
		{"a slow one", leastRate * 60, 90 * time.Second, stallTimeout - 30*time.Second},
		{"one that has had its time", leastRate * 60, 120 * time.Second, 0},
	} {
		var r reader
		for range 10 {
			r.read(c.bytes/10, c.took/10)
		}
		if got := r.deadline(now).Sub(now); got != c.want {
			t.Errorf("%s: has %v, not %v", c.name, got, c.want)
		}
	}
}
