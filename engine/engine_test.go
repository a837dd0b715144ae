package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const shutdownLine = "ERROR SHUTDOWN the server is stopping\n"

func TestTheScenarioOfTheMission(t *testing.T) {
	for _, loop := range []int{0, 1} {
		s := newSim(t, nil)
		a, b := s.dial(0), s.dial(loop)
		a.do("ACQUIRE resource1 A 1000", "OK")
		b.send("ACQUIRE resource1 B 500\n")
		b.expect("")
		a.do("HEARTBEAT resource1 A", "OK")
		s.advance(100 * time.Millisecond)
		a.do("RELEASE resource1 A", "OK")
		b.expect("OK\n")
		b.do("RELEASE resource1 B", "OK")
		s.empty()
	}
}

func TestAWaitEndsAtItsTimeoutAndNotBefore(t *testing.T) {
	s := newSim(t, nil)
	a, b := s.dial(0), s.dial(1)
	a.do("ACQUIRE x A 0", "OK")
	b.send("ACQUIRE x B 500\n")
	s.advance(499 * time.Millisecond)
	b.expect("")
	s.advance(time.Millisecond)
	b.expect("ERROR TIMEOUT not granted within the wait timeout\n")
	b.do("ACQUIRE x B 0", "ERROR TIMEOUT not granted within the wait timeout")
}

func TestOneReadIsOneWrite(t *testing.T) {
	s := newSim(t, nil)
	a := s.dial(0)
	a.send("ACQUIRE x A 0\nHEARTBEAT x A\nRELEASE x A\nPING\n")
	a.expect("OK\nOK\nOK\nOK\n")
	if a.writes != 1 {
		t.Fatalf("%d writes", a.writes)
	}
}

func TestACommandCutAnywhereIsOneCommand(t *testing.T) {
	text := "ACQUIRE \"a b\" A 0 TTL 500\nRELEASE \"a b\" A\n*4\r\n$7\r\nACQUIRE\r\n$1\r\nx\r\n$1\r\nA\r\n$1\r\n0\r\n*3\r\n$7\r\nRELEASE\r\n$1\r\nx\r\n$1\r\nA\r\n"
	for cut := 1; cut < len(text); cut++ {
		s := newSim(t, nil)
		a := s.dial(0)
		a.send(text[:cut])
		a.send(text[cut:])
		if got := a.reads(); !strings.HasPrefix(got, "OK\nOK\n*6\r\n") || strings.Count(got, "lease_ms") != 2 {
			t.Fatalf("cut at %d: %q", cut, got)
		}
		s.empty()
	}
}

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

func TestTheEndOfAConnectionEndsItsWaitsAndKeepsItsHolds(t *testing.T) {
	s := newSim(t, nil)
	a, b, c := s.dial(0), s.dial(1), s.dial(0)
	a.do("ACQUIRE x A 0", "OK")
	b.send("ACQUIRE x B 1000\nACQUIRE y B 0\n@1 ACQUIRE x B1 1000\n")
	c.send("ACQUIRE x C 1000\n")
	b.hangUp()
	if !s.free("y") {
		t.Fatal("a command behind the wait of a lost connection was executed")
	}
	a.hangUp()
	c.expect("")
	s.advance(999 * time.Millisecond)
	c.expect("")
	s.advance(time.Millisecond)
	c.expectPrefix("ERROR TIMEOUT")
	if s.free("x") {
		t.Fatal("a hold ended with its connection")
	}
	s.advance(29001 * time.Millisecond)
	s.empty()
}

func TestAGrantToAConnectionThatIsGoneGoesToTheNext(t *testing.T) {
	s := newSim(t, nil)
	a, b, c := s.dial(0), s.dial(1), s.dial(0)
	a.do("ACQUIRE x A 0", "OK")
	b.send("ACQUIRE x B 1000\n")
	c.send("ACQUIRE x C 1000\n")
	s.hold = true
	a.do("RELEASE x A", "OK") // B is granted, the message is under way
	b.hangUp()
	s.deliver()
	b.expect("")
	c.expect("OK\n")
	c.do("RELEASE x C", "OK")
	s.empty()
	if n := s.e.tab().Totals().TakeBacks; n != 1 {
		t.Fatalf("%d take-backs", n)
	}
}

func TestAGrantIsNotDeliveredToASuccessorOfTheConnection(t *testing.T) {
	s := newSim(t, nil)
	a, b := s.dial(0), s.dial(1)
	a.do("ACQUIRE x A 0", "OK")
	b.send("ACQUIRE x B 1000\n")
	s.hold = true
	a.do("RELEASE x A", "OK")
	b.hangUp()
	d := s.dial(1) // takes the place of b in the loop's list
	s.due = append(s.due, s.e.reactors[1])
	s.deliver()
	d.expect("")
	s.empty()
}

func TestAGrantPassesAConnectionWhoseEndIsNotReadYet(t *testing.T) {
	for _, wait := range []string{"@1 ACQUIRE x B 1000\n", "ACQUIRE x B 1000\nACQUIRE y B 0\n"} {
		s := newSim(t, nil)
		a, b, c := s.dial(0), s.dial(1), s.dial(1)
		a.do("ACQUIRE x A 0", "OK")
		b.send(wait)
		c.send("ACQUIRE x C 1000\n")
		b.left = true
		a.do("RELEASE x A", "OK")
		b.expect("")
		c.expect("OK\n")
		b.send("@r ACQUIRE z B 0\n") // what came before the end is still executed
		b.hangUp()
		if !s.free("y") || s.free("z") {
			t.Fatalf("y free %v, z free %v", s.free("y"), s.free("z"))
		}
		c.do("RELEASE x C", "OK")
		c.do("RELEASE z B", "OK")
		s.empty()
	}
}

func TestGrantsOfABatchThatCannotBeWrittenAreTakenBack(t *testing.T) {
	s := newSim(t, nil)
	a, b := s.dial(0), s.dial(1)
	b.do("ACQUIRE kept B 0", "OK")
	a.do("ACQUIRE x A 0", "OK")
	b.send("@1 ACQUIRE x B 1000\n")
	b.broken = true
	b.send("ACQUIRE y B 0\nACQUIRE kept B 0\n")
	if !s.free("y") || s.free("kept") || !b.gone {
		t.Fatalf("y free %v, kept free %v, closed %v", s.free("y"), s.free("kept"), b.gone)
	}
	c := s.dial(1)
	c.send("@1 ACQUIRE x C 1000\n")
	c.broken = true
	a.do("RELEASE x A", "OK")
	if !s.free("x") {
		t.Fatal("a grant whose reply could not be written stands")
	}
}

func TestAClientThatDoesNotReadIsClosed(t *testing.T) {
	s := newSim(t, func(c *Config) { c.UnreadMax = 10_000 })
	a := s.dial(0)
	a.stuck = true
	for range 1000 {
		if a.gone {
			break
		}
		a.send("HELP\n")
	}
	if !a.gone || s.e.slowClosed.Load() != 1 || a.stored > 20_000 {
		t.Fatalf("closed %v, counted %d, stored %d", a.gone, s.e.slowClosed.Load(), a.stored)
	}
	s.empty()
}

func TestABatchWithLongAnswersIsWrittenInPieces(t *testing.T) {
	s := newSim(t, func(c *Config) { c.UnreadMax = 10_000 })
	a := s.dial(0)
	a.send(strings.Repeat("HELP\n", 500))
	if got := strings.Count(a.reads(), "OK lines="); got != 500 || a.writes < 40 {
		t.Fatalf("%d answers in %d writes", got, a.writes)
	}
}

func TestTheLargestBuffersAreClosedAtTheLimitOfAll(t *testing.T) {
	s := newSim(t, func(c *Config) { c.BufferedMax = 100_000 })
	a := s.dial(0)
	a.do("ACQUIRE x A 0", "OK")
	var small, large []*client
	for i := range 10 {
		k := s.dial(i % 2)
		k.send("ACQUIRE x B 60000\n")
		k.send(strings.Repeat("PING\n", 1000))
		small = append(small, k)
	}
	k := s.dial(1)
	k.send("ACQUIRE x C 60000\n")
	for range 20 {
		k.send(strings.Repeat("PING\n", 1000))
	}
	large = append(large, k)
	for _, k := range large {
		k.expectPrefix("ERROR LIMIT")
		if !k.gone {
			t.Fatal("the largest was not closed")
		}
	}
	for _, k := range small {
		if k.gone {
			t.Fatal("a smaller one was closed")
		}
	}
	if total := s.e.buffers.total.Load(); total > 100_000 {
		t.Fatalf("%d bytes in buffers", total)
	}
}

func TestAPartialCommandHasATimeLimit(t *testing.T) {
	s := newSim(t, nil)
	a := s.dial(0)
	a.send("ACQUIRE x")
	s.advance(9 * time.Second)
	s.sweep()
	a.expect("")
	s.advance(2 * time.Second)
	s.sweep()
	a.expectPrefix("ERROR BADARG the command was not complete")
	s.advance(3 * time.Second)
	s.sweep()
	if !a.gone {
		t.Fatal("not closed after the linger")
	}
	s.empty()
}

func TestAStopAnswersWaitsAndRefusesNewOnes(t *testing.T) {
	s := newSim(t, nil)
	a, b := s.dial(0), s.dial(1)
	a.do("ACQUIRE x A 0", "OK")
	b.send("@t ACQUIRE x B 1000\nACQUIRE x B2 1000\nPING\n")
	s.e.draining.Store(true)
	s.e.drained.Add(2)
	s.e.order(orderDrain)
	s.settle()
	got := b.reads()
	if got != shutdownLine+"@t "+shutdownLine && got != "@t "+shutdownLine+shutdownLine {
		t.Fatalf("%q", got)
	}
	b.do("ACQUIRE y B 0", strings.TrimSpace(shutdownLine))
	a.do("RELEASE x A", "OK")
	s.e.order(orderClose)
	s.settle()
	if !a.gone || !b.gone {
		t.Fatal("connections were not closed")
	}
	s.e.drained.Wait()
	s.empty()
}

func TestAPauseOfTheServerExpiresNobody(t *testing.T) {
	s := newSim(t, nil)
	a := s.dial(0)
	a.do("ACQUIRE x A 0 TTL 1000", "OK")
	a.do("ACQUIRE dead A 0 TTL 1000", "OK")
	s.advance(300 * time.Millisecond)
	s.time += int64(3 * time.Hour) // stopped; the heartbeat waits in the socket
	s.e.tick(&s.fx, &s.co)
	a.do("HEARTBEAT x A", "OK")
	if s.e.clock.pauses.Load() != 1 {
		t.Fatalf("%d pauses", s.e.clock.pauses.Load())
	}
	s.advance(700 * time.Millisecond)
	if s.free("x") || !s.free("dead") {
		t.Fatalf("x free %v, dead free %v", s.free("x"), s.free("dead"))
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
	b.do("@more ACQUIRE x B 60000", "@more ERROR LIMIT too many open tags on this connection")
	b.do("@more PING", "@more OK")
	a.do("RELEASE x A", "OK")
	if n := strings.Count(b.reads(), " OK\n"); n != tagsMax {
		t.Fatalf("%d granted", n)
	}
	b.hangUp()
}

func TestABugInABatchClosesThatConnectionOnly(t *testing.T) {
	s := newSim(t, nil)
	a, b := s.dial(0), s.dial(0)
	a.do("ACQUIRE x A 0", "OK")
	func() {
		r := s.e.reactors[0]
		r.begin()
		defer r.guard(b.c)
		r.use(b.c)
		panic("BUG: made by the test")
	}()
	b.expectPrefix("ERROR INTERNAL")
	if !b.finished || !strings.Contains(s.log.String(), "made by the test") {
		t.Fatalf("ended %v, log %q", b.finished, s.log.String())
	}
	a.do("RELEASE x A", "OK")
}
