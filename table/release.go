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
		s.describe(l, r)
		return
	}
	s.countRelease(l.since)
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
	r.Token = l.token
	fx.Owner = append(fx.Owner[:0], s.service(l)...)
	l.count = 0
	s.counts.Forced++
	s.measureHold(l.since)
	s.note(fx, NoteForced, l, fx.Owner, s.now-l.since)
	s.emit(EventForce, l, fx.Owner, Origin{})
	s.endHold(i, l, stateFenced, fx)
}

// TakeBack undoes a grant that could not be delivered: one count of that very hold. If the hold has
// ended since, it does nothing.
func (s *Shard) TakeBack(now int64, hold HoldRef, fx *Effects) {
	s.setTime(now)
	l := s.locks.record(hold.index)
	if l == nil || l.nameLen == 0 || l.token != hold.Token || l.count == 0 {
		return
	}
	if s.phase != graceOver && s.current(hold.index, fx) == none {
		return
	}
	l.count--
	s.counts.TakeBacks++
	s.note(fx, NoteTakeBack, l, s.service(l), s.now-l.since)
	s.emit(EventTakeBack, l, s.service(l), Origin{})
	if l.count == 0 {
		s.endHold(hold.index, l, stateReleased, fx)
	}
	s.verify()
}

// Cancel ends a wait without an answer, because its connection is gone. It returns false if the
// wait was over.
func (s *Shard) Cancel(ref WaiterRef) bool {
	w := s.waiters.find(ref)
	if w == nil {
		return false
	}
	s.counts.Cancels++
	s.emit(EventCancel, s.locks.at(w.lock), s.waiterService(w), w.from())
	lock := w.lock
	s.dequeue(ref.index)
	s.forgetEmpty(lock)
	s.verify()
	return true
}
