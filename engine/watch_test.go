package engine

import (
	"strings"
	"testing"
	"time"
)

// looks lets the watch look around for a time in which time itself may stand.
func (s *sim) looks(d time.Duration) {
	for ; d > 0; d -= watchEvery {
		s.e.lookAround(watchEvery)
	}
}

// TestLoopThatHangsIsNotAlive: loop 1 stands, the others go on.
func TestLoopThatHangsIsNotAlive(t *testing.T) {
	s := newSim(t, func(c *Config) { c.Loops = 3 })
	s.e.reactors[2].wakeLoop.Store(nil) // it has no connection yet
	round := func() {
		s.e.tickPulse.rounds.Add(1)
		s.sweep()
		s.looks(watchEvery)
	}
	for range 100 {
		round()
	}
	if list := s.e.Hung(); len(list) != 0 {
		t.Fatalf("hung: %v", list)
	}
	stuck := s.e.reactors[1]
	stuck.Bind(func() {}, func() {}) // what is posted is not looked at
	for d := time.Duration(0); d < silenceMax-watchEvery; d += watchEvery {
		round()
	}
	if list := s.e.Hung(); len(list) != 0 {
		t.Fatalf("hung too early: %v", list)
	}
	round()
	if list := s.e.Hung(); len(list) != 1 || list[0] != "loop 1 has not run for 5.0 s" {
		t.Fatalf("hung: %q", list)
	}
	round()
	stuck.drainInbox()
	s.looks(watchEvery)
	if list := s.e.Hung(); len(list) != 0 {
		t.Fatalf("still hung: %v", list)
	}
	if text := s.log.String(); strings.Count(text, "level=ERROR msg=\"a part of the server hangs\"") != 1 || !strings.Contains(text, "no part of the server hangs any more") {
		t.Errorf("the log: %s", text)
	}
}

// TestTickerThatHangsIsNotAlive: without it no lease ends, and no loop is ordered to go round.
func TestTickerThatHangsIsNotAlive(t *testing.T) {
	s := newSim(t, nil)
	s.looks(silenceMax)
	if list := s.e.Hung(); len(list) != 3 || !strings.HasPrefix(list[0], "the ticker") {
		t.Fatalf("hung: %q", list)
	}
	s.e.draining.Store(true)
	if list := s.e.Hung(); len(list) != 0 {
		t.Fatalf("a stop, which has its own bound: %q", list)
	}
}

// TestPauseOfProcessIsNoHang: after hours the first look finds nobody who has gone round.
func TestPauseOfProcessIsNoHang(t *testing.T) {
	s := newSim(t, nil)
	s.e.lookAround(3 * time.Hour)
	if list := s.e.Hung(); len(list) != 0 {
		t.Fatalf("hung: %q", list)
	}
}
