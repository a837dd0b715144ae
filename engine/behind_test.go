package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestUntaggedCommandsBehindAWaitKeepTheirPlace(t *testing.T) {
	s := newSim(t, nil)
	a, b := s.dial(0), s.dial(1)
	a.do("ACQUIRE x A 0", "OK")
	b.send("ACQUIRE x B 1000\nRELEASE x B\nBOGUS\nACQ")
	b.send("UIRE y B 0\nPING\n")
	b.expect("")
	a.do("RELEASE x A", "OK")
	b.expect("OK\nOK\nERROR UNKNOWN unknown command 'BOGUS'\nOK\nOK\n")
}

func TestAWaitBehindAWaitKeepsTheRest(t *testing.T) {
	s := newSim(t, nil)
	a, b := s.dial(0), s.dial(0)
	a.do("ACQUIRE x A 0", "OK")
	a.do("ACQUIRE y A 0", "OK")
	b.send("ACQUIRE x B 1000\nACQUIRE y B 1000\nRELEASE x B\nRELEASE y B\n")
	a.do("RELEASE x A", "OK")
	b.expect("OK\n")
	a.do("RELEASE y A", "OK")
	b.expect("OK\nOK\nOK\n")
	s.empty()
}

func TestTaggedCommandsPassAWait(t *testing.T) {
	s := newSim(t, nil)
	a, b := s.dial(0), s.dial(1)
	a.do("ACQUIRE x A 0", "OK")
	b.send("ACQUIRE x B 1000\n@p PING\n@w ACQUIRE x B2 1000\n@bad NOPE\n@h HEARTBEAT x B\n")
	b.expect("@p OK\n@bad ERROR UNKNOWN unknown command 'NOPE'\n@h ERROR NOTOWNER another service holds this lock\n")
	a.do("RELEASE x A", "OK")
	b.expect("OK\n")
	b.send("@r RELEASE x B\n")
	b.expect("@r OK\n@w OK\n")
	b.do("@w RELEASE x B2", "@w OK")
	s.empty()
}

func TestATagInUseClosesTheConnection(t *testing.T) {
	s := newSim(t, nil)
	a, b := s.dial(0), s.dial(1)
	a.do("ACQUIRE x A 0", "OK")
	b.send("@t ACQUIRE x B 1000\n@t PING\n@u PING\n")
	b.expect("ERROR BADARG this tag is in use by a waiting command; the connection is closed\n")
	if !b.finished {
		t.Fatal("the stream was not ended")
	}
	b.hangUp()
	a.do("RELEASE x A", "OK")
	s.empty()
}

func TestAHeartbeatBehindAWaitRenewsWhenItIsRead(t *testing.T) {
	s := newSim(t, nil)
	a, b := s.dial(0), s.dial(1)
	a.do("ACQUIRE x A 0", "OK")
	b.do("ACQUIRE mine B 0 TTL 1000", "OK")
	b.send("ACQUIRE x B 60000\n")
	for range 20 {
		s.advance(500 * time.Millisecond)
		b.send("HEARTBEAT mine B\n")
	}
	b.expect("")
	if s.free("mine") {
		t.Fatal("the lock of a holder that sent heartbeats has expired")
	}
	a.do("RELEASE x A", "OK")
	b.expect(strings.Repeat("OK\n", 21))
}

func TestTooMuchInputBehindAWait(t *testing.T) {
	s := newSim(t, func(c *Config) { c.PendingMax = 4096 })
	a, b := s.dial(0), s.dial(1)
	a.do("ACQUIRE x A 0", "OK")
	b.send("ACQUIRE x B 1000\n")
	for range 100 {
		b.send("ACQUIRE y B 0\nRELEASE zzzzzzzzzzzzzzzzzzzzzzzzzzzz B\n")
	}
	b.expectPrefix("ERROR LIMIT")
	if !b.finished || !s.free("y") {
		t.Fatalf("ended %v, y free %v", b.finished, s.free("y"))
	}
	b.hangUp()
	a.do("RELEASE x A", "OK")
	s.empty()
}

func TestFramingThatBreaksBehindAWaitIsAnsweredInItsPlace(t *testing.T) {
	s := newSim(t, nil)
	a, b := s.dial(0), s.dial(1)
	a.do("ACQUIRE x A 0", "OK")
	b.send("ACQUIRE x B 1000\nPING\n*1\r\n:nonsense\r\n")
	b.send("more of it")
	b.expect("")
	a.do("RELEASE x A", "OK")
	b.expect("OK\nOK\n-BADARG Protocol error: expected '$'\r\n")
	if !b.finished {
		t.Fatal("the stream was not ended")
	}
}

func TestTheLimitOfOpenTags(t *testing.T) {
	s := newSim(t, nil)
	a, b := s.dial(0), s.dial(1)
	a.do("ACQUIRE x A 0", "OK")
	for i := range tagsMax {
		b.send(fmt.Sprintf("@%d ACQUIRE x B 60000\n", i))
	}
	b.expect("")
	b.do("@more ACQUIRE x B 60000", "@more ERROR LIMIT tags too many open tags on this connection")
	b.do("@more PING", "@more OK")
	a.do("RELEASE x A", "OK")
	if n := strings.Count(b.reads(), " OK\n"); n != tagsMax {
		t.Fatalf("%d granted", n)
	}
	b.hangUp()
}
