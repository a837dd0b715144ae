package engine

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// tokenIn returns the token in an answer.
func tokenIn(t *testing.T, answer string) string {
	t.Helper()
	found := regexp.MustCompile(`token=(\d+)`).FindStringSubmatch(answer)
	if found == nil {
		t.Fatalf("no token in %q", answer)
	}
	return found[1]
}

// TestWorkersOfOneIdFindOut has workers that all use the id billing. With FRESH one of them holds
// the lock at a time, and the others are told so.
func TestWorkersOfOneIdFindOut(t *testing.T) {
	s := newSim(t, nil)
	var workers []*client
	for i := range 6 {
		workers = append(workers, s.dial(i%2))
	}
	for round := range 6 {
		got, token := 0, ""
		for i := range workers {
			k := workers[(round+i)%len(workers)]
			k.send("DETAIL ON\nACQUIRE account billing 1000 FRESH\n")
			answer := k.reads()
			if i == 0 {
				got++
				token = tokenIn(t, answer)
				continue
			}
			want := fmt.Sprintf("OK\nERROR HELD %s this service holds the lock, and FRESH takes no second grant: nothing was changed\n", token)
			if answer != want {
				t.Fatalf("got %q, want %q", answer, want)
			}
		}
		if got != 1 {
			t.Fatalf("%d workers hold the lock", got)
		}
		workers[round].do("RELEASE account billing TOKEN "+token, "OK token="+token+" count=0 lease_ms=0")
	}
	workers[0].do("DETAIL OFF", "OK")
	s.empty()
}

// TestFreshInBothForms has the answer as data for programs.
func TestFreshInBothForms(t *testing.T) {
	s := newSim(t, nil)
	a, b := s.dial(0), s.dial(1)
	a.send("DETAIL ON\nACQUIRE x A 0 FRESH\n")
	token := tokenIn(t, a.reads())
	b.send("*5\r\n$7\r\nACQUIRE\r\n$1\r\nx\r\n$1\r\nA\r\n$1\r\n0\r\n$5\r\nfresh\r\n")
	b.expect("-HELD " + token + " this service holds the lock, and FRESH takes no second grant: nothing was changed\r\n")
	b.send("@t ACQUIRE x A 60000 FRESH\n")
	b.expect("@t ERROR HELD " + token + " this service holds the lock, and FRESH takes no second grant: nothing was changed\n")
	a.do("ACQUIRE x A 0", "OK token="+token+" count=2 lease_ms=30000")
	a.do("RELEASE x A ALL", "OK token="+token+" count=0 lease_ms=0")
	s.empty()
}

// TestFreshWaitEndsLikeAnyOther: one ends with its connection, one is granted after its own
// service's hold, and one ends with the server.
func TestFreshWaitEndsLikeAnyOther(t *testing.T) {
	s := newSim(t, nil)
	a, b, c, d := s.dial(0), s.dial(0), s.dial(1), s.dial(1)
	a.do("ACQUIRE x A 0", "OK")
	b.send("ACQUIRE x B 60000\n")
	c.send("ACQUIRE x B 60000 FRESH\n")
	d.send("@t ACQUIRE x B 60000 FRESH\n")
	a.do("RELEASE x A", "OK")
	b.expect("OK\n")
	c.expect("")
	c.hangUp()
	b.do("RELEASE x B", "OK")
	d.expect("@t OK\n")
	d.send("RELEASE x B\n")
	d.expect("OK\n")
	a.do("ACQUIRE x A 0", "OK")
	d.send("ACQUIRE x B 60000 FRESH\n")
	s.e.draining.Store(true)
	s.e.drained.Add(2)
	s.e.order(orderDrain)
	s.settle()
	d.expect(shutdownLine)
	a.do("RELEASE x A ALL", "OK")
	s.e.drained.Wait()
}

// TestQueueZeroIsAsTimeoutZero distinguishes a request that does not wait from one that found the
// queue too long.
func TestQueueZeroIsAsTimeoutZero(t *testing.T) {
	s := newSim(t, nil)
	a, b, c := s.dial(0), s.dial(0), s.dial(1)
	a.do("ACQUIRE x A 0 QUEUE 0", "OK")
	b.send("ACQUIRE x B 60000 QUEUE 0\n")
	b.expectPrefix("ERROR TIMEOUT ")
	b.send("ACQUIRE x B 60000 QUEUE 1\n")
	b.expect("")
	c.send("ACQUIRE x C 60000 QUEUE 1\n")
	c.expectPrefix("ERROR LIMIT ")
	c.send("@1 ACQUIRE x C 60000 QUEUE 2\n@2 ACQUIRE x C 60000 QUEUE 2\n")
	c.expectPrefix("@2 ERROR LIMIT ")
	a.do("RELEASE x A ALL", "OK")
	b.expect("OK\n")
	b.do("RELEASE x B", "OK")
	c.expect("@1 OK\n")
	c.do("RELEASE x C", "OK")
	s.empty()
}

// TestReleaseOfAllBehindWait keeps its place, like any command.
func TestReleaseOfAllBehindWait(t *testing.T) {
	s := newSim(t, nil)
	a, b := s.dial(0), s.dial(1)
	a.do("ACQUIRE x A 0", "OK")
	b.send("ACQUIRE y B 0\nACQUIRE y B 0\nACQUIRE x B 60000\nRELEASE y B ALL\nHEARTBEAT y B\n")
	b.expect("OK\nOK\n")
	if s.free("y") {
		t.Fatal("released before its turn")
	}
	a.do("RELEASE x A", "OK")
	b.expect("OK\nOK\nERROR NOTHELD nobody holds this lock: it was never acquired, or released, expired or forced\n")
	b.do("RELEASE x B ALL", "OK")
	s.empty()
}

// TestReentriesOfOtherConnectionsAreSeen in STATUS, LOCKS and INFO: two processes may share a
// service id.
func TestReentriesOfOtherConnectionsAreSeen(t *testing.T) {
	s := newSim(t, nil)
	var workers []*client
	for i := range 6 {
		k := s.dial(i % 2)
		k.do("ACQUIRE account billing 0 META why", "OK")
		k.do("ACQUIRE account billing 0", "OK")
		workers = append(workers, k)
	}
	a := workers[5]
	for _, command := range []string{"STATUS account", "LOCKS"} {
		a.send(command + "\n")
		if got := a.reads(); !strings.Contains(got, " count=12 ") || !strings.Contains(got, " reentries_other_conn=10 meta=\"why\"\n") {
			t.Errorf("%s: %q", command, got)
		}
	}
	a.send("*2\r\n$6\r\nSTATUS\r\n$7\r\naccount\r\n")
	if got := a.reads(); !strings.HasPrefix(got, "*20\r\n") || !strings.Contains(got, "$20\r\nreentries_other_conn\r\n:10\r\n") {
		t.Errorf("%q", got)
	}
	a.send("INFO locks\n")
	if got := a.reads(); !strings.Contains(got, "\nreentries:11\n") || !strings.Contains(got, "\nreentries_other_conn:10\n") {
		t.Errorf("%q", got)
	}
	a.do("RELEASE account billing ALL", "OK")
	a.do("ACQUIRE account billing 0", "OK")
	a.do("ACQUIRE account billing 0", "OK")
	a.send("STATUS account\n")
	if got := a.reads(); strings.Contains(got, "reentries_other_conn") {
		t.Errorf("another hold: %q", got)
	}
	for range 100 {
		workers[0].do("ACQUIRE account billing 0", "OK")
	}
	a.send("STATUS account\n")
	if got := a.reads(); !strings.Contains(got, " count=102 ") || !strings.Contains(got, " reentries_other_conn=63\n") {
		t.Errorf("%q", got)
	}
}
