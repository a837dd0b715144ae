package table

import "dlm/codec"

// release gives one count of lock i back, or all with ALL. l is nil if nobody holds it.
func (s *Shard) release(i uint32, l *lock, cmd *codec.Command, fx *Effects, r *Result) {
	if !s.owned(l, cmd, r) {
		return
	}
	r.Token = l.token
	if l.count--; cmd.Has(codec.OptAll) {
		l.count = 0
	}
	s.emit(EventRelease, l, cmd.Service, Origin{})
	if l.count > 0 {
		s.amended++
		s.describe(&l.hold, r)
		return
	}
	s.countRelease(l.since)
	if cmd.Has(codec.OptToken) {
		s.forgetRequests(l)
	} else {
		s.endRequests(l, requestReleased)
	}
	s.endHold(i, l, stateReleased, fx)
}

// force ends the hold of lock i. l is nil if nobody holds it.
func (s *Shard) force(i uint32, l *lock, cmd *codec.Command, fx *Effects, r *Result) {
	if l == nil {
		r.Code = codec.NotHeld
		return
	}
	if cmd.Has(codec.OptToken) && cmd.Token != l.token {
		r.Code = codec.Stale
		return
	}
	r.Token, r.Count = l.token, 1
	fx.Owner = append(fx.Owner[:0], s.service(l)...)
	l.count = 0
	s.counts.Forced++
	s.measureHold(l.since)
	s.note(fx, NoteForced, l, fx.Owner, s.now-l.since)
	s.emitLost(EventForce, l, &l.hold, fx.Owner, reasonOf(cmd))
	s.endRequests(l, requestForced)
	s.endHold(i, l, stateFenced, fx)
}

// reasonOf returns the reason of a FORCE-RELEASE; nil: none.
func reasonOf(cmd *codec.Command) []byte {
	if cmd.Has(codec.OptReason) {
		return cmd.Text
	}
	return nil
}

// TakeBack undoes a grant that could not be delivered: one count of that very hold, or its upgrade.
// If the hold has ended since, it does nothing. A request that can be repeated gets its place back,
// for keep ns, and TakeBack does nothing if a repeat was answered since.
func (s *Shard) TakeBack(now int64, hold HoldRef, keep int64, fx *Effects) {
	s.setTime(now)
	l := s.exclusiveHold(hold)
	if l == nil {
		s.takeBackOfGroup(hold, fx)
		return
	}
	at := none
	if hold.req != 0 {
		if at = s.grantedRequest(l, hold); at == none {
			return
		}
	}
	if s.phase != graceOver && s.current(hold.index, fx) == none {
		return
	}
	if hold.upgrade {
		s.counts.TakeBacks++
		s.emitHolder(EventDowngrade, l, s.downgrade(hold.index, l), Origin{})
		s.passOnGroup(hold.index, l, fx)
		s.verify()
		return
	}
	l.count--
	s.counts.TakeBacks++
	s.note(fx, NoteTakeBack, l, s.service(l), s.now-l.since)
	s.emit(EventTakeBack, l, s.service(l), Origin{})
	switch {
	case at == none:
	case keep > 0:
		s.requeue(hold.index, at, keep)
	default:
		s.dropRequest(at)
	}
	if l.count == 0 {
		s.endRequests(l, requestReleased)
		s.endHold(hold.index, l, stateReleased, fx)
	}
	s.boundEnded()
	s.verify()
}

// exclusiveHold returns the lock whose exclusive hold that is, or nil.
func (s *Shard) exclusiveHold(hold HoldRef) *lock {
	l := s.locks.record(hold.index)
	if l == nil || l.nameLen == 0 || l.serviceLen == 0 || l.token != hold.Token || l.count == 0 {
		return nil
	}
	return l
}

// takeBackOfGroup is TakeBack for a hold of a group. An upgrade that is none any more was
// downgraded by its owner, which has seen its token.
func (s *Shard) takeBackOfGroup(hold HoldRef, fx *Effects) {
	hi, h := s.findToken(hold.Token)
	if h == nil || !h.state.held() || hold.upgrade {
		return
	}
	i := h.lock
	l := s.locks.at(i)
	if s.phase != graceOver {
		if s.current(i, fx) == none {
			return
		}
		if hi, h = s.findToken(hold.Token); h == nil || s.currentHolder(i, l, hi, h, fx) == none {
			return
		}
		if hi, h = s.findToken(hold.Token); h == nil || !h.state.held() {
			return
		}
	}
	h.count--
	l.since--
	s.counts.TakeBacks++
	s.emitHolder(EventTakeBack, l, h, Origin{})
	s.noteHolder(fx, NoteTakeBack, l, h)
	switch {
	case h.count == 0:
		s.endHolder(i, l, hi, h, stateReleased, fx)
	case s.phase == graceOver || !s.inGrace():
		s.passOnGroup(i, l, fx)
	}
	s.verify()
}

// grantedRequest returns the record of the request that was granted that hold of lock l, or none if
// an answer about it has left since.
func (s *Shard) grantedRequest(l *lock, hold HoldRef) (found uint32) {
	found = none
	s.eachGranted(l, func(at uint32) {
		if q := s.requests.at(at); !q.repeated && reqOf(q.number) == hold.req {
			found = at
		}
	})
	return found
}
