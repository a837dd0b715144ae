package table

import (
	"encoding/binary"
	"math"

	"dlm/codec"
)

// A lock that is shared, or a semaphore, has a group of holders. Each is a record of its own, with
// token, count, lease and META. The record of the lock has no service then, so that the quick cases
// of Run, which compare the service, leave it to the general rules without asking. Its fields are
// used for the group:
//
//	ttlMs     the share, which is never 0
//	count     holders, without those whose hold has ended in a grace
//	since     the sum of the counts of these holders: the permits that are taken
//	token     in a grace: claims up to it are refused, see claimgroup.go; else 0
//	deadline  never
//	text      after the name: head and tail of the list of holders
//
// The lease of each holder ends at its own deadline. A command ends the lease of its own service
// first; leases of other holders are left to Advance, because finding the earliest of them would
// cost each heartbeat a search.

// grouped reports whether the record has a group of holders.
func (l *lock) grouped() bool { return l.serviceLen == 0 && l.ttlMs != 0 }

// share returns how the lock is held. The record must be that of a hold or of a group.
func (l *lock) share() share {
	if l.serviceLen != 0 {
		return exclusive
	}
	return share(l.ttlMs)
}

// taken returns how many permits are taken, or how many counts the holders have.
func (l *lock) taken() int64 { return l.since }

// list returns the first and the last holder.
func (l *lock) list() (head, tail uint32) {
	at := l.text[l.serviceAt():]
	return binary.LittleEndian.Uint32(at), binary.LittleEndian.Uint32(at[4:])
}

func (l *lock) setList(head, tail uint32) {
	at := l.text[l.serviceAt():]
	binary.LittleEndian.PutUint32(at, head)
	binary.LittleEndian.PutUint32(at[4:], tail)
}

// openGroup makes the record, which has no service, that of a group without holders.
func (l *lock) openGroup(a share) {
	l.ttlMs, l.count, l.since, l.deadline = uint32(a), 0, 0, math.MaxInt64
	l.extra, l.by = 0, 0
	l.setList(none, none)
}

// closeGroup makes the record one without a holder, for the caller to grant or forget. Its list may
// have records of holds that have ended in a grace.
func (s *Shard) closeGroup(l *lock) {
	for {
		head, _ := l.list()
		if head == none {
			break
		}
		s.dropHolder(head, s.holderAt(head), l)
	}
	l.token, l.ttlMs, l.since = 0, 0, 0
}

// hasRoom reports whether the group admits one more grant.
func (l *lock) hasRoom() bool { return l.share() == shared || l.taken() < int64(l.ttlMs) }

// acquireOfGroup executes ACQUIRE on a lock that has a group.
func (s *Shard) acquireOfGroup(i uint32, l *lock, cmd *codec.Command, from Origin, fx *Effects, r *Result) {
	_, h := s.findHolder(i, l, cmd.Service)
	want, may := shareOf(cmd), s.attachedFrom(l.first) == none && l.hasRoom()
	switch {
	case h != nil && cmd.Has(codec.OptFresh):
		r.Code, r.Token = codec.AlreadyHeld, h.token
	case h != nil && want == exclusive, !want.mixes(l.share()), s.queueDiffers(l, want):
		r.Code = codec.Conflict
	case h != nil && (want == shared || may):
		s.acquireAgain(l, h, cmd, from, r)
	case want == l.share() && may:
		s.joinGroup(i, l, cmd, from, r)
	case cmd.WaitMs == 0:
		s.refuseHeld(l, h, fx, r)
	default:
		s.wait(i, l, cmd, from, r)
	}
}

// queueDiffers reports whether requests of another kind wait for the lock.
func (s *Shard) queueDiffers(l *lock, want share) bool {
	return l.last != none && !s.waiters.at(l.last).share.mixes(want)
}

// joinGroup makes the service a holder of the group, or the first holder of a group if lock i is
// vacant.
func (s *Shard) joinGroup(i uint32, l *lock, cmd *codec.Command, from Origin, r *Result) {
	if which := s.reserveHolder(cmd); which != codec.WhichNone {
		r.limit(which)
		return
	}
	if !l.grouped() {
		l.openGroup(shareOf(cmd))
	}
	s.enterGroup(i, l, cmd, from, r)
}

// acquireFreeGroup grants a lock that nobody holds to a first holder of a group.
func (s *Shard) acquireFreeGroup(tag uint32, cmd *codec.Command, from Origin, r *Result) {
	if which := s.reserveHolder(cmd); which != codec.WhichNone {
		r.limit(which)
		return
	}
	i, which := s.placeWait(tag, cmd.Name)
	if which != codec.WhichNone {
		s.lockQuota.giveBack(&s.table.locks)
		s.giveBackHold()
		r.limit(which)
		return
	}
	l := s.locks.at(i)
	l.openGroup(shareOf(cmd))
	s.enterGroup(i, l, cmd, from, r)
}

// enterGroup makes the service a holder of the group. The caller has reserved it.
func (s *Shard) enterGroup(i uint32, l *lock, cmd *codec.Command, from Origin, r *Result) {
	h := s.grantHolder(i, l, cmd.Service, optionalTTL(cmd), metaOf(cmd), from.Conn)
	s.answerGrant(EventGrant, i, l, h, from, r)
}

// reserveHolder takes a credit for the record of a further holder. It returns the limit that keeps
// the service from being one, or WhichNone.
func (s *Shard) reserveHolder(cmd *codec.Command) codec.Which {
	switch {
	case s.counter >= s.tokenMax():
		return codec.WhichTokens
	case s.table.full.Load() && !s.holderFits(cmd.Service, metaOf(cmd)):
		return codec.WhichMemory
	case !s.lockQuota.take(&s.table.locks):
		return codec.WhichLocks
	case !s.takeUse(ofHolds, cmd.Service):
		s.lockQuota.giveBack(&s.table.locks)
		return codec.WhichQuota
	}
	return codec.WhichNone
}

// grantHolder makes service a holder under a new token. The caller has a credit for it and has
// checked that a token is left.
func (s *Shard) grantHolder(i uint32, l *lock, service []byte, ttlMs uint32, meta []byte, conn ConnID) *holder {
	hi, h := s.addHolder(i, l, service, s.counter+1)
	s.beginHold(&h.hold, &h.grantee, ttlMs)
	h.markGrant(markOf(conn))
	s.setMeta(&h.grantee, meta)
	s.countHolder(l, h)
	s.armHolder(hi, h)
	return h
}

// countHolder counts a holder that holds from now on.
func (s *Shard) countHolder(l *lock, h *holder) {
	if l.count++; l.state != stateSettled { // nobody held the lock in a grace
		l.state = stateSettled
		s.grace.unheld--
	}
	l.since += int64(h.count)
}

// takeOut ends what is left of a holder's hold and lets nobody in. It reports whether the record is
// kept, because a grace runs.
func (s *Shard) takeOut(l *lock, hi uint32, h *holder, to recoveryState) (kept bool) {
	l.count--
	l.since -= int64(h.count)
	h.count = 0
	if s.phase != graceOver && s.inGrace() {
		s.unholdHolder(l, hi, h, to)
		return true
	}
	s.dropHolder(hi, h, l)
	return false
}

// forceGroup ends one hold of the group, or all without TOKEN. It lets others in after the last
// one, because a request must not be granted a hold that the command is about to end.
func (s *Shard) forceGroup(i uint32, l *lock, cmd *codec.Command, fx *Effects, r *Result) {
	switch hi, h := s.findToken(cmd.Token); {
	case !cmd.Has(codec.OptToken):
		s.forceAll(l, cmd, fx, r)
	case h == nil || h.lock != i || !h.state.held():
		r.Code = codec.Stale
	default:
		s.forceHolder(l, hi, h, cmd, fx, r)
	}
	switch {
	case r.Code != codec.OK:
	case s.phase != graceRuns:
		s.passOnGroup(i, l, fx)
	case !cmd.Has(codec.OptToken):
		l.token = max(l.token, r.Token) // nothing up to a forced token is believed
	}
}

// forceAll ends all holds of the group.
func (s *Shard) forceAll(l *lock, cmd *codec.Command, fx *Effects, r *Result) {
	if l.count == 0 {
		r.Code = codec.NotHeld
		return
	}
	for at, _ := l.list(); at != none; {
		hi, h := at, s.holderAt(at)
		if at = h.next; h.state.held() {
			s.forceHolder(l, hi, h, cmd, fx, r)
		}
	}
}

// forceHolder ends the hold of one holder, and lets nobody in.
func (s *Shard) forceHolder(l *lock, hi uint32, h *holder, cmd *codec.Command, fx *Effects, r *Result) {
	s.forceHold(l, h, reasonOf(cmd), fx, r)
	s.takeOut(l, hi, h, stateFenced)
}

// currentGroup brings lock i, which has a group, up to the present for a command of that service:
// its lease is ended if it is over, and so are waits at the head of the queue. It returns i, or
// none if the record is gone.
func (s *Shard) currentGroup(i uint32, l *lock, service []byte, fx *Effects) uint32 {
	if hi, h := s.findHolder(i, l, service); h != nil {
		if i = s.currentHolder(i, l, hi, h, fx); i == none || !l.grouped() {
			return i
		}
	}
	if s.phase == graceRuns {
		return i
	}
	return s.passOnGroup(i, l, fx)
}

// currentHolder decides about a holder once the grace is over, and ends its lease, if their time
// has come.
func (s *Shard) currentHolder(i uint32, l *lock, hi uint32, h *holder, fx *Effects) uint32 {
	if s.phase == graceEnds && h.state != stateSettled {
		return s.settle(i, l, hi, h, fx)
	}
	if h.state.held() && h.deadline <= s.leaseNow() {
		return s.expire(i, l, hi, h, fx)
	}
	return i
}
