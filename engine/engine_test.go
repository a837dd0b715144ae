package engine

import (
	"strings"
	"testing"
)

func TestCommandCutAnywhereIsOneCommand(t *testing.T) {
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

func TestBatchWithLongAnswersIsWrittenInPieces(t *testing.T) {
	s := newSim(t, nil)
	a := s.dial(0)
	a.send(strings.Repeat("HELP\n", 1000))
	if got := strings.Count(a.reads(), "OK lines="); got != 1000 || a.writes < 4 {
		t.Fatalf("%d answers in %d writes", got, a.writes)
	}
}

func TestLargestBuffersAreClosedAtLimitOfAll(t *testing.T) {
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

func TestBugInBatchClosesThatConnectionOnly(t *testing.T) {
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

// TestBugInMiddleOfReplyClosesThatConnectionToo: half a reply to another connection must not
// become the beginning of its next reply.
func TestBugInMiddleOfReplyClosesThatConnectionToo(t *testing.T) {
	s := newSim(t, nil)
	a, b := s.dial(0), s.dial(0)
	func() {
		r := s.e.reactors[0]
		r.begin()
		defer func() { r.guard(b.c, recover()) }()
		r.beginReply(a.c)
		r.w.Buf = append(r.w.Buf, "@7 "...)
		panic("BUG: made by the test")
	}()
	for _, k := range []*client{a, b} {
		if got := k.reads(); !k.finished || !strings.Contains(got, "ERROR INTERNAL") {
			t.Errorf("got %q, ended %v", got, k.finished)
		}
	}
}
