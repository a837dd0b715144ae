package engine

import (
	"strings"
	"testing"
	"time"

	"dlm/engine/auth"
)

// heartbeatForms are the commands of the tests below in both forms.
var heartbeatForms = map[string]struct{ take, wait, renew, ok string }{
	"text": {"ACQUIRE mine B 0 TTL 1000\n", "ACQUIRE x B 60000\n", "HEARTBEAT mine B\n", "OK\n"},
	"RESP": {array("ACQUIRE", "mine", "B", "0", "TTL", "1000"), array("ACQUIRE", "x", "B", "60000"), array("heartbeat", "mine", "B"), "lease_ms"},
}

// TestHeartbeatBehindWaitRenewsWhereverItIsCut: the same pipeline has acquired the lock, and its
// bytes come in two reads at different times.
func TestHeartbeatBehindWaitRenewsWhereverItIsCut(t *testing.T) {
	for name, f := range heartbeatForms {
		t.Run(name, func(t *testing.T) {
			in := f.take + f.wait + f.wait + f.renew
			for cut := range len(in) {
				s := newSim(t, nil)
				a, b := s.dial(0), s.dial(1)
				a.do("ACQUIRE x A 0", "OK")
				if cut > 0 {
					b.send(in[:cut])
				}
				s.advance(600 * time.Millisecond)
				b.send(in[cut:])
				s.advance(600 * time.Millisecond)
				if s.free("mine") {
					t.Fatalf("cut at %d: the lock of a holder that sent a heartbeat has expired", cut)
				}
				a.do("RELEASE x A", "OK")
				if got := b.reads(); strings.Count(got, f.ok) != 4 {
					t.Fatalf("cut at %d: %q", cut, got)
				}
				b.hangUp()
			}
		})
	}
}

// TestHeartbeatBehindInputThatHasToComeToItsTurnRenews: the input before it is more than a batch
// may execute.
func TestHeartbeatBehindInputThatHasToComeToItsTurnRenews(t *testing.T) {
	for name, f := range heartbeatForms {
		t.Run(name, func(t *testing.T) {
			for cut := range len(f.renew) {
				s := newSim(t, nil)
				a, holder := s.dial(0), s.dial(0)
				holder.do("ACQUIRE x H 0", "OK")
				a.send(f.take)
				a.send(f.wait + strings.Repeat("INFO server\n", 300) + "PI")
				s.hold = true
				holder.do("RELEASE x H", "OK")
				if !a.c.pending.resuming {
					t.Fatal("there is nothing to come back to")
				}
				s.advance(600 * time.Millisecond)
				a.send("NG\n@t PING\n" + f.renew[:cut])
				a.send(f.renew[cut:])
				s.advance(600 * time.Millisecond)
				if s.free("mine") {
					t.Fatalf("cut at %d: the lock of a holder that sent a heartbeat has expired", cut)
				}
				s.events()
				got := a.reads()
				if strings.Count(got, "OK lines=") != 300 || !strings.Contains(got, "\nOK\n@t OK\n") || strings.Count(got, f.ok) < 3 {
					t.Fatalf("cut at %d: the end is %q", cut, got[max(0, len(got)-200):])
				}
			}
		})
	}
}

// TestHeartbeatBehindWithheldAnswerRenews: the holder has shown a wrong token meanwhile.
func TestHeartbeatBehindWithheldAnswerRenews(t *testing.T) {
	s := newSim(t, withTokens)
	a := s.dialFrom(0, "192.0.2.7")
	a.do("AUTH l-token", "OK")
	a.do("ACQUIRE mine B 0 TTL 1000", "OK")
	for s.e.attempts.Note(a.c.at.from, s.e.clock.Now()) < auth.DelayMax {
	}
	a.send("AUTH wrong\nHEARTBEAT mine B\nPI")
	if a.c.withheld == nil {
		t.Fatal("the answer was not withheld")
	}
	for range 4 {
		s.advance(600 * time.Millisecond)
		a.send("NG\nHEARTBEAT mine B\nPI")
	}
	if s.free("mine") {
		t.Fatal("the lock of a holder that sent heartbeats has expired")
	}
	s.advance(auth.DelayMax)
	s.sweep()
	if got := a.reads(); !strings.HasPrefix(got, "ERROR DENIED") {
		t.Fatalf("%q", got)
	}
}
