package engine

import (
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
	b.expect("ERROR TIMEOUT \"A\" 500 not granted within the wait timeout\n")
	b.do("ACQUIRE x B 0", "ERROR TIMEOUT \"A\" 500 not granted within the wait timeout")
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

func TestABatchWithLongAnswersIsWrittenInPieces(t *testing.T) {
	s := newSim(t, nil)
	a := s.dial(0)
	a.send(strings.Repeat("HELP\n", 1000))
	if got := strings.Count(a.reads(), "OK lines="); got != 1000 || a.writes < 4 {
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
	if s.e.clock.Gaps() != 1 {
		t.Fatalf("%d pauses", s.e.clock.Gaps())
	}
	s.advance(700 * time.Millisecond)
	if s.free("x") || !s.free("dead") {
		t.Fatalf("x free %v, dead free %v", s.free("x"), s.free("dead"))
	}
}

func TestABugInABatchClosesThatConnectionOnly(t *testing.T) {
	// a command that is executed by itself, and others
	for _, in := range []string{"ACQUIRE y B 0\n", "PING\nPING\n"} {
		s := newSim(t, nil)
		a, b := s.dial(0), s.dial(0)
		a.do("ACQUIRE x A 0", "OK")
		s.written = func(*client) {
			s.written = nil
			panic("BUG: made by the test")
		}
		b.send(in)
		if got := b.reads(); !b.finished || !strings.Contains(got, "ERROR INTERNAL") || !strings.Contains(s.log.String(), "made by the test") {
			t.Fatalf("%q: got %q, ended %v, log %q", in, got, b.finished, s.log.String())
		}
		a.do("RELEASE x A", "OK")
	}
}

// TestABugInTheMiddleOfAReplyClosesThatConnectionToo: half a reply to another connection must not
// become the beginning of its next reply.
func TestABugInTheMiddleOfAReplyClosesThatConnectionToo(t *testing.T) {
	s := newSim(t, nil)
	a, b := s.dial(0), s.dial(0)
	func() {
		r := s.e.reactors[0]
		r.begin()
		defer func() { r.guard(b.c, recover()) }()
		r.use(a.c)
		r.w.Buf = append(r.w.Buf, "@7 "...)
		panic("BUG: made by the test")
	}()
	for _, k := range []*client{a, b} {
		if got := k.reads(); !k.finished || !strings.Contains(got, "ERROR INTERNAL") {
			t.Errorf("got %q, ended %v", got, k.finished)
		}
	}
}
