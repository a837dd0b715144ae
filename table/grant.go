package table

import "dlm/codec"

// grant makes service the holder of lock i, which nobody holds, under a new token, for a request of
// that connection. The caller has checked that a token is left.
func (s *Shard) grant(i uint32, l *lock, service []byte, ttlMs uint32, meta []byte, conn ConnID) {
	s.beginHold(&l.hold, &l.grantee, ttlMs)
	l.markGrant(markOf(conn))
	s.setService(l, service)
	if l.meta != 0 || len(meta) != 0 {
		s.setMeta(&l.grantee, meta)
	}
	s.armLease(i, l)
}

// beginHold is grant without the strings, for a hold of any kind; arm comes after it.
func (s *Shard) beginHold(x *hold, g *grantee, ttlMs uint32) {
	s.counter++
	s.counts.Grants++
	if ttlMs == 0 {
		ttlMs = s.table.ttlMs
	}
	x.token = s.counter
	x.count = 1
	x.ttlMs = ttlMs
	g.since = s.now
	x.deadline = s.now + int64(ttlMs)*nsPerMs
}

// answerGrant answers OK to the grant of a new hold.
func (s *Shard) answerGrant(kind EventKind, i uint32, l *lock, h *holder, from Origin, r *Result) {
	x, _ := l.holdOf(h)
	s.emitHold(kind, l, h, from)
	s.describe(x, r)
	r.Fresh, r.Hold = true, s.holdRef(i, l, h)
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
		case !s.takeUse(ofHolds, s.waiterService(w)):
			s.refuseFirst(l, codec.Limit, codec.WhichQuota, fx)
		default:
			next := s.attachedFrom(w.next)
			s.grant(i, l, s.waiterService(w), w.ttlMs, s.waiterMeta(w), w.conn)
			s.deliver(EventGrant, i, l, nil, at, fx)
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
// their own service. at is none, or not detached. It passes over detached ones. It stops at the
// first request of another owner, and at a FRESH one, which wants a hold of its own. Requests whose
// deadline has come are answered, as in passOn, and do not stop it.
func (s *Shard) grantFollowers(i uint32, l *lock, at uint32, fx *Effects) {
	for at != none && l.count < countMax {
		w := s.waiters.at(at)
		follower := at
		at = s.attachedFrom(w.next) // its end joins the runs beside it
		if w.deadline <= s.waitNow() {
			s.timeOut(follower, fx)
			continue
		}
		if w.fresh || w.share.permits() > 0 || string(s.waiterService(w)) != string(s.service(l)) {
			return
		}
		s.deliverAgain(i, l, nil, follower, fx)
	}
}

// deliverAgain grants a hold once more, to waiter at of its service.
func (s *Shard) deliverAgain(i uint32, l *lock, h *holder, at uint32, fx *Effects) {
	w := s.waiters.at(at)
	s.reenter(l, h, w.ttlMs, w.conn)
	if w.meta != 0 {
		_, g := l.holdOf(h)
		s.setMeta(g, s.waiterMeta(w))
	}
	s.deliver(EventReenter, i, l, h, at, fx)
}

// deliver adds the effect of the grant of a hold to waiter at of lock i, and takes the waiter out
// of the queue.
func (s *Shard) deliver(kind EventKind, i uint32, l *lock, h *holder, at uint32, fx *Effects) {
	w, ref := s.waiters.at(at), s.holdRef(i, l, h)
	x, g := l.holdOf(h)
	ref.upgrade = w.share == upgrading
	s.emitWaited(kind, l, x, w)
	if kind == EventGrant {
		s.measures().grantsWaited++
	}
	waited := w.waited(s.now)
	s.noteSlow(fx, l, w, waited)
	if w.req != 0 {
		q := s.requests.at(w.req - 1)
		ref = ref.of(q.number)
		q.granted(x, g)
	}
	// The ms are rounded down, because the client counts its lease from them and must not believe
	// too long in the hold.
	fx.add(Effect{To: w.from(), Code: codec.OK, Upgrade: ref.upgrade, Count: x.count, LeaseMs: s.leaseLeftMs(x),
		WaitedMs: uint32(waited / nsPerMs), Hold: ref})
	s.dequeue(l, at, w, WaitGranted, waited)
}

// waiterMeta returns the META of the request. It aliases the arena, whose blocks do not move when
// it grows.
func (s *Shard) waiterMeta(w *waiter) []byte {
	if w.meta == 0 {
		return nil
	}
	return s.arena.get(w.meta, int(w.metaLen))
}
