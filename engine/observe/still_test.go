package observe

import (
	"fmt"
	"math/rand/v2"
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
	m := &movers{locks: table.New(table.Config{Seed: 9, TTLMs: 1 << 30, LocksMax: 1000, WaitersMax: 1000, WaitersPerLockMax: 100})}
	o := New(Config{Served: func() Served { return Served{Table: m.locks} }})
	var running sync.WaitGroup
	for i := range m.granted {
		m.granted[i] = make(chan struct{}, 1)
		running.Go(func() { m.move(i) })
	}
	candidates, semaphores := 0, 0
	for looks := 0; looks < testflag.Large(1000) || candidates == 0 || semaphores == 0; looks++ {
		view := o.makeDeadlocks(o.cfg.Served())
		for _, e := range view.edges {
			if e.Others > 0 {
				semaphores++
			}
		}
		candidates += len(stuck(view.edges)) // what moved during the walk
		if len(view.cycles) > 0 {
			t.Errorf("a deadlock that never stood: %+v", view.cycles[0])
			break
		}
	}
	m.stop.Store(true)
	running.Wait()
}

type movers struct {
	locks   *table.Table
	granted [12]chan struct{} // by service
	stop    atomic.Bool
}

// move takes some of the locks in their order and gives them back, again and again.
func (m *movers) move(service int) {
	rng := rand.New(rand.NewPCG(uint64(service), 3))
	id, names := fmt.Append(nil, "s", service), []string{"p2", "a", "p3", "b", "p4", "c"}
	var fx table.Effects
	do := func(cmd codec.Command) bool {
		hash := m.locks.Hash(cmd.Name)
		s := m.locks.Shard(hash)
		s.Lock()
		r := *s.Apply(0, hash, &cmd, table.Origin{Conn: 1, Ticket: uint32(service)}, &fx)
		s.Unlock()
		for _, e := range fx.List {
			m.granted[e.To.Ticket] <- struct{}{}
		}
		fx.List = fx.List[:0]
		return r.Waiting
	}
	for !m.stop.Load() {
		var held []string
		for _, name := range names {
			if rng.IntN(2) == 0 {
				continue
			}
			cmd := codec.Command{Verb: codec.VerbAcquire, Name: []byte(name), Service: id, WaitMs: 1 << 26}
			if name[0] == 'p' {
				cmd.Opts, cmd.Permits = codec.OptPermits, uint32(name[1]-'0')
			}
			if held = append(held, name); do(cmd) {
				<-m.granted[service]
			}
		}
		rng.Shuffle(len(held), func(i, j int) { held[i], held[j] = held[j], held[i] })
		for _, name := range held {
			do(codec.Command{Verb: codec.VerbRelease, Name: []byte(name), Service: id})
		}
	}
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
