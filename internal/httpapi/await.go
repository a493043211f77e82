package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/store"
)

// Clients that connect anew by themselves, as browsers do, take any answer but a stream for the end. So a stream begins also while
// the database is away, and waits for it. Should what it asks for turn out not to be there it ends, and who connects anew is told.

// present is the revision that the data set is at, if what a stream is about is there.
func (c *collection) present(ctx context.Context, r *http.Request, a *asked) (int64, error) {
	if party := a.List.ReportedBy; party != "" {
		if err := store.IsParty(ctx, c.DB, party); err != nil {
			return 0, err
		}
	}
	if a.history.ID != "" {
		if err := store.HasHistory(ctx, c.DB, a.history.Collection, a.history.ID); err != nil {
			return 0, err
		}
	}
	now, err := c.Watch.Revision(ctx)
	id := a.List.Since
	if err != nil || id == nil || id.Revision <= now {
		return now, err
	}
	if now, err = store.Revision(ctx, c.DB); err != nil { // another server may know more
		return 0, err
	}
	c.Watch.Advance(now)
	if id.Revision > now && sinceFrom(r) != lastEventID {
		return 0, &query.Error{Faults: []query.Fault{{Parameter: sinceFrom(r), Reason: fmt.Sprintf("is in the future: the data set is at revision %d", now)}}}
	}
	return now, nil
}

// ready waits until the database is there, if it was away at first, and knows what the client knows already. It returns the
// revision that the data set is at.
func (f *follower) ready(now int64) (int64, error) {
	beat := time.NewTicker(f.Heartbeat)
	defer beat.Stop()
	for f.present != nil {
		var err error
		if now, err = f.look(); err == nil {
			f.present = nil
		} else if f.ctx.Err() != nil || !away(err) {
			return 0, err
		} else if _, err = f.pass(again, beat.C); err != nil {
			return 0, err
		}
	}
	for id := f.list.Since; id != nil && id.Revision > now; {
		beaten, err := f.pass(glance, beat.C)
		if err == nil {
			now, err = f.Watch.Revision(f.ctx)
		}
		if err != nil || beaten {
			return now, err
		}
	}
	return now, nil
}

// glance is how long it takes to look whether a copy of the database has come as far as the one that told a client of a revision.
// It has the time between two heartbeats for that.
const glance = 50 * time.Millisecond

// look asks the database, for a while.
func (f *follower) look() (int64, error) {
	ctx, stop := context.WithTimeout(f.ctx, max(f.Heartbeat/2, again))
	defer stop()
	release, err := f.streams.slot(ctx)
	if err != nil {
		return 0, err
	}
	defer release()
	return f.present(ctx)
}

// pass lets time go by, or a heartbeat come, which it reports.
func (f *follower) pass(while time.Duration, beat <-chan time.Time) (beaten bool, err error) {
	select {
	case <-time.After(while):
		return false, nil
	case <-beat:
		f.buf = append(f.buf, ":\n\n"...)
		return true, f.flush()
	case <-f.Stop:
		return false, errStopping
	case <-f.ctx.Done():
		return false, f.ctx.Err()
	}
}

// join has the follower follow its topic.
func (f *follower) join(now int64) {
	from := now
	if id := f.list.Since; id != nil && id.Record == "" && now-id.Revision < together {
		from = min(now, max(0, id.Revision-1))
	}
	list := f.list
	list.Since, list.Snapshot = nil, false // others may follow the same
	f.topic = f.streams.join(store.Question{Table: f.table, List: list}, f.base, f.of, from)
	f.writer = f.topic.writer()
}
