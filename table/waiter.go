package table

import (
	"encoding/binary"
	"math/bits"
)

const (
	waiterTextLen   = 40 // a UUID has 36; a longer string is in the arena
	waiterChunkBits = 6  // waiters per chunk: 6 KiB, and a bit of a word for each
	waiterChunkLen  = 1 << waiterChunkBits
	waiterChunkMask = waiterChunkLen - 1
)

// waiter is the record of one waiting request. It is in the queue of its lock
// and in the wheel of wait deadlines, or free.
type waiter struct {
	deadline   int64 // end of the wait, wait time in ns
	from       Origin
	generation uint32 // of the chunk when the record was taken, so that a WaiterRef becomes invalid
	lock       uint32
	next, prev uint32 // in the queue
	ttlMs      uint32 // lease wanted; 0: the table's default, or that of the hold
	meta       ref    // META; 0: none
	metaLen    uint16
	serviceLen uint16 // 0: the record is free
	text       [waiterTextLen]byte
	fresh      bool // FRESH: it does not re-enter, but waits for the end of its own service's hold
}

// WaiterRef names a waiting request to Shard.Cancel. It becomes invalid at the end of the wait and
// never names another request.
type WaiterRef struct {
	Shard      uint8
	index      uint32
	generation uint32
}

// waiterSlab allocates waiter records by index. Records never move.
//
// It uses the records of one chunk in turn, from its first free one on. So the requests of one read
// lie side by side, in whatever order earlier ones have ended.
type waiterSlab struct {
	// nil: no memory; it gets some when one of its records is taken
	chunks []*[waiterChunkLen]waiter
	freeOf []freeWaiters // by chunk
	open   uint32        // a chunk with free records, or none
	live   int
	mapped int // chunks with memory
	idle   int // chunks with memory whose records are all free
}

// freeWaiters are the free records of a chunk. They outlive its memory.
type freeWaiters struct {
	free       uint64 // bit i: record i
	next       uint32 // next chunk with free records, if this one has some
	generation uint32 // raised whenever a record is taken
}

func (b *waiterSlab) at(i uint32) *waiter {
	return &b.chunks[i>>waiterChunkBits][i&waiterChunkMask]
}

func (b *waiterSlab) len() uint32 { return uint32(len(b.chunks)) << waiterChunkBits }

func (b *waiterSlab) take() uint32 {
	if b.live == int(b.len()) {
		b.grow()
	}
	chunk := b.open
	if b.chunks[chunk] == nil {
		b.chunks[chunk] = new([waiterChunkLen]waiter)
		b.mapped++
		b.idle++
	}
	free := &b.freeOf[chunk]
	if free.free == ^uint64(0) {
		b.idle--
	}
	free.generation++
	i := uint32(bits.TrailingZeros64(free.free))
	b.chunks[chunk][i].generation = free.generation
	if free.free &= free.free - 1; free.free == 0 {
		b.open = free.next
	}
	b.live++
	return chunk<<waiterChunkBits | i
}

func (b *waiterSlab) grow() {
	b.open = uint32(len(b.chunks))
	b.chunks = append(b.chunks, nil)
	b.freeOf = append(b.freeOf, freeWaiters{free: ^uint64(0), next: none})
}

// giveBack frees the memory of a chunk if all its records are free, and reports whether it did.
func (b *waiterSlab) giveBack(chunk int) bool {
	if b.chunks[chunk] == nil || b.freeOf[chunk].free != ^uint64(0) {
		return false
	}
	b.chunks[chunk] = nil
	b.mapped--
	b.idle--
	return true
}

// find returns the waiting request of that reference, or nil if its wait is over.
func (b *waiterSlab) find(ref WaiterRef) *waiter {
	if ref.index >= b.len() || b.chunks[ref.index>>waiterChunkBits] == nil {
		return nil
	}
	w := b.at(ref.index)
	if w.serviceLen == 0 || w.generation != ref.generation {
		return nil
	}
	return w
}

func (b *waiterSlab) drop(i uint32) {
	b.at(i).serviceLen = 0
	chunk := i >> waiterChunkBits
	free := &b.freeOf[chunk]
	if free.free == 0 {
		free.next, b.open = b.open, chunk
	}
	if free.free |= 1 << (i & waiterChunkMask); free.free == ^uint64(0) {
		b.idle++
	}
	b.live--
}

// waiterService returns the service id of the request. It aliases the record or the arena.
func (s *Shard) waiterService(w *waiter) []byte {
	if w.serviceLen <= waiterTextLen {
		return w.text[:w.serviceLen]
	}
	return s.arena.get(ref(binary.LittleEndian.Uint32(w.text[:])), int(w.serviceLen))
}

func (s *Shard) setWaiterService(w *waiter, service []byte) {
	w.serviceLen = uint16(len(service))
	if len(service) <= waiterTextLen {
		copy(w.text[:], service)
	} else {
		binary.LittleEndian.PutUint32(w.text[:], uint32(s.putString(service)))
	}
}

// enqueue puts the waiter i at the end of the lock's queue.
func (s *Shard) enqueue(lockIndex, i uint32) {
	l, w := s.locks.at(lockIndex), s.waiters.at(i)
	w.lock, w.next, w.prev = lockIndex, none, l.last
	if l.last == none {
		l.first = i
	} else {
		s.waiters.at(l.last).next = i
	}
	l.last = i
	l.waiters++
}

// dequeue takes the waiter i out of its queue and its wheel and frees it.
func (s *Shard) dequeue(i uint32) {
	w := s.waiters.at(i)
	l := s.locks.at(w.lock)
	if w.prev == none {
		l.first = w.next
	} else {
		s.waiters.at(w.prev).next = w.next
	}
	if w.next == none {
		l.last = w.prev
	} else {
		s.waiters.at(w.next).prev = w.prev
	}
	l.waiters--
	s.waits.Remove(i)
	if w.meta != 0 {
		s.arena.drop(w.meta, int(w.metaLen))
	}
	if w.serviceLen > waiterTextLen {
		s.arena.drop(ref(binary.LittleEndian.Uint32(w.text[:])), int(w.serviceLen))
	}
	s.waiters.drop(i)
	s.waiterQuota.giveBack(&s.table.waiters)
}
