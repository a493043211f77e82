package webhook

import (
	"math"
	"time"
)

// Policy says how often a message is tried, and how long after each failure the next attempt is.
type Policy struct {
	Attempts int            // of one message, before its webhook is disabled
	First    time.Duration  // after the first failure
	Factor   float64        // from one wait to the next
	Longest  time.Duration  // wait
	Jitter   float64        // so large a part of a wait is added to it at most
	Random   func() float64 // in [0, 1)
}

// Standard is 12 attempts over two days: after 5 s, 20 s, 80 s, 5 min, 21 min, 85 min, 5.7 h, and then every 10 h, each up to a
// fifth later, so that those who failed together do not come back together.
func Standard(random func() float64) Policy {
	return Policy{Attempts: 12, First: 5 * time.Second, Factor: 4, Longest: 10 * time.Hour, Jitter: 0.2, Random: random}
}

// wait is how long after so many failures the next attempt is, at the least asked for by the receiver.
func (p Policy) wait(failures int, least time.Duration) time.Duration {
	wait := float64(p.First) * math.Pow(p.Factor, float64(failures-1))
	wait = max(min(wait, float64(p.Longest)), float64(min(least, p.Longest)))
	return time.Duration(wait * (1 + p.Jitter*p.Random()))
}
