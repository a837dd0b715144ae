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
	// records per turn of the ticker, during which it checks no deadline: 0.3 ms
	trimTurn = 4096
	trimHold = 512     // records per hold of a shard's mutex, some 40 µs
	trimLook = 4       // cost of a look at a shard, in records
	freeFrom = 8 << 20 // bytes freed in a round for which the heap is collected
)

// trimmer goes round the shards and lets them free memory that the table does not use any more. The
// ticker owns it and calls turn, except for atomic fields.
type trimmer struct {
	shard int          // the next shard of the round; table.Shards: the round is over
	began int64        // table time of the round's begin, ns
	round int          // bytes that the round has freed
	given atomic.Int64 // bytes since the start
	wake  signal       // there is memory for the system, see runFreer
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
		m.wake.give()
	}
}

// runFreer is the goroutine "freer". It collects the heap after the table has freed much memory,
// and returns that memory to the system. Go itself would not do so for two minutes if nothing is
// allocated.
func (m *trimmer) runFreer(ctx context.Context) {
	m.wake.each(ctx, func() { withExtraProc(debug.FreeOSMemory) })
}
