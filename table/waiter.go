package table

import "encoding/binary"

const (
	waiterTextLen   = 40 // a UUID has 36; a longer one is in the arena
	waiterChunkBits = 6  // waiters per chunk: 6 KiB
	waiterChunkLen  = 1 << waiterChunkBits
	waiterChunkMask = waiterChunkLen - 1
)

// waiter is the record of one waiting request. It is in the queue of its lock
// and in the wheel of wait deadlines, or free.
type waiter struct {
	deadline   int64 // end of the wait, table time in ns
	from       Origin
	generation uint32 // raised whenever the record is freed, so that a WaiterRef goes stale
	lock       uint32
	next, prev uint32 // in the queue; next links free records
	ttlMs      uint32 // lease wanted; 0: the table's default, or the hold's own
	meta       ref    // META; 0: none
	metaLen    uint16
	serviceLen uint16 // 0: the record is free
	text       [waiterTextLen]byte
}

// WaiterRef names a waiting request to Shard.Cancel. It goes stale with the
// end of the wait and never names another one.
type WaiterRef struct {
	Shard      uint8
	index      uint32
	generation uint32
}

// waiterSlab hands out waiter records by index. Records never move.
type waiterSlab struct {
	chunks []*[waiterChunkLen]waiter
	free   uint32
	live   int
}

func (b *waiterSlab) at(i uint32) *waiter {
	return &b.chunks[i>>waiterChunkBits][i&waiterChunkMask]
}

func (b *waiterSlab) len() uint32 { return uint32(len(b.chunks)) << waiterChunkBits }

func (b *waiterSlab) take() uint32 {
	if b.live == int(b.len()) {
		b.grow()
	}
	i := b.free
	b.free = b.at(i).next
	b.live++
	return i
}

func (b *waiterSlab) grow() {
	chunk := new([waiterChunkLen]waiter)
	base := b.len()
	for i := range chunk {
		chunk[i].next = base + uint32(i) + 1
		chunk[i].generation = 1 // the zero WaiterRef names no request
	}
	b.chunks = append(b.chunks, chunk)
	b.free = base
}

func (b *waiterSlab) drop(i uint32) {
	w := b.at(i)
	w.generation++
	w.serviceLen = 0
	w.next = b.free
	b.free = i
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
		binary.LittleEndian.PutUint32(w.text[:], uint32(s.arena.put(service)))
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
