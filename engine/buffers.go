package engine

import (
	"sync"
	"sync/atomic"

	"dlm/table"
)

// buffers accounts for the memory in all connection buffers: partial input, kept commands, unread
// output. Beyond the limit it closes the connection with the largest, so that one client can't make
// the server refuse others.
type buffers struct {
	max   int64
	total atomic.Int64

	mu       sync.Mutex
	large    map[table.ConnID]int // conns with at least trackedMin bytes; guarded by mu
	evicting map[table.ConnID]int // those told to close; guarded by mu
	freed    int64                // bytes of evicting; guarded by mu
}

// account updates the account of a connection's buffers.
func (r *reactor) account(c *conn) {
	size := 0
	if !c.closed {
		size = bufferCap(c.partial) + c.pending.memory() + c.backlog.memory() +
			c.deliveries.memory() + c.queued.memory() + c.sub.Memory()
	}
	if size == c.buffered {
		return
	}
	b := &r.e.buffers
	total := b.total.Add(int64(size - c.buffered))
	tracked := size >= trackedMin || c.buffered >= trackedMin // otherwise it is not in large
	c.buffered = size
	if !tracked && !c.closed && total <= b.max {
		return
	}
	if victim, ok := b.track(c.id, size, total); ok {
		r.e.reactors[loopOf(victim)].evict(victim)
	}
}

// evicted notes that a connection that was told to close is closed.
func (b *buffers) evicted(id table.ConnID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.freed -= int64(b.evicting[id])
	delete(b.evicting, id)
}

// track notes the size of one connection. If all together are beyond the limit, it returns the
// connection to close.
func (b *buffers) track(id table.ConnID, size int, total int64) (victim table.ConnID, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if was, in := b.evicting[id]; in {
		if size == 0 {
			delete(b.evicting, id)
			b.freed -= int64(was)
		}
		return 0, false
	}
	if size >= trackedMin {
		b.large[id] = size
	} else {
		delete(b.large, id)
	}
	if total-b.freed <= b.max {
		return 0, false
	}
	// Without a large one the caller's is closed, because many small ones are the load.
	victim, largest := id, size
	for other, n := range b.large {
		if n > largest {
			victim, largest = other, n
		}
	}
	if largest == 0 {
		return 0, false
	}
	delete(b.large, victim)
	b.evicting[victim] = largest
	b.freed += int64(largest)
	return victim, true
}
