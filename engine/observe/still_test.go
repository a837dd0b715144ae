package observe

import (
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"dlm/codec"
	"dlm/internal/testflag"
	"dlm/table"
)

// TestNoDeadlockIsInventedWhileLocksMove has services that take locks and permits in one order, so
// that no deadlock ever stands, and looks all the time.
func TestNoDeadlockIsInventedWhileLocksMove(t *testing.T) {
	m := newMovers(9)
	o := New(Config{Served: func() Served { return Served{Table: m.locks} }})
	var running sync.WaitGroup
	var stop atomic.Bool
	for i := range m.all {
		running.Go(func() {
			for rng := rand.New(rand.NewPCG(uint64(i), 3)); !stop.Load(); {
				if !m.step(i, rng) {
					runtime.Gosched()
				}
			}
		})
	}
	for range testflag.Large(1000) {
		if view := o.makeDeadlocks(o.cfg.Served()); len(view.cycles) > 0 {
			t.Errorf("a deadlock that never stood: %+v", view.cycles[0])
			break
		}
	}
	stop.Store(true)
	running.Wait()
}

// TestNoDeadlockIsInventedWithinAWalk lets the same services move while a look goes from shard to
// shard. So it meets edges of several moments, which form cycles that never stood.
func TestNoDeadlockIsInventedWithinAWalk(t *testing.T) {
	candidates, semaphores := 0, 0
	for seed := range testflag.Random(t, testflag.Large(20)) {
		m, rng, key := newMovers(seed), rand.New(rand.NewPCG(seed, 4)), maphash.MakeSeed()
		o := New(Config{Served: func() Served { return Served{Table: m.locks} }})
		for looks := range 200 {
			r := newEdgeReader(o.cfg.Served(), edgesMax, func(service []byte) uint64 { return maphash.Bytes(key, service) })
			if looks%2 == 1 {
				r.sift()
			}
			for i := range table.Shards {
				if m.uses(i) {
					for range rng.IntN(40) {
						m.step(rng.IntN(len(m.all)), rng)
					}
				}
				r.read(m.locks.ShardAt(i))
			}
			view := r.end()
			for _, e := range view.edges {
				if e.Others > 0 {
					semaphores++
				}
			}
			candidates += len(stuck(view.edges))
			if o.findCycles(r.served, view); len(view.cycles) > 0 {
				t.Fatalf("a deadlock that never stood: %+v", view.cycles[0])
			}
		}
	}
	if !testflag.Seeded() && (candidates == 0 || semaphores == 0) {
		t.Errorf("%d edges look like parts of cycles, %d are of semaphores", candidates, semaphores)
	}
}

// movers are services that take some of the locks, always in the order of moverLocks, and give them
// back in any.
type movers struct {
	locks *table.Table
	all   [12]mover
}

type mover struct {
	id    []byte
	wants []string // that it has not asked for
	held  []string
	waits atomic.Bool
}

var moverLocks = []string{"p2", "a", "p3", "b", "p4", "c"}

func newMovers(seed uint64) *movers {
	m := &movers{locks: table.New(table.Config{Seed: seed, TTLMs: 1 << 30, LocksMax: 1000, WaitersMax: 1000, WaitersPerLockMax: 100})}
	for i := range m.all {
		m.all[i].id = fmt.Append(nil, "s", i)
	}
	return m
}

// uses reports whether a lock is in that shard.
func (m *movers) uses(shard int) bool {
	return slices.ContainsFunc(moverLocks, func(name string) bool { return int(m.locks.Shard(m.locks.Hash([]byte(name))).Number()) == shard })
}

// step lets a service ask for its next lock, or give one back. It returns false if it waits.
func (m *movers) step(i int, rng *rand.Rand) bool {
	s := &m.all[i]
	switch {
	case s.waits.Load():
		return false
	case len(s.wants) > 0:
		name := s.wants[0]
		s.wants, s.held = s.wants[1:], append(s.held, name)
		cmd := codec.Command{Verb: codec.VerbAcquire, Name: []byte(name), Service: s.id, WaitMs: 1 << 26}
		if name[0] == 'p' {
			cmd.Opts, cmd.Permits = codec.OptPermits, uint32(name[1]-'0')
		}
		s.waits.Store(true) // before another one can grant it
		if !m.do(i, cmd) {
			s.waits.Store(false)
		}
	case len(s.held) > 0:
		at := rng.IntN(len(s.held))
		cmd := codec.Command{Verb: codec.VerbRelease, Name: []byte(s.held[at]), Service: s.id}
		s.held = slices.Delete(s.held, at, at+1)
		m.do(i, cmd)
	default:
		for _, name := range moverLocks {
			if rng.IntN(2) == 0 {
				s.wants = append(s.wants, name)
			}
		}
	}
	return true
}

// do executes a command, and tells those whose wait has ended. It reports whether this one waits.
func (m *movers) do(i int, cmd codec.Command) bool {
	var fx table.Effects
	hash := m.locks.Hash(cmd.Name)
	shard := m.locks.Shard(hash)
	shard.Lock()
	r := *shard.Apply(0, hash, &cmd, table.Origin{Conn: 1, Ticket: uint32(i)}, &fx)
	shard.Unlock()
	for _, e := range fx.List {
		m.all[e.To.Ticket].waits.Store(false)
	}
	return r.Waiting
}

// TestSemaphoreWithAnotherHolderInBetween lets another service have a permit between the reads of
// an edge, once or always. The edge looks the same both times.
func TestSemaphoreWithAnotherHolderInBetween(t *testing.T) {
	for _, c := range []struct {
		name   string
		moves  int
		stands bool
	}{{"never", 0, true}, {"in the first try", 1, true}, {"in each try", confirmTries, false}} {
		o := newOrders(1)
		acquire := func(lock, service string) {
			cmd := codec.Command{Verb: codec.VerbAcquire, Name: []byte(lock), Service: []byte(service), WaitMs: 1 << 26}
			if lock[0] == 'p' {
				cmd.Opts, cmd.Permits = codec.OptPermits, 2
			}
			o.do(cmd)
		}
		release := func(service string) {
			o.do(codec.Command{Verb: codec.VerbRelease, Name: []byte("p2x"), Service: []byte(service)})
		}
		acquire("x", "r")
		acquire("x", "a")
		acquire("p2x", "a")
		acquire("p2x", "a")
		for i := range confirmTries {
			acquire("p2x", fmt.Sprint("c", i))
			acquire("p2x", "a")
		}
		acquire("p2x", "r")
		view, calls, moved := o.look(), 0, 0
		_, words := confirm(Served{Table: o.locks}, view.edges, func(service []byte) uint64 {
			calls++ // the service that waits, the holder, and so on
			if calls%2 == 1 && string(service) == "a" && moved < c.moves {
				release("a")
				release(fmt.Sprint("c", moved))
				moved++
			}
			return view.hash(service)
		})
		stands := false
		for _, x := range words {
			stands = stands || string(x.Service) == "r"
		}
		if stands != c.stands || moved != c.moves {
			t.Errorf("%s: the edge of r stands: %v, want %v; moved %d times", c.name, stands, c.stands, moved)
		}
	}
}
