package engine

import (
	"strings"
	"testing"
	"time"
)

// TestWhatIsRefusedToOthersThanAdminsIsSummedUp: counted in INFO, a line of the log in 5 s.
func TestWhatIsRefusedToOthersThanAdminsIsSummedUp(t *testing.T) {
	s := newSim(t, nil)
	k := s.dial(0)
	now := time.Now()
	for range 1000 {
		k.send("FORCE-RELEASE x\n")
		s.e.denied.say(s.e.cfg.Log, now, false)
		now = now.Add(10 * time.Millisecond)
	}
	s.e.denied.say(s.e.cfg.Log, now, true)
	s.e.denied.say(s.e.cfg.Log, now, true)
	text := s.log.String()
	if n := strings.Count(text, "\n"); n < 2 || n > 4 || !strings.Contains(text, "event=denied") || !strings.Contains(text, "last=FORCE-RELEASE") {
		t.Errorf("%d lines: %s", n, text)
	}
	k.reads()
	k.send("INFO clients\n")
	if got := k.reads(); !strings.Contains(got, "denied_admin_commands:1000\n") {
		t.Error(got)
	}
}
