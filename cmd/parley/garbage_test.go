package main

import (
	"context"
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

func TestGarbagePercent(t *testing.T) {
	for live, want := range map[uint64]int{0: 1000, 1 << 20: 1000, 8 << 20: 400, 32 << 20: 100, 1 << 30: 100} {
		if got := garbagePercent(live); got != want {
			t.Errorf("%d bytes in use: %d %%, and not %d %%", live, got, want)
		}
	}
}

// TestGarbageGathers: the measure follows what is in use, collection by collection, and is the usual one in the end.
func TestGarbageGathers(t *testing.T) {
	usual := debug.SetGCPercent(100)
	defer debug.SetGCPercent(usual)
	percent := func() int {
		p := debug.SetGCPercent(100)
		debug.SetGCPercent(p)
		return p
	}
	becomes := func(what string, holds func(int) bool) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
			runtime.GC()
			if got := percent(); holds(got) {
				return
			} else if time.Now().After(end) {
				t.Fatalf("%s: garbage may be %d %%", what, got)
			}
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	letGarbageGather(ctx)
	becomes("little is in use", func(p int) bool { return p > 200 })
	much := make([]byte, 2*leastGarbage)
	becomes("much is in use", func(p int) bool { return p == 100 })
	runtime.KeepAlive(much)
	becomes("little is in use again", func(p int) bool { return p > 200 })
	stop()
	becomes("it is over", func(p int) bool { return p == 100 })
}
