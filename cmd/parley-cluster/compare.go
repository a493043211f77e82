//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"
)

// findings is what came of a test.
type findings struct {
	acknowledged, lost, twice    int
	answers, wrong               int
	stale                        time.Duration
	untoldByHook, untoldByStream int
	backInHook, backInStream     int
}

// compare compares what was acknowledged, answered and told with what is there in the end.
func (r *trial) compare(ctx context.Context) findings {
	r.allTold(ctx)
	t := &r.truth
	f := findings{
		acknowledged: len(t.acks), answers: t.checked, stale: t.stale,
		untoldByHook: r.webhook.lacks(t.acks), untoldByStream: r.stream.lacks(t.acks), backInHook: r.webhook.back, backInStream: r.stream.back,
	}
	f.lost = r.lost(ctx)
	for n := range r.records {
		f.twice += r.changes(ctx, recordOf(n)) - count(t.acks, recordOf(n))
	}
	for s := range t.seen {
		if want, ok := t.titleAt(s.record, s.revision); ok && want != s.title {
			t.accuse(fmt.Sprintf("revision %d of %s, which was %q, was shown as %q", s.revision, s.record, want, s.title))
		}
	}
	f.wrong = t.wrongs
	return f
}

// lost counts the acknowledged writes that are not there: as of its revision the record must be as it was written then.
func (r *trial) lost(ctx context.Context) (n int) {
	lost := make([]bool, len(r.truth.acks))
	var group errgroup.Group
	group.SetLimit(8)
	for i, a := range r.truth.acks {
		group.Go(func() error {
			url := fmt.Sprintf("%s/v1/sources/%s?fields=id,title,revision&as_of=%d", r.url(), a.record, a.revision)
			status, answer, _ := r.ask(ctx, http.MethodGet, url, nil, nil)
			var then source
			lost[i] = status != http.StatusOK || json.Unmarshal(answer, &then) != nil || then.Title != a.title || then.Revision != a.revision
			return nil
		})
	}
	_ = group.Wait()
	for i, is := range lost {
		if is {
			n++
			r.truth.accuse(fmt.Sprintf("lost: %+v", r.truth.acks[i]))
		}
	}
	return n
}

// changes is how often a record was changed. Each write that was acknowledged must be one change, however often it was sent.
func (r *trial) changes(ctx context.Context, record string) int {
	_, answer, _ := r.ask(ctx, http.MethodGet, r.url()+"/v1/changes?collection=sources&limit=1&total_count=true&record="+record, nil, nil)
	var list struct{ Meta struct{ Total int } }
	_ = json.Unmarshal(answer, &list)
	return list.Meta.Total
}

func count(acks []ack, record string) (n int) {
	for _, a := range acks {
		if a.record == record {
			n++
		}
	}
	return n
}

// titleAt is the title of a record at a revision, as acknowledged.
func (t *truth) titleAt(record string, revision int64) (title string, ok bool) {
	if t.of == nil {
		t.of = map[string][]ack{}
		for _, a := range t.acks {
			t.of[a.record] = append(t.of[a.record], a)
		}
	}
	acks := t.of[record] // of one writer: in the order of their revisions
	i, found := slices.BinarySearchFunc(acks, revision, func(a ack, r int64) int { return int(a.revision - r) })
	if !found {
		i--
	}
	if i < 0 {
		return "", false
	}
	return acks[i].title, true
}

func (f findings) faulty() bool {
	return f.acknowledged == 0 || f.answers == 0 || f.lost != 0 || f.twice != 0 || f.wrong != 0 || f.stale > bound ||
		f.untoldByHook != 0 || f.untoldByStream != 0 || f.backInHook != 0 || f.backInStream != 0
}

// print prints what came of each fault, and of all.
func (f findings) print(to io.Writer, r *trial) {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nfault\tat\twrite gap\tread gap\treads that failed\twrites tried again")
	for _, one := range r.faults {
		fmt.Fprintf(w, "%s\t%.0f s\t%.2f s\t%.2f s\t%d\t%d\n", one.what, one.at.Seconds(), one.writeGap.Seconds(), one.readGap.Seconds(), one.failedReads, one.retriedWrites)
	}
	fmt.Fprintln(w)
	for _, line := range []struct {
		what  string
		value any
	}{
		{"acknowledged writes", f.acknowledged},
		{"lost", f.lost},
		{"recorded more than once", f.twice},
		{"reads through HAProxy", r.reads.ok},
		{"failed", r.reads.all},
		{"reads at the API processes", r.direct.ok},
		{"answers compared", f.answers},
		{"wrong", f.wrong},
		{fmt.Sprintf("longest behind, of at most %v", bound), f.stale.Round(time.Millisecond)},
		{"writes that the webhook was not told of", f.untoldByHook},
		{"writes that the stream was not told of", f.untoldByStream},
		{"told out of order", f.backInHook + f.backInStream},
	} {
		fmt.Fprintf(w, "%s\t%v\n", line.what, line.value)
	}
	_ = w.Flush()
	for _, failed := range r.truth.failed {
		fmt.Fprintln(to, "a read that failed:", failed)
	}
	for _, wrong := range r.truth.wrong {
		fmt.Fprintln(to, "wrong:", wrong)
	}
}
