package httpapi

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/parley-api/parley/internal/store"
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

// busy reports whether others ask.
func (p *pacing) busy() bool { return time.Now().UnixNano()-p.asked.Load() <= int64(recently) }

// rows is how many rows an export fetches next, enough reports whether so many bytes of it are to be written. While others
// ask, that is little: so long as it takes to make them, somebody may have to wait.
func (p *pacing) rows() int {
	if p.busy() {
		return fewRows
	}
	return store.ManyAtOnce
}

func (p *pacing) enough(bytes int) bool {
	return bytes >= chunk || bytes >= smallChunk && p.busy()
}

// chunk is how many bytes of an export are written at a time, smallChunk while others ask; fewRows come to about as many.
const (
	chunk      = 64 << 10
	smallChunk = 4 << 10
	fewRows    = 20
)

// rest has an export wait after a chunk that it has worked on since begin.
func (p *pacing) rest(ctx context.Context, begin time.Time) {
	if !p.busy() {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(min(longestRest, time.Since(begin)*time.Duration(breadth*p.exports.Load()))):
	}
}
