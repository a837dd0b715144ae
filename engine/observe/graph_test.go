package observe

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"dlm/codec"
)

// acquire lets a service take a lock, or wait for it.
func (c *crowd) acquire(lock, service string) {
	c.now += nsPerMs
	c.do(codec.VerbAcquire, []byte(lock), service, 3_600_000)
}

// drawn returns the edges of a graph as "from lock to", after checks of what must agree in it.
func drawn(t *testing.T, a *GraphAnswer) map[string]bool {
	t.Helper()
	edges := map[string]bool{}
	waits, waitedFor, cycles := map[string]int{}, map[string]int{}, map[int]int{}
	for _, e := range a.Edges {
		edges[fmt.Sprintf("%s %s %s", e.From, e.Lock, e.To)] = true
		waits[string(e.From)]++
		waitedFor[string(e.To)]++
		cycles[e.Cycle]++
	}
	for _, n := range a.Nodes {
		if waits[string(n.ID)] != n.Waits || waitedFor[string(n.ID)] != n.WaitedFor || n.Waits+n.WaitedFor == 0 {
			t.Errorf("%s: %+v", n.ID, n)
		}
		delete(waits, string(n.ID))
		delete(waitedFor, string(n.ID))
	}
	if len(waits)+len(waitedFor) > 0 || len(edges) != len(a.Edges) || len(a.Nodes) > graphNodes {
		t.Errorf("services without a node: %v %v; %d edges, %d different; %d nodes", waits, waitedFor, len(a.Edges), len(edges), len(a.Nodes))
	}
	for _, c := range a.Cycles {
		if cycles[c] == 0 {
			t.Errorf("no edge is part of cycle %d", c)
		}
		delete(cycles, c)
	}
	if delete(cycles, 0); len(cycles) > 0 {
		t.Errorf("%v are not among the cycles %v", cycles, a.Cycles)
	}
	return edges
}

// TestGraphOfRandomWaits compares graphs with what OWNER says of each service, and their cycles
// with those of DEADLOCKS.
func TestGraphOfRandomWaits(t *testing.T) {
	larger, cyclic := 0, 0
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 3))
		c := newCrowd(0, 0)
		for range 30 {
			c.acquire(fmt.Sprintf("l%d", rng.IntN(14)), fmt.Sprintf("s%d", rng.IntN(14)))
		}
		o, edges := c.observer(), map[string]bool{}
		for i := range 14 {
			service := fmt.Sprintf("s%d", i)
			for _, row := range o.Owner([]byte(service), 1000, "", all{}).Rows {
				if row.Kind == "wait" && string(row.Holder) != service {
					edges[fmt.Sprintf("%s %s %s", service, row.Lock, row.Holder)] = true
				}
			}
		}
		told := map[string]int{}
		for _, row := range o.Deadlocks(context.Background(), all{}).Rows {
			told[fmt.Sprintf("%s %s %s", row.Service, row.Lock, row.Holder)] = row.Cycle
		}
		reach := reachable(edges)
		compare := func(a *GraphAnswer, seen func(from, lock, to string) bool) {
			want := around(edges, seen)
			if got := drawn(t, a); !maps.Equal(got, want) || a.Truncated || a.Hidden > 0 {
				t.Fatalf("seed %d: %v\nwant %v", seed, got, want)
			}
			for _, e := range a.Edges {
				want := told[fmt.Sprintf("%s %s %s", e.From, e.Lock, e.To)]
				if stuck := reach[[2]string{string(e.To), string(e.From)}]; (e.Cycle > 0) != stuck || want > 0 && e.Cycle != want {
					t.Errorf("seed %d: %+v, stuck %v, told as of cycle %d", seed, e, stuck, want)
				}
				cyclic += min(1, e.Cycle)
			}
			larger += min(1, len(a.Edges)/3)
		}
		for i := range 14 {
			service, lock := fmt.Sprintf("s%d", i), fmt.Sprintf("l%d", i)
			compare(o.GraphAroundOwner(context.Background(), []byte(service), all{}), func(from, _, to string) bool { return from == service || to == service })
			compare(o.GraphAroundLock(context.Background(), []byte(lock), all{}), func(_, l, _ string) bool { return l == lock })
		}
	}
	if larger == 0 || cyclic == 0 {
		t.Errorf("%d larger graphs, %d edges of cycles", larger, cyclic)
	}
}

// around returns the edges that hang together with those where a graph begins.
func around(edges map[string]bool, begins func(from, lock, to string) bool) map[string]bool {
	want, services := map[string]bool{}, map[string]bool{}
	for grown := true; grown; {
		grown = false
		for e := range edges {
			words := strings.Fields(e)
			if want[e] || !begins(words[0], words[1], words[2]) && !services[words[0]] && !services[words[2]] {
				continue
			}
			want[e], services[words[0]], services[words[2]], grown = true, true, true, true
		}
	}
	return want
}

// reachable returns the pairs of services of which the first waits for the second, directly or not.
func reachable(edges map[string]bool) map[[2]string]bool {
	reach := map[[2]string]bool{}
	for e := range edges {
		words := strings.Fields(e)
		reach[[2]string{words[0], words[2]}] = true
	}
	for grown := true; grown; {
		before := len(reach)
		for a := range reach {
			for b := range reach {
				if a[1] == b[0] {
					reach[[2]string{a[0], b[1]}] = true
				}
			}
		}
		grown = len(reach) > before
	}
	return reach
}

// TestGraphIsBounded: a crowd waits for a lock, whose holder waits for others in a long chain. The
// chain is there beside the crowd, and the head of the queue.
func TestGraphIsBounded(t *testing.T) {
	c := newCrowd(0, 0)
	for i := range 100 {
		c.acquire(fmt.Sprintf("link-%d", i), fmt.Sprintf("chain-%d", i))
	}
	for i := range 99 {
		c.acquire(fmt.Sprintf("link-%d", i+1), fmt.Sprintf("chain-%d", i))
	}
	for i := range 3000 {
		c.acquire("link-0", fmt.Sprintf("crowd-%d", i))
	}
	o := c.observer()
	for _, a := range []*GraphAnswer{
		o.GraphAroundLock(context.Background(), []byte("link-0"), all{}), o.GraphAroundOwner(context.Background(), []byte("chain-0"), all{}),
	} {
		edges := drawn(t, a)
		if len(a.Nodes) != graphNodes || !a.Truncated {
			t.Errorf("%d nodes, truncated %v", len(a.Nodes), a.Truncated)
		}
		for i := range 15 {
			if e := fmt.Sprintf("chain-%d link-%d chain-%d", i, i+1, i+1); !edges[e] {
				t.Errorf("%s is not among %v", e, edges)
			}
		}
	}
	edges := drawn(t, o.GraphAroundLock(context.Background(), []byte("link-0"), all{}))
	for i := range graphFan {
		if e := fmt.Sprintf("crowd-%d link-0 chain-0", i); !edges[e] {
			t.Errorf("%s is not among %v", e, edges)
		}
	}
}

// TestGraphEndsAfterItsNames: services with the longest ids wait for many locks with the longest
// names. The nearest edges are there, and the answer says that there are more.
func TestGraphEndsAfterItsNames(t *testing.T) {
	const services, waits = graphNodes, 20
	c := newCrowd(0, 0)
	lock := func(i int) string { return fmt.Sprintf("%0*d", codec.NameMax, i%services) }
	service := func(i int) string { return fmt.Sprintf("%0*d", codec.ServiceMax, i) }
	for i := range services {
		c.acquire(lock(i), service(i))
	}
	for i := range services {
		for j := range waits {
			c.acquire(lock(i+j+1), service(i))
		}
	}
	a := c.observer().GraphAroundOwner(context.Background(), []byte(service(0)), all{})
	edges, names := drawn(t, a), 0
	for _, e := range a.Edges {
		names += len(e.From) + len(e.Lock) + len(e.To)
	}
	if longest := codec.NameMax + 2*codec.ServiceMax; !a.Truncated || names < pageBytes || names >= pageBytes+longest {
		t.Errorf("%d bytes of names in %d edges, truncated %v", names, len(a.Edges), a.Truncated)
	}
	for j := range waits {
		if e := fmt.Sprintf("%s %s %s", service(0), lock(j+1), service(j+1)); !edges[e] {
			t.Errorf("wait %d of the service itself is not there", j)
		}
	}
}

// TestGraphHidesLocks: a visitor sees no edge of a lock that it may not use, nor what is known by
// such an edge alone, nor a cycle of which it does not see all.
func TestGraphHidesLocks(t *testing.T) {
	c := newCrowd(0, 0)
	for _, line := range []string{"open/1 a", "secret/1 b", "open/2 c", "open/1 b", "secret/1 a", "secret/1 d", "open/2 d", "open/1 c"} {
		words := strings.Fields(line)
		c.acquire(words[0], words[1])
	}
	o := c.observer()
	a := o.GraphAroundOwner(context.Background(), []byte("a"), beginsWith("open/"))
	if got, want := drawn(t, a), map[string]bool{"b open/1 a": true, "c open/1 a": true, "d open/2 c": true}; !maps.Equal(got, want) || a.Hidden != 2 || len(a.Cycles) != 0 {
		t.Errorf("%v, %d hidden, cycles %v; want %v", got, a.Hidden, a.Cycles, want)
	}
	a = o.GraphAroundOwner(context.Background(), []byte("a"), all{})
	if len(drawn(t, a)) != 5 || len(a.Cycles) != 1 || a.Hidden != 0 {
		t.Errorf("%+v", a)
	}
	if a := o.GraphAroundOwner(context.Background(), []byte("nobody"), all{}); len(a.Nodes) != 0 || a.Truncated {
		t.Errorf("%+v", a)
	}
}

// TestDeadlocked: how many there are, and since the last wait of each.
func TestDeadlocked(t *testing.T) {
	c := newCrowd(0, 0)
	o := c.observer()
	for _, line := range []string{"1 a", "2 b", "3 c", "1 b", "3 a"} {
		words := strings.Fields(line)
		c.acquire(words[0], words[1])
	}
	if cycles, _, _ := o.Deadlocked(); cycles != 0 {
		t.Errorf("%d cycles", cycles)
	}
	c.now += 60_000 * nsPerMs
	c.acquire("2", "c")
	c.now += 5_000 * nsPerMs
	if cycles, services, oldest := o.Deadlocked(); cycles != 1 || services != 3 || oldest.Round(time.Second) != 5*time.Second {
		t.Errorf("%d cycles of %d services, %v", cycles, services, oldest)
	}
}

// beginsWith sees the names that begin like this.
type beginsWith string

func (b beginsWith) MayUse(name []byte) bool { return bytes.HasPrefix(name, []byte(b)) }
