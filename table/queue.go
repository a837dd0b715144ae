package table

import (
	"bytes"
	"math/bits"

	"dlm/codec"
)

// Waiting describes one request in a queue.
type Waiting struct {
	Service  []byte
	Meta     []byte // empty: none
	Mode     string // how it wants to hold the lock, a word as of Status.Mode, or upgrade
	WaitedMs int64
	LeftMs   int64 // until its timeout
	Conn     ConnID
	Ref      WaiterRef
}

// Queue appends up to n requests that wait for the lock of that name, with copies of their strings,
// beginning after the request after. If that does not wait for the lock, Queue begins at the head
// of the queue, and goesOn is false. more reports whether requests follow.
func (s *Shard) Queue(
	now int64, hash uint64, name []byte, after WaiterRef, n int, out []Waiting,
) (_ []Waiting, goesOn, more bool) {
	s.setTime(now)
	lockIndex, l := s.find(uint32(hash), name)
	if l == nil {
		return out, false, false
	}
	at := l.first
	if w := s.waiters.find(after); after.Shard == s.number && w != nil && w.lock == lockIndex {
		at, goesOn = w.next, true
	}
	for ; at != none && n > 0; n-- {
		w := s.waiters.at(at)
		out = append(out, s.describeWait(at, w))
		at = w.next
	}
	return out, goesOn, at != none
}

func (s *Shard) describeWait(i uint32, w *waiter) Waiting {
	return Waiting{
		Service: bytes.Clone(s.waiterService(w)), Meta: bytes.Clone(s.waiterMeta(w)), Mode: w.share.word(),
		WaitedMs: w.waited(s.now) / nsPerMs, LeftMs: max(0, (w.deadline-s.waitNow())/nsPerMs),
		Conn: w.conn, Ref: WaiterRef{s.number, i, w.generation},
	}
}

// PlaceMax is how many requests before another one are counted for its position, under one hold of
// the mutex.
const PlaceMax = 250

// WaitOf describes one request of a service.
type WaitOf struct {
	Waiting
	Lock     []byte
	Holder   []byte // empty: not known
	Position int    // in the queue, the first has 1; 0: beyond PlaceMax
}

// WaitsOf appends up to n requests of a service, with copies of their strings, from the record of
// waiting requests *at on, and moves *at on. It looks at no more than *scan records, those before a
// request included, and subtracts them from *scan, which is more than PlaceMax. It returns true if
// it has come to the end.
func (s *Shard) WaitsOf(
	now int64, at *uint32, scan *int, n int, service []byte, out []WaitOf,
) (_ []WaitOf, done bool) {
	s.setTime(now)
	for ; *at < s.waiters.len() && *scan > 0 && n > 0; *at++ {
		*scan--
		w := s.waiters.inUse(*at)
		if w == nil || string(s.waiterService(w)) != string(service) {
			continue
		}
		most := min(*scan, PlaceMax)
		position, looked := s.position(w, most)
		if *scan -= looked; position == 0 && most < PlaceMax {
			return out, false // the next call counts its place
		}
		n--
		l := s.locks.at(w.lock)
		var owner []byte
		if h, ok := s.presentHolder(l, w); ok {
			owner = bytes.Clone(s.serviceOf(l, h))
		}
		out = append(out, WaitOf{s.describeWait(*at, w), bytes.Clone(s.name(l)), owner, position})
	}
	return out, *at >= s.waiters.len()
}

// position returns the place of a request in its queue, 0 if more than most requests are before it,
// and at how many of these it has looked.
func (s *Shard) position(w *waiter, most int) (position, looked int) {
	for w.prev != none {
		if looked == most {
			return 0, looked
		}
		w = s.waiters.at(w.prev)
		looked++
	}
	return looked + 1, looked
}

// Contention is one lock for which requests wait.
type Contention struct {
	Shard   uint8
	Index   uint32      // of the lock's record
	Token   codec.Token // of its hold
	Waiters uint32
	Since   int64 // when the request at the head of the queue began to wait, table time in ns
}

// Contended appends the locks of the shard for which requests wait. It walks the records of waiting
// requests from *at on, looks at scan of them at most and moves *at on. It returns true if it has
// come to the end. A queue is found at its head, so that each lock is found once.
func (s *Shard) Contended(now int64, at *uint32, scan int, out []Contention) (_ []Contention, done bool) {
	s.setTime(now)
	b := &s.waiters
	for ; *at < b.len() && scan > 0; *at = *at&^slabChunkMask + slabChunkLen {
		chunk := *at >> slabChunkBits
		for live := ^b.freeOf[chunk].free; live != 0; live &= live - 1 {
			scan--
			w := &b.chunks[chunk][bits.TrailingZeros64(live)]
			if w.prev != none {
				continue
			}
			l := s.locks.at(w.lock)
			out = append(out, Contention{s.number, w.lock, l.token, l.waiters, w.began(s.now)})
		}
	}
	return out, *at >= b.len()
}

// LookAt describes the lock of record i, if that has the hold of that token still. It ends no
// lease, like Look.
func (s *Shard) LookAt(now int64, i uint32, token codec.Token, st *Status) bool {
	s.setTime(now)
	l := s.locks.record(i)
	if l == nil || l.nameLen == 0 || l.token != token {
		return false
	}
	s.fill(l, st)
	return true
}
