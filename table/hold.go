package table

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
