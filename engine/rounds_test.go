package engine

import (
	"bufio"
	"fmt"
	"slices"
	"strings"
	"testing"

	"dlm/codec"
	"dlm/table"
)

// TestWhatIsPostponedLeavesSocketsToOthers: one write of costly commands must not be executed
// without a poll of the other sockets. Real event loops poll; simulated ones do not.
func TestWhatIsPostponedLeavesSocketsToOthers(t *testing.T) {
	e := serve(t, func(c *Config) { c.Loops = 1 })
	hostile, innocent := dialServer(t, e), dialServer(t, e)
	answers := bufio.NewReader(innocent)
	ping := func() {
		fmt.Fprint(innocent, "PING\n")
		if line, err := answers.ReadString('\n'); err != nil || line != "OK\n" {
			t.Fatalf("%q, %v", line, err)
		}
	}
	ping()                                              // the loop has the connection
	const n = 12_000                                    // less than one read
	go fmt.Fprint(hostile, strings.Repeat("INFO\n", n)) // an error shows in the read
	if _, err := hostile.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	ping()
	total := e.commandTotals()
	if done := total[statIndex(codec.VerbInfo, codec.OK)]; done == n {
		t.Fatalf("all of %d commands were executed before a PING of another connection", n)
	}
}

// overBudget makes a loop spend more than a round has, and returns the connection that waits for
// its turn.
func overBudget(t *testing.T, s *sim) *client {
	t.Helper()
	k := s.dial(0)
	s.hold = true
	k.send(strings.Repeat("STATUS x\n", 2*roundMax/costOther))
	k.reads()
	if !k.c.postponed || k.r.round.spent <= roundMax {
		t.Fatalf("postponed %v, spent %d", k.c.postponed, k.r.round.spent)
	}
	return k
}

func TestLoopThatIsBehindServesHeartbeatsAndLetsCostlyCommandsWait(t *testing.T) {
	s := newSim(t, nil)
	a, b := s.dial(0), s.dial(0)
	a.do("ACQUIRE x A 0", "OK")
	overBudget(t, s)
	a.do("HEARTBEAT x A", "OK")
	a.do("RELEASE x A", "OK")
	for _, costly := range []string{"INFO server\n", "LOCKS\n"} {
		b.send(costly)
	}
	b.expect("")
	s.deliver()
	if got := b.reads(); strings.Count(got, "OK lines=") != 2 {
		t.Fatalf("after its turn: %q", got)
	}
}

// TestHeartbeatBehindCostlyCommandsRenews although those wait for their turn.
func TestHeartbeatBehindCostlyCommandsRenews(t *testing.T) {
	s := newSim(t, nil)
	a := s.dial(0)
	a.do("ACQUIRE x A 0 TTL 1000", "OK")
	s.advance(900e6)
	overBudget(t, s)
	a.send("INFO server\nHEARTBEAT x A\n")
	a.expect("")
	s.time += 40e6
	s.advance(800e6)
	if s.free("x") {
		t.Fatal("the lease ended though its heartbeat was read")
	}
}

func TestTurnsGoByAddress(t *testing.T) {
	var q turns
	for id := range table.ConnID(4) {
		q.add(1, 10+id)
	}
	q.add(2, 20)
	q.add(3, 30)
	q.add(2, 21)
	var got []table.ConnID
	for q.len() > 0 {
		got = append(got, q.next())
	}
	if want := []table.ConnID{10, 20, 30, 11, 21, 12, 13}; !slices.Equal(got, want) {
		t.Errorf("turns %v, want %v", got, want)
	}
	if len(q.queue) != 0 || len(q.order) != 0 {
		t.Errorf("left: %v %v", q.queue, q.order)
	}
}

func TestINFOIsSharedWhereItIsAskedForOften(t *testing.T) {
	s := newSim(t, nil)
	a := s.dial(0)
	last := ""
	for i := range 1000 {
		a.do("ACQUIRE x A 0", "OK")
		a.send("INFO locks\n")
		if text := a.reads(); text != last {
			last = text
		} else if i < infoPerSecond {
			t.Fatalf("INFO %d is that of before", i)
		}
	}
	if !strings.Contains(last, fmt.Sprintf("reentries:%d\n", infoPerSecond-1)) {
		t.Errorf("1,000 at one moment are not made %d times:\n%s", infoPerSecond, last)
	}
	s.advance(101e6)
	a.send("INFO locks\n")
	if text := a.reads(); !strings.Contains(text, "reentries:999\n") {
		t.Errorf("INFO after a tenth of a second is old:\n%s", text)
	}
}

// TestCOMMANDIsSameEachTime: its answers are made once for each version of RESP.
func TestCOMMANDIsSameEachTime(t *testing.T) {
	s := newSim(t, nil)
	for _, version := range []string{"2", "3"} {
		k := s.dial(0)
		k.send(array("HELLO", version))
		k.reads()
		for _, words := range [][]string{{"COMMAND"}, {"COMMAND", "DOCS"}} {
			k.send(array(words...))
			first := k.reads()
			for range 2 {
				k.send(array(words...))
				if got := k.reads(); got != first || len(first) < 500 {
					t.Fatalf("%v in version %s: %d and %d bytes", words, version, len(first), len(got))
				}
			}
			if map3 := strings.Contains(first, "%"); len(words) == 2 && map3 != (version == "3") {
				t.Errorf("%v in version %s has maps: %v", words, version, map3)
			}
		}
	}
}
