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
		if i == none || !s.locks.at(i).state.held() {
			r.Code = codec.Recovering
			return
		}
		s.force(i, s.locks.at(i), cmd, fx, r)
	default: // RELEASE, HEARTBEAT
		switch {
		case !cmd.Has(codec.OptToken):
			s.onKnown(i, cmd, fx, r)
		case s.concernsGroup(i, cmd):
			s.showTokenOfGroup(i, tag, cmd, fx, r)
		default:
			s.showToken(i, tag, cmd, fx, r)
		}
	}
}

// onKnown executes RELEASE or HEARTBEAT without TOKEN.
func (s *Shard) onKnown(i uint32, cmd *codec.Command, fx *Effects, r *Result) {
	x, g, hi, h := s.holdBy(i, cmd.Service)
	if x == nil {
		r.Code = codec.Recovering
		return
	}
	l := s.locks.at(i)
	if cmd.Verb == codec.VerbHeartbeat && g.state == stateUnverified {
		g.state = stateRenewed
		s.restartLease(i, l, hi, h, cmd)
	}
	s.onOwn(i, l, hi, h, cmd, Origin{}, fx, r)
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
	x, g, _, h := s.holdBy(i, cmd.Service)
	if x != nil && g.state == stateConfirmed && (h == nil || !cmd.Has(codec.OptPermits)) {
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
	default:
		s.refuseHeld(l, nil, fx, r)
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
		s.showKnown(i, s.locks.at(i), none, nil, cmd, fx, r)
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

// showKnown executes the command for a hold on record, whose token is not smaller.
func (s *Shard) showKnown(i uint32, l *lock, hi uint32, h *holder, cmd *codec.Command, fx *Effects, r *Result) {
	x, g := l.holdOf(h)
	switch {
	case cmd.Token < x.token, g.state == stateFenced:
		r.Code = codec.Stale
	case string(s.serviceOf(l, h)) != string(cmd.Service):
		r.Code = codec.NotOwner
	case g.state == stateReleased && cmd.Verb == codec.VerbRelease:
		r.Token = x.token // the record does not have the last re-entry
	case g.state == stateReleased && (!cmd.Has(codec.OptCount) || h != nil && h.token == l.token && !cmd.Has(codec.OptShared)):
		r.Code = codec.NotHeld // an exclusive hold that was overtaken comes back as a shared one
	default:
		s.shown(i, l, hi, h, cmd, fx, r)
	}
}

// claim enters a hold that was granted after the image was written. A hold with a smaller token has
// ended, whichever owner it had.
func (s *Shard) claim(i, tag uint32, cmd *codec.Command, fx *Effects, r *Result) {
	if i = s.placeClaim(i, tag, cmd.Name, cmd.Service, r); i == none {
		return
	}
	l := s.locks.at(i)
	if l.state.held() {
		s.lose(EventExpire, l, nil, nil)
		s.unhold(l, stateFenced)
	} else {
		s.dropService(l)
	}
	s.setService(l, cmd.Service)
	l.token = cmd.Token
	l.markGrant(0)
	s.claimed(i, l, none, nil, cmd, fx, r)
}

// claimed confirms the record that was made for a claim.
func (s *Shard) claimed(i uint32, l *lock, hi uint32, h *holder, cmd *codec.Command, fx *Effects, r *Result) {
	x, g := l.holdOf(h)
	// The TTL of the grant is not known unless the command repeats it.
	x.ttlMs, g.since, g.state = s.table.ttlMs, s.now, stateReleased // which is revived now
	if cmd.Verb == codec.VerbRelease {
		x.ttlMs = 0 // see unknownShare
	}
	s.counts.Claims++
	s.emitHold(EventClaim, l, h, Origin{})
	s.noteHolder(fx, NoteClaim, l, h)
	s.shown(i, l, hi, h, cmd, fx, r)
}

// shown confirms a hold whose holder has shown its token, with the count that the command gives.
func (s *Shard) shown(i uint32, l *lock, hi uint32, h *holder, cmd *codec.Command, fx *Effects, r *Result) {
	x, g := l.holdOf(h)
	if g.state != stateConfirmed {
		if !g.state.held() {
			s.revive(l, h)
		}
		g.state = stateConfirmed
		s.restartLease(i, l, hi, h, cmd)
	}
	if cmd.Has(codec.OptCount) {
		count := cmd.Count
		if h != nil {
			if n := l.share().permits(); n > 0 {
				count = min(count, n)
			}
			l.since += int64(count) - int64(x.count)
		}
		x.count = count
	}
	s.onOwn(i, l, hi, h, cmd, Origin{}, fx, r)
	if h == nil && l.state == stateConfirmed {
		s.grantReentries(i, l, fx)
	}
}

// revive gives a hold on record that has ended a count of one.
func (s *Shard) revive(l *lock, h *holder) {
	if h == nil {
		l.count = 1
		s.grace.unheld--
		return
	}
	h.count = 1
	s.countHolder(l, h)
}

// restartLease lets the lease run as if the lock had been acquired now. It can end earlier than the
// lease that Import gave.
func (s *Shard) restartLease(i uint32, l *lock, hi uint32, h *holder, cmd *codec.Command) {
	x, _ := l.holdOf(h)
	x.deadline = s.now
	s.renew(x, optionalTTL(cmd))
	s.arm(i, l, hi, h)
}

// grantReentries grants the holder's requests at any place of the queue, because they would not
// have waited had its hold been known. A FRESH request keeps waiting.
func (s *Shard) grantReentries(i uint32, l *lock, fx *Effects) {
	for at := l.first; at != none && l.count < countMax; {
		w := s.waiters.at(at)
		next := w.next
		if w.deadline > s.waitNow() && !w.fresh && !w.detached && w.share.permits() == 0 && string(s.waiterService(w)) == string(s.service(l)) {
			s.deliverAgain(i, l, nil, at, fx)
		}
		at = next
	}
}
