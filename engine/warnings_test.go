package engine

import (
	"testing"
	"time"
)

// TestDeadlocksAreWarnedOf: the words for one circle and for several, of which the oldest is told.
func TestDeadlocksAreWarnedOf(t *testing.T) {
	s := newSim(t, nil)
	k := s.dial(0)
	warned := func(want string) {
		t.Helper()
		got := ""
		for _, w := range s.e.Warnings() {
			if w.Code == "deadlock" {
				got += w.Message
			}
		}
		if got != want {
			t.Errorf("the warning is %q, want %q", got, want)
		}
	}
	circle := func(n string) {
		k.send("ACQUIRE a" + n + " x" + n + " 0 TTL 3600000\nACQUIRE b" + n + " y" + n + " 0 TTL 3600000\n" +
			"@x" + n + " ACQUIRE b" + n + " x" + n + " 3600000\n@y" + n + " ACQUIRE a" + n + " y" + n + " 3600000\n")
	}
	warned("")
	circle("1")
	s.advance(82*time.Second + 500*time.Millisecond)
	warned("services wait for each other in a circle, for 1 m 22 s")
	circle("2")
	warned("services wait for each other in 2 circles, the oldest for 1 m 22 s")
	k.send("CANCEL @x1\n")
	s.advance(2*time.Second + 500*time.Millisecond)
	warned("services wait for each other in a circle, for 2.5 s")
	k.send("CANCEL @x2\n")
	warned("")
}
