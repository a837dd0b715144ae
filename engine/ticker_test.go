package engine

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"dlm/codec"
	"dlm/table"
)

// TestTickerSleepsUntilSomethingIsDue: it looks every 20 ms, at the next deadline
// before that, and is woken up for one that is published while it sleeps.
func TestTickerSleepsUntilSomethingIsDue(t *testing.T) {
	s := newSim(t, nil)
	k := s.dial(0)
	set := func() time.Duration {
		s.e.tick(&s.fx, &s.co)
		return s.e.wakeTimer.set(s.e.clock.Now(), s.e.tab())
	}
	rung := func() bool {
		select {
		case <-s.e.wakeTimer.wake:
			return true
		default:
			return false
		}
	}
	if got := set(); got != lookEvery || rung() {
		t.Fatalf("with nothing to do it sleeps %v", got)
	}
	k.do("ACQUIRE x A 0", "OK")
	k.send("@1 ACQUIRE x B 1000\n")
	if rung() {
		t.Fatal("rung for what is due in a second")
	}
	k.send("@2 ACQUIRE x B 7\n@3 ACQUIRE x B 9\n")
	if !rung() {
		t.Fatal("not rung for what is due in 7 ms")
	}
	if got := set(); got != 7*time.Millisecond {
		t.Fatalf("sleeps %v, want 7 ms", got)
	}
	s.time += int64(7 * time.Millisecond)
	if got := set(); got != 2*time.Millisecond {
		t.Fatalf("sleeps %v, want 2 ms", got)
	}
	s.settle()
	k.expect("@2 ERROR TIMEOUT \"A\" 7 not granted within the wait timeout\n")
	s.time += int64(2 * time.Millisecond)
	if got := set(); got != lookEvery {
		t.Fatalf("sleeps %v, want %v", got, lookEvery)
	}
}

// TestBusyLoopSettlesWhatIsDue: without any tick, a batch ends waits of its own loop and of
// others, and passes on locks whose lease has ended.
func TestBusyLoopSettlesWhatIsDue(t *testing.T) {
	s := newSim(t, nil)
	busy, own, other := s.dial(0), s.dial(0), s.dial(1)
	busy.do("ACQUIRE x A 0 TTL 100", "OK")
	own.send("ACQUIRE x B 20\n")
	other.send("@1 ACQUIRE x C 30\n@2 ACQUIRE x D 1000\n")
	s.time += int64(20*time.Millisecond) - 1
	busy.do("PING", "OK")
	own.expect("")
	s.time++
	busy.do("PING", "OK")
	own.expect("ERROR TIMEOUT \"A\" 20 not granted within the wait timeout\n")
	s.time += int64(10 * time.Millisecond)
	busy.do("PING", "OK")
	other.expect("@1 ERROR TIMEOUT \"A\" 30 not granted within the wait timeout\n")
	for range 7 {
		s.time += int64(10 * time.Millisecond)
		busy.do("PING", "OK")
	}
	other.expect("@2 OK\n")
	if next := s.e.tab().Next(); next <= s.time-s.e.clock.Skew() {
		t.Fatal("the next deadline was not looked for")
	}
}

// TestBusyLoopHasBudget: if more deadlines are due than a batch may end, later batches end the
// rest, and the ticker is not kept from it.
func TestBusyLoopHasBudget(t *testing.T) {
	s := newSim(t, nil)
	busy, waiting := s.dial(0), s.dial(1)
	busy.do("ACQUIRE x A 0", "OK")
	const n = dueMax*dueHoldsMax + 100
	for i := range n {
		waiting.send(fmt.Sprintf("@%d ACQUIRE x B%d 10\n", i, i))
	}
	s.time += int64(10 * time.Millisecond)
	s.hold = true      // else the other loop has its batches too
	s.e.ticking.Lock() // the ticker is at it
	busy.do("PING", "OK")
	s.e.ticking.Unlock()
	if got := s.e.tab().Totals().Waiters; got != n {
		t.Fatalf("%d waiters are left beside the ticker, want all %d", got, n)
	}
	busy.do("PING", "OK")
	if got := s.e.tab().Totals().Waiters; got != 100 {
		t.Fatalf("%d waiters are left, want 100", got)
	}
	busy.do("PING", "OK")
	if got := s.e.tab().Totals().Waiters; got != 0 {
		t.Fatalf("%d waiters are left", got)
	}
	s.deliver()
}

// TestBusyLoopSettlesManyShards: due entries are spread over the shards, a few in each, and must
// not take dozens of batches.
func TestBusyLoopSettlesManyShards(t *testing.T) {
	s := newSim(t, nil)
	busy, waiting := s.dial(0), s.dial(1)
	const n = 300
	for i := range n {
		busy.do(fmt.Sprintf("ACQUIRE x%d A 0", i), "OK")
		waiting.send(fmt.Sprintf("@%d ACQUIRE x%d B 10\n", i, i))
	}
	s.time += int64(10 * time.Millisecond)
	s.hold = true
	for range 8 {
		busy.do("PING", "OK")
	}
	if got := s.e.tab().Totals().Waiters; got != 0 {
		t.Fatalf("%d of %d waiters are left", got, n)
	}
	s.deliver()
}

// TestNoRingIsLost: a deadline that is published while the ticker decides when to
// wake up either is seen by it or rings.
func TestNoRingIsLost(t *testing.T) {
	if runtime.GOMAXPROCS(0) < 2 {
		t.Skip("needs two threads")
	}
	const ms = int64(time.Millisecond)
	tab := table.New(table.Config{TTLMs: 1 << 30, LocksMax: 100, WaitersMax: 100, WaitersPerLockMax: 100})
	a := wakeTimer{wake: make(chan struct{}, 1)}
	name := []byte("x")
	hash := tab.Hash(name)
	s := tab.Shard(hash)
	var fx table.Effects
	acquire := func(service string, wait uint32) table.WaiterRef {
		s.Lock()
		defer s.Unlock()
		return s.Apply(0, hash, &codec.Command{Verb: codec.VerbAcquire, Name: name, Service: []byte(service), WaitMs: wait}, table.Origin{}, &fx).Waiter
	}
	acquire("holder", 0)
	var turn, done atomic.Int64
	go func() {
		for i := int64(1); ; i++ {
			for turn.Load() < i {
				if turn.Load() < 0 {
					return
				}
			}
			for k := int64(0); k < i%64; k++ {
				done.Load()
			}
			a.set(0, tab)
			done.Store(i)
		}
	}()
	defer turn.Store(-1)
	end := time.Now().Add(time.Second)
	lost, i := 0, int64(0)
	for time.Now().Before(end) {
		i++
		first := acquire("late", 15)
		turn.Store(i)
		for k := int64(0); k < (i/64)%64; k++ {
			turn.Load()
		}
		second := acquire("early", 5)
		a.wakeBefore(tab.Next())
		for done.Load() < i {
		}
		select {
		case <-a.wake:
		default:
			if a.at.Load() > 5*ms {
				lost++
			}
		}
		s.Lock()
		s.Cancel(0, first, &fx)
		s.Cancel(0, second, &fx)
		s.Advance(0, 100, &fx)
		s.Unlock()
		tab.Survey()
	}
	if lost > 0 {
		t.Fatalf("%d of %d rings were lost", lost, i)
	}
}
