package observe

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"dlm/codec"
	"dlm/table"
)

// naive knows who holds and who waits, from the answers of the table alone.
type naive struct {
	holds map[string]map[string]bool // services by lock
	waits map[string]string          // the lock that a service waits for
}

// stuck returns the services that can never go on: those that wait, directly or not, for a service
// that waits for them.
func (n *naive) stuck() map[string]bool {
	reach := map[string]map[string]bool{}
	for service, lock := range n.waits {
		reach[service] = map[string]bool{}
		for holder := range n.holds[lock] {
			if holder != service {
				reach[service][holder] = true
			}
		}
	}
	for range reach { // as long as the longest path
		for _, to := range reach {
			for via := range to {
				for further := range reach[via] {
					to[further] = true
				}
			}
		}
	}
	stuck := map[string]bool{}
	for service, to := range reach {
		if to[service] {
			stuck[service] = true
		}
	}
	return stuck
}

// TestDeadlocksOfRandomLockOrders has services that take locks in any order, shared and exclusive,
// and compares what is found with the naive look: each cycle stands, and if there is a deadlock,
// one is found. A service waits for one lock at a time.
func TestDeadlocksOfRandomLockOrders(t *testing.T) {
	found, without := 0, 0
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 5))
		locks := table.New(table.Config{Seed: seed, TTLMs: 1 << 30, LocksMax: 100, WaitersMax: 100, WaitersPerLockMax: 100})
		o := New(Config{Served: func() Served { return Served{Table: locks} }})
		n := &naive{holds: map[string]map[string]bool{}, waits: map[string]string{}}
		var fx table.Effects
		service := func(i int) string { return fmt.Sprintf("s%d", i) }
		lock := func(i int) string { return fmt.Sprintf("l%d", i) }
		gained := func(l, s string) {
			if n.holds[l] == nil {
				n.holds[l] = map[string]bool{}
			}
			n.holds[l][s] = true
		}
		for range 60 {
			s, l := service(rng.IntN(6)), lock(rng.IntN(6))
			if n.waits[s] != "" {
				continue
			}
			cmd := &codec.Command{Verb: codec.VerbAcquire, Name: []byte(l), Service: []byte(s), WaitMs: 1 << 26}
			if rng.IntN(3) == 0 {
				cmd.Opts |= codec.OptShared
			}
			if n.holds[l][s] {
				cmd = &codec.Command{Verb: codec.VerbRelease, Opts: codec.OptAll, Name: []byte(l), Service: []byte(s)}
			}
			var ticket uint32
			fmt.Sscanf(s, "s%d", &ticket)
			hash := locks.Hash(cmd.Name)
			shard := locks.Shard(hash)
			r := *shard.Apply(0, hash, cmd, table.Origin{Conn: 1, Ticket: ticket}, &fx)
			switch {
			case r.Code != codec.OK:
			case r.Waiting:
				n.waits[s] = l
			case cmd.Verb == codec.VerbRelease:
				delete(n.holds[l], s)
			default:
				gained(l, s)
			}
			for _, e := range fx.List {
				other := service(int(e.To.Ticket))
				if e.Code == codec.OK {
					gained(n.waits[other], other)
				}
				delete(n.waits, other)
			}
			fx.List = fx.List[:0]
			stuck, got := n.stuck(), o.makeDeadlocks(o.cfg.Served())
			if (len(stuck) > 0) != (len(got.cycles) > 0) || got.truncated {
				t.Fatalf("seed %d: %d cycles are found, stuck are %v: %+v", seed, len(got.cycles), stuck, n)
			}
			if len(stuck) == 0 {
				without++
			}
			for _, c := range got.cycles {
				found++
				for i, e := range c {
					next := c[(i+1)%len(c)]
					if n.waits[string(e.Service)] != string(e.Lock) || !n.holds[string(e.Lock)][string(e.Holder)] || string(e.Holder) != string(next.Service) {
						t.Fatalf("seed %d: an edge that does not stand: %s waits for %s of %s", seed, e.Service, e.Lock, e.Holder)
					}
				}
			}
		}
	}
	if found == 0 || without == 0 {
		t.Errorf("%d cycles, %d states without", found, without)
	}
}

// TestComponentsAgainstReachability compares with the definition: two services are in one component
// if each reaches the other.
func TestComponentsAgainstReachability(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 7))
	for range 2000 {
		n := 1 + rng.IntN(8)
		reach := make([][]bool, n)
		for i := range reach {
			reach[i] = make([]bool, n)
			reach[i][i] = true
		}
		var edges []table.Edge
		for range rng.IntN(2 * n) {
			a, b := rng.IntN(n), rng.IntN(n)
			edges = append(edges, table.Edge{Waiter: uint64(a), Holder: uint64(b)})
			reach[a][b] = true
		}
		for k := range n {
			for i := range n {
				for j := range n {
					reach[i][j] = reach[i][j] || reach[i][k] && reach[k][j]
				}
			}
		}
		g := newGraph(edges)
		of := g.components()
		for a, x := range g.number {
			for b, y := range g.number {
				if (of[x] == of[y]) != (reach[a][b] && reach[b][a]) {
					t.Fatalf("%v: %d and %d", edges, a, b)
				}
			}
		}
		for _, cycle := range cyclesOf(cyclic(edges)) {
			for i := range cycle {
				if cycle[i].Holder != cycle[(i+1)%len(cycle)].Waiter {
					t.Fatalf("%v is no cycle", cycle)
				}
			}
		}
	}
}
