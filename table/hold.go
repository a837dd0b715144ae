package table

import "dlm/codec"

// A hold of a group and an exclusive one have the same rules. Functions for both take the lock and
// the holder, which is nil if the hold is exclusive.

// holdOf returns the hold of h, or the exclusive hold of the lock if h is nil.
func (l *lock) holdOf(h *holder) (*hold, *grantee) {
	if h != nil {
		return &h.hold, &h.grantee
	}
	return &l.hold, &l.grantee
}

// serviceOf returns the service of the holder h, or of the exclusive hold if h is nil.
func (s *Shard) serviceOf(l *lock, h *holder) []byte {
	if h != nil {
		return s.holderService(h)
	}
	return s.service(l)
}

// meta returns the META of a hold, or nil. It aliases the arena.
func (s *Shard) meta(g *grantee) []byte {
	if g.meta == 0 {
		return nil
	}
	return s.arena.get(g.meta, g.metaLen())
}

// holdBy returns the hold of the service on lock i, which may be none. x is nil if there is none,
// and h is nil if it is exclusive.
func (s *Shard) holdBy(i uint32, service []byte) (x *hold, g *grantee, hi uint32, h *holder) {
	l := s.lockAt(i)
	switch {
	case l == nil:
		return nil, nil, none, nil
	case l.grouped():
		if hi, h = s.findHolder(i, l, service); h == nil || !h.state.held() {
			return nil, nil, none, nil
		}
	case !l.state.held() || string(s.service(l)) != string(service):
		return nil, nil, none, nil
	}
	x, g = l.holdOf(h)
	return x, g, hi, h
}

// eachHold calls do for each record of a hold, also of one that has ended in a grace, unless it has
// no service any more.
func (s *Shard) eachHold(do func(l *lock, h *holder)) {
	for i := range s.locks.len() {
		if l := s.locks.record(i); l != nil && l.nameLen > 0 && l.serviceLen > 0 {
			do(l, nil)
		}
	}
	for i := range s.groups.records() {
		if h := s.groups.holders.inUse(i); h != nil {
			do(s.locks.at(h.lock), h)
		}
	}
}

// owned returns the hold of the command's service on lock i, which is held: h is nil if it is
// exclusive. If the service has none, or the command has another token, it sets the code and
// returns false.
func (s *Shard) owned(i uint32, l *lock, cmd *codec.Command, r *Result) (hi uint32, h *holder, ok bool) {
	token := l.token
	if l.grouped() {
		if hi, h = s.findHolder(i, l, cmd.Service); h == nil {
			r.Code = codec.NotOwner
			return none, nil, false
		}
		token = h.token
	} else if string(s.service(l)) != string(cmd.Service) {
		r.Code = codec.NotOwner
		return none, nil, false
	}
	if cmd.Has(codec.OptToken) && cmd.Token != token {
		r.Code = codec.Stale
		return none, nil, false
	}
	return hi, h, true
}

// onOwn executes a command of a holder of lock i on its own hold. In a grace it is RELEASE or
// HEARTBEAT.
func (s *Shard) onOwn(
	i uint32, l *lock, hi uint32, h *holder, cmd *codec.Command, from Origin, fx *Effects, r *Result,
) {
	switch cmd.Verb {
	case codec.VerbRelease:
		s.giveBack(i, l, hi, h, cmd, fx, r)
	case codec.VerbHeartbeat:
		x, _ := l.holdOf(h)
		s.renewFor(x, optionalTTL(cmd))
		s.emitHold(EventRenew, l, h, Origin{})
		s.describe(x, r)
	case codec.VerbUpgrade:
		s.upgradeOwn(i, l, hi, h, cmd, from, fx, r)
	case codec.VerbDowngrade:
		s.downgradeOwn(i, l, h, fx, r)
	default:
		panic("BUG: verb is not one of the table")
	}
}

// arm makes sure that a wheel hands out the hold no later than its deadline: see armLease.
func (s *Shard) arm(i uint32, l *lock, hi uint32, h *holder) {
	if h != nil {
		s.armHolder(hi, h)
	} else {
		s.armLease(i, l)
	}
}

// takeFrom takes n counts from a hold.
func (s *Shard) takeFrom(l *lock, h *holder, n uint32) {
	x, _ := l.holdOf(h)
	x.count -= n
	if h != nil {
		l.since -= int64(n)
	}
}

// lose takes a hold from its service, which has not asked for that. kind is EventExpire or
// EventForce. The caller ends what is left of the hold.
func (s *Shard) lose(kind EventKind, l *lock, h *holder, reason []byte) {
	x, _ := l.holdOf(h)
	s.takeFrom(l, h, x.count)
	s.emitLost(kind, l, h, reason)
	if kind == EventForce {
		s.counts.Forced++
		s.endRequests(l, h, requestForced)
	} else {
		s.counts.Expiries++
		s.endRequests(l, h, requestExpired)
	}
}

// expire ends a hold of lock i, whose deadline has come, and lets others in. It returns i, or none
// if the record of the lock is gone.
func (s *Shard) expire(i uint32, l *lock, hi uint32, h *holder, fx *Effects) uint32 {
	_, g := l.holdOf(h)
	s.measureHold(g.since)
	s.noteHolder(fx, NoteExpired, l, h)
	s.lose(EventExpire, l, h, nil)
	return s.endHold(i, l, hi, h, stateFenced, fx)
}

// endHold ends what is left of a hold of lock i, which has no counts any more, and lets others in.
// In a grace it keeps the record, in the state to. It returns i, or none if the record of the lock
// is gone.
func (s *Shard) endHold(i uint32, l *lock, hi uint32, h *holder, to recoveryState, fx *Effects) uint32 {
	switch {
	case h != nil:
		if s.takeOut(l, hi, h, to) {
			return i
		}
		return s.passOnGroup(i, l, fx)
	case s.phase != graceOver && s.inGrace():
		s.unhold(l, to)
		return i
	}
	return s.passOn(i, l, fx)
}

// someHolder returns the holder of lock l that has held it for longest, but not own if there is
// another; it is nil if the lock is exclusive. ok is false if nobody is known to hold the lock.
func (s *Shard) someHolder(l *lock, own *holder) (h *holder, ok bool) {
	switch {
	case l.count == 0:
		return nil, false
	case !l.grouped():
		return nil, true
	}
	at, _ := l.list()
	h = s.holderAt(at)
	if h == own && h.next != none {
		h = s.holderAt(h.next)
	}
	return h, h.state.held()
}
