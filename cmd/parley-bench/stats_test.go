package main

import (
	"testing"
	"time"
)

func TestMedianAndSpread(t *testing.T) {
	for _, c := range []struct {
		values         []float64
		median, spread float64
	}{
		{nil, 0, 0},
		{[]float64{4}, 4, 0},
		{[]float64{3, 1, 2}, 2, 1},
		{[]float64{4, 1, 3, 2}, 2.5, 1.2},
		{[]float64{10, 10, 10}, 10, 0},
	} {
		if m, s := median(c.values), spread(c.values); m != c.median || s != c.spread {
			t.Errorf("of %v: median %v, spread %v; want %v, %v", c.values, m, s, c.median, c.spread)
		}
	}
}

func TestPercentile(t *testing.T) {
	var all []time.Duration
	for i := range 100 {
		all = append(all, time.Duration(i+1))
	}
	for share, want := range map[float64]time.Duration{0: 1, 0.5: 50, 0.99: 99, 1: 100} {
		if got := percentile(all, share); got != want {
			t.Errorf("percentile %v is %v, want %v", share, got, want)
		}
	}
	if got := percentile(all[:1], 0.5); got != 1 {
		t.Errorf("of one: %v", got)
	}
	if got := percentile([]time.Duration(nil), 0.5); got != 0 {
		t.Errorf("of none: %v", got)
	}
}

func TestPairedRatios(t *testing.T) {
	l := faster("item", []float64{90, 30, 100}, []float64{100, 30, 50}, "/s", 0.95) // 0.9, 1, 2
	if l.result != "1.00 ×" || l.spread != "0.90–2.00" || l.met != "yes" {
		t.Errorf("%+v", l)
	}
	if got := amountOf(1234567.8, "/s"); got != "1,234,568 /s" {
		t.Error(got)
	}
}

func TestPickMeetsEachOnce(t *testing.T) {
	for _, size := range []int{1, 100, 1000, 12345} {
		seen := map[int]bool{}
		for n := range uint64(size) {
			seen[pick(n, size)] = true
		}
		if len(seen) != size || seen[0] || !seen[size] {
			t.Errorf("of %d: %d", size, len(seen))
		}
	}
	d := dataset{exchanges: 100}
	seen := map[string]bool{}
	for n := range uint64(60_000) {
		seen[d.country(n)] = true
	}
	if len(seen) != 60_000 {
		t.Errorf("%d of 60,000 queries differ", len(seen))
	}
}
