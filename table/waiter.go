package table

import "dlm/codec"

const (
	waiterTextLen  = 36 // a UUID has 36; a longer string is in the arena
	waiterChunkLen = slabChunkLen
)

// waiter is the record of one waiting request. It is in the queue of its lock
// and in the wheel of wait deadlines, or free.
type waiter struct {
	deadline   int64  // end of the wait, wait time in ns
	number     uint64 // its place: smaller numbers were before it; 0: an UPGRADE, before all
	conn       ConnID
	ticket     uint32 // of conn
	since      uint32 // when the request came, low bits of table time in steps: see began
	generation uint32 // of the chunk when the record was taken, so that a WaiterRef becomes invalid
	req        uint32 // record of its request, plus one; 0: no REQ
	run        uint32 // if it is an end of a run of detached waiters: the other end
	lock       uint32
	next, prev uint32 // in the queue
	ttlMs      uint32 // lease wanted; 0: the table's default, or that of the hold
	meta       ref    // META; 0: none
	metaLen    uint16
	serviceLen uint16
	text       [waiterTextLen]byte
	share      share
	fresh      bool // FRESH: it does not re-enter, but waits for the end of its own service's hold
	detached   bool // its connection is gone: see detached.go
	detect     bool // DETECT: Refuse may end it
}

// from returns the connection that the request came from.
func (w *waiter) from() Origin { return Origin{Conn: w.conn, Ticket: w.ticket} }

// sinceShift makes steps of 33 us of table time. 32 bits of them are 39 h, which is more than the
// longest wait and any delay of its end.
const sinceShift = 15

// beginWait lets the wait begin at table time now and wait time waitNow, and last waitMs.
func (w *waiter) beginWait(now, waitNow int64, waitMs uint32) {
	w.since = uint32(now >> sinceShift)
	w.deadline = waitNow + int64(waitMs)*nsPerMs
}

// beginRequest lets the wait of that command begin now, without its strings.
func (s *Shard) beginRequest(w *waiter, cmd *codec.Command, from Origin) {
	w.beginWait(s.now, s.waitNow(), cmd.WaitMs)
	w.conn, w.ticket = from.Conn, from.Ticket
	w.ttlMs, w.share = optionalTTL(cmd), shareOf(cmd)
	w.fresh, w.detect = cmd.Has(codec.OptFresh), cmd.Has(codec.OptDetect)
}

// armWait makes the wheel hand out the waiter i at its deadline.
func (s *Shard) armWait(i uint32, w *waiter) {
	s.noteDue(s.waitDue(s.waits.Move(i, tickOf(w.deadline))))
}

// began returns the table time in ns at which the request came, for a present time now. The steps
// give it within 33 us. The deadline gives the rest, because the length of a wait is whole ms, and
// so is what wait time is ahead of table time.
func (w *waiter) began(now int64) int64 {
	const span = 1 << (32 + sinceShift) // ns
	step := now - (now-int64(w.since)<<sinceShift)&(span-1)
	inStep := (w.deadline - step) % nsPerMs
	if inStep < 0 {
		inStep += nsPerMs
	}
	return min(step+inStep, now)
}

// waited returns how many ns the request has waited at table time now.
func (w *waiter) waited(now int64) int64 { return now - w.began(now) }

// WaiterRef names a waiting request to Shard.Cancel. It becomes invalid at the end of the wait and
// never names another request.
type WaiterRef struct {
	Shard      uint8
	index      uint32
	generation uint32
}

// Numbers returns what WaiterRefOf needs to make the reference again.
func (r WaiterRef) Numbers() (shard uint8, index, generation uint32) {
	return r.Shard, r.index, r.generation
}

// WaiterRefOf returns the reference with those numbers. Any numbers may be given: a reference that
// the table has not made finds no request, or one that a caller may look at.
func WaiterRefOf(shard uint8, index, generation uint32) WaiterRef {
	return WaiterRef{shard, index, generation}
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

// renew returns another generation for the waiter i, so that references to it become invalid.
func (b *waiterSlab) renew(i uint32) uint32 {
	free := &b.freeOf[i>>slabChunkBits]
	free.generation++
	return free.generation
}

// waiterService returns the service id of the request. It aliases the record or the arena.
func (s *Shard) waiterService(w *waiter) []byte {
	return s.stringIn(w.text[:], int(w.serviceLen))
}

// setWaiterService stores the service id of the request, and counts the request.
func (s *Shard) setWaiterService(w *waiter, service []byte) {
	if at := s.quotas(); at != nil {
		at.record(ofWaits, service)
	}
	w.serviceLen = uint16(len(service))
	s.setString(w.text[:], service)
}

// setWaiterMeta stores the META of the command.
func (s *Shard) setWaiterMeta(w *waiter, cmd *codec.Command) {
	w.meta, w.metaLen = 0, 0
	if text := metaOf(cmd); len(text) > 0 {
		w.meta, w.metaLen = s.putString(text), uint16(len(text))
	}
}

// enqueue puts the waiter i at the end of the lock's queue.
func (s *Shard) enqueue(l *lock, i uint32, w *waiter) {
	s.order++
	w.number = s.order
	s.linkWaiter(l, i, w, l.last, none)
}

// linkWaiter puts the waiter i, which has the index of the lock, between two waiters of the lock's
// queue; none is its end.
func (s *Shard) linkWaiter(l *lock, i uint32, w *waiter, prev, next uint32) {
	w.next, w.prev = next, prev
	if prev == none {
		l.first = i
	} else {
		s.waiters.at(prev).next = i
	}
	if next == none {
		l.last = i
	} else {
		s.waiters.at(next).prev = i
	}
	if l.waiters++; l.waiters == 1 {
		s.measures().Contended++
	}
}

// enqueueFirst puts the waiter i before the others.
func (s *Shard) enqueueFirst(l *lock, i uint32, w *waiter) {
	w.number = 0
	s.linkWaiter(l, i, w, none, l.first)
}

// dequeue takes the waiter i, whose wait has ended after waited ns, out of the lock's queue and its
// wheel and frees it.
func (s *Shard) dequeue(l *lock, i uint32, w *waiter, how WaitEnd, waited int64) {
	s.measureWait(l, how, waited)
	if s.detached > 0 {
		s.closeRuns(i)
	}
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
	if l.waiters--; l.waiters == 0 {
		s.measures().Contended--
	}
	s.waits.Remove(i)
	if w.meta != 0 {
		s.arena.drop(w.meta, int(w.metaLen))
	}
	if at := s.quotas(); at != nil {
		at.forget(ofWaits, s.waiterService(w))
	}
	s.dropString(w.text[:], int(w.serviceLen))
	s.waiters.drop(i)
	s.waiterQuota.giveBack(&s.table.waiters)
}
