package engine

import (
	"testing"
	"time"
)

// TestStatsAreMadeForAllWhoAsk checks that a flood of scrapes makes no Stats of its own.
func TestStatsAreMadeForAllWhoAsk(t *testing.T) {
	s := newSim(t, nil)
	k := s.dial(0)
	if n := s.e.Stats().Table.Held; n != 0 {
		t.Fatalf("%d held", n)
	}
	k.do("ACQUIRE a s 0", "OK")
	s.e.statsKept.made = time.Now().Add(time.Hour) // as if it were made just before
	if n := s.e.Stats().Table.Held; n != 0 {
		t.Errorf("%d held: Stats were made anew", n)
	}
	s.e.statsKept.made = time.Now().Add(-statsAge)
	if n := s.e.Stats().Table.Held; n != 1 {
		t.Errorf("%d held, after they were too old", n)
	}
}
