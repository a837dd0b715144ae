package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestMassOfTimeoutsNamesHolder ends 20,000 waits in one tick.
func TestMassOfTimeoutsNamesHolder(t *testing.T) {
	s := newSim(t, nil)
	s.dial(0).do("ACQUIRE x A 0", "OK")
	var crowd []*client
	for range 4 {
		k := s.dial(1)
		for i := range 5000 {
			k.send(fmt.Sprintf("@%d ACQUIRE x B 1000\n", i))
		}
		crowd = append(crowd, k)
	}
	s.advance(time.Second)
	for _, k := range crowd {
		if n := strings.Count(k.reads(), " ERROR TIMEOUT \"A\" 1000 "); n != 5000 {
			t.Fatalf("%d of 5000 time-outs name the holder", n)
		}
	}
}

// TestLimitsAreReachedAndNotPassed takes locks on both loops up to a limit at which shards take
// credits in blocks.
func TestLimitsAreReachedAndNotPassed(t *testing.T) {
	const limit = 40_000
	s := newSim(t, func(c *Config) { c.LocksMax, c.WaitersMax = limit, limit })
	a, b := s.dial(0), s.dial(1)
	acquireMany(t, a, "a:", limit/2)
	acquireMany(t, b, "b:", limit/2)
	a.send("ACQUIRE one-more A 0\n")
	a.expectPrefix("ERROR LIMIT locks ")
	a.do("RELEASE a:7 A", "OK")
	b.do("ACQUIRE b:more A 0", "OK")
	b.send("ACQUIRE one-more A 0\n")
	b.expectPrefix("ERROR LIMIT locks ")
	if held := s.e.tab().Totals().Held; held != limit {
		t.Fatalf("%d held, want %d", held, limit)
	}
	for i := range 4 {
		k := s.dial(i % 2)
		for j := range limit / 4 {
			k.send(fmt.Sprintf("@%d ACQUIRE a:%d B 60000\n", j, 100+j%10_000))
		}
		k.expect("")
	}
	a.send("ACQUIRE a:1 B 60000\n")
	a.expectPrefix("ERROR LIMIT waiters ")
	if n := s.e.tab().Totals().Waiters; n != limit {
		t.Fatalf("%d wait, want %d", n, limit)
	}
}
