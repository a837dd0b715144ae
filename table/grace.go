package table

import (
	"math"

	"dlm/codec"
)

// A table that starts from an image does not know what happened after it: a hold
// of the image may have been released, a lock that is free in it may be held. So
// for a while, the grace, it grants nothing, and lets holders show their tokens;
// then every lock is settled by what was shown. See doc.go.

// phase is how far the grace of a shard has come.
type phase uint8

const (
	graceOver phase = iota // or there was none
	graceRuns
	graceEnds // its time is over; records are settled one by one
)

// grace is what a shard knows of its recovery.
type grace struct {
	until   int64       // table time in ns
	floor   codec.Token // the image's counter: a lock that is not in the image is believed with larger tokens only
	ceiling codec.Token // the last token given before this start
	settled uint32      // records below are settled; graceEnds only
	unheld  int         // records that nobody holds
}

// recoveryState is how a record came through the recovery. All but stateSettled exist
// only in a grace, until the record is settled.
type recoveryState uint8

const (
	stateSettled    recoveryState = iota // a hold like any other
	stateUnverified                      // a hold of the image; nobody has shown that it lives
	stateRenewed                         // its owner has renewed it, without the token
	stateConfirmed                       // its owner has shown the token
	stateReleased                        // no hold: it was given back. Owner and token stay on record
	stateFenced                          // no hold: forced, expired, or never known. What has no larger token is refused
)

func (st recoveryState) held() bool { return st < stateReleased }

// inGrace brings the phase up to date and tells whether the grace still runs.
func (s *Shard) inGrace() bool {
	if s.phase == graceRuns && s.leaseNow() >= s.grace.until {
		s.phase = graceEnds
	}
	return s.phase == graceRuns
}

// current settles the record i for what has come to its end in lease time: its grace,
// then its lease. It returns i, or none if the record is gone.
func (s *Shard) current(i uint32, fx *Effects) uint32 {
	if s.phase != graceOver && !s.inGrace() && i != none {
		i = s.endGraceOf(i, fx)
	}
	if i != none && s.locks.at(i).deadline <= s.leaseNow() {
		i = s.expire(i, fx)
	}
	return i
}

// endGraceOf ends what the grace left open about lock i, once the grace is over. A
// hold that nobody has spoken for ends; one that was renewed without its token gets a
// new one: who else has the old token can't pass for its owner any more.
func (s *Shard) endGraceOf(i uint32, fx *Effects) uint32 {
	l := s.locks.at(i)
	was := l.state
	l.state = stateSettled
	switch was {
	case stateUnverified:
		return s.expire(i, fx)
	case stateRenewed:
		if s.counter >= s.tokenMax() {
			return s.expire(i, fx)
		}
		s.counter++
		l.token = s.counter
		s.emit(EventRetoken, l, s.service(l), Origin{})
	case stateReleased, stateFenced:
		s.grace.unheld--
		return s.passOn(i, l, fx)
	}
	return i
}

// endGrace settles records, as many as budget allows.
func (s *Shard) endGrace(budget *int, fx *Effects) {
	for ; *budget > 0 && s.grace.settled < s.locks.len(); s.grace.settled++ {
		if l := s.locks.record(s.grace.settled); l != nil && l.nameLen > 0 {
			s.endGraceOf(s.grace.settled, fx)
		}
		*budget--
	}
	if s.grace.settled == s.locks.len() {
		s.phase = graceOver
	}
}

// unhold ends a hold while the grace runs: nobody is granted it
// before the end, and the record stays, so that no older claim passes.
func (s *Shard) unhold(l *lock, to recoveryState) {
	if l.state.held() {
		s.grace.unheld++
	}
	l.state = to
	l.count = 0
	l.deadline = math.MaxInt64
	s.setMeta(l, nil)
	if to == stateFenced {
		s.dropService(l)
	}
}

// endHold passes lock i on, whose hold has ended, or, in a grace, keeps it.
func (s *Shard) endHold(i uint32, l *lock, to recoveryState, fx *Effects) uint32 {
	if s.phase != graceOver && s.inGrace() {
		s.unhold(l, to)
		return i
	}
	return s.passOn(i, l, fx)
}

// placeWait makes a record for a lock that nobody holds, so that requests can
// wait for the end of the grace.
func (s *Shard) placeWait(tag uint32, name []byte) (i uint32, which codec.Which) {
	switch {
	case s.table.full.Load() && !s.lockFits(name, nil, nil):
		return none, codec.WhichMemory
	case !s.lockQuota.take(&s.table.locks):
		return none, codec.WhichLocks
	}
	return s.place(tag, name), codec.WhichNone
}

// placeClaim makes one for a claim to be entered; only the limit of memory can refuse it. Requests that wait may
// have used up the limit of locks: holders, who came first, may pass it.
func (s *Shard) placeClaim(tag uint32, name, service []byte) (i uint32, ok bool) {
	if s.table.full.Load() && !s.lockFits(name, service, nil) {
		return none, false
	}
	s.lockQuota.takeAnyway(&s.table.locks)
	return s.place(tag, name), true
}

func (s *Shard) place(tag uint32, name []byte) uint32 {
	i, l := s.create(tag, name)
	l.token, l.count, l.ttlMs, l.serviceLen, l.by = 0, 0, 0, 0, 0
	l.state, l.deadline = stateFenced, math.MaxInt64
	s.grace.unheld++
	return i
}

// forgetEmpty frees lock i if it was made for waiters and none is left.
func (s *Shard) forgetEmpty(i uint32) {
	if l := s.locks.at(i); l.state == stateFenced && l.token == 0 && l.first == none {
		l.state = stateSettled
		s.grace.unheld--
		s.forget(i, l)
	}
}
