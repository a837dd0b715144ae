package table

import "dlm/codec"

// renewFor renews the lease for a heartbeat with that TTL; 0: it has none.
func (s *Shard) renewFor(h *hold, ttlMs uint32) {
	if ttlMs != 0 && ttlMs != h.ttlMs {
		s.amended++
	}
	s.renew(h, ttlMs)
	s.counts.Renewals++
}

// renew makes the lease run from now for ttlMs, which becomes the TTL of the hold. If ttlMs is 0 it
// runs for the present TTL. It never ends earlier than before. The wheel's entry stays where it is
// (see armLease).
func (s *Shard) renew(h *hold, ttlMs uint32) {
	if ttlMs != 0 {
		h.ttlMs = ttlMs
	}
	h.deadline = max(h.deadline, s.now+int64(h.ttlMs)*nsPerMs)
}

// leaseLeftMs returns the rest of the lease.
func (s *Shard) leaseLeftMs(h *hold) int64 { return (h.deadline - s.now) / nsPerMs }

// Advance ends the leases, and then the waits, that are due at table time now. It looks at no more
// than limit entries, and returns true if there may be more, so that the caller can let others have
// the mutex in between.
func (s *Shard) Advance(now int64, limit int, fx *Effects) (more bool) {
	s.setTime(now)
	leaseNow, waitNow, budget := s.leaseNow(), s.waitNow(), limit
	if s.phase != graceOver && !s.inGrace() {
		s.endGrace(&budget, fx)
	}
	for {
		i, ok := s.leases.Pop(tickAt(leaseNow), &budget)
		if !ok {
			break
		}
		s.leaseCame(i, leaseNow, fx)
	}
	for s.groups != nil {
		hi, ok := s.groups.leases.Pop(tickAt(leaseNow), &budget)
		if !ok {
			break
		}
		s.holderCame(hi, leaseNow, fx)
	}
	for {
		i, ok := s.waits.Pop(tickAt(waitNow), &budget)
		if !ok {
			break
		}
		s.waitCame(i, waitNow, fx)
	}
	if s.requests.live > 0 {
		s.forgetOutlived(&budget)
	}
	s.boundEnded()
	s.publishDue()
	s.verify()
	return budget <= 0
}

// leaseCame handles an entry of the wheel of leases. It may belong to an earlier lock of the record
// (see forget).
func (s *Shard) leaseCame(i uint32, leaseNow int64, fx *Effects) {
	l := s.locks.at(i)
	l.armed = 0
	switch {
	case l.count == 0: // free, or without a holder in a grace
	case l.grouped(): // its holders have leases of their own
	case l.deadline <= leaseNow:
		s.expire(i, l, none, nil, fx)
	default:
		s.armLease(i, l)
	}
}

// holderCame handles an entry of the wheel of holders.
func (s *Shard) holderCame(hi uint32, leaseNow int64, fx *Effects) {
	h := s.holderAt(hi)
	if h.deadline > leaseNow {
		s.armHolder(hi, h)
		return
	}
	s.expire(h.lock, s.locks.at(h.lock), hi, h, fx)
}

// waitCame handles an entry of the wheel of waits.
func (s *Shard) waitCame(i uint32, waitNow int64, fx *Effects) {
	w := s.waiters.at(i)
	s.waits.Add(i, tickOf(w.deadline))
	if w.deadline <= waitNow {
		lock := w.lock
		s.timeOut(i, fx)
		s.waitEnded(lock, fx)
	}
}

// timeOut ends the wait i because its deadline has come.
func (s *Shard) timeOut(i uint32, fx *Effects) {
	w := s.waiters.at(i)
	if w.detached {
		s.cancel(i, WaitDisconnected)
		return
	}
	s.counts.TimeOuts++
	l, code, lock := s.locks.at(w.lock), codec.Timeout, w.lock
	if s.phase != graceOver && w.deadline-s.table.pauses.Late.Load() <= s.grace.until && s.unknownTo(l, w) {
		code = codec.Recovering
	}
	s.emitWait(EventTimeOut, l, w)
	waited := w.waited(s.now)
	s.noteTimeout(fx, l, w, waited)
	e := Effect{To: w.from(), Code: code, Upgrade: w.share == upgrading}
	if code == codec.Timeout {
		if h, ok := s.presentHolder(l, w); ok {
			e.Hold = s.holdRef(lock, l, h)
		}
	}
	fx.add(e)
	if w.req != 0 {
		s.endRequest(w.req-1, requestTimedOut)
	}
	s.dequeue(l, i, w, WaitTimeout, waited)
	s.forgetEmpty(lock)
}

// unknownTo reports whether, in a grace, the request has not been granted because the holder of the
// lock is not known, or has not shown its token.
func (s *Shard) unknownTo(l *lock, w *waiter) bool {
	switch {
	case l.count == 0:
		return true
	case l.grouped():
		return w.share == l.share()
	}
	return l.state != stateConfirmed && string(s.service(l)) == string(s.waiterService(w))
}

// presentHolder returns the holder because of which the request was not granted, as someHolder: in
// a group one of another service, if there is one.
func (s *Shard) presentHolder(l *lock, w *waiter) (h *holder, ok bool) {
	if l.count == 0 || !l.grouped() { // a record that is passed on has no service for a while
		return nil, l.count > 0
	}
	_, own := s.findHolder(w.lock, l, s.waiterService(w))
	return s.someHolder(l, own)
}
