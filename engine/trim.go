package engine

import (
	"context"
	"runtime/debug"
	"sync/atomic"
	"time"

	"dlm/table"
)

const (
	trimEvery = time.Second // least time between two rounds over all shards
	trimTurn  = 4096        // records per turn of the ticker, which looks at no deadline: 0.3 ms
	trimHold  = 512         // records per hold of a shard's mutex, some 40 µs
	trimLook  = 4           // what a look at a shard costs, in records
	freeFrom  = 8 << 20     // bytes of a round for which the heap is collected
)

// trimmer goes round the shards and lets them give memory back that the table does not use any
// more. Owned by the ticker, which calls turn, but for what is said to be atomic.
type trimmer struct {
	shard int           // where the round stands; table.Shards: it is over
	began int64         // table time at which it began, ns
	round int           // bytes that it has given back
	given atomic.Int64  // bytes since the start
	bell  chan struct{} // rung when there is memory for the system, see runFreer
}

// turn does a bounded piece of the round.
func (m *trimmer) turn(now int64, t *table.Table) {
	if m.shard == table.Shards {
		if now-m.began < int64(trimEvery) {
			return
		}
		m.shard, m.began, m.round = 0, now, 0
	}
	for left := trimTurn; left > 0 && m.shard < table.Shards; {
		budget := min(left, trimHold)
		left -= budget
		s := t.ShardAt(m.shard)
		s.Lock()
		given, more := s.Trim(&budget)
		s.Unlock()
		left += max(0, budget-trimLook)
		m.round += given
		m.given.Add(int64(given))
		if !more {
			m.shard++
		}
	}
	if m.shard == table.Shards && m.round >= freeFrom {
		select {
		case m.bell <- struct{}{}:
		default: // it has been rung, and not heard yet
		}
	}
}

// runFreer is the goroutine "freer": it collects the heap when the table has given up much of it,
// since Go would not for two minutes where nothing is allocated, and gives the memory to the
// system.
func (m *trimmer) runFreer(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.bell:
			beside(debug.FreeOSMemory)
		}
	}
}
