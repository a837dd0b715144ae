package table

import "dlm/codec"

// In a grace, several holders of a group may be unknown. Each shows its own token, and a larger
// token does not end the others:
//
//   - A claim with SHARED or PERMITS joins a group of the same share.
//   - A claim of another share, larger than all tokens on record, ends what is on record: the lock
//     was free in between. But an exclusive hold can have become shared, so it stays on record for
//     its owner to claim it with SHARED.
//   - The token of the lock's record is that of the last hold that was exclusive, or of the newest
//     one when all were forced. Claims up to it are refused.
//   - A RELEASE does not say how the lock was held. One of an unknown hold ends no others of the
//     group, and leaves a record without a TTL: its share is not known.
//
// A hold that has ended stays on record, as that of an exclusive lock does.

// showTokenOfGroup is showToken for a lock that has a group, or a command that may be about one.
func (s *Shard) showTokenOfGroup(i, tag uint32, cmd *codec.Command, fx *Effects, r *Result) {
	l := s.lockAt(i)
	if l != nil && l.serviceLen != 0 && l.token == cmd.Token {
		switch {
		case string(s.service(l)) != string(cmd.Service):
			r.Code = codec.NotOwner
			return
		case !cmd.Has(codec.OptShared):
			r.Code = codec.Stale
			return
		}
		s.grace.changed++
		s.regroup(i, l) // the holder has downgraded it since the image
	}
	if l != nil && l.grouped() {
		hi, h := s.findHolder(i, l, cmd.Service)
		if h != nil && h.token >= cmd.Token && !(h.token == cmd.Token && h.unknownShare() && cmd.Has(codec.OptCount)) {
			s.showKnown(i, l, hi, h, cmd, fx, r)
			return
		}
	}
	s.showUnknown(i, tag, l, cmd, fx, r)
}

// showUnknown executes the command for a hold of which the table does not know how it is held, or
// nothing at all. l is lock i, or nil.
func (s *Shard) showUnknown(i, tag uint32, l *lock, cmd *codec.Command, fx *Effects, r *Result) {
	want, last := shareOf(cmd), codec.Token(0)
	if cmd.Verb == codec.VerbRelease {
		want = shared // most likely, and it does not end others
	}
	if l != nil {
		if last = l.token; l.grouped() && cmd.Verb == codec.VerbRelease {
			want = l.share()
		}
	}
	_, other := s.findToken(cmd.Token)
	switch {
	case l == nil && cmd.Token <= s.grace.floor:
		r.Code = codec.NotHeld
	case cmd.Token <= max(last, s.grace.floor), cmd.Token > s.grace.ceiling:
		r.Code = codec.Stale
	case other != nil && (other.lock != i || string(s.holderService(other)) != string(cmd.Service)):
		r.Code = codec.Stale // the token is that of another hold
	case l != nil && l.grouped() && l.share() != want && s.newestOf(l, want) > cmd.Token:
		r.Code = codec.Stale
	default:
		s.claimOfGroup(i, tag, want, cmd, fx, r)
	}
}

// newestOf returns the largest token in the group that a claim of the share want has to exceed, or
// 0. It looks at all of them, for a claim that does not fit to the group. A record whose share is
// not known may fit to it, unless the claim is exclusive.
func (s *Shard) newestOf(l *lock, want share) (newest codec.Token) {
	for at, _ := l.list(); at != none; at = s.holderAt(at).next {
		if h := s.holderAt(at); want == exclusive || !h.unknownShare() {
			newest = max(newest, h.token)
		}
	}
	return newest
}

// unknownShare reports whether the record is that of a RELEASE which was all that the table has
// heard of the hold.
func (h *holder) unknownShare() bool { return h.state == stateReleased && h.ttlMs == 0 }

// claimOfGroup enters a hold of the share want that was granted after the image was written.
func (s *Shard) claimOfGroup(i, tag uint32, want share, cmd *codec.Command, fx *Effects, r *Result) {
	if want != exclusive && s.table.full.Load() && !s.holderFits(cmd.Service, nil) {
		r.limit(codec.WhichMemory)
		return
	}
	if i = s.placeClaim(i, tag, cmd.Name, nil, r); i == none {
		return
	}
	l := s.locks.at(i)
	switch {
	case l.grouped() && l.share() != want && want != exclusive && s.newestOf(l, want) == 0:
		s.grace.changed++
		l.ttlMs = uint32(want) // no share of the group is known
	case l.grouped() && l.share() != want:
		s.endGroup(l, want)
	case l.serviceLen != 0 && want != exclusive: // claim ends it for an exclusive one
		s.overtake(i, l, want)
	}
	if want == exclusive {
		s.claim(i, tag, cmd, fx, r)
		return
	}
	if !l.grouped() {
		l.openGroup(want)
	}
	if hi, h := s.findHolder(i, l, cmd.Service); h != nil { // an earlier hold of the service
		s.overtakeHolder(l, hi, h)
	}
	s.lockQuota.takeAnyway(&s.table.locks)
	hi, h := s.addHolder(i, l, cmd.Service, cmd.Token)
	s.claimed(i, l, hi, h, cmd, fx, r)
}

// overtakeHolder ends the hold of a holder, because its service has shown a larger token.
func (s *Shard) overtakeHolder(l *lock, hi uint32, h *holder) {
	if h.state.held() {
		s.lose(EventExpire, l, h, nil)
		s.takeOut(l, hi, h, stateFenced)
	}
	s.dropHolder(hi, h, l)
}

// endGroup ends all holds of a group, because a claim of the share want shows that the lock was
// free after them. It leaves a record without a holder, whose token is the largest of theirs.
func (s *Shard) endGroup(l *lock, want share) {
	s.grace.changed++
	fence := max(l.token, s.newestOf(l, want))
	for at, _ := l.list(); at != none; at = s.holderAt(at).next {
		if h := s.holderAt(at); h.state.held() {
			s.lose(EventExpire, l, h, nil)
		}
	}
	s.closeGroup(l)
	l.token = fence
	if l.count = 0; l.state.held() {
		l.state = stateFenced
		s.grace.unheld++
	}
}

// overtake ends an exclusive hold because of a claim of the share want, which is not exclusive,
// with a larger token.
func (s *Shard) overtake(i uint32, l *lock, want share) {
	s.grace.changed++
	if l.state.held() {
		s.lose(EventExpire, l, nil, nil)
		s.unhold(l, stateReleased)
	}
	if want == shared {
		s.regroup(i, l) // its owner may have downgraded it
		return
	}
	s.unhold(l, stateFenced)
}

// unholdHolder keeps the record of a holder whose hold has ended in a grace.
func (s *Shard) unholdHolder(l *lock, hi uint32, h *holder, to recoveryState) {
	h.state = to
	s.setMeta(&h.grantee, nil)
	if s.groups.leases.Has(hi) {
		s.groups.leases.Remove(hi)
	}
	if l.count == 0 {
		l.state = stateFenced
		s.grace.unheld++
	}
}

// endGraceOfGroup ends the grace of lock i, which has a group. Its holders are decided about one by
// one, by settle.
func (s *Shard) endGraceOfGroup(i uint32, l *lock, fx *Effects) uint32 {
	if l.state != stateSettled {
		l.state = stateSettled
		s.grace.unheld--
	}
	l.token = 0
	return s.passOnGroup(i, l, fx)
}

// endGraceOfHolders decides about as many holders as budget allows, and reports whether it has
// decided about all.
func (s *Shard) endGraceOfHolders(budget *int, fx *Effects) (done bool) {
	holders := &s.groups.holders
	for ; *budget > 0 && s.grace.holders < holders.len(); s.grace.holders++ {
		if h := holders.inUse(s.grace.holders); h != nil && h.state != stateSettled {
			s.settle(h.lock, s.locks.at(h.lock), s.grace.holders, h, fx)
		}
		*budget--
	}
	return s.grace.holders >= holders.len()
}
