package engine

import (
	"fmt"
	"testing"
	"time"
)

// TestMemoryOfLocksThatAreGoneIsGivenBack takes many locks, releases nearly all, and lets the
// ticker take its turns.
func TestMemoryOfLocksThatAreGoneIsGivenBack(t *testing.T) {
	const n = 120_000
	s := newSim(t, nil)
	a := s.dial(0)
	acquireMany(t, a, "kept:", 3)
	acquireMany(t, a, "gone:", n)
	full := s.e.tab().Totals().Bytes
	s.turns(20 * time.Second)
	if s.e.trimmer.given.Load() != 0 || s.e.tab().Totals().Bytes != full {
		t.Fatal("memory in use is given back")
	}
	eachMany(t, a, 3, func(i int) string { return fmt.Sprintf("HEARTBEAT kept:%d A TTL 3600000\n", i) })
	releaseMany(t, a, "gone:", n)
	s.turns(20 * time.Second)
	left := s.e.tab().Totals().Bytes
	if left > full/5 || s.e.trimmer.given.Load() != full-left {
		t.Fatalf("%d of %d bytes are left, %d given back", left, full, s.e.trimmer.given.Load())
	}
	select {
	case <-s.e.trimmer.wake:
	default:
		t.Fatal("nobody gives the memory to the system")
	}
	a.send("LOCKS\n")
	a.expectPrefix("OK lines=3 cursor=\"\"\n")
	releaseMany(t, a, "kept:", 3)
	acquireMany(t, a, "again:", n)
	releaseMany(t, a, "again:", n)
	s.empty()
}

// turns lets time pass as the ticker does, with its turns of giving memory back.
func (s *sim) turns(d time.Duration) {
	for until := s.time + int64(d); s.time < until; {
		s.advance(lookEvery)
		s.e.trimmer.turn(s.e.clock.Now(), s.e.tab())
	}
}
