package engine

import (
	"testing"
	"time"

	"dlm/engine/auth"
)

// crowdOf opens n connections of one loop that authenticate, or do not.
func crowdOf(s *sim, n int, token string) (list []*client) {
	for range n {
		k := s.dial(0)
		if token != "" {
			k.do("AUTH "+token, "OK")
		}
		list = append(list, k)
	}
	return list
}

// finished counts the connections that have been ended.
func finished(list []*client) (n int) {
	for _, k := range list {
		if k.finished {
			n++
		}
	}
	return n
}

// TestEndingManyConnectionsLeavesSocketsToOthers: a loop that has to end a thousand connections
// polls its sockets in between, since heartbeats may lie there.
func TestEndingManyConnectionsLeavesSocketsToOthers(t *testing.T) {
	const n = 1000
	for name, end := range map[string]func(s *sim) []*client{
		"token revoked": func(s *sim) []*client {
			list := crowdOf(s, n, "l-token")
			if err := s.e.SetCredentials([]auth.Credential{cred("boss", auth.RoleAdmin, "a-token")}); err != nil {
				t.Fatal(err)
			}
			return list
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSim(t, withTokens)
			list := end(s)
			s.hold = true
			s.e.order(s.e.sweepOrders())
			for rounds := 0; finished(list) < n; rounds++ {
				before := finished(list)
				for range len(s.due) + len(s.asks) {
					s.event()
				}
				switch now := finished(list) - before; {
				case now > roundMax/costEnd:
					t.Fatalf("a round has ended %d connections", now)
				case now == 0:
					t.Fatalf("no end in round %d, after %d connections", rounds, before)
				}
			}
			s.deliver()
		})
	}
}

// TestStrangersEndOneByOne: connections that are late to authenticate at one moment end in turn, so
// that they do not come again at one moment. One that authenticates before its turn stays.
func TestStrangersEndOneByOne(t *testing.T) {
	const n = 300
	s := newSim(t, withTokens)
	list := crowdOf(s, n, "")
	kept := list[0]
	s.advance(5100 * time.Millisecond)
	s.e.order(s.e.sweepOrders())
	s.settle()
	for ended := 1; ended < n; ended++ {
		if got := finished(list); got != ended {
			t.Fatalf("%d connections have ended after %d turns", got, ended)
		}
		switch ended {
		case n / 3:
			kept.do("AUTH l-token", "OK")
		case n / 2: // a sweep does not count them twice
			s.e.order(s.e.sweepOrders())
			s.settle()
		}
		s.advance(tickEvery)
	}
	if got := s.e.overdue.Load(); kept.finished || got != 0 {
		t.Fatalf("ended %v, with %d to end", kept.finished, got)
	}
	kept.do("PING", "OK")
	later := crowdOf(s, 2, "")
	s.advance(5100 * time.Millisecond)
	s.sweep()
	if got := finished(later); got != 2 {
		t.Errorf("%d of those that came later have ended", got)
	}
}

// TestManyStrangersEndInTime: more than end at the slowest pace end faster.
func TestManyStrangersEndInTime(t *testing.T) {
	const n = overdueSpread + 10
	s := newSim(t, func(c *Config) { withTokens(c); c.ConnsMax = 2 * n })
	list := crowdOf(s, n, "")
	s.advance(5100 * time.Millisecond)
	s.e.order(s.e.sweepOrders())
	s.settle()
	if got := finished(list); got != 2 {
		t.Fatalf("%d connections have ended in the first turn", got)
	}
	for range overdueSpread {
		s.advance(tickEvery)
	}
	if got := finished(list); got != n {
		t.Errorf("%d of %d connections have ended", got, n)
	}
}
