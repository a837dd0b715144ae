package observe

import (
	"context"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"dlm/codec"
	"dlm/internal/testflag"
	"dlm/table"
)

// TestRefusalsOfRandomLockOrders refuses what looks want to be refused after each step, and
// compares with a naive graph: each request is in a cycle of services that wait for ever, none of
// which came later with DETECT, and no request with DETECT is left in one. A service waits for one
// lock at a time.
func TestRefusalsOfRandomLockOrders(t *testing.T) {
	refused, left := 0, 0
	for seed := range testflag.Random(t, testflag.Large(40)) {
		rng := rand.New(rand.NewPCG(seed, 6))
		o := newOrders(seed)
		for range 80 {
			cmd, ok := o.random(rng, false)
			if !ok {
				continue
			}
			o.do(cmd)
			for {
				list := o.look().refusals.List
				if len(list) == 0 {
					break
				}
				refused += len(list)
				o.checkRefusal(t, &list[0])
			}
			forever := o.drained().waiting()
			for _, w := range o.waits {
				switch {
				case !o.inCycle(w, forever):
				case w.detect:
					t.Fatalf("%s waits for %s with DETECT and is in a cycle", w.service, w.lock)
				default:
					left++
				}
			}
		}
	}
	if !testflag.Seeded() && (refused == 0 || left == 0) {
		t.Errorf("%d were refused, %d without DETECT are in a cycle", refused, left)
	}
}

// checkRefusal checks one refusal and executes it.
func (o *orders) checkRefusal(t *testing.T, x *Refusal) {
	t.Helper()
	for ticket, w := range o.waits {
		if w.ref != x.Wait {
			continue
		}
		if !w.detect || !o.inCycle(w, o.drained().waiting()) {
			t.Fatalf("%s waits for %s, DETECT %v, and is refused, not in a cycle", w.service, w.lock, w.detect)
		}
		for i, e := range x.Cycle {
			if next := x.Cycle[(i+1)%len(x.Cycle)]; string(e.Holder) != string(next.Service) || !o.holds[string(e.Lock)][string(e.Holder)] {
				t.Fatalf("no cycle: %+v", x.Cycle)
			}
			for later, other := range o.waits {
				if other.service == string(e.Service) && other.detect && later > ticket {
					t.Fatalf("%s is refused, and %s came later", w.service, other.service)
				}
			}
		}
		if first := x.Cycle[0]; string(first.Service) != w.service || string(first.Lock) != w.lock {
			t.Fatalf("the cycle of %s, which waits for %s, begins with %s and %s", w.service, w.lock, first.Service, first.Lock)
		}
		o.do(codec.Command{Count: ticket}) // as Refuse does
		return
	}
	t.Fatalf("a request that does not wait is refused: %+v", x)
}

// inCycle reports whether a request is in a cycle of services that wait for ever.
func (o *orders) inCycle(w orderWait, forever map[string]bool) bool {
	reached := map[string]bool{}
	open := []orderWait{w}
	for len(open) > 0 {
		from := open[0]
		open = open[1:]
		for holder := range o.holds[from.lock] {
			if holder == from.service || !forever[holder] || !forever[from.service] || reached[holder] {
				continue
			}
			reached[holder] = true
			for _, next := range o.waits {
				if next.service == holder {
					open = append(open, next)
				}
			}
		}
	}
	return reached[w.service]
}

// TestLooksGoOnWhileRequestsWithDetectWait runs the observer. It looks when it is rung for, and
// again by itself as long as a request with DETECT waits, because another one can close a cycle.
func TestLooksGoOnWhileRequestsWithDetectWait(t *testing.T) {
	o := newOrders(1)
	// A look takes long on a busy machine, and must not rest for long after it.
	cheap := func() time.Duration { return 0 }
	observer := New(Config{Served: func() Served { return Served{Table: o.locks} }, CPU: cheap})
	// For less time than a view rests that nobody wants.
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	go observer.Run(ctx)
	for !observer.runs.Load() {
		runtime.Gosched()
	}
	acquire := func(lock, service string, opts codec.Opts) {
		hash := o.locks.Hash([]byte(lock))
		s := o.locks.Shard(hash)
		s.Lock()
		defer s.Unlock()
		cmd := codec.Command{Verb: codec.VerbAcquire, Name: []byte(lock), Service: []byte(service), WaitMs: 1 << 26, Opts: opts}
		s.Apply(1, hash, &cmd, table.Origin{Conn: 1}, &o.fx)
	}
	found := observer.NextRefusals(ctx, nil)
	acquire("x", "a", 0)
	acquire("y", "b", 0)
	acquire("x", "b", codec.OptDetect)
	for observer.Detect(); found != nil && found.Waiting == 0; {
		found = observer.NextRefusals(ctx, found)
	}
	if found == nil || len(found.List) > 0 {
		t.Fatalf("%+v", found)
	}
	acquire("y", "a", 0)
	for found != nil && len(found.List) == 0 {
		found = observer.NextRefusals(ctx, found)
	}
	if found == nil || string(found.List[0].Cycle[0].Service) != "b" {
		t.Fatalf("%+v", found)
	}
}
