package engine

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// dialFrom opens a connection from an address.
func (s *sim) dialFrom(loop int, ip string) *client {
	k := s.dial(loop)
	k.c.at.from = keyOf(netip.MustParseAddr(ip))
	return k
}

// TestAnswersToWrongTokensAreWithheld: beyond five of an address, each the longer, up to 5 s.
// Right tokens are not.
func TestAnswersToWrongTokensAreWithheld(t *testing.T) {
	s := newSim(t, func(c *Config) { withTokens(c); c.AuthWait = time.Hour })
	const wrong = "ERROR DENIED no such token\n"
	for i := range 5 {
		k := s.dialFrom(i%2, "192.0.2.7")
		k.send("AUTH wrong\n")
		k.expect(wrong)
	}
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
		s.advance(time.Second) // what was forgiven meanwhile
		s.e.attempts.debts[keyOf(netip.MustParseAddr("192.0.2.7"))] = s.e.clock.now() + int64(i+6)*int64(time.Second)
	}
}

// TestWhatComesBehindAWithheldAnswerKeepsItsPlace in both forms, and counts wrong tokens as before.
func TestWhatComesBehindAWithheldAnswerKeepsItsPlace(t *testing.T) {
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

// TestInputBehindAWithheldAnswerIsBounded: nothing of it is looked at.
func TestInputBehindAWithheldAnswerIsBounded(t *testing.T) {
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

// TestAttemptsAreSummedUpInTheLog: a line each ten seconds, however many there are.
func TestAttemptsAreSummedUpInTheLog(t *testing.T) {
	s := newSim(t, withTokens)
	for i := range 500 {
		k := s.dialFrom(i%2, fmt.Sprintf("192.0.2.%d", i%250))
		k.send("AUTH wrong\nAUTH wrong\nAUTH wrong\n")
		s.advance(50 * time.Millisecond)
		if i%5 == 0 {
			s.sweep()
		}
	}
	if n := strings.Count(s.log.String(), "\n"); n < 2 || n > 4 {
		t.Fatalf("%d lines in 25 s:\n%s", n, s.log.String())
	}
	if log := s.log.String(); !strings.Contains(log, "wrong tokens") || strings.Contains(log, "AUTH") {
		t.Fatal(log)
	}
	if info := string(s.e.infoClients(nil)); !strings.Contains(info, "\r\nwrong_tokens:1") {
		t.Fatal(info)
	}
}

// TestAddressesThatAreRememberedAreBounded: a new one is delayed when there is no room.
func TestAddressesThatAreRememberedAreBounded(t *testing.T) {
	var a attempts
	for i := range addressKey(2 * attemptsKnownMax) {
		if delay := a.note(i, "", 0); (delay > 0) != (i >= attemptsKnownMax) {
			t.Fatalf("address %d is delayed by %v", i, delay)
		}
	}
	if len(a.debts) > attemptsKnownMax {
		t.Fatalf("%d are remembered", len(a.debts))
	}
	if delay := a.note(1<<40, "", int64(2*attemptsForgive)); delay != 0 || len(a.debts) != 1 {
		t.Fatalf("delayed by %v, and %d are remembered, after all is forgotten", delay, len(a.debts))
	}
}

func TestKeysOfAddresses(t *testing.T) {
	key := func(s string) addressKey { return keyOf(netip.MustParseAddr(s)) }
	for _, same := range [][2]string{{"192.0.2.7", "::ffff:192.0.2.7"}, {"2001:db8:1:2::1", "2001:db8:1:2:ffff::9"}} {
		if key(same[0]) != key(same[1]) {
			t.Errorf("%s and %s differ", same[0], same[1])
		}
	}
	for _, differ := range [][2]string{{"192.0.2.7", "192.0.2.8"}, {"2001:db8:1:2::1", "2001:db8:1:3::1"}, {"127.0.0.1", "::1"}, {"0.0.0.0", "::"}} {
		if key(differ[0]) == key(differ[1]) {
			t.Errorf("%s and %s are the same", differ[0], differ[1])
		}
	}
	if key("255.255.255.255") == noAddress || keyOf(netip.Addr{}) != noAddress {
		t.Error("no address is one")
	}
}
