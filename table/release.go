package table

import "dlm/codec"

// giveBack gives one count of a hold of lock i back, or all with ALL. TOKEN in the command, which
// is a RELEASE or CANCEL, is that of the hold.
func (s *Shard) giveBack(i uint32, l *lock, hi uint32, h *holder, cmd *codec.Command, fx *Effects, r *Result) {
	x, g := l.holdOf(h)
	gone := uint32(1)
	if cmd.Has(codec.OptAll) {
		gone = x.count
	}
	r.Token = x.token
	s.takeFrom(l, h, gone)
	s.emitHold(EventRelease, l, h, Origin{})
	if x.count > 0 {
		s.amended++
		s.describe(x, r)
		s.permitsLeft(i, l, fx)
		return
	}
	s.countRelease(g.since)
	if cmd.Has(codec.OptToken) {
		s.forgetRequests(l, h)
	} else {
		s.endRequests(l, h, requestReleased)
	}
	s.endHold(i, l, hi, h, stateReleased, fx)
}

// permitsLeft lets others in after a holder has given a permit back, and has some left.
func (s *Shard) permitsLeft(i uint32, l *lock, fx *Effects) {
	if l.share().permits() > 0 {
		s.waitEnded(i, fx)
	}
}

// force ends the hold of lock i, which is a lock of somebody.
func (s *Shard) force(i uint32, l *lock, cmd *codec.Command, fx *Effects, r *Result) {
	switch {
	case l.grouped():
		s.forceGroup(i, l, cmd, fx, r)
	case cmd.Has(codec.OptToken) && cmd.Token != l.token:
		r.Code = codec.Stale
	default:
		s.forceHold(l, nil, reasonOf(cmd), fx, r)
		s.endHold(i, l, none, nil, stateFenced, fx)
	}
}

// forceHold takes a hold from its service by FORCE-RELEASE. r is about the newest hold that was
// ended. The caller ends what is left.
func (s *Shard) forceHold(l *lock, h *holder, reason []byte, fx *Effects, r *Result) {
	x, g := l.holdOf(h)
	r.Count++
	if x.token > r.Token {
		r.Token = x.token
		fx.Owner = append(fx.Owner[:0], s.serviceOf(l, h)...)
	}
	s.measureHold(g.since)
	s.noteHolder(fx, NoteForced, l, h)
	s.lose(EventForce, l, h, reason)
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
	i, l, hi, h := s.settledHold(hold, fx)
	if l == nil {
		return
	}
	at := none
	if hold.req != 0 {
		if at = s.grantedRequest(l, h, hold); at == none {
			return
		}
	}
	s.counts.TakeBacks++
	if hold.upgrade {
		s.emitHold(EventDowngrade, l, s.downgrade(i, l), Origin{})
		s.passOnGroup(i, l, fx)
		s.verify()
		return
	}
	s.takeFrom(l, h, 1)
	s.noteHolder(fx, NoteTakeBack, l, h)
	s.emitHold(EventTakeBack, l, h, Origin{})
	switch {
	case at == none:
	case keep > 0:
		s.requeue(i, at, keep)
	default:
		s.dropRequest(at)
	}
	if x, _ := l.holdOf(h); x.count == 0 {
		s.endRequests(l, h, requestReleased)
		s.endHold(i, l, hi, h, stateReleased, fx)
	} else {
		s.permitsLeft(i, l, fx)
	}
	s.boundEnded()
	s.verify()
}

// settledHold returns that hold, with its lock and the holder of a group, after ending its grace
// and its lease in a recovery. l is nil if the hold is over.
func (s *Shard) settledHold(hold HoldRef, fx *Effects) (i uint32, l *lock, hi uint32, h *holder) {
	i, l, hi, h = s.namedHold(hold)
	if l == nil || s.phase == graceOver {
		return i, l, hi, h
	}
	if s.current(i, fx) == none || h != nil && s.currentHolder(i, l, hi, h, fx) == none {
		return none, nil, none, nil
	}
	return s.namedHold(hold)
}

// namedHold returns the hold of that reference, with its lock and the holder of a group. l is nil
// if the hold is over. An upgrade that is none any more is over: its owner, who has seen its token,
// has downgraded it.
func (s *Shard) namedHold(hold HoldRef) (i uint32, l *lock, hi uint32, h *holder) {
	l = s.locks.record(hold.index)
	if l != nil && l.nameLen > 0 && l.serviceLen > 0 && l.token == hold.Token && l.count > 0 {
		return hold.index, l, none, nil
	}
	if hi, h = s.findToken(hold.Token); h != nil && h.state.held() && !hold.upgrade {
		return h.lock, s.locks.at(h.lock), hi, h
	}
	return none, nil, none, nil
}

// grantedRequest returns the record of the request that was granted that hold, or none if an answer
// about it has left since.
func (s *Shard) grantedRequest(l *lock, h *holder, hold HoldRef) (found uint32) {
	found = none
	s.eachGranted(l, h, func(at uint32) {
		if q := s.requests.at(at); !q.repeated && reqOf(q.number) == hold.req {
			found = at
		}
	})
	return found
}
