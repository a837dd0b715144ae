package table

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dlm/codec"
)

// guarded is what a lock protects. If the table fails to exclude, the race detector reports it, and
// so does the token, which has to grow.
type guarded struct {
	token codec.Token
	uses  int
}

// players are goroutines that use one table like the engine.
type players struct {
	table   *Table
	clock   atomic.Int64  // table time
	granted []chan Effect // by Origin.Conn
	things  []guarded
	used    atomic.Int64
}

func (p *players) deliver(fx *Effects) {
	for _, e := range fx.List {
		p.granted[e.To.Conn] <- e
	}
	fx.List = fx.List[:0]
}

// call runs f on the shard of the name and delivers the effects.
func (p *players) call(name []byte, fx *Effects, f func(s *Shard, hash uint64)) {
	hash := p.table.Hash(name)
	s := p.table.Shard(hash)
	s.Lock()
	f(s, hash)
	s.Unlock()
	p.deliver(fx)
}

// play takes and releases random locks, waits for them, cancels waits, and leaves some holds to
// their lease.
func (p *players) play(t *testing.T, me int, rounds int) {
	rng := rand.New(rand.NewPCG(uint64(me), 7))
	service := fmt.Append(nil, "player-", me)
	var fx Effects
	cmd := codec.Command{Service: service, Opts: codec.OptTTL, TTLMs: 86_400_000}
	for range rounds {
		i := rng.IntN(len(p.things))
		name := fmt.Append(nil, "thing-", i)
		cmd.Name, cmd.WaitMs, cmd.Verb = name, uint32(rng.IntN(200)), codec.VerbAcquire
		var r Result
		p.call(name, &fx, func(s *Shard, hash uint64) {
			r = *s.Apply(p.clock.Load(), hash, &cmd, Origin{Conn: ConnID(me)}, &fx)
		})
		token := r.Token
		if r.Waiting {
			gone := false
			if rng.IntN(4) == 0 {
				p.call(name, &fx, func(s *Shard, hash uint64) { gone = s.Cancel(p.clock.Load(), r.Waiter, &fx) })
			}
			if gone {
				continue
			}
			e := <-p.granted[me]
			r.Code, token = e.Code, e.Hold.Token
		}
		if r.Code != codec.OK {
			continue
		}
		thing := &p.things[i]
		if thing.token >= token {
			t.Errorf("token %d after %d", token, thing.token)
		}
		thing.token = token
		thing.uses++
		p.used.Add(1)
		for until := p.clock.Load() + rng.Int64N(100)*nsPerMs; p.clock.Load() < until; {
			runtime.Gosched() // other players begin to wait, and some time out
		}
		cmd.Verb = []codec.Verb{codec.VerbRelease, codec.VerbRelease, codec.VerbForceRelease}[rng.IntN(3)]
		p.call(name, &fx, func(s *Shard, hash uint64) {
			if r := s.Apply(p.clock.Load(), hash, &cmd, Origin{}, &fx); r.Code != codec.OK {
				t.Errorf("%v of a held lock: %v", cmd.Verb, r.Code)
			}
		})
	}
}

// TestConcurrentUse lets goroutines and a ticker use one table. At any time each lock has one user,
// with growing tokens, and nothing is left at the end.
func TestConcurrentUse(t *testing.T) {
	const goroutines, things, rounds = 8, 3, 150
	p := &players{
		table:  New(Config{Seed: 1, TTLMs: 30_000, LocksMax: 100, WaitersMax: 100, WaitersPerLockMax: 100}),
		things: make([]guarded, things),
	}
	for range goroutines {
		p.granted = append(p.granted, make(chan Effect, 1))
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go p.tick(stop, stopped)
	var wg sync.WaitGroup
	for me := range goroutines {
		wg.Go(func() { p.play(t, me, rounds) })
	}
	wg.Wait()
	close(stop)
	<-stopped
	uses := 0
	for _, thing := range p.things {
		uses += thing.uses
	}
	x := p.table.Totals()
	if int64(uses) != p.used.Load() || uint64(uses) != x.Grants || x.Queued == 0 || x.Cancels == 0 || x.TimeOuts == 0 {
		t.Errorf("%d uses of %d grants; totals %+v", uses, p.used.Load(), x)
	}
	empty(t, p.table)
}

// tick runs the ticker, with a clock that moves by a millisecond per round.
func (p *players) tick(stop, stopped chan struct{}) {
	defer close(stopped)
	var fx Effects
	for {
		select {
		case <-stop:
			return
		case <-time.After(20 * time.Microsecond):
		}
		now := p.clock.Add(nsPerMs)
		for i := range Shards {
			if p.table.Due(i, now) {
				s := p.table.ShardAt(i)
				s.Lock()
				s.Advance(now, 3, &fx)
				s.Unlock()
				p.deliver(&fx)
			}
		}
	}
}
