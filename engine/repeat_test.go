package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"dlm/table"
)

// cutCase is a command that is cut and repeated. The lock x is held by other if held is set, until
// the repeat has been sent.
type cutCase struct {
	name, before, command string
	held                  bool
	want                  string // the answer to the repeat, with any token
}

// cutCases have each command in each form that clients send it in.
func cutCases() (list []cutCase) {
	acquire, release := "ACQUIRE x svc 60000 TTL 20000 REQ id-1", "RELEASE x svc REQ id-2"
	for _, form := range []struct{ name, tag string }{{"line", ""}, {"tagged", "@7 "}, {"array", "resp"}} {
		wire := func(words string) string {
			if form.tag != "resp" {
				return form.tag + words + "\n"
			}
			fields := strings.Fields(words)
			b := fmt.Sprintf("*%d\r\n", len(fields))
			for _, f := range fields {
				b += fmt.Sprintf("$%d\r\n%s\r\n", len(f), f)
			}
			return b
		}
		ok := map[string]string{"": "OK", "@7 ": "@7 OK", "resp": "*"}[form.tag]
		list = append(list,
			cutCase{name: "a free lock, " + form.name, command: wire(acquire), want: ok},
			cutCase{name: "a held lock, " + form.name, command: wire(acquire), held: true, want: ok},
			cutCase{name: "a release, " + form.name, before: "ACQUIRE x svc 0\n", command: wire(release), want: ok})
	}
	return list
}

// TestCutAtEachByte cuts the connection at each byte of the request, and at each byte of the reply.
// The command is then repeated on another loop. It is executed once: one count is held, or none is
// left, and no other service could come between.
func TestCutAtEachByte(t *testing.T) {
	for _, c := range cutCases() {
		t.Run(c.name, func(t *testing.T) {
			for n := range len(c.command) + 1 {
				playCut(t, c, fmt.Sprintf("%d bytes of the request", n), func(k *client) { k.send(c.command[:n]) })
			}
			for n := range 64 {
				playCut(t, c, fmt.Sprintf("%d bytes of the reply", n), func(k *client) {
					k.stuck, k.room = true, n
					k.send(c.command)
				})
			}
		})
	}
}

func playCut(t *testing.T, c cutCase, at string, cut func(*client)) {
	s := newSim(t, func(c *Config) { c.Loops = 2 })
	other, rival := s.dial(0), s.dial(0)
	if c.held {
		other.do("ACQUIRE x other 0", "OK")
	}
	k := s.dial(0)
	k.send(c.before)
	k.reads()
	cut(k)
	if c.held {
		rival.send("@r ACQUIRE x rival 60000\n") // it stands after the request, if that has arrived
	}
	k.hangUp()
	s.advance(time.Second)
	again := s.dial(1)
	again.send(c.command)
	if c.held {
		other.do("RELEASE x other", "OK")
		rival.send("RELEASE x rival\n") // if the request had not arrived, it was before the repeat
	}
	if got := again.reads(); !strings.HasPrefix(got, c.want) {
		t.Fatalf("%s: the repeat is answered %q", at, got)
	}
	var st table.Status
	hash := s.e.tab().Hash([]byte("x"))
	s.e.tab().Shard(hash).Status(s.e.clock.Now(), hash, []byte("x"), &st, &table.Effects{})
	if c.before != "" {
		if st.Held || st.Waiters > 0 {
			t.Fatalf("%s: the lock is not free: %+v", at, st)
		}
		return
	}
	if string(st.Owner) != "svc" || st.Count != 1 {
		t.Fatalf("%s: the lock is held by %q, %d times", at, st.Owner, st.Count)
	}
	again.send(fmt.Sprintf("RELEASE x svc TOKEN %d REQ id-2\n", st.Token))
	if !s.free("x") && !c.held {
		t.Fatalf("%s: one release does not free the lock", at)
	}
}

// TestPlaceSurvivesCut cuts the connection of a waiting request, and one that waits after it does
// not overtake it once it is back.
func TestPlaceSurvivesCut(t *testing.T) {
	s := newSim(t, nil)
	a, b, c := s.dial(0), s.dial(0), s.dial(1)
	a.do("ACQUIRE x a 0", "OK")
	b.send("@1 ACQUIRE x b 60000 REQ 1\n")
	c.send("@1 ACQUIRE x c 60000 REQ 1\n")
	for range 10 { // all connections break, again and again
		for _, k := range []**client{&a, &b, &c} {
			(*k).hangUp()
			*k = s.dial(0)
		}
		c.send("@1 ACQUIRE x c 60000 REQ 1\n")
		a.do("HEARTBEAT x a", "OK")
		s.advance(4 * time.Second)
		b.send("@1 ACQUIRE x b 60000 REQ 1\n")
	}
	a.do("RELEASE x a", "OK")
	b.expectPrefix("@1 OK")
	c.expect("")
	b.send("RELEASE x b\n")
	c.expect("@1 OK\n")
}

// TestQueueSurvivesRollingCut breaks the connections of 2,000 waiters one after the other, each
// comes back on another loop, and the lock goes on from one to the next in their order.
func TestQueueSurvivesRollingCut(t *testing.T) {
	const n = 2000
	s := newSim(t, nil)
	holder := s.dial(0)
	holder.do("ACQUIRE x holder 0", "OK")
	request := func(i int) string { return fmt.Sprintf("@1 ACQUIRE x s%d 600000 REQ %d\n", i, i) }
	clients := make([]*client, n)
	for i := range clients {
		clients[i] = s.dial(i % 2)
		clients[i].send(request(i))
	}
	for i := range clients {
		clients[i].hangUp()
		if i%7 == 0 {
			holder.send("HEARTBEAT x holder\n")
			s.advance(20 * time.Millisecond)
		}
		if j := i - 50; j >= 0 { // fifty are away at a time
			clients[j] = s.dial((j + 1) % 2)
			clients[j].send(request(j))
		}
	}
	for j := n - 50; j < n; j++ {
		clients[j] = s.dial((j + 1) % 2)
		clients[j].send(request(j))
	}
	holder.send("RELEASE x holder\n")
	for i, k := range clients {
		k.expect("@1 OK\n")
		k.do(fmt.Sprintf("RELEASE x s%d", i), "OK")
	}
	if x := s.e.tab().Totals(); x.Waiters != 0 || x.Detaches != n || x.Repeats != n || x.Grants != n+1 {
		t.Errorf("%+v", x)
	}
}
