package table

import (
	"dlm/codec"
)

// model is the naive table: a map of locks, each with a slice as its queue. It has no wheel, no
// records, and no shards except for their token counters. It ends leases and waits when the real
// table does, and reports an error if that is too early.
type model struct {
	cfg     Config
	now     int64
	pauses  *Pauses
	full    bool // the table may say that no memory is left
	counter map[uint8]codec.Token
	locks   map[string]*mLock
	waits   map[WaiterRef]mPlace // all waits since the start
	began   map[Origin]int64     // the same, with their times
	shardOf func(name string) uint8
	counts  Counts
	waiters int

	requests []*mRequest
	order    map[uint8]uint64 // the last place in a queue that each shard has given

	events  map[string][]mEvent // events that the call must show, by lock
	effects map[string][]Effect // the same for effects
	fail    func(format string, args ...any)
}

type mLock struct {
	name string
	mHold
	share   share
	holders []*mHold // of a group, whose mHold is empty
	queue   []mWait
	vacant  bool // nobody holds it, and only detached requests wait
}

type mHold struct {
	owner, meta     string
	token           codec.Token
	count, ttl      uint32
	since, deadline int64
	by              connMark
	others          uint16
}

type mWait struct {
	from          Origin
	service, meta string
	since         uint32 // as in waiter
	deadline      int64
	ttl           uint32
	share         share
	fresh         bool
	detect        bool
	detached      bool
	req           string // id of its request; empty: none
	number        uint64 // its place; 0: an UPGRADE
}

type mPlace struct {
	name string
	from Origin
}

type mEvent struct {
	Kind    EventKind
	Service string
	Token   codec.Token
	Count   uint32
	From    Origin
}

func (m *model) event(kind EventKind, l *mLock, service string, from Origin) {
	e := mEvent{kind, service, l.token, l.count, from}
	if l.share != exclusive {
		e.Count = uint32(len(l.holders))
	}
	m.events[l.name] = append(m.events[l.name], e)
}

func (m *model) effect(l *mLock, from Origin, code codec.Code) {
	e := Effect{To: from, Code: code}
	if code == codec.OK {
		e.Count, e.LeaseMs, e.Hold.Token = l.count, (l.deadline-m.now)/nsPerMs, l.token
		e.WaitedMs = uint32((m.now - m.began[from]) / nsPerMs)
	}
	if code == codec.Limit {
		e.Which = codec.WhichTokens
	}
	m.effects[l.name] = append(m.effects[l.name], e)
}

func (m *model) leaseNow() int64 { return max(0, m.now-m.pauses.Lag.Load()) }

func (m *model) waitNow() int64 { return m.now + m.pauses.Late.Load() }

// settled returns the held lock of that name, after ending a lease that is over.
func (m *model) settled(name string) *mLock {
	if l := m.locks[name]; l != nil && l.share == exclusive && !l.vacant && l.deadline <= m.leaseNow() {
		m.expire(l)
	}
	return m.locks[name]
}

func (m *model) expire(l *mLock) {
	l.count = 0
	m.counts.Expiries++
	m.event(EventExpire, l, l.owner, Origin{})
	m.endHold(l, &l.mHold, requestExpired)
	m.passOn(l)
}

func (m *model) renew(l *mHold, ttl uint32) {
	if ttl != 0 {
		l.ttl = ttl
	}
	l.deadline = max(l.deadline, m.now+int64(l.ttl)*nsPerMs)
}

func (m *model) grant(l *mLock, owner string, ttl uint32, meta string, from Origin) {
	if ttl == 0 {
		ttl = m.cfg.TTLMs
	}
	*l = mLock{name: l.name, mHold: m.newHold(l, owner, ttl, meta, from), queue: l.queue}
	m.locks[l.name] = l
	m.event(EventGrant, l, owner, from)
}

func (m *model) newHold(l *mLock, owner string, ttl uint32, meta string, from Origin) mHold {
	shard := m.shardOf(l.name)
	m.counter[shard]++
	m.counts.Grants++
	return mHold{owner: owner, meta: meta, token: m.counter[shard], count: 1, ttl: ttl,
		since: m.now, deadline: m.now + int64(ttl)*nsPerMs, by: markOf(from.Conn)}
}

func (m *model) reenter(l *mHold, from Origin) {
	l.count++
	m.counts.Reentries++
	if l.by != markOf(from.Conn) {
		m.counts.ReentriesOtherConn++
		l.others = min(l.others+1, othersMax)
	}
}

// unqueue takes wait i out of the queue.
func (m *model) unqueue(l *mLock, i int) mWait {
	w := l.queue[i]
	l.queue = append(append([]mWait(nil), l.queue[:i]...), l.queue[i+1:]...)
	m.waiters--
	return w
}

func (m *model) timeOut(l *mLock, i int) {
	if l.queue[i].detached {
		m.cancelAt(l, i)
		return
	}
	w := m.unqueue(l, i)
	m.endWait(l, &w, requestTimedOut)
	m.counts.TimeOuts++
	m.event(EventTimeOut, l, w.service, w.from)
	m.effect(l, w.from, codec.Timeout)
	last := &m.effects[l.name][len(m.effects[l.name])-1]
	last.Upgrade = w.share == upgrading
	switch h := l.otherThan(w.service); {
	case h != nil:
		last.Hold.Token = h.token
	case l.count > 0:
		last.Hold.Token = l.token
	}
}

// cancelAt ends wait i without an answer.
func (m *model) cancelAt(l *mLock, i int) {
	m.counts.Cancels++
	m.withdraw(l, i)
}

// withdraw is cancelAt without counting it.
func (m *model) withdraw(l *mLock, i int) {
	w := m.unqueue(l, i)
	m.event(EventCancel, l, w.service, w.from)
	m.endWait(l, &w, requestCanceled)
	if l.vacant && len(l.queue) == 0 {
		delete(m.locks, l.name)
	}
	m.pass(l)
}

// passOn gives a lock whose hold has ended to the first waiter that may have it, and to the
// requests of the same owner that follow it.
func (m *model) passOn(l *mLock) {
	granted := false
	for i := l.head(); i >= 0; i = l.head() {
		w := l.queue[i]
		switch {
		case w.deadline <= m.waitNow():
			m.timeOut(l, i)
		case granted && (w.fresh || w.share.permits() > 0 || w.service != l.owner):
			return
		case granted:
			m.unqueue(l, i)
			m.reenter(&l.mHold, w.from)
			m.entered(l, &w, &l.mHold)
			m.renew(&l.mHold, w.ttl)
			if w.meta != "" {
				l.meta = w.meta
			}
			m.event(EventReenter, l, w.service, w.from)
			m.effect(l, w.from, codec.OK)
		case m.counter[m.shardOf(l.name)] == codec.TokenMax:
			m.refuseFirst(l, codec.Limit)
		case w.share == upgrading:
			m.refuseFirst(l, codec.NotHeld)
		case w.share != exclusive:
			*l = mLock{name: l.name, share: w.share, queue: l.queue}
			m.join(l, w)
			m.pass(l)
			return
		default:
			m.unqueue(l, i)
			m.grant(l, w.service, w.ttl, w.meta, w.from)
			m.entered(l, &w, &l.mHold)
			m.effect(l, w.from, codec.OK)
			granted = true
		}
	}
	switch {
	case granted:
	case len(l.queue) > 0:
		*l = mLock{name: l.name, queue: l.queue, vacant: true}
	default:
		delete(m.locks, l.name)
	}
}

// acquire returns the result of an ACQUIRE. The result says Waiting if it has to wait.
func (m *model) acquire(c *codec.Command, l *mLock, ttl uint32, from Origin) (r Result) {
	meta, name, service := metaInWords(c), string(c.Name), string(c.Service)
	switch {
	case l == nil:
		need := 1
		if shareOf(c) != exclusive {
			need = 2
		}
		switch {
		case m.counter[m.shardOf(name)] == codec.TokenMax:
			return limited(codec.WhichTokens)
		case m.full:
			return limited(codec.WhichMemory)
		case m.used()+need > m.cfg.LocksMax:
			return limited(codec.WhichLocks)
		}
		l = &mLock{name: name}
		if need == 2 {
			l.share = shareOf(c)
			m.locks[name] = l
			return m.joinNow(l, c, ttl, meta, from)
		}
		m.grant(l, service, ttl, meta, from)
		r = m.ok(l)
		r.Fresh = true
		return r
	case l.owner == service && c.Has(codec.OptFresh):
		return Result{Code: codec.AlreadyHeld, Token: l.token}
	case c.Has(codec.OptPermits):
		return Result{Code: codec.Conflict}
	case l.owner == service:
		return m.again(l, &l.mHold, c, ttl, from)
	case c.WaitMs == 0:
		return Result{Code: codec.Timeout, HeldMs: (m.now - l.since) / nsPerMs}
	}
	return m.wait(c, l, ttl, meta, from)
}

func metaInWords(c *codec.Command) string {
	if c.Has(codec.OptMeta) {
		return string(c.Text)
	}
	return ""
}

// again grants a service its hold h once more.
func (m *model) again(l *mLock, h *mHold, c *codec.Command, ttl uint32, from Origin) Result {
	if m.full {
		return limited(codec.WhichMemory)
	}
	m.reenter(h, from)
	m.renew(h, ttl)
	if c.Has(codec.OptMeta) {
		h.meta = string(c.Text)
	}
	m.holdEvent(EventReenter, l, h, from)
	return m.okHold(h)
}

// wait queues a request, or refuses it for a limit.
func (m *model) wait(c *codec.Command, l *mLock, ttl uint32, meta string, from Origin) Result {
	switch {
	case c.Has(codec.OptQueue) && len(l.queue) >= int(c.Queue), len(l.queue) >= m.cfg.WaitersPerLockMax:
		return limited(codec.WhichLockWaiters)
	case m.full:
		return limited(codec.WhichMemory)
	case m.waiters >= m.cfg.WaitersMax:
		return limited(codec.WhichWaiters)
	}
	w := mWait{from: from, service: string(c.Service), meta: meta, since: uint32(m.now >> sinceShift), deadline: m.waitNow() + int64(c.WaitMs)*nsPerMs,
		ttl: ttl, share: shareOf(c), fresh: c.Has(codec.OptFresh), detect: c.Has(codec.OptDetect)}
	if c.Verb == codec.VerbUpgrade {
		w.share = upgrading
		l.queue = append([]mWait{w}, l.queue...)
	} else {
		m.order[m.shardOf(l.name)]++
		w.number = m.order[m.shardOf(l.name)]
		l.queue = append(l.queue, w)
	}
	m.began[from] = m.now
	m.waiters++
	m.counts.Queued++
	m.event(EventEnqueue, l, w.service, from)
	return Result{Waiting: true}
}

func limited(which codec.Which) Result { return Result{Code: codec.Limit, Which: which} }

func (m *model) ok(l *mLock) Result {
	return Result{Token: l.token, Count: l.count, LeaseMs: (l.deadline - m.now) / nsPerMs}
}

// command returns the result of any command.
func (m *model) command(c *codec.Command, from Origin) Result {
	l := m.settled(string(c.Name))
	ttl := uint32(0)
	if c.Has(codec.OptTTL) {
		ttl = c.TTLMs
	}
	switch {
	case l != nil && l.vacant && c.Verb != codec.VerbAcquire:
		return Result{Code: codec.NotHeld}
	case l != nil && l.vacant:
		return m.acquireVacant(c, l, ttl, metaInWords(c), from)
	case l != nil && l.share != exclusive:
		return m.ofGroup(c, l, ttl, from)
	case c.Verb == codec.VerbAcquire:
		return m.acquire(c, l, ttl, from)
	case l == nil:
		return Result{Code: codec.NotHeld}
	case c.Verb != codec.VerbForceRelease && l.owner != string(c.Service):
		return Result{Code: codec.NotOwner}
	case c.Has(codec.OptToken) && c.Token != l.token:
		return Result{Code: codec.Stale}
	case c.Verb == codec.VerbHeartbeat:
		m.renew(&l.mHold, ttl)
		m.counts.Renewals++
		m.event(EventRenew, l, l.owner, Origin{})
		return m.ok(l)
	case c.Verb == codec.VerbUpgrade:
		return m.ok(l)
	case c.Verb == codec.VerbDowngrade:
		r := m.ok(l)
		m.downgrade(l)
		m.counts.Downgrades++
		m.pass(l)
		return r
	case c.Verb == codec.VerbForceRelease:
		l.count = 0
		m.counts.Forced++
		m.event(EventForce, l, l.owner, Origin{})
		m.endHold(l, &l.mHold, requestForced)
	default:
		if l.count--; c.Has(codec.OptAll) {
			l.count = 0
		}
		m.event(EventRelease, l, l.owner, Origin{})
		if l.count > 0 {
			return m.ok(l)
		}
		m.counts.Releases++
		m.endReleased(l, &l.mHold, c)
	}
	token, ended := l.token, uint32(0)
	if c.Verb == codec.VerbForceRelease {
		ended = 1
	}
	m.passOn(l)
	return Result{Token: token, Count: ended}
}
