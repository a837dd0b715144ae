package table

import "encoding/binary"

const (
	waiterTextLen  = 40 // a UUID has 36; a longer string is in the arena
	waiterChunkLen = slabChunkLen
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
	serviceLen uint16
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

// waiterSlab allocates waiter records.
type waiterSlab struct{ slab[waiter] }

// find returns the waiting request of that reference, or nil if its wait is over.
func (b *waiterSlab) find(ref WaiterRef) *waiter {
	w := b.inUse(ref.index)
	if w == nil || w.generation != ref.generation {
		return nil
	}
	return w
}

func (b *waiterSlab) take() uint32 {
	i, generation := b.slab.take()
	b.at(i).generation = generation
	return i
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
