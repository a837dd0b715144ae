package table

import "dlm/codec"

// grant makes service the holder of lock i, which nobody holds, under a new token, for a request of
// that connection. The caller has checked that a token is left.
func (s *Shard) grant(i uint32, l *lock, service []byte, ttlMs uint32, meta []byte, conn ConnID) {
	s.beginHold(l, ttlMs)
	l.markGrant(markOf(conn))
	s.setService(l, service)
	if l.meta != 0 || len(meta) != 0 {
		s.setMeta(&l.grantee, meta)
	}
	s.armLease(i, l)
}

// beginHold is grant without the strings; armLease comes after it.
func (s *Shard) beginHold(l *lock, ttlMs uint32) {
	s.counter++
	s.counts.Grants++
	if ttlMs == 0 {
		ttlMs = s.table.ttlMs
	}
	l.token = s.counter
	l.count = 1
	l.ttlMs = ttlMs
	l.since = s.now
	l.deadline = s.now + int64(ttlMs)*nsPerMs
}

// passOn gives lock i, whose hold has ended, to the first waiter that can still be granted, and to
// the requests of the same owner that directly follow it. Without a waiter it forgets the lock. It
// returns i, or none if the record is gone.
//
// passOn answers waiters whose deadline has come and does not leave them to Advance, because they
// must not be granted, and the queue must not stop at them.
func (s *Shard) passOn(i uint32, l *lock, fx *Effects) uint32 {
	s.dropService(l)
	for at := s.attachedFrom(l.first); at != none; at = s.attachedFrom(l.first) {
		w := s.waiters.at(at)
		switch {
		case w.deadline <= s.waitNow():
			s.timeOut(at, fx)
		case s.counter >= s.tokenMax():
			s.refuseFirst(l, codec.Limit, codec.WhichTokens, fx)
		case w.share == upgrading:
			s.refuseFirst(l, codec.NotHeld, codec.WhichNone, fx)
		case w.share != exclusive:
			s.setMeta(&l.grantee, nil)
			l.token = 0
			l.openGroup(w.share)
			s.admit(i, l, w, none, nil, fx)
			return s.passOnGroup(i, l, fx)
		case !s.takeHold(s.waiterService(w)):
			s.refuseFirst(l, codec.Limit, codec.WhichQuota, fx)
		default:
			next := w.next
			s.grant(i, l, s.waiterService(w), w.ttlMs, s.waiterMeta(w), w.conn)
			s.deliver(EventGrant, i, l, at, fx)
			s.grantFollowers(i, l, next, fx)
			return i
		}
	}
	if l.first != none {
		s.vacate(l)
		return i
	}
	s.forget(i, l)
	return none
}

// grantFollowers grants the requests of the new holder from at on, because they would only wait for
// their own service. It passes over detached ones. It stops at the first request of another owner,
// and at a FRESH one, which wants a hold of its own. Requests whose deadline has come are answered,
// as in passOn, and do not stop it.
func (s *Shard) grantFollowers(i uint32, l *lock, at uint32, fx *Effects) {
	for at != none && l.count < countMax {
		w := s.waiters.at(at)
		follower := at
		at = w.next
		if w.detached {
			continue
		}
		if w.deadline <= s.waitNow() {
			s.timeOut(follower, fx)
			continue
		}
		if w.fresh || w.share.permits() > 0 || string(s.waiterService(w)) != string(s.service(l)) {
			return
		}
		s.reenter(&l.hold, &l.grantee, w.ttlMs, w.conn)
		if w.meta != 0 {
			s.setMeta(&l.grantee, s.waiterMeta(w))
		}
		s.deliver(EventReenter, i, l, follower, fx)
	}
}

// deliver adds the effect of a grant to waiter at of lock i and takes the waiter out of the queue.
func (s *Shard) deliver(kind EventKind, i uint32, l *lock, at uint32, fx *Effects) {
	w := s.waiters.at(at)
	s.emitWaited(kind, l, w)
	s.measures().Granted.add(s.now - w.began(s.now))
	s.noteSlow(fx, NoteSlow, l, w)
	hold := s.holdRef(i, l)
	if w.req != 0 {
		q := s.requests.at(w.req - 1)
		hold = hold.of(q.number)
		s.requestGranted(q, l)
	}
	fx.add(Effect{To: w.from(), Code: codec.OK, Count: l.count, LeaseMs: s.leaseLeftMs(&l.hold),
		WaitedMs: w.waitedMs(s.now), Hold: hold})
	s.dequeue(at)
}

// waiterMeta returns the META of the request. It aliases the arena, whose blocks do not move when
// it grows.
func (s *Shard) waiterMeta(w *waiter) []byte {
	if w.meta == 0 {
		return nil
	}
	return s.arena.get(w.meta, int(w.metaLen))
}
