package table

import "dlm/codec"

// UPGRADE makes the sole holder of a shared lock its exclusive holder, and DOWNGRADE the reverse. A
// request to upgrade waits before the queue until the other holders have left. There is at most
// one, because two would wait for each other.

// upgradeOwn executes UPGRADE of a holder of lock i.
func (s *Shard) upgradeOwn(i uint32, l *lock, hi uint32, h *holder, cmd *codec.Command, from Origin, fx *Effects, r *Result) {
	switch {
	case h == nil:
		s.describe(&l.hold, r) // it is exclusive already
	case l.share() != shared, l.first != none && s.waiters.at(l.first).share == upgrading:
		r.Code = codec.Conflict
	case l.count > 1 && cmd.WaitMs == 0:
		s.refuseHeld(l, h, fx, r)
	case l.count > 1:
		s.wait(i, l, cmd, from, r)
	case s.counter >= s.tokenMax():
		r.limit(codec.WhichTokens)
	default:
		s.upgrade(i, l, hi, h)
		s.answerGrant(EventUpgrade, i, l, nil, from, r)
		r.Hold.upgrade = true
		s.grantFollowers(i, l, s.attachedFrom(l.first), fx)
	}
}

// upgradeWaiter decides about the request w to upgrade at the head of the queue, of the holder h.
// It returns false if the request goes on waiting.
func (s *Shard) upgradeWaiter(i uint32, l *lock, w *waiter, hi uint32, h *holder, fx *Effects) bool {
	switch {
	case h == nil || !h.state.held():
		s.refuseFirst(l, codec.NotHeld, codec.WhichNone, fx)
	case l.count > 1:
		return false
	case s.counter >= s.tokenMax():
		s.refuseFirst(l, codec.Limit, codec.WhichTokens, fx)
	default:
		s.upgrade(i, l, hi, h)
		s.deliver(EventUpgrade, i, l, nil, l.first, fx)
	}
	return true
}

// upgrade makes the sole holder of the group the exclusive holder of lock i, under a new token. Its
// lease begins again.
func (s *Shard) upgrade(i uint32, l *lock, hi uint32, h *holder) {
	s.counter++
	s.counts.Upgrades++
	s.renew(&h.hold, 0)
	s.retokenRequests(l, h, s.counter)
	was := *h
	service := append(s.groups.moved[:0], s.holderService(h)...)
	h.meta = 0 // it moves
	s.dropHolder(hi, h, l)
	s.closeGroup(l)
	l.hold, l.grantee = was.hold, was.grantee
	l.token, l.since, l.state = s.counter, s.now, stateSettled
	s.setService(l, service)
	s.armLease(i, l)
}

// regroup makes the exclusive holder of lock i the first holder of a shared lock. Token, count,
// lease and state stay. The lock keeps the token too.
func (s *Shard) regroup(i uint32, l *lock) (uint32, *holder) {
	s.makeGroups()
	was, by := l.hold, l.grantee
	service := append(s.groups.moved[:0], s.service(l)...)
	s.dropService(l)
	l.meta = 0 // it moves
	l.openGroup(shared)
	s.lockQuota.takeAnyway(&s.table.locks) // nothing is ever kept exclusive for a limit
	hi, h := s.addHolder(i, l, service, was.token)
	h.hold, h.grantee = was, by
	if h.state.held() {
		l.state = stateSettled
		s.countHolder(l, h)
		s.armHolder(hi, h)
	} else {
		l.state = stateFenced
	}
	return hi, h
}

// downgrade is regroup outside of a grace.
func (s *Shard) downgrade(i uint32, l *lock) *holder {
	_, h := s.regroup(i, l)
	l.token = 0
	return h
}

// downgradeOwn executes DOWNGRADE of a holder of lock i.
func (s *Shard) downgradeOwn(i uint32, l *lock, h *holder, fx *Effects, r *Result) {
	switch {
	case h == nil:
		h = s.downgrade(i, l)
		s.counts.Downgrades++
		s.emitHold(EventDowngrade, l, h, Origin{})
		s.describe(&h.hold, r)
		s.passOnGroup(i, l, fx)
	case l.share() != shared:
		r.Code = codec.Conflict
	default:
		s.describe(&h.hold, r) // it is shared already
	}
}
