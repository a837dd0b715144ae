package engine

import (
	"sync"
	"testing"
	"time"
)

func TestTableTimeLeavesPausesOut(t *testing.T) {
	source := int64(5_000_000_000)
	c := newClock(func() int64 { return source })
	if c.now() != 0 {
		t.Fatalf("starts at %d", c.now())
	}
	for _, step := range []struct{ passed, want time.Duration }{
		{10 * time.Millisecond, 10 * time.Millisecond},
		{50 * time.Millisecond, 60 * time.Millisecond},
		{51 * time.Millisecond, 110 * time.Millisecond}, // 1 ms is left out
		{time.Hour, 160 * time.Millisecond},
		{time.Millisecond, 161 * time.Millisecond},
		{100, 161*time.Millisecond + 100},
	} {
		source += int64(step.passed)
		if got := time.Duration(c.now()); got != step.want {
			t.Fatalf("after %v: %v, want %v", step.passed, got, step.want)
		}
	}
	if c.pauses.Load() != 2 {
		t.Fatalf("%d pauses", c.pauses.Load())
	}
}

func TestTableTimeIsCountedOnceForAllReaders(t *testing.T) {
	// Many readers meet the same pause at once: it must be left out once, and
	// no reading may lie ahead of the source.
	var mu sync.Mutex
	source := int64(0)
	read := func() int64 { mu.Lock(); defer mu.Unlock(); return source }
	c := newClock(read)
	for round := range 200 {
		mu.Lock()
		source += int64(time.Second)
		mu.Unlock()
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() { c.now() })
		}
		wg.Wait()
		if got, want := c.now(), int64(round+1)*int64(clockStepMax); got != want {
			t.Fatalf("round %d: %d, want %d", round, got, want)
		}
	}
}
