package table

import (
	"bytes"

	"dlm/codec"
)

// Edge says that a request waits for a hold to end. The services are hashes, so that a walk of many
// requests copies no strings.
type Edge struct {
	Waiter, Holder uint64 // hashes of the services
	Wait           WaiterRef
	Token          codec.Token // of the hold
	// Others is 0 if the request waits as long as this hold stands. A request for a permit has an
	// edge for each of so many holders other than its own service, and goes on when one of them
	// leaves.
	Others uint32
	Detect bool  // the request came with DETECT
	Inside bool  // both services wait and hold what others wait for, so a cycle may have the edge
	Began  int64 // when it came, table time in ns
}

// WaitsFor is an Edge with its words. The slices are copies.
type WaitsFor struct {
	Service, Lock, Holder []byte
	Token                 codec.Token
	WaitedMs              int64
	// Newest is the last token of the shard. If it is the same at two times, no lock of the shard
	// has got a new holder in between.
	Newest codec.Token
}

// lasts reports whether a hold ends only by its holder, its lease or an admin, and not with a
// recovery.
func (s *Shard) lasts(h *hold, st recoveryState) bool {
	return (st == stateSettled || st == stateConfirmed) && h.deadline > s.leaseNow()
}

// waitsForGroup returns for which holders of lock l the request w waits: for one only, for one of
// so many others, or, if others is 0, for all of them. waits is false if it goes on without them,
// or first of all waits for its own service.
func (s *Shard) waitsForGroup(l *lock, w *waiter) (only *holder, others uint32, waits bool) {
	first := s.waiters.at(s.attachedFrom(l.first))
	own := s.ownHold(l, w)
	if first.deadline <= s.waitNow() || own != nil && (w.fresh || w.share == exclusive) {
		return nil, 0, false // the queue is about to move, or the service has to leave
	}
	if first.fresh && first.share == l.share() && w.share == l.share() {
		if only = s.ownHold(l, first); only != nil {
			return only, 0, true // first would share the lock but with its own service: see admit
		}
	}
	if l.share() == shared {
		return nil, 0, w.share != shared || first.share != shared
	}
	if others = l.count; own != nil {
		others--
	}
	return nil, others, others > 0 && !l.hasRoom()
}

// ownHold returns the hold that the service of request w has in the group of lock l, or nil.
func (s *Shard) ownHold(l *lock, w *waiter) *holder {
	if _, h := s.findHolder(w.lock, l, s.waiterService(w)); h != nil && h.state.held() {
		return h
	}
	return nil
}

// Stands returns the words of an edge, if the same request still waits for the same hold. It has
// done so in between too, because no wait has the reference of another, and no hold its token. A
// semaphore may have had other holders in between: see WaitsFor.Newest.
func (s *Shard) Stands(now int64, e *Edge) (x WaitsFor, ok bool) {
	s.setTime(now)
	w := s.waiters.find(e.Wait)
	if w == nil || w.detached || w.deadline <= s.waitNow() {
		return x, false
	}
	l, others := s.locks.at(w.lock), uint32(0)
	h, st, holder := &l.hold, l.state, []byte(nil)
	if l.grouped() {
		only, n, waits := s.waitsForGroup(l, w)
		_, of := s.findToken(e.Token)
		if !waits || of == nil || of.lock != w.lock || only != nil && only != of {
			return x, false
		}
		h, st, holder, others = &of.hold, of.state, s.holderService(of), n
	} else {
		holder = s.service(l)
	}
	if h.token != e.Token || others != e.Others || !s.lasts(h, st) {
		return x, false
	}
	return WaitsFor{bytes.Clone(s.waiterService(w)), bytes.Clone(s.name(l)), bytes.Clone(holder), h.token,
		w.waited(s.now) / nsPerMs, s.counter}, true
}
