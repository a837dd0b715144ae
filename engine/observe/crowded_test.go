package observe

import (
	"context"
	"fmt"
	"testing"

	"dlm/codec"
	"dlm/table"
)

// TestCirclesInACrowd has more requests than a look keeps edges, by services that hold nothing and
// by services whose lock others want, and holders of a shared lock and of a semaphore. None of them
// can be part of a circle. Two circles, in the last shards that a look comes to, are found.
func TestCirclesInACrowd(t *testing.T) {
	c := newCrowd(0, 0)
	ask := func(lock, service string, permits uint32, waitMs uint32) {
		t.Helper()
		cmd := codec.Command{Verb: codec.VerbAcquire, Name: []byte(lock), Service: []byte(service), WaitMs: waitMs, Permits: permits}
		switch permits {
		case 0:
		case 1:
			cmd.Opts = codec.OptShared
		default:
			cmd.Opts = codec.OptPermits
		}
		hash := c.t.Hash(cmd.Name)
		r := c.t.Shard(hash).Apply(c.now, hash, &cmd, table.Origin{Conn: 1}, new(table.Effects))
		if r.Code != codec.OK || r.Waiting != (waitMs > 0) {
			t.Fatalf("%s for %s: %v", lock, service, r.Code)
		}
	}
	last := func(word string) string {
		for i := 0; ; i++ {
			if name := fmt.Sprint(word, i); c.t.Shard(c.t.Hash([]byte(name))).Number() >= table.Shards-8 {
				return name
			}
		}
	}
	const most, many, wait, queues = 1000, 300, 3_600_000, 7
	ask("done", "nobody waits for", 0, 0)
	for i := range queues {
		ask(fmt.Sprint("q", i), fmt.Sprint("busy", i), 0, 0)
	}
	for i := range most + most/4 { // they hold nothing, or what nobody waits for
		service := fmt.Sprint("idle", i)
		if i%3 == 0 {
			ask(fmt.Sprint("alone", i), service, 0, 0)
		}
		ask(fmt.Sprint("q", i%queues), service, 0, wait)
	}
	for i := range most { // others wait for what they hold, and they for one who does not wait
		ask(fmt.Sprint("own", i), fmt.Sprint("link", i), 0, 0)
		ask(fmt.Sprint("own", i), fmt.Sprint("idle", i), 0, wait)
		ask(fmt.Sprint("q", i%queues), fmt.Sprint("link", i), 0, wait)
	}
	for i := range many {
		ask("read", fmt.Sprint("reader", i), 1, 0)
		ask("permit", fmt.Sprint("permitted", i), many, 0)
	}
	for i := range 200 {
		ask("read", fmt.Sprint("writer", i), 0, wait)
		ask("permit", fmt.Sprint("writer", i), many, wait)
	}
	one, two, three, four := last("one"), last("two"), last("three"), last("four")
	ask(one, "a", 0, 0)
	ask(two, "b", 0, 0)
	ask(two, "a", 0, wait)
	ask(one, "b", 0, wait)
	ask(three, "x", 1, 0) // a circle of a shared lock and a semaphore
	ask(three, "y", 1, 0)
	ask(four, "z", 2, 0)
	ask(four, "y", 2, 0)
	ask(three, "z", 0, wait)
	ask(four, "x", 2, wait)
	ask(one, "y", 0, wait)

	o := c.observer()
	o.edgesMax = most
	found := o.Deadlocks(context.Background(), all{})
	locks := map[string]bool{}
	for _, row := range found.Rows {
		locks[string(row.Lock)] = true
	}
	if found.Truncated || found.Rows[len(found.Rows)-1].Cycle != 2 || !locks[one] || !locks[two] || !locks[three] || !locks[four] {
		t.Errorf("truncated %v, circles %+v", found.Truncated, found.Rows)
	}
	if g := o.GraphAroundOwner(context.Background(), []byte("a"), all{}); !g.Truncated || len(g.Cycles) == 0 {
		t.Errorf("the graph has the circles %v, and goes on: %v", g.Cycles, g.Truncated)
	}
	o.edgesMax = 6 // of 7 in circles, or that lead to one
	if found = o.Deadlocks(context.Background(), all{}); !found.Truncated {
		t.Error("too many edges are not reported")
	}
}
