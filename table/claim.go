package table

import "dlm/codec"

// applyInGrace is Apply while the grace runs. It grants only re-entries, to holders that have shown
// their token.
func (s *Shard) applyInGrace(i, tag uint32, cmd *codec.Command, from Origin, fx *Effects, r *Result) {
	switch cmd.Verb {
	case codec.VerbAcquire:
		s.acquireInGrace(i, tag, cmd, from, fx, r)
	case codec.VerbUpgrade, codec.VerbDowngrade:
		r.Code = codec.Recovering
	case codec.VerbForceRelease:
		switch {
		case i == none || !s.locks.at(i).state.held():
			r.Code = codec.Recovering
		case s.locks.at(i).grouped():
			s.forceGroup(i, s.locks.at(i), cmd, fx, r)
		default:
			s.force(i, s.locks.at(i), cmd, fx, r)
		}
	default: // RELEASE, HEARTBEAT
		switch {
		case cmd.Has(codec.OptToken) && s.concernsGroup(i, cmd):
			s.showTokenOfGroup(i, tag, cmd, fx, r)
			return
		case cmd.Has(codec.OptToken):
			s.showToken(i, tag, cmd, fx, r)
			return
		case i == none || !s.holds(i, cmd.Service):
			r.Code = codec.Recovering
			return
		case s.locks.at(i).grouped():
			s.onKnownOfGroup(i, s.locks.at(i), cmd, fx, r)
			return
		}
		if l := s.locks.at(i); cmd.Verb == codec.VerbHeartbeat && l.state == stateUnverified {
			l.state = stateRenewed
			s.restartLease(i, l, cmd)
		}
		s.onKnown(i, cmd, fx, r)
	}
}

// concernsGroup reports whether a RELEASE or HEARTBEAT with TOKEN may be about a hold of a group. A
// RELEASE of an unknown hold may, because it does not say how the lock is held.
func (s *Shard) concernsGroup(i uint32, cmd *codec.Command) bool {
	l := s.lockAt(i)
	return cmd.Has(codec.OptShared|codec.OptPermits) || l != nil && l.grouped() ||
		cmd.Verb == codec.VerbRelease && (l == nil || cmd.Token > l.token)
}

// holds reports whether service holds lock i, as far as the table knows.
func (s *Shard) holds(i uint32, service []byte) bool {
	x, _, _, _ := s.holdBy(i, service)
	return x != nil
}

// acquireInGrace lets the request wait, unless its owner has shown the token of its hold.
func (s *Shard) acquireInGrace(i, tag uint32, cmd *codec.Command, from Origin, fx *Effects, r *Result) {
	if i != none && s.locks.at(i).grouped() {
		l := s.locks.at(i)
		if hi, h := s.findHolder(i, l, cmd.Service); h != nil && h.state == stateConfirmed && !cmd.Has(codec.OptPermits) {
			s.acquireOfGroup(i, l, hi, h, cmd, from, fx, r)
			return
		}
	} else if i != none && s.holds(i, cmd.Service) && s.locks.at(i).state == stateConfirmed {
		s.acquire(i, s.locks.at(i), tag, cmd, from, fx, r)
		return
	}
	if cmd.WaitMs == 0 {
		s.refuseInGrace(i, cmd, fx, r)
		return
	}
	if i == none {
		var which codec.Which
		if i, which = s.placeWait(tag, cmd.Name); which != codec.WhichNone {
			r.limit(which)
			return
		}
	}
	s.wait(i, s.locks.at(i), cmd, from, r)
	s.forgetEmpty(i) // if there is no room to wait either
}

// refuseInGrace refuses a request that does not wait.
func (s *Shard) refuseInGrace(i uint32, cmd *codec.Command, fx *Effects, r *Result) {
	switch l := s.lockAt(i); {
	case l == nil || !l.state.held() || s.holds(i, cmd.Service), l.grouped() && l.share() == shareOf(cmd):
		r.Code = codec.Recovering
	case l.grouped():
		s.refuseHeldBy(l, nil, fx, r)
	default:
		s.refuseHeld(l, fx, r)
	}
}

// showToken executes RELEASE or HEARTBEAT with TOKEN in a grace. The token belongs to a known hold,
// or claims one that the image does not have.
func (s *Shard) showToken(i, tag uint32, cmd *codec.Command, fx *Effects, r *Result) {
	known := codec.Token(0)
	if i != none {
		known = s.locks.at(i).token
	}
	switch {
	case cmd.Token < known:
		r.Code = codec.Stale
	case cmd.Token == known:
		s.showKnown(i, cmd, fx, r)
	case cmd.Token <= s.grace.floor:
		r.Code = codec.NotHeld // the hold had ended before the image was written
		if i != none {
			r.Code = codec.Stale
		}
	case cmd.Token > s.grace.ceiling:
		r.Code = codec.Stale // the token was never given
	default:
		s.claim(i, tag, cmd, fx, r)
	}
}

// showKnown executes the command if its token is the one on record.
func (s *Shard) showKnown(i uint32, cmd *codec.Command, fx *Effects, r *Result) {
	l := s.locks.at(i)
	switch {
	case l.state == stateFenced:
		r.Code = codec.Stale
	case string(s.service(l)) != string(cmd.Service):
		r.Code = codec.NotOwner
	case l.state == stateReleased && cmd.Verb == codec.VerbRelease:
		r.Token = l.token // the record does not have the last re-entry
	case l.state == stateReleased && !cmd.Has(codec.OptCount):
		r.Code = codec.NotHeld
	default:
		s.shown(i, l, cmd, fx, r)
	}
}

// claim enters a hold that was granted after the image was written. A hold with a smaller token has
// ended, whichever owner it had.
func (s *Shard) claim(i, tag uint32, cmd *codec.Command, fx *Effects, r *Result) {
	if i == none {
		var ok bool
		if i, ok = s.placeClaim(tag, cmd.Name, cmd.Service); !ok {
			r.limit(codec.WhichMemory)
			return
		}
	}
	l := s.locks.at(i)
	if l.state.held() {
		s.emitLost(EventExpire, l, &l.hold, s.service(l), nil)
		s.counts.Expiries++
		s.endRequests(l, nil, requestExpired)
		s.unhold(l, stateFenced)
	} else {
		s.dropService(l)
	}
	s.setService(l, cmd.Service)
	// The TTL of the grant is not known unless the command repeats it.
	l.token, l.ttlMs, l.since = cmd.Token, s.table.ttlMs, s.now
	l.markGrant(0)
	l.state = stateReleased // the code below revives it
	s.counts.Claims++
	s.emit(EventClaim, l, cmd.Service, Origin{})
	s.note(fx, NoteClaim, l, cmd.Service, 0)
	s.shown(i, l, cmd, fx, r)
}

// shown confirms a hold whose holder has shown its token, with the count that the command gives.
func (s *Shard) shown(i uint32, l *lock, cmd *codec.Command, fx *Effects, r *Result) {
	if l.state != stateConfirmed {
		if !l.state.held() {
			s.grace.unheld--
			l.count = 1
		}
		l.state = stateConfirmed
		s.restartLease(i, l, cmd)
	}
	if cmd.Has(codec.OptCount) {
		l.count = cmd.Count
	}
	s.onKnown(i, cmd, fx, r)
	if l.state == stateConfirmed {
		s.grantReentries(i, l, fx)
	}
}

// restartLease lets the lease run as if the lock had been acquired now. It can end earlier than the
// lease that Import gave.
func (s *Shard) restartLease(i uint32, l *lock, cmd *codec.Command) {
	l.deadline = s.now
	s.renew(&l.hold, optionalTTL(cmd))
	s.armLease(i, l)
}

// onKnown executes RELEASE or HEARTBEAT of a confirmed holder as outside of a grace.
func (s *Shard) onKnown(i uint32, cmd *codec.Command, fx *Effects, r *Result) {
	l := s.locks.at(i)
	if cmd.Verb == codec.VerbRelease {
		s.release(i, l, cmd, fx, r)
	} else {
		s.heartbeat(l, cmd, r)
	}
}

// grantReentries grants the holder's requests at any place of the queue, because they would not
// have waited had its hold been known. A FRESH request keeps waiting.
func (s *Shard) grantReentries(i uint32, l *lock, fx *Effects) {
	for at := l.first; at != none && l.count < countMax; {
		w := s.waiters.at(at)
		next := w.next
		if w.deadline > s.waitNow() && !w.fresh && !w.detached && w.share.permits() == 0 && string(s.waiterService(w)) == string(s.service(l)) {
			s.reenter(&l.hold, &l.grantee, w.ttlMs, w.conn)
			if w.meta != 0 {
				s.setMeta(&l.grantee, s.waiterMeta(w))
			}
			s.deliver(EventReenter, i, l, nil, at, fx)
		}
		at = next
	}
}
