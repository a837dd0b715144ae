package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// events counts how often the loop is entered until nothing is posted any more.
func (s *sim) events() (n int) {
	for ; len(s.due) > 0 || len(s.asks) > 0; n++ {
		s.event()
	}
	return n
}

func TestCostlyCommandsLeaveLoopToOthers(t *testing.T) {
	s := newSim(t, nil)
	a, b := s.dial(0), s.dial(0)
	b.do("ACQUIRE x B 0 TTL 1000", "OK")
	s.hold = true
	a.send(strings.Repeat("INFO server\n", 500) + "PING\n")
	if got := strings.Count(a.reads(), "OK lines="); got == 0 || got > 100 {
		t.Fatalf("%d of 500 were answered in one event", got)
	}
	b.do("HEARTBEAT x B", "OK") // between two events
	a.send("PING\n")            // must not overtake
	if n := s.events(); n < 5 {
		t.Fatalf("%d events", n)
	}
	if got := a.reads(); !strings.HasSuffix(got, "\nOK\nOK\n") {
		t.Fatalf("the answers end in %q", got[max(0, len(got)-100):])
	}
}

func TestInputFasterThanItsExecutionClosesConnection(t *testing.T) {
	s := newSim(t, func(c *Config) { c.PendingMax = 10_000 })
	a := s.dial(0)
	s.hold = true
	for range postponedMax / 10_000 {
		a.send(strings.Repeat("INFO server\n", 1000))
	}
	if !a.finished || !strings.Contains(a.reads(), "ERROR LIMIT pending input comes faster") {
		t.Fatalf("ended %v", a.finished)
	}
	s.events()
	a.hangUp()
	s.empty()
}

func TestChainsOfKeptCommandsLeaveLoopToOthers(t *testing.T) {
	s := newSim(t, nil)
	const n = 15_000
	a, b, holder := s.dial(0), s.dial(0), s.dial(0)
	holder.do("ACQUIRE x H 0", "OK")
	for i, k := range []*client{a, b} {
		k.send(fmt.Sprintf("ACQUIRE x o%d 86400000\n", i) + strings.Repeat(fmt.Sprintf("RELEASE x o%d\nACQUIRE x o%d 86400000\n", i, i), n) +
			fmt.Sprintf("RELEASE x o%d\n", i))
		k.send("PING\n")
	}
	s.hold = true
	holder.do("RELEASE x H", "OK")
	if events := s.events(); events < 2 {
		t.Fatalf("a chain of %d commands ran in one event", 4*n)
	}
	for _, k := range []*client{a, b} {
		if got := strings.Count(k.reads(), "OK\n"); got != 2*n+3 {
			t.Fatalf("%d answers, want %d", got, 2*n+3)
		}
	}
	s.empty()
}

func TestKeptCommandsThatOutlastBudgetKeepTheirOrder(t *testing.T) {
	s := newSim(t, nil)
	a, holder := s.dial(0), s.dial(0)
	holder.do("ACQUIRE x H 0", "OK")
	holder.do("ACQUIRE y H 0", "OK")
	a.send("ACQUIRE x A 60000\n" + strings.Repeat("INFO server\n", 100) + "ACQUIRE y A 60000\nPING\nPI")
	s.hold = true
	holder.do("RELEASE x H", "OK")
	a.send("NG\n@t PING\nHEARTBEAT x A\n") // arrives while the rest is still to be run
	s.events()
	if got := a.reads(); !strings.HasPrefix(got, "OK\nOK lines=") || !strings.HasSuffix(got, "@t OK\n") || strings.Count(got, "OK lines=") != 100 {
		t.Fatalf("%q...", got[max(0, len(got)-100):])
	}
	holder.do("RELEASE y H", "OK")
	a.expect("OK\nOK\nOK\nOK\n")
}

func TestLimitsBeforeAUTHAreThoseOfConnection(t *testing.T) {
	s := newSim(t, withTokens)
	a, holder, stranger := s.dial(0), s.dial(0), s.dial(0)
	for _, k := range []*client{a, holder} {
		k.do("AUTH l-token", "OK")
	}
	holder.do("ACQUIRE x H 0", "OK")
	long := strings.Repeat("n", 1000)
	a.send("ACQUIRE x A 60000\nACQUIRE " + long + " A 0 TTL 1000 META 1\nHELP A\nACQUIRE a b c d e f g h i\n")
	stranger.send("PI")
	holder.do("RELEASE x H", "OK")
	if got := a.reads(); strings.Contains(got, "AUTH") || a.finished {
		t.Fatalf("%q", got)
	}
}

func TestMemoryLimitIsLiftedWhenLocksAreGone(t *testing.T) {
	const most = 64 << 20
	s := newSim(t, func(c *Config) { c.MemoryMax = most })
	s.e.memoryUsed = func() int64 { return most - 10<<20 + s.e.tab().Totals().Bytes }
	a := s.dial(0)
	s.e.checkMemory()
	n, refused := 0, false
	// the memory is not read in between: the table counts what it takes
	for ; n < 1_000_000 && !refused; n++ {
		a.send(fmt.Sprintf("ACQUIRE lock%d A 0 TTL 1000\n", n))
		refused = strings.HasPrefix(a.reads(), "ERROR LIMIT memory no memory is left for locks and waiters (max-memory)")
	}
	if bytes := s.e.tab().Totals().Bytes; !refused || bytes < 9<<20 || bytes > 11<<20 {
		t.Fatalf("%d locks in %d bytes, refused: %v", n, bytes, refused)
	}
	// some less than was counted: an index that grows gives its old slots back
	full := s.e.tab().Totals().Bytes
	s.e.memoryUsed = func() int64 { return most - full + s.e.tab().Totals().Bytes }
	s.e.checkMemory()
	long := "ACQUIRE " + strings.Repeat("long", 50) + " A 0"
	a.send(long + "\n")
	a.expectPrefix("ERROR LIMIT memory ")
	a.do("HEARTBEAT lock1 A TTL 5000", "OK")
	// Released memory has room for others, even at the limit.
	a.do("RELEASE lock2 A", "OK")
	a.do("ACQUIRE lock2 B 0", "OK")
	s.advance(2 * time.Second)
	s.e.checkMemory()
	for i := range 10_000 {
		a.do(fmt.Sprintf("ACQUIRE lock%d A 0 TTL 1000", 100+i), "OK")
	}
	a.send(long + "\n")
	a.expectPrefix("ERROR LIMIT memory ")
	s.turns(20 * time.Second)
	s.e.checkMemory()
	a.do(long, "OK")
}

func TestMemoryOfManyTagsIsGivenBack(t *testing.T) {
	s := newSim(t, nil)
	a, holder := s.dial(0), s.dial(0)
	holder.do("ACQUIRE x H 0", "OK")
	for i := range 1000 {
		a.send(fmt.Sprintf("@%d ACQUIRE x A 10\n", i))
	}
	a.send("@0a ACQUIRE x A 10\n") // after @999 it does not rise
	if a.c.waits.byTag.Slots == nil || a.c.waits.chunks == nil {
		t.Fatal("there is nothing to give back")
	}
	s.advance(50 * time.Millisecond)
	if a.reads(); a.c.waits.byTag.Slots != nil || a.c.waits.chunks != nil {
		t.Fatal("an idle connection keeps the memory of its tags")
	}
}
