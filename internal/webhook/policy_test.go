package webhook

import (
	"testing"
	"time"
)

// TestStandard: twelve attempts are made within two days and a half, the first soon after each other.
func TestStandard(t *testing.T) {
	for _, random := range []float64{0, 0.999} {
		p := Standard(func() float64 { return random })
		var all, before time.Duration
		for failures := 1; failures < p.Attempts; failures++ {
			wait := p.wait(failures, 0)
			if wait < before || failures == 1 && wait > 10*time.Second {
				t.Errorf("after %d failures it waits %s, after %s", failures, wait, before)
			}
			all, before = all+wait, wait
		}
		if all < 44*time.Hour || all > 60*time.Hour {
			t.Errorf("all attempts are within %s", all)
		}
	}
	p := Standard(func() float64 { return 0 })
	for asked, want := range map[time.Duration]time.Duration{-time.Hour: 5 * time.Second, time.Minute: time.Minute, 1000 * time.Hour: 10 * time.Hour} {
		if got := p.wait(1, asked); got != want {
			t.Errorf("asked to wait %s it waits %s", asked, got)
		}
	}
	if got := p.wait(10_000, 0); got != 10*time.Hour {
		t.Errorf("after many failures it waits %s", got)
	}
}
