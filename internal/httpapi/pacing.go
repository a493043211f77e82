package httpapi

import (
	"context"
	"sync/atomic"
	"time"
)

// pacing has exports give way to pages and records: what somebody waits for before what is fetched in bulk. As long as
// nobody else asks for anything, an export runs as fast as it can.
type pacing struct {
	asked   atomic.Int64 // when a page or a record was asked for the last time, in nanoseconds since 1970
	exports atomic.Int64 // how many are under way
}

// While others ask, all exports together may have one part in breadth+1 of the time. recently is how long after a request
// more are expected, longestRest bounds what a single slow chunk leads to.
const (
	breadth     = 15
	recently    = 100 * time.Millisecond
	longestRest = 200 * time.Millisecond
)

// ask tells of a request for a page or a record.
func (p *pacing) ask(now time.Time) { p.asked.Store(now.UnixNano()) }

// rest has an export wait after a chunk that it has worked on since begin.
func (p *pacing) rest(ctx context.Context, begin time.Time) {
	now := time.Now()
	if now.UnixNano()-p.asked.Load() > int64(recently) {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(min(longestRest, now.Sub(begin)*time.Duration(breadth*p.exports.Load()))):
	}
}
