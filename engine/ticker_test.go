package engine

import (
	"testing"
	"time"
)

// TestTickerSleepsUntilSomethingIsDue: it looks every 20 ms, at the next deadline
// before that, and is woken up for one that is published while it sleeps.
func TestTickerSleepsUntilSomethingIsDue(t *testing.T) {
	s := newSim(t, nil)
	k := s.dial(0)
	set := func() time.Duration {
		s.e.tick(&s.fx, &s.co)
		s.e.tab().Survey()
		return s.e.alarm.set(s.e.clock.now(), s.e.tab())
	}
	rung := func() bool {
		select {
		case <-s.e.alarm.bell:
			return true
		default:
			return false
		}
	}
	if got := set(); got != lookEvery || rung() {
		t.Fatalf("with nothing to do it sleeps %v", got)
	}
	k.do("ACQUIRE x A 0", "OK")
	k.send("@1 ACQUIRE x B 1000\n")
	if rung() {
		t.Fatal("rung for what is due in a second")
	}
	k.send("@2 ACQUIRE x B 7\n@3 ACQUIRE x B 9\n")
	if !rung() {
		t.Fatal("not rung for what is due in 7 ms")
	}
	if got := set(); got != 7*time.Millisecond {
		t.Fatalf("sleeps %v, want 7 ms", got)
	}
	s.time += int64(7 * time.Millisecond)
	if got := set(); got != 2*time.Millisecond {
		t.Fatalf("sleeps %v, want 2 ms", got)
	}
	s.settle()
	k.expect("@2 ERROR TIMEOUT not granted within the wait timeout\n")
	s.time += int64(2 * time.Millisecond)
	if got := set(); got != lookEvery {
		t.Fatalf("sleeps %v, want %v", got, lookEvery)
	}
}
