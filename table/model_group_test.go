package table

import "dlm/codec"

// The part of the model about locks with several holders.

// used returns how many records count against the limit of locks.
func (m *model) used() (n int) {
	for _, l := range m.locks {
		n += 1 + len(l.holders)
	}
	return n
}

// of returns the hold of that service.
func (l *mLock) of(service string) *mHold {
	for _, h := range l.holders {
		if h.owner == service {
			return h
		}
	}
	return nil
}

// otherThan returns the oldest hold, but not that of the service if there is another.
func (l *mLock) otherThan(service string) *mHold {
	switch {
	case len(l.holders) == 0:
		return nil
	case len(l.holders) > 1 && l.holders[0].owner == service:
		return l.holders[1]
	}
	return l.holders[0]
}

// free reports whether one more grant fits.
func (l *mLock) free() bool {
	taken := uint32(0)
	for _, h := range l.holders {
		taken += h.count
	}
	return l.share == shared || taken < uint32(l.share)
}

func (m *model) holdEvent(kind EventKind, l *mLock, h *mHold, from Origin) {
	m.events[l.name] = append(m.events[l.name], mEvent{kind, h.owner, h.token, h.count, from})
}

// granted adds the effect of a grant to the waiter w.
func (m *model) granted(l *mLock, h *mHold, w *mWait) {
	m.effects[l.name] = append(m.effects[l.name], Effect{To: w.from, Upgrade: w.share == upgrading, Count: h.count,
		LeaseMs: (h.deadline - m.now) / nsPerMs, WaitedMs: uint32((m.now - m.began[w.from]) / nsPerMs), Hold: HoldRef{Token: h.token}})
}

// leave takes a hold out of its group.
func (m *model) leave(l *mLock, h *mHold) {
	for i := range l.holders {
		if l.holders[i] == h {
			l.holders = append(append([]*mHold(nil), l.holders[:i]...), l.holders[i+1:]...)
			break
		}
	}
	m.pass(l)
}

func (m *model) expireHolder(l *mLock, h *mHold) {
	h.count = 0
	m.counts.Expiries++
	m.holdEvent(EventExpire, l, h, Origin{})
	m.endHold(l, h, requestExpired)
	m.leave(l, h)
}

// join grants the first waiter, which w is, a hold of its own.
func (m *model) join(l *mLock, w mWait) {
	m.unqueue(l, l.head())
	if w.ttl == 0 {
		w.ttl = m.cfg.TTLMs
	}
	h := m.newHold(l, w.service, w.ttl, w.meta, w.from)
	l.holders = append(l.holders, &h)
	m.holdEvent(EventGrant, l, &h, w.from)
	m.entered(l, &w, &h)
	m.granted(l, &h, &w)
}

// joinNow grants a request that did not wait.
func (m *model) joinNow(l *mLock, c *codec.Command, ttl uint32, meta string, from Origin) Result {
	if ttl == 0 {
		ttl = m.cfg.TTLMs
	}
	h := m.newHold(l, string(c.Service), ttl, meta, from)
	l.holders = append(l.holders, &h)
	m.holdEvent(EventGrant, l, &h, from)
	r := m.okHold(&h)
	r.Fresh = true
	return r
}

func (m *model) okHold(h *mHold) Result {
	return Result{Token: h.token, Count: h.count, LeaseMs: (h.deadline - m.now) / nsPerMs}
}

// pass grants the requests at the head of the queue that the group admits.
func (m *model) pass(l *mLock) {
	for len(l.holders) > 0 && l.head() >= 0 {
		i := l.head()
		w := l.queue[i]
		h := l.of(w.service)
		switch {
		case w.deadline <= m.waitNow():
			m.timeOut(l, i)
		case w.share != upgrading && (w.share != l.share || !l.free()):
			return
		case h != nil && h.deadline <= m.leaseNow():
			m.expireHolder(l, h)
			return
		case w.share == upgrading && h == nil:
			m.refuseFirst(l, codec.NotHeld)
		case w.share == upgrading && len(l.holders) > 1:
			return
		case m.counter[m.shardOf(l.name)] == codec.TokenMax && (w.share == upgrading || h == nil):
			m.refuseFirst(l, codec.Limit)
		case w.share == upgrading:
			m.upgrade(l, h, w.from)
			m.granted(l, &l.mHold, &w)
			m.unqueue(l, i)
			m.follow(l)
			return
		case h == nil:
			m.join(l, w)
		case w.fresh:
			return
		default:
			m.unqueue(l, i)
			m.entered(l, &w, h)
			m.reenter(h, w.from)
			m.renew(h, w.ttl)
			if w.meta != "" {
				h.meta = w.meta
			}
			m.holdEvent(EventReenter, l, h, w.from)
			m.granted(l, h, &w)
		}
	}
	if len(l.holders) == 0 && l.share != exclusive {
		*l = mLock{name: l.name, queue: l.queue}
		m.passOn(l)
	}
}

// refuseFirst ends the first wait with that code.
func (m *model) refuseFirst(l *mLock, code codec.Code) {
	w := m.unqueue(l, l.head())
	m.endWait(l, &w, requestCanceled)
	m.event(EventRefuse, l, w.service, w.from)
	m.effect(l, w.from, code)
	m.effects[l.name][len(m.effects[l.name])-1].Upgrade = w.share == upgrading
}

// upgrade makes the sole holder exclusive.
func (m *model) upgrade(l *mLock, h *mHold, from Origin) {
	m.counter[m.shardOf(l.name)]++
	m.counts.Upgrades++
	m.renew(h, 0)
	for _, q := range m.ofHold(l, h) {
		q.token = m.counter[m.shardOf(l.name)]
	}
	h.token, h.since = m.counter[m.shardOf(l.name)], m.now
	l.mHold, l.share, l.holders = *h, exclusive, nil
	m.holdEvent(EventUpgrade, l, h, from)
}

func (m *model) downgrade(l *mLock) {
	h := l.mHold
	l.mHold, l.share, l.holders = mHold{}, shared, []*mHold{&h}
	m.holdEvent(EventDowngrade, l, &h, Origin{})
}

// follow grants the requests of the exclusive holder at the head of the queue.
func (m *model) follow(l *mLock) {
	for i := l.head(); i >= 0; i = l.head() {
		w := l.queue[i]
		switch {
		case w.deadline <= m.waitNow():
			m.timeOut(l, i)
		case w.fresh || w.share.permits() > 0 || w.service != l.owner:
			return
		default:
			m.unqueue(l, i)
			m.entered(l, &w, &l.mHold)
			m.reenter(&l.mHold, w.from)
			m.renew(&l.mHold, w.ttl)
			if w.meta != "" {
				l.meta = w.meta
			}
			m.event(EventReenter, l, w.service, w.from)
			m.effect(l, w.from, codec.OK)
		}
	}
}

// ofGroup returns the result of a command on a lock that has a group.
func (m *model) ofGroup(c *codec.Command, l *mLock, ttl uint32, from Origin) Result {
	service := string(c.Service)
	if c.Verb == codec.VerbForceRelease {
		return m.forceGroup(c, l)
	}
	if h := l.of(service); h != nil && h.deadline <= m.leaseNow() {
		m.expireHolder(l, h)
	} else {
		m.pass(l)
	}
	if m.locks[l.name] != l || l.share == exclusive {
		return m.command(c, from) // it is no group any more
	}
	h := l.of(service)
	switch {
	case c.Verb == codec.VerbAcquire:
		return m.acquireOfGroup(c, l, h, ttl, from)
	case h == nil:
		return Result{Code: codec.NotOwner}
	case c.Has(codec.OptToken) && c.Token != h.token:
		return Result{Code: codec.Stale}
	case c.Verb == codec.VerbHeartbeat:
		m.renew(h, ttl)
		m.counts.Renewals++
		m.holdEvent(EventRenew, l, h, Origin{})
		return m.okHold(h)
	case c.Verb == codec.VerbUpgrade:
		return m.upgradeOfGroup(c, l, h, from)
	case c.Verb == codec.VerbDowngrade && l.share == shared:
		return m.okHold(h)
	case c.Verb == codec.VerbDowngrade:
		return Result{Code: codec.Conflict}
	}
	if h.count--; c.Has(codec.OptAll) {
		h.count = 0
	}
	m.holdEvent(EventRelease, l, h, Origin{})
	if h.count > 0 {
		r := m.okHold(h)
		m.pass(l)
		return r
	}
	m.counts.Releases++
	m.endReleased(l, h, c)
	token := h.token
	m.leave(l, h)
	return Result{Token: token}
}

func (m *model) acquireOfGroup(c *codec.Command, l *mLock, h *mHold, ttl uint32, from Origin) Result {
	want, meta := shareOf(c), metaInWords(c)
	may := l.head() < 0 && l.free()
	switch {
	case h != nil && c.Has(codec.OptFresh):
		return Result{Code: codec.AlreadyHeld, Token: h.token}
	case h != nil && want == exclusive, want.permits() != l.share.permits():
		return Result{Code: codec.Conflict}
	case h != nil && (want == shared || may):
		return m.again(l, h, c, ttl, from)
	case want == l.share && may:
		return m.joinOrRefuse(l, c, ttl, meta, from)
	case c.WaitMs == 0:
		other := l.otherThan(string(c.Service))
		return Result{Code: codec.Timeout, HeldMs: (m.now - other.since) / nsPerMs}
	}
	return m.wait(c, l, ttl, meta, from)
}

// joinOrRefuse is joinNow within the limits.
func (m *model) joinOrRefuse(l *mLock, c *codec.Command, ttl uint32, meta string, from Origin) Result {
	switch {
	case m.counter[m.shardOf(l.name)] == codec.TokenMax:
		return limited(codec.WhichTokens)
	case m.full:
		return limited(codec.WhichMemory)
	case m.used() >= m.cfg.LocksMax:
		return limited(codec.WhichLocks)
	}
	return m.joinNow(l, c, ttl, meta, from)
}

func (m *model) upgradeOfGroup(c *codec.Command, l *mLock, h *mHold, from Origin) Result {
	switch {
	case l.share != shared, len(l.queue) > 0 && l.queue[0].share == upgrading:
		return Result{Code: codec.Conflict}
	case len(l.holders) > 1 && c.WaitMs == 0:
		return Result{Code: codec.Timeout, HeldMs: (m.now - l.otherThan(h.owner).since) / nsPerMs}
	case len(l.holders) > 1:
		return m.wait(c, l, 0, "", from)
	case m.counter[m.shardOf(l.name)] == codec.TokenMax:
		return limited(codec.WhichTokens)
	}
	m.upgrade(l, h, from)
	r := m.ok(l)
	r.Fresh = true
	m.follow(l)
	return r
}

func (m *model) forceGroup(c *codec.Command, l *mLock) (r Result) {
	var stay []*mHold
	for _, h := range l.holders {
		if c.Has(codec.OptToken) && h.token != c.Token {
			stay = append(stay, h)
			continue
		}
		r.Count++
		r.Token = max(r.Token, h.token)
		h.count = 0
		m.counts.Forced++
		m.holdEvent(EventForce, l, h, Origin{})
		m.endHold(l, h, requestForced)
	}
	l.holders = stay
	if r.Count == 0 {
		r.Code = codec.Stale
	} else {
		m.pass(l)
	}
	return r
}

// takeBackOfGroup is takeBack for a hold of a group.
func (m *model) takeBackOfGroup(hold HoldRef, keep int64) {
	for _, l := range m.locks {
		for _, h := range l.holders {
			if h.token != hold.Token || m.shardOf(l.name) != hold.Shard || hold.upgrade {
				continue
			}
			q, ok := m.undelivered(l, h, hold)
			if !ok {
				return
			}
			h.count--
			m.counts.TakeBacks++
			m.holdEvent(EventTakeBack, l, h, Origin{})
			m.requeue(l, q, keep)
			if h.count == 0 {
				m.endHold(l, h, requestReleased)
				m.leave(l, h)
			} else if l.share != shared {
				m.pass(l)
			}
			return
		}
	}
}

// peekHolders reads the holders of a lock.
func (s *Shard) peekHolders(l *lock) (list []*mHold) {
	for at, _ := l.list(); at != none; at = s.holderAt(at).next {
		h := s.holderAt(at)
		x := &mHold{owner: string(s.holderService(h)), token: h.token, count: h.count, ttl: h.ttlMs, since: h.since, deadline: h.deadline,
			by: h.by, others: h.others()}
		if h.meta != 0 {
			x.meta = string(s.arena.get(h.meta, h.metaLen()))
		}
		list = append(list, x)
	}
	return list
}

// namedTo returns the holder that a time-out of that service names.
func (l *mLock) namedTo(service string) string {
	if h := l.otherThan(service); h != nil {
		return h.owner
	}
	return l.owner
}

// groupFits reports whether a command that concerns a group, or a vacant lock, finds room for all
// that it may need. ok is false for other commands.
func (w *world) groupFits(s *Shard, cmd *codec.Command) (fits, ok bool) {
	i := s.indexOf(uint32(w.table.Hash(cmd.Name)), cmd.Name)
	switch {
	case i != none && s.locks.at(i).state == stateVacant && shareOf(cmd) == exclusive:
		return s.serviceFits(s.locks.at(i), cmd), true
	case i != none && s.locks.at(i).state == stateVacant:
		return s.holderFits(cmd.Service, metaOf(cmd)), true
	case i == none && shareOf(cmd) != exclusive:
		return s.holderFits(cmd.Service, metaOf(cmd)) && s.lockFits(cmd.Name, nil, nil), true
	case i != none && s.locks.at(i).grouped():
		return s.holderFits(cmd.Service, metaOf(cmd)) && s.waiterFits(cmd.Service, metaOf(cmd)), true
	}
	return false, false
}
