//go:build linux

package main

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// ack is a write that was acknowledged: from the revision on, the record has the title.
type ack struct {
	record   string
	revision int64
	title    string
	at       time.Time
}

// seen is what an answer showed of a record.
type seen struct {
	record   string
	revision int64 // of the data set, as the answer says
	title    string
}

// truth is what was acknowledged, and what was answered.
type truth struct {
	mu      sync.Mutex
	acks    []ack
	newest  []int64 // the newest revision of the acks up to each
	seen    map[seen]struct{}
	checked int
	stale   time.Duration // the longest that an answer was behind
	wrong   []string      // at most a few
	failed  []string      // reads, at most a few
	wrongs  int
	of      map[string][]ack
}

func (t *truth) acknowledge(a ack) {
	t.mu.Lock()
	defer t.mu.Unlock()
	newest := a.revision
	if n := len(t.newest); n > 0 {
		newest = max(newest, t.newest[n-1])
	}
	t.acks, t.newest = append(t.acks, a), append(t.newest, newest)
}

// some returns one of the writes that were acknowledged.
func (t *truth) some(which int) ack {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.acks[which%len(t.acks)]
}

// see takes down what an answer of a revision shows, and how far it was behind when it was asked for.
func (t *truth) see(asked time.Time, revision int64, shown ...seen) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.seen == nil {
		t.seen = map[seen]struct{}{}
	}
	for _, s := range shown {
		t.seen[s] = struct{}{}
	}
	t.checked++
	later, _ := slices.BinarySearch(t.newest, revision+1) // the first write that the answer does not know of
	if later < len(t.acks) {
		t.stale = max(t.stale, asked.Sub(t.acks[later].at))
	}
}

// accuse takes down that something is wrong.
func (t *truth) accuse(what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.wrongs++; t.wrongs <= 10 {
		t.wrong = append(t.wrong, what)
	}
}

// excuse takes down what a read got that failed.
func (t *truth) excuse(target string, status int, answer []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.failed) < 10 {
		t.failed = append(t.failed, fmt.Sprintf("%s: %d %.200s", target, status, answer))
	}
}

// meter counts, and knows the longest time between two successes.
type meter struct {
	mu      sync.Mutex
	last    time.Time
	longest time.Duration
	failed  int // since it was looked at
	ok      int
	all     int // failed, since the beginning
}

func (m *meter) count(ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !ok {
		m.failed++
		m.all++
		return
	}
	now := time.Now()
	if !m.last.IsZero() {
		m.longest = max(m.longest, now.Sub(m.last))
	}
	m.last = now
	m.ok++
}

// take returns the longest gap and the number of failures since it was called before.
func (m *meter) take() (gap time.Duration, failed int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	gap, failed = m.longest, m.failed
	m.longest, m.failed = 0, 0
	return gap, failed
}
