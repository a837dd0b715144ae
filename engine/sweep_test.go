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
		"late to authenticate": func(s *sim) []*client {
			list := crowdOf(s, n, "")
			s.advance(5100 * time.Millisecond)
			return list
		},
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
