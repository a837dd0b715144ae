package table

import (
	"math"

	"dlm/codec"
)

// A table that starts from an image does not know what happened after it. A hold of the image may
// have been released, and a lock that is free in the image may be held. So for a while, the grace,
// the table grants nothing and lets holders show their tokens. At the end of the grace it decides
// about every lock by the tokens it has seen. See doc.go.

// phase is the progress of a shard's grace.
type phase uint8

const (
	graceOver phase = iota // or there was none
	graceRuns
	graceEnds // its time is over; the records are decided one by one
)

// grace is the state of a shard's recovery.
type grace struct {
	until int64 // table time in ns
	// the image's counter: a claim to a lock that the image does not have needs a larger token
	floor   codec.Token
	ceiling codec.Token // the last token given before this start
	settled uint32      // locks below are decided; graceEnds only
	holders uint32      // the same for holders of groups, after all locks
	unheld  int32       // records that nobody holds
	changed uint32      // how often a claim has changed the mode of a lock on record
}

// recoveryState is the state of a record in a recovery. All but stateSettled exist only in a grace,
// until endGraceOf has decided about the record.
type recoveryState uint8

const (
	stateSettled    recoveryState = iota // a hold as outside of a recovery
	stateUnverified                      // a hold of the image; no sign of its owner yet
	stateRenewed                         // its owner has renewed it without the token
	stateConfirmed                       // its owner has shown the token
	// no hold: its owner has released it. Owner and token stay on record
	stateReleased
	// no hold: forced, expired, or never known. Claims without a larger token are refused
	stateFenced
	// no hold, and no matter of a recovery: only detached requests wait, see detached.go
	stateVacant
)

func (st recoveryState) held() bool { return st < stateReleased }

// inGrace updates the phase and reports whether the grace still runs.
func (s *Shard) inGrace() bool {
	if s.phase == graceRuns && s.leaseNow() >= s.grace.until {
		s.phase = graceEnds
	}
	return s.phase == graceRuns
}

// current ends the grace of record i, and then its lease, if their time has come. It returns i, or
// none if the record is gone.
func (s *Shard) current(i uint32, fx *Effects) uint32 {
	if s.phase != graceOver && !s.inGrace() && i != none {
		i = s.endGraceOf(i, fx)
	}
	if i != none && s.locks.at(i).deadline <= s.leaseNow() {
		i = s.expire(i, s.locks.at(i), none, nil, fx)
	}
	return i
}

// currentFor is current for a command, which also ends the lease of its own service in a group.
func (s *Shard) currentFor(i uint32, cmd *codec.Command, fx *Effects) uint32 {
	if i = s.current(i, fx); i == none || cmd.Verb == codec.VerbForceRelease {
		return i
	}
	if l := s.locks.at(i); l.grouped() {
		return s.currentGroup(i, l, cmd.Service, fx)
	}
	return i
}

// endGraceOf decides about lock i once the grace is over.
func (s *Shard) endGraceOf(i uint32, fx *Effects) uint32 {
	switch l := s.locks.at(i); {
	case l.grouped():
		return s.endGraceOfGroup(i, l, fx)
	case l.state != stateVacant:
		return s.settle(i, l, none, nil, fx)
	}
	return i
}

// settle decides about a hold once the grace is over. An unverified hold ends. A hold that was
// renewed without its token gets a new one, so that nobody else who knows the old token can act as
// the owner. It returns i, or none if the record of the lock is gone.
func (s *Shard) settle(i uint32, l *lock, hi uint32, h *holder, fx *Effects) uint32 {
	_, g := l.holdOf(h)
	was := g.state
	g.state = stateSettled
	switch {
	case was == stateUnverified, was == stateRenewed && s.counter >= s.tokenMax():
		return s.expire(i, l, hi, h, fx)
	case was == stateRenewed:
		s.counter++
		s.retokenRequests(l, h, s.counter)
		s.setToken(hi, h, l, s.counter)
		s.emitHold(EventRetoken, l, h, Origin{})
	case was.held():
	case h != nil:
		s.dropHolder(hi, h, l)
		return i
	default:
		s.grace.unheld--
		return s.passOn(i, l, fx)
	}
	if h == nil {
		return i
	}
	return s.passOnGroup(i, l, fx)
}

// endGrace decides about as many records as budget allows.
func (s *Shard) endGrace(budget *int, fx *Effects) {
	for ; *budget > 0 && s.grace.settled < s.locks.len(); s.grace.settled++ {
		if l := s.locks.record(s.grace.settled); l != nil && l.nameLen > 0 {
			s.endGraceOf(s.grace.settled, fx)
		}
		*budget--
	}
	if s.grace.settled < s.locks.len() {
		return
	}
	if s.groups == nil || s.endGraceOfHolders(budget, fx) {
		s.phase = graceOver
	}
}

// unhold ends a hold while the grace runs. The lock is not granted before the end of the grace, and
// the record stays, so that no older claim is believed.
func (s *Shard) unhold(l *lock, to recoveryState) {
	if l.state.held() {
		s.grace.unheld++
	}
	l.state = to
	l.count = 0
	l.deadline = math.MaxInt64
	s.setMeta(&l.grantee, nil)
	if to == stateFenced {
		s.dropService(l)
		l.ttlMs = 0
	}
}

// placeWait makes a record for a lock that nobody holds: for requests that wait for the end of the
// grace, or for a group. It returns the limit that it has reached, or WhichNone.
func (s *Shard) placeWait(tag uint32, name []byte) (i uint32, which codec.Which) {
	switch {
	case s.table.full.Load() && !s.lockFits(name, nil, nil):
		return none, codec.WhichMemory
	case !s.lockQuota.take(&s.table.locks):
		return none, codec.WhichLocks
	}
	return s.place(tag, name), codec.WhichNone
}

// placeClaim returns lock i, or if it is none a new record for a claim. Only the limit of memory
// can refuse that, and placeClaim returns none then: waiting requests may have used up the limit of
// locks, and the holder was there before them.
func (s *Shard) placeClaim(i, tag uint32, name, service []byte, r *Result) uint32 {
	switch {
	case i != none:
		return i
	case s.table.full.Load() && !s.lockFits(name, service, nil):
		r.limit(codec.WhichMemory)
		return none
	}
	s.lockQuota.takeAnyway(&s.table.locks)
	return s.place(tag, name)
}

func (s *Shard) place(tag uint32, name []byte) uint32 {
	i, l := s.create(tag, name)
	l.token, l.count, l.ttlMs, l.serviceLen, l.by = 0, 0, 0, 0, 0
	l.state, l.deadline = stateFenced, math.MaxInt64
	s.grace.unheld++
	return i
}

// forgetEmpty frees lock i if it has its record for waiters alone and none is left.
func (s *Shard) forgetEmpty(i uint32) {
	l := s.locks.at(i)
	if l.first == none && (l.state == stateVacant || l.state == stateFenced && l.token == 0 && !l.grouped()) {
		l.state = stateSettled
		s.grace.unheld--
		s.forget(i, l)
	}
}
