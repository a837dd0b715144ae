package table

import "sync/atomic"

// pool is what a limit over all shards has left. Shards take credits in
// blocks, so that the shared counter is not written per command; what they may
// hoard is added on top, so that the limit is never reported before it is
// reached. It may be passed by that much: 0.3 % for the default of 10 million
// locks, 3 % for a million waiters, nothing below 32,768.
type pool struct {
	left  atomic.Int64
	block int64
	keep  credit // most that a shard keeps
	limit int64  // of what shards may take
}

func (p *pool) init(limit int) {
	p.block = min(max(int64(limit)/(Shards*64), 1), 64)
	if p.block > 1 {
		p.limit = int64(limit) + Shards*2*p.block
		p.keep = credit(2 * p.block)
	} else {
		p.limit = int64(limit)
	}
	p.left.Store(p.limit)
}

// taken returns how many credits shards have taken, used or not.
func (p *pool) taken() int64 { return p.limit - p.left.Load() }

// credit is a shard's share of a pool, at most two blocks and one, guarded by the
// shard's mutex.
type credit int16

// take uses one credit; false if the limit is reached.
func (c *credit) take(p *pool) bool {
	for *c == 0 {
		left := p.left.Load()
		if left < p.block {
			return false
		}
		if p.left.CompareAndSwap(left, left-p.block) {
			*c = credit(p.block)
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
	if *c > p.keep {
		*c -= credit(p.block)
		p.left.Add(p.block)
	}
}
