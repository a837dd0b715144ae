package engine

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"dlm/engine/auth"
)

// dialFrom opens a connection from an address.
func (s *sim) dialFrom(loop int, ip string) *client {
	k := s.dial(loop)
	k.c.at.from = auth.KeyOf(netip.MustParseAddr(ip))
	return k
}

// TestAnswersToWrongTokensAreWithheld: after five of an address, each for longer, up to 5 s.
// Answers to right tokens are not.
func TestAnswersToWrongTokensAreWithheld(t *testing.T) {
	s := newSim(t, func(c *Config) { withTokens(c); c.AuthWait = time.Hour })
	const wrong = "ERROR DENIED no such token\n"
	for i := range 5 {
		k := s.dialFrom(i%2, "192.0.2.7")
		k.send("AUTH wrong\n")
		k.expect(wrong)
	}
	key := auth.KeyOf(netip.MustParseAddr("192.0.2.7"))
	for i, want := range []int{100, 200, 400, 800, 1600} {
		k := s.dialFrom(i%2, "192.0.2.7")
		k.send("AUTH wrong\nPI")
		k.send("NG\n")
		waited := 0
		for ; len(k.reads()) == 0; waited += 50 {
			if waited > 6000 {
				t.Fatalf("attempt %d is not answered", i+6)
			}
			s.advance(50 * time.Millisecond)
			s.sweep()
		}
		if waited < want {
			t.Errorf("attempt %d is answered after %d ms, want %d", i+6, waited, want)
		}
		other, same := s.dialFrom(0, "192.0.2.8"), s.dialFrom(1, "192.0.2.7")
		other.do("AUTH wrong", "ERROR DENIED no such token")
		same.do("AUTH r-token", "OK")
		s.advance(time.Second)
		for s.e.attempts.Note(key, s.e.clock.Now()) < time.Duration(want)*time.Millisecond {
		} // until the address owes as much as before the wait
	}
}

// TestWhatComesBehindWithheldAnswerKeepsItsPlace in both forms, and counts wrong tokens as before.
func TestWhatComesBehindWithheldAnswerKeepsItsPlace(t *testing.T) {
	s := newSim(t, withTokens)
	for range 5 {
		s.dialFrom(0, "192.0.2.7").send("AUTH wrong\n")
	}
	k := s.dialFrom(0, "192.0.2.7")
	k.send("@1 AUTH wrong\nAUTH r-token\nPING\nPIN")
	k.send("G\n")
	k.expect("")
	s.advance(200 * time.Millisecond)
	s.sweep()
	k.expect("@1 ERROR DENIED no such token\nOK\nOK\nOK\n")

	redis := s.dialFrom(1, "192.0.2.7")
	redis.send(strings.Repeat("*2\r\n$4\r\nAUTH\r\n$1\r\nx\r\n", 4))
	redis.expect("")
	for range 40 {
		s.advance(100 * time.Millisecond)
		s.sweep()
	}
	if got := redis.reads(); strings.Count(got, "-WRONGPASS invalid username-password pair or user is disabled.\r\n") != 3 || !redis.finished {
		t.Fatalf("%q, ended %v", got, redis.finished)
	}
}

// TestInputBehindWithheldAnswerIsBounded: none of it is decoded.
func TestInputBehindWithheldAnswerIsBounded(t *testing.T) {
	s := newSim(t, withTokens)
	for range 6 {
		s.dialFrom(0, "192.0.2.7").send("AUTH wrong\n")
	}
	k := s.dialFrom(0, "192.0.2.7")
	k.send("AUTH wrong\n" + strings.Repeat("x", preAuthPendingMax-100))
	k.expect("")
	k.send(strings.Repeat("y", 200))
	k.expectPrefix("ERROR LIMIT ")
	if !k.finished {
		t.Fatal("the stream was not ended")
	}
}

// TestAttemptsAreSummedUpInAudit: a record per address and minute, however many there are.
func TestAttemptsAreSummedUpInAudit(t *testing.T) {
	s := newSim(t, withTokens)
	for i := range 500 {
		k := s.dialFrom(i%2, fmt.Sprintf("192.0.2.%d", i%250))
		k.send("AUTH wrong\nAUTH wrong\nAUTH wrong\n")
		s.advance(50 * time.Millisecond)
		if i%5 == 0 {
			s.sweep()
		}
	}
	if log := s.auditText(); strings.Count(log, "\n") != 1 || !strings.Contains(log, "event=wrong-token from=10.0.0.1 what=\"lock port\" count=1") || strings.Contains(log, "AUTH") {
		t.Fatal(log)
	}
	if info := string(s.e.infoClients(nil)); !strings.Contains(info, "\r\nwrong_tokens:1") {
		t.Fatal(info)
	}
}
