package main

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// leastGarbage is how many bytes of garbage may gather before it is collected. Go by itself waits until there is as much as
// there is memory in use; a server that keeps few answers uses so little that it would collect many times a second, at the
// cost of a quarter of its requests.
const leastGarbage = 32 << 20

// letGarbageGather sees to that, after each collection anew, until the context ends. Memory beyond that stays what it was:
// where more than leastGarbage is in use, Go's own measure holds.
func letGarbageGather(ctx context.Context) {
	at := []metrics.Sample{{Name: "/gc/gogc:percent"}, {Name: "/gc/heap/live:bytes"}}
	metrics.Read(at)
	usual := int(at[0].Value.Uint64())
	set := usual
	var adjust func(int)
	await := func() { runtime.AddCleanup(new([64]byte), adjust, 0) } // which happens when it is collected: at once
	adjust = func(int) {
		if ctx.Err() != nil {
			debug.SetGCPercent(usual)
			return
		}
		metrics.Read(at[1:])
		want := garbagePercent(at[1].Value.Uint64())
		if want < set || want > set+set/8 { // to change it stops the world for a moment
			set = want
			debug.SetGCPercent(set)
		}
		await()
	}
	adjust(0)
}

// garbagePercent is how much garbage may gather, as a percentage of the bytes in use.
func garbagePercent(live uint64) int {
	const usual, most = 100, 1000
	return int(min(most, max(usual, usual*leastGarbage/max(1, live))))
}
