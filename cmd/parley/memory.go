package main

import (
	"math"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// Shares of the memory that the system lets us have (a container's, by its cgroup) that are the Go program's: with a private
// PostgreSQL beside it, in the same container, it is half.
const (
	memoryShare     = 0.9
	memoryHalfShare = 0.5
)

// limitMemory has the collector of garbage work harder as memory runs out, instead of the system ending us. GOMEMLIMIT, where
// it is given, says otherwise.
func limitMemory(e *env, provider memlimit.Provider) {
	share := memoryShare
	if e.database.URL == "" {
		share = memoryHalfShare
	}
	limit, err := memlimit.Set(memlimit.WithProvider(provider), memlimit.WithRatio(share))
	switch {
	case err != nil:
		e.log.Warn("how much memory there may be is not known; GOMEMLIMIT says it", "error", err)
	case limit != math.MaxInt64:
		e.log.Info("memory is limited", "bytes", limit)
	}
}
