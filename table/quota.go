package table

import (
	"sync"
	"sync/atomic"

	"dlm/codec"
)

// pool is the rest of a limit over all shards. Shards take credits in blocks, so that commands do
// not write the shared counter each time. The limit is still exact: a shard that finds nothing left
// refuses the request, and the caller gathers the unused credits of the other shards and asks again
// (Table.Gather). From then on shards take credits one by one and keep none, until much is left
// again.
type pool struct {
	left  atomic.Int64
	keep  atomic.Int32 // most credits that a shard keeps
	tight atomic.Bool
	block int64 // of credits; 1: shards keep none
	limit int64

	gather sync.Mutex  // held while credits are gathered
	busy   atomic.Bool // a goroutine gathers
}

// blockMax is the largest block. With 256 shards that may have two of them, 32,768 credits can be
// unused in shards.
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

// credit is a shard's part of a pool, at most two blocks and one. The shard's mutex guards it.
type credit int16

// take uses one credit. It returns false if the shard and the pool have none.
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

// takeAnyway uses one credit, even beyond the limit.
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

// Gather takes back the unused credits of all shards, and reports whether the caller should repeat
// its request. The caller calls it when a limit over all shards has refused a request, with no
// shard locked.
func (t *Table) Gather(which codec.Which) bool {
	switch which {
	case codec.WhichLocks:
		return t.gather(&t.locks, func(s *Shard) *credit { return &s.lockQuota })
	case codec.WhichRetries:
		return t.gatherRequests()
	case codec.WhichWaiters:
		return t.gather(&t.waiters, func(s *Shard) *credit { return &s.waiterQuota })
	}
	return false
}

func (t *Table) gather(p *pool, of func(*Shard) *credit) bool {
	if p.block == 1 || p.tight.Load() && !p.busy.Load() {
		return false // no shard has an unused credit
	}
	p.gather.Lock()
	defer p.gather.Unlock()
	if p.tight.Load() {
		return true // another goroutine has gathered meanwhile
	}
	p.busy.Store(true)
	p.tighten()
	for s := range t.Locked() {
		c := of(s)
		p.left.Add(int64(*c))
		*c = 0
	}
	p.busy.Store(false)
	return true
}
