package table

import "dlm/codec"

// countMax is the most acquires without a release that one hold may have.
const countMax = codec.CountMax

// Apply executes a command on one lock, which is one of a Batch or FORCE-RELEASE, at table time
// now, in ns. hash is Table.Hash of the command's name. Waits that it ends are added to fx. The
// Result is in fx until the next call. The table keeps copies only, no part of cmd.
func (s *Shard) Apply(now int64, hash uint64, cmd *codec.Command, from Origin, fx *Effects) *Result {
	s.setTime(now)
	tag := uint32(hash)
	slot, rec := s.index.Find(tag, tag)
	return s.apply(slot, rec, tag, cmd, from, fx)
}

// apply executes a command by the general rules. slot and rec are the first entry of the index
// under the tag.
func (s *Shard) apply(slot, rec, tag uint32, cmd *codec.Command, from Origin, fx *Effects) *Result {
	r := &fx.result
	*r = Result{}
	if cmd.Has(codec.OptTTL) && cmd.TTLMs > s.table.ttlMaxMs {
		r.Code = codec.BadArg
		return r
	}
	if cmd.Has(codec.OptReq) {
		s.applyRequest(slot, rec, tag, cmd, from, fx, r)
		s.verify()
		return r
	}
	i, l := s.findFrom(slot, rec, tag, cmd.Name)
	if s.phase != graceOver || l != nil && (l.deadline <= s.now || l.grouped()) {
		i = s.currentFor(i, cmd, fx)
	}
	s.execute(i, tag, cmd, from, fx, r)
	s.verify()
	return r
}

// execute executes a command on lock i, whose lease runs.
func (s *Shard) execute(i, tag uint32, cmd *codec.Command, from Origin, fx *Effects, r *Result) {
	l := s.lockAt(i)
	switch {
	case s.phase == graceRuns:
		s.applyInGrace(i, tag, cmd, from, fx, r)
	case cmd.Verb == codec.VerbAcquire:
		s.acquire(i, l, tag, cmd, from, fx, r)
	case l == nil || l.state == stateVacant:
		r.Code = codec.NotHeld
	case cmd.Verb == codec.VerbForceRelease:
		s.force(i, l, cmd, fx, r)
	default:
		if hi, h, ok := s.owned(i, l, cmd, r); ok {
			s.onOwn(i, l, hi, h, cmd, from, fx, r)
		}
	}
}

func (s *Shard) acquire(i uint32, l *lock, tag uint32, cmd *codec.Command, from Origin, fx *Effects, r *Result) {
	switch {
	case l == nil && cmd.Has(codec.OptShared|codec.OptPermits):
		s.acquireFreeGroup(tag, cmd, from, r)
		return
	case l == nil:
		s.acquireFree(tag, cmd, from, r)
		return
	case l.grouped():
		s.acquireOfGroup(i, l, cmd, from, fx, r)
		return
	case l.state == stateVacant:
		s.acquireVacant(i, l, cmd, from, r)
		return
	}
	own := string(s.service(l)) == string(cmd.Service)
	switch {
	case own && cmd.Has(codec.OptFresh):
		r.Code, r.Token = codec.AlreadyHeld, l.token
	case cmd.Has(codec.OptPermits):
		r.Code = codec.Conflict
	case own:
		s.acquireAgain(l, nil, cmd, from, r)
	case cmd.WaitMs == 0:
		s.refuseHeld(l, nil, fx, r)
	case s.queueDiffers(l, exclusive):
		r.Code = codec.Conflict
	default:
		s.wait(i, l, cmd, from, r)
	}
}

// acquireAgain grants a service its hold once more.
func (s *Shard) acquireAgain(l *lock, h *holder, cmd *codec.Command, from Origin, r *Result) {
	x, g := l.holdOf(h)
	if which := s.reenterLimit(x, cmd); which != codec.WhichNone {
		r.limit(which)
		return
	}
	s.reenter(l, h, optionalTTL(cmd), from.Conn)
	if cmd.Has(codec.OptMeta) {
		s.setMeta(g, cmd.Text)
	}
	s.emitHold(EventReenter, l, h, from)
	s.describe(x, r)
}

// acquireFree grants a lock that nobody holds.
func (s *Shard) acquireFree(tag uint32, cmd *codec.Command, from Origin, r *Result) {
	if !s.reserveGrant() && !s.reserveGrantInRoom(cmd) {
		r.limit(s.whyNoGrant(cmd))
		return
	}
	if !s.takeUse(ofHolds, cmd.Service) {
		s.lockQuota.giveBack(&s.table.locks)
		r.limit(codec.WhichQuota)
		return
	}
	i, l := s.create(tag, cmd.Name)
	s.grant(i, l, cmd.Service, optionalTTL(cmd), metaOf(cmd), from.Conn)
	s.answerGrant(EventGrant, i, l, nil, from, r)
}

// reserveGrant takes a credit for the record of a lock that nobody holds. It returns false if the
// lock can't be granted.
func (s *Shard) reserveGrant() bool {
	t := s.table
	return s.counter < s.tokenMax() && !t.full.Load() && s.lockQuota.take(&t.locks)
}

// reserveGrantInRoom is reserveGrant when no memory is left. It succeeds if the lock needs none.
func (s *Shard) reserveGrantInRoom(cmd *codec.Command) bool {
	t := s.table
	return s.counter < s.tokenMax() && t.full.Load() && s.lockFits(cmd.Name, cmd.Service, metaOf(cmd)) && s.lockQuota.take(&t.locks)
}

// whyNoGrant returns why reserveGrant has refused.
func (s *Shard) whyNoGrant(cmd *codec.Command) codec.Which {
	switch {
	case s.counter >= s.tokenMax():
		return codec.WhichTokens
	case s.table.full.Load() && !s.lockFits(cmd.Name, cmd.Service, metaOf(cmd)):
		return codec.WhichMemory
	}
	return codec.WhichLocks
}

// reenterLimit returns the limit that keeps the holder from another grant, or WhichNone.
func (s *Shard) reenterLimit(h *hold, cmd *codec.Command) codec.Which {
	switch {
	case h.count >= countMax:
		return codec.WhichCount
	case s.table.full.Load() && !s.metaFits(metaOf(cmd)):
		return codec.WhichMemory
	}
	return codec.WhichNone
}

// reserveWait takes a credit for the record of a waiting request. It returns the limit that keeps
// the request from waiting, or WhichNone.
func (s *Shard) reserveWait(l *lock, cmd *codec.Command) codec.Which {
	switch {
	case int(l.waiters) >= s.table.config.WaitersPerLockMax, cmd.Has(codec.OptQueue) && l.waiters >= cmd.Queue:
		return codec.WhichLockWaiters
	case s.table.full.Load() && !s.waiterFits(cmd.Service, metaOf(cmd)):
		return codec.WhichMemory
	case !s.waiterQuota.take(&s.table.waiters):
		return codec.WhichWaiters
	}
	return codec.WhichNone
}

// wait queues the request after the others, or before them if it is an UPGRADE.
func (s *Shard) wait(lockIndex uint32, l *lock, cmd *codec.Command, from Origin, r *Result) {
	if which := s.reserveWait(l, cmd); which != codec.WhichNone {
		r.limit(which)
		return
	}
	if !s.takeUse(ofWaits, cmd.Service) {
		s.waiterQuota.giveBack(&s.table.waiters)
		r.limit(codec.WhichQuota)
		return
	}
	i, w := s.takeWaiter()
	w.lock, w.req, w.detached = lockIndex, 0, false
	s.beginRequest(w, cmd, from)
	s.setWaiterMeta(w, cmd)
	s.setWaiterService(w, cmd.Service)
	if cmd.Verb == codec.VerbUpgrade {
		w.share = upgrading
		s.enqueueFirst(l, i, w)
	} else {
		s.enqueue(l, i, w)
	}
	s.waits.Add(i, tickOf(w.deadline))
	s.noteDue(s.waitDue(s.waits.Tick(i)))
	s.counts.Queued++
	s.emitWait(EventEnqueue, l, w)
	r.Waiting = true
	r.Waiter = WaiterRef{s.number, i, w.generation}
}

// optionalTTL returns the TTL in the command, or 0 if there is none.
func optionalTTL(cmd *codec.Command) uint32 {
	if cmd.Has(codec.OptTTL) {
		return cmd.TTLMs
	}
	return 0
}

// describe fills in the fields of an OK answer about a hold.
func (s *Shard) describe(h *hold, r *Result) {
	r.Token, r.Count, r.LeaseMs = h.token, h.count, s.leaseLeftMs(h)
}
