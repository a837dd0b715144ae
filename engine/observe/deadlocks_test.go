package observe

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"dlm/codec"
	"dlm/internal/testflag"
	"dlm/table"
)

// orders is a world of services that take locks in any order. It knows from the answers of the
// table who holds what and who waits. Locks l0, l1, ... are exclusive or shared, and lock p<n>x is
// a semaphore of n permits.
type orders struct {
	locks *table.Table
	seed  uint64
	past  []codec.Command
	holds map[string]map[string]bool // services by lock
	waits map[uint32]orderWait       // by ticket
	fx    table.Effects
}

type orderWait struct {
	service, lock string
	ref           table.WaiterRef
	detect        bool
}

func newOrders(seed uint64) *orders {
	return &orders{
		locks: table.New(table.Config{Seed: seed, TTLMs: 1 << 30, LocksMax: 1000, WaitersMax: 1000, WaitersPerLockMax: 100}), seed: seed,
		holds: map[string]map[string]bool{}, waits: map[uint32]orderWait{},
	}
}

// again returns a world with the same past.
func (o *orders) again() *orders {
	n := newOrders(o.seed)
	for _, cmd := range o.past {
		n.do(cmd)
	}
	return n
}

// do executes a command at a time of its own, or, without a verb, ends the wait with the ticket in
// Count.
func (o *orders) do(cmd codec.Command) {
	o.past = append(o.past, cmd)
	ticket, now := uint32(len(o.past)), int64(len(o.past))*1_000_000
	if cmd.Verb == codec.VerbNone {
		w := o.waits[cmd.Count]
		s := o.locks.ShardAt(int(w.ref.Shard))
		s.Cancel(now, w.ref, &o.fx)
		delete(o.waits, cmd.Count)
	} else {
		hash := o.locks.Hash(cmd.Name)
		lock, service := string(cmd.Name), string(cmd.Service)
		switch r := *o.locks.Shard(hash).Apply(now, hash, &cmd, table.Origin{Conn: 1, Ticket: ticket}, &o.fx); {
		case r.Code != codec.OK:
		case r.Waiting:
			o.waits[ticket] = orderWait{service, lock, r.Waiter, cmd.Has(codec.OptDetect)}
		case r.Count == 0:
			delete(o.holds[lock], service)
		default:
			o.gained(lock, service)
		}
	}
	for _, e := range o.fx.List {
		if w := o.waits[e.To.Ticket]; e.Code == codec.OK {
			o.gained(w.lock, w.service)
		}
		delete(o.waits, e.To.Ticket)
	}
	o.fx.List = o.fx.List[:0]
}

func (o *orders) gained(lock, service string) {
	if o.holds[lock] == nil {
		o.holds[lock] = map[string]bool{}
	}
	o.holds[lock][service] = true
}

// waiting returns the services that wait.
func (o *orders) waiting() map[string]bool {
	services := map[string]bool{}
	for _, w := range o.waits {
		services[w.service] = true
	}
	return services
}

// drained lets each service that does not wait give back all that it holds, and then those who were
// granted, until nobody is left who could. Services that wait then wait for ever. A service of
// which each wait is for itself alone counts as one that does not wait, since another process of it
// may give back.
func (o *orders) drained() *orders {
	n := o.again()
	for moved := true; moved; {
		moved = false
		for i := range orderServices {
			service := fmt.Sprint("s", i)
			if n.waitsForOthers(service) {
				continue
			}
			moved = n.leave(service) || moved
		}
	}
	return n
}

// leave gives back all that a service holds, and returns false if that is nothing.
func (o *orders) leave(service string) (any bool) {
	for _, lock := range orderLocks {
		if o.holds[lock][service] {
			any = true
			o.do(codec.Command{Verb: codec.VerbRelease, Opts: codec.OptAll, Name: []byte(lock), Service: []byte(service)})
		}
	}
	return any
}

// waitsForOthers reports whether a wait of the service ends if all others give back what they hold
// and what they get then.
func (o *orders) waitsForOthers(service string) bool {
	waits := func(n *orders) (count int) {
		for _, w := range n.waits {
			if w.service == service {
				count++
			}
		}
		return count
	}
	before := waits(o)
	if before == 0 {
		return false
	}
	for _, w := range o.waits {
		if w.service == service && !o.holds[w.lock][service] {
			return true // no hold of its own keeps it waiting
		}
	}
	n := o.again()
	for moved := true; moved && waits(n) == before; {
		moved = false
		for i := range orderServices {
			if other := fmt.Sprint("s", i); other != service {
				moved = n.leave(other) || moved
			}
		}
	}
	return waits(n) < before
}

const orderServices = 6

var orderLocks = []string{"l0", "l1", "l2", "l3", "p1x", "p2x", "p2y", "p3x"}

// random returns a random command of a service. One that waits takes and gives nothing, unless many
// is true, for services that are several processes.
func (o *orders) random(rng *rand.Rand, many bool) (cmd codec.Command, ok bool) {
	service, lock := fmt.Sprint("s", rng.IntN(orderServices)), orderLocks[rng.IntN(len(orderLocks))]
	cmd = codec.Command{Verb: codec.VerbAcquire, Name: []byte(lock), Service: []byte(service), WaitMs: 1 << 26}
	if waits := o.waiting()[service]; waits && rng.IntN(8) == 0 {
		for ticket := range uint32(len(o.past) + 1) {
			if o.waits[ticket].service == service {
				return codec.Command{Count: ticket}, true
			}
		}
	} else if waits && (!many || rng.IntN(3) > 0) {
		return cmd, false
	}
	switch {
	case lock[0] == 'p':
		cmd.Opts, cmd.Permits = codec.OptPermits, uint32(lock[1]-'0')
	case rng.IntN(2) == 0:
		cmd.Opts = codec.OptShared
	}
	if many && rng.IntN(4) == 0 {
		cmd.Opts |= codec.OptFresh
	}
	if rng.IntN(3) == 0 {
		cmd.Opts |= codec.OptDetect
	}
	if o.holds[lock][service] && rng.IntN(2) == 0 {
		cmd.Verb, cmd.Opts = codec.VerbRelease, []codec.Opts{0, codec.OptAll}[rng.IntN(2)]
		if rng.IntN(3) == 0 && lock[0] == 'l' {
			cmd.Verb, cmd.Opts = codec.VerbUpgrade, codec.OptUpgrade
		}
	}
	return cmd, true
}

// look returns the cycles that are found.
func (o *orders) look() *deadlocksView {
	observer := New(Config{Served: func() Served { return Served{Table: o.locks} }})
	return observer.makeDeadlocks(observer.cfg.Served())
}

// check compares what is found with the services that wait for ever, and returns the cycles.
// Each edge of a cycle stands, and all services of it wait for ever. If anybody does, a
// cycle is found.
func (o *orders) check(t *testing.T, everything bool) []cycle {
	t.Helper()
	end, found := o.drained(), o.look()
	forever := end.waiting()
	for service := range forever {
		if !end.waitsForOthers(service) {
			delete(forever, service)
		}
	}
	if everything && (len(forever) > 0) != (len(found.cycles) > 0) || found.truncated {
		t.Fatalf("%d cycles are found, for ever wait %v", len(found.cycles), forever)
	}
	for _, c := range found.cycles {
		for i, e := range c {
			next, stands := c[(i+1)%len(c)], false
			for _, w := range o.waits {
				stands = stands || w.service == string(e.Service) && w.lock == string(e.Lock)
			}
			if !stands || !o.holds[string(e.Lock)][string(e.Holder)] || string(e.Holder) != string(next.Service) {
				t.Fatalf("an edge that does not stand: %s waits for %s of %s", e.Service, e.Lock, e.Holder)
			}
			if !forever[string(e.Service)] {
				t.Fatalf("%s waits for %s of %s, but not for ever as %v", e.Service, e.Lock, e.Holder, forever)
			}
		}
	}
	return found.cycles
}

// TestDeadlocksOfRandomLockOrders has services that take exclusive and shared locks and permits in
// any order, and compares what is found after each step with a world in which all go on who can.
func TestDeadlocksOfRandomLockOrders(t *testing.T) {
	found, without, semaphores := 0, 0, 0
	for seed := range testflag.Random(t, testflag.Large(40)) {
		rng := rand.New(rand.NewPCG(seed, 5))
		o, many := newOrders(seed), seed%2 == 0
		for range 60 {
			cmd, ok := o.random(rng, many)
			if !ok {
				continue
			}
			o.do(cmd)
			cycles := o.check(t, !many)
			if many { // of several requests of a service, one may wait only for a request before it
				o.drained().check(t, true)
			}
			if len(cycles) == 0 {
				without++
			}
			for _, c := range cycles {
				found++
				if slices.ContainsFunc(c, func(e table.WaitsFor) bool { return e.Lock[0] == 'p' }) {
					semaphores++
				}
			}
		}
	}
	if !testflag.Seeded() && (found == semaphores || semaphores == 0 || without == 0) {
		t.Errorf("%d cycles, %d with semaphores, %d states without", found, semaphores, without)
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
