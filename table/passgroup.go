package table

import "dlm/codec"

// passOnGroup grants what the queue of lock i, which has a group, allows now: the requests at its
// head, one after the other, until one of them has to wait. It returns i, or none if the record is
// gone. The group may have become an exclusive hold.
func (s *Shard) passOnGroup(i uint32, l *lock, fx *Effects) uint32 {
	for l.count > 0 {
		at := s.attachedFrom(l.first)
		if at == none {
			return i
		}
		w := s.waiters.at(at)
		if w.deadline <= s.waitNow() {
			s.timeOut(at, fx)
			continue
		}
		if w.share != upgrading && (w.share != l.share() || !l.hasRoom()) {
			return i
		}
		hi, h := s.findHolder(i, l, s.waiterService(w))
		if h != nil && h.state.held() && h.deadline <= s.leaseNow() {
			return s.expire(i, l, hi, h, fx)
		}
		switch {
		case w.share != upgrading:
			if !s.admit(i, l, w, hi, h, fx) {
				return i
			}
		case !s.upgradeWaiter(i, l, w, hi, h, fx):
			return i
		case !l.grouped():
			s.grantFollowers(i, l, s.attachedFrom(l.first), fx)
			return i
		}
	}
	s.closeGroup(l)
	return s.passOn(i, l, fx)
}

// admit grants the first waiter of a group, whose service has the record h or none, and reports
// whether it did. A FRESH request waits for the end of its own service's hold.
func (s *Shard) admit(i uint32, l *lock, w *waiter, hi uint32, h *holder, fx *Effects) bool {
	if h != nil && !h.state.held() { // it has ended in a grace
		s.dropHolder(hi, h, l)
		h = nil
	}
	switch {
	case h != nil && (w.fresh || h.count >= countMax):
		return false
	case h != nil && (h.state == stateUnverified || h.state == stateRenewed):
		return false // until endGrace has decided about it
	case h != nil:
		s.deliverAgain(i, l, h, s.attachedFrom(l.first), fx)
	case s.counter >= s.tokenMax():
		s.refuseFirst(l, codec.Limit, codec.WhichTokens, fx)
	case !s.takeUse(ofHolds, s.waiterService(w)):
		s.refuseFirst(l, codec.Limit, codec.WhichQuota, fx)
	default:
		// The request was admitted when it began to wait, and its record is as large.
		s.lockQuota.takeAnyway(&s.table.locks)
		h = s.grantHolder(i, l, s.waiterService(w), w.ttlMs, s.waiterMeta(w), w.conn)
		s.deliver(EventGrant, i, l, h, s.attachedFrom(l.first), fx)
	}
	return true
}

// refuseFirst ends the wait of the first waiter with that code, and limit.
func (s *Shard) refuseFirst(l *lock, code codec.Code, which codec.Which, fx *Effects) {
	at := s.attachedFrom(l.first)
	w := s.waiters.at(at)
	s.emitWait(EventRefuse, l, w)
	noted, waited := fx.Notes.n, w.waited(s.now)
	if s.note(fx, NoteRefused, l, s.waiterService(w), waited); noted < fx.Notes.n {
		fx.Notes.list[noted].Which = which
	}
	fx.add(Effect{To: w.from(), Code: code, Which: which, Upgrade: w.share == upgrading})
	if w.req != 0 {
		s.endRequest(w.req-1, requestCanceled)
	}
	how := WaitLimit
	if code == codec.NotHeld {
		how = WaitNotHeld
	}
	s.dequeue(l, at, w, how, waited)
}

// waitEnded lets others in after a wait for lock i has ended without a grant, because a group
// admits requests that stood after it.
func (s *Shard) waitEnded(i uint32, fx *Effects) {
	l := s.locks.at(i)
	if l.nameLen > 0 && l.grouped() && (s.phase == graceOver || !s.inGrace()) {
		s.passOnGroup(i, l, fx)
	}
}
