package table

import (
	"sync"
	"sync/atomic"

	"dlm/codec"
)

// pool is what a limit over all shards has left. Shards take credits in blocks, so that the
// shared counter is not written per command. A limit is exact all the same: a shard that finds
// nothing left refuses the request, and the caller gathers what the others have in hand and asks
// again (Table.Gather). From then on the pool is tight, until much is left again: shards take
// credits one by one and keep none.
type pool struct {
	left  atomic.Int64
	keep  atomic.Int32 // most credits that a shard keeps
	tight atomic.Bool
	block int64 // of credits, 1: shards keep none
	limit int64

	gather sync.Mutex  // held while credits are gathered
	busy   atomic.Bool // they are
}

// blockMax is the largest block. With 256 shards that may have two of them, 32,768 credits can be
// in hand.
const blockMax = 64

func (p *pool) init(limit int) {
	p.limit = int64(limit)
	p.block = min(max(p.limit/(Shards*64), 1), blockMax)
	p.left.Store(p.limit)
	p.loosen()
}

// loosen lets shards take blocks.
func (p *pool) loosen() {
	p.tight.Store(false)
	if p.block > 1 {
		p.keep.Store(int32(2 * p.block))
	}
}

// tighten lets shards take single credits.
func (p *pool) tighten() {
	p.tight.Store(true)
	p.keep.Store(0)
}

// step returns how many credits a shard takes or gives back at a time.
func (p *pool) step() int64 {
	if p.tight.Load() {
		return 1
	}
	return p.block
}

// taken returns how many credits shards have taken, used or not.
func (p *pool) taken() int64 { return p.limit - p.left.Load() }

// credit is a shard's share of a pool, at most two blocks and one, guarded by the
// shard's mutex.
type credit int16

// take uses one credit; false if there is none in the shard and in the pool.
func (c *credit) take(p *pool) bool {
	for *c == 0 {
		left := p.left.Load()
		n := min(left, p.step())
		if n <= 0 {
			return false
		}
		if p.left.CompareAndSwap(left, left-n) {
			*c = credit(n)
		}
	}
	*c--
	return true
}

// takeAnyway uses one credit, beyond the limit if need be.
func (c *credit) takeAnyway(p *pool) {
	if !c.take(p) {
		p.left.Add(-1)
	}
}

// giveBack returns one credit.
func (c *credit) giveBack(p *pool) {
	*c++
	if int32(*c) > p.keep.Load() {
		n := p.step()
		*c -= credit(n)
		if left := p.left.Add(n); left > 2*Shards*2*p.block && p.tight.Load() {
			p.loosen()
		}
	}
}

// Gather is to be called when a request was refused for a limit over all shards, with no shard
// locked. It takes back the credits that shards have in hand, and reports whether the request is
// worth another try.
func (t *Table) Gather(which codec.Which) bool {
	switch which {
	case codec.WhichLocks:
		return t.gather(&t.locks, func(s *Shard) *credit { return &s.lockQuota })
	case codec.WhichWaiters:
		return t.gather(&t.waiters, func(s *Shard) *credit { return &s.waiterQuota })
	}
	return false
}

func (t *Table) gather(p *pool, of func(*Shard) *credit) bool {
	if p.block == 1 || p.tight.Load() && !p.busy.Load() {
		return false // nothing is in hand
	}
	p.gather.Lock()
	defer p.gather.Unlock()
	if p.tight.Load() {
		return true // somebody else has gathered meanwhile
	}
	p.busy.Store(true)
	p.tighten()
	for i := range t.shards {
		s := &t.shards[i]
		s.Lock()
		c := of(s)
		p.left.Add(int64(*c))
		*c = 0
		s.Unlock()
	}
	p.busy.Store(false)
	return true
}
