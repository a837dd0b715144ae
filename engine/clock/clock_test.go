package clock

import (
	"sync"
	"testing"
	"time"

	"dlm/table"
)

// TestTableTimeAndPauses checks that table time counts a second of a pause at most, that the ends
// of leases wait for all of that but 50 ms, and that waits are told of the rest.
func TestTableTimeAndPauses(t *testing.T) {
	source := int64(5_000_000_000)
	pauses := new(table.Pauses)
	c := New(func() int64 { return source }, pauses)
	if c.Now() != 0 {
		t.Fatalf("starts at %d", c.Now())
	}
	const ms = time.Millisecond
	longest := time.Duration(0)
	for _, step := range []struct{ passed, table, lag, late time.Duration }{
		{10 * ms, 10 * ms, 0, 0},
		{50 * ms, 60 * ms, 0, 0},
		{51 * ms, 111 * ms, 1 * ms, 0},
		{200 * ms, 311 * ms, 151 * ms, 0},
		{time.Second, 1311 * ms, 1101 * ms, 0},
		{time.Second + 3*ms + 7, 2311*ms + 7, 2051*ms + 7, 3 * ms},
		{time.Hour, 3311*ms + 7, 3001*ms + 7, time.Hour - time.Second + 3*ms},
		{1 * ms, 3312*ms + 7, 3001*ms + 7, time.Hour - time.Second + 3*ms},
	} {
		source += int64(step.passed)
		if step.passed > StepMax {
			longest = max(longest, step.passed)
		}
		got := time.Duration(c.Now())
		if lag, late := time.Duration(pauses.Lag.Load()), time.Duration(pauses.Late.Load()); got != step.table || lag != step.lag || late != step.late {
			t.Fatalf("after %v: %v, held back %v, left out %v, want %v", step.passed, got, lag, late, step)
		}
		if lease := time.Duration(c.LeaseNow()); lease != step.table-step.lag {
			t.Fatalf("after %v: leases end by %v", step.passed, lease)
		}
	}
	if c.gaps.Load() != 5 {
		t.Fatalf("%d pauses", c.gaps.Load())
	}
	if first, second := c.TakeLongest(), c.TakeLongest(); first != longest || second != 0 {
		t.Fatalf("the longest pause: %v, then %v; want %v", first, second, longest)
	}
	c.Release(int64(3 * time.Second))
	if lag := time.Duration(pauses.Lag.Load()); lag != 1*ms+7 {
		t.Fatalf("held back after the release: %v", lag)
	}
}

func TestTableTimeIsCountedOnceForAllReaders(t *testing.T) {
	// Many readers meet the same pause: it must be counted once, and
	// no reading may lie ahead of the source.
	var mu sync.Mutex
	source := int64(0)
	read := func() int64 { mu.Lock(); defer mu.Unlock(); return source }
	pauses := new(table.Pauses)
	c := New(read, pauses)
	for round := range 200 {
		mu.Lock()
		source += int64(2 * time.Second)
		mu.Unlock()
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() { c.Now() })
		}
		wg.Wait()
		n := int64(round + 1)
		if got, want := c.Now(), n*int64(PauseMax); got != want {
			t.Fatalf("round %d: %d, want %d", round, got, want)
		}
		if lag, want := pauses.Lag.Load(), n*int64(PauseMax-StepMax); lag != want {
			t.Fatalf("round %d: %d is held back, want %d", round, lag, want)
		}
	}
}
