package engine

import (
	"testing"
	"time"
)

// TestWaitsAreCountedByTheirEnd has each end of a wait once or more, and the grants around it.
func TestWaitsAreCountedByTheirEnd(t *testing.T) {
	s := newSim(t, withTokens)
	k := s.dial(0)
	k.do("AUTH l-token", "OK")
	for _, line := range []string{
		"ACQUIRE x holder 0", "ACQUIRE y other 0", "ACQUIRE s one 0 SHARED", "ACQUIRE s two 0 SHARED",
	} {
		k.do(line, "OK")
	}
	k.send("@t ACQUIRE x b 500\n@c ACQUIRE x c 9000\n@u UPGRADE s one 9000\n")
	k.send("CANCEL @c\nRELEASE s one\n") // the upgrade has nothing left to upgrade
	s.advance(600 * time.Millisecond)
	k.send("@d ACQUIRE y holder 9000\n@e ACQUIRE x other 9000 DETECT\n") // a cycle
	s.advance(time.Second)
	gone := s.dial(1)
	gone.do("AUTH l-token", "OK")
	gone.send("ACQUIRE x z 9000\n")
	gone.hangUp()
	kept := s.dial(1)
	kept.do("AUTH l-token", "OK")
	kept.send("ACQUIRE x z 9000 REQ 1\n")
	kept.hangUp()
	s.advance(s.e.cfg.ReconnectGrace + time.Second)
	k.send("RELEASE y other\n") // granted to holder
	k.send("@f ACQUIRE x w 9000\n@g ACQUIRE x w 9000\n@h ACQUIRE x v 9000\n")
	k.send("RELEASE x holder\n") // granted to w, and once more
	k.send("ACQUIRE q a 0\n@l ACQUIRE q b 9000\n")
	s.e.tab().SetTokenCeiling(1) // no token is left
	k.send("RELEASE q a\n")
	s.e.draining.Store(true)
	s.e.order(orderDrain)
	s.settle()
	st := s.e.makeStats()
	want := map[string]uint64{"granted": 3, "timeout": 1, "canceled": 1, "disconnected": 2, "limit": 1, "deadlock": 1,
		"shutdown": 1, "not_held": 1}
	for _, n := range st.WaitsEnded {
		if n.Count != want[n.Name] {
			t.Errorf("%d waits have ended by %s, want %d", n.Count, n.Name, want[n.Name])
		}
	}
	if len(st.WaitsEnded) != len(want) {
		t.Errorf("%d ends", len(st.WaitsEnded))
	}
	if tab := st.Table; tab.Grants != 7 || tab.GrantsWaited != 2 || tab.Reentries != 1 {
		t.Errorf("%d grants, %d of them after a wait, %d re-entries", tab.Grants, tab.GrantsWaited, tab.Reentries)
	}
	if t.Failed() {
		t.Log(k.reads())
	}
}
