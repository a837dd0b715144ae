package table

import (
	"fmt"
	"slices"

	"dlm/codec"
)

// The part of the model about requests that can be repeated: a list of records that is searched
// from its beginning.

type mRequest struct {
	lock, service, id string
	release           bool
	state             requestState
	token             codec.Token
	count             uint32
	number            uint64
	until             int64 // of an ended one; the table's may be some ns later
	args              string
	repeated          bool
}

// request returns the record of the command's request, or nil. It forgets one whose time is over.
func (m *model) request(name, service, id string, release bool) *mRequest {
	for i, q := range m.requests {
		if q.lock == name && q.service == service && q.id == id && q.release == release {
			if !q.state.live() && q.until <= m.now {
				m.requests = slices.Delete(m.requests, i, i+1)
				return nil
			}
			return q
		}
	}
	return nil
}

func (m *model) requestOf(c *codec.Command) *mRequest {
	return m.request(string(c.Name), string(c.Service), string(c.Req), c.Verb == codec.VerbRelease)
}

func (m *model) end(q *mRequest, st requestState) { q.state, q.until = st, m.now+RequestKeptNs }

func (m *model) endWait(l *mLock, w *mWait, st requestState) {
	if w.req != "" {
		m.end(m.request(l.name, w.service, w.req, false), st)
	}
}

// ofHold returns the requests that were granted that hold.
func (m *model) ofHold(l *mLock, h *mHold) (list []*mRequest) {
	for _, q := range m.requests {
		if q.state == requestGranted && q.lock == l.name && q.service == h.owner && q.token == h.token {
			list = append(list, q)
		}
	}
	return list
}

func (m *model) endHold(l *mLock, h *mHold, st requestState) {
	for _, q := range m.ofHold(l, h) {
		m.end(q, st)
	}
}

func (m *model) drop(q *mRequest) {
	m.requests = slices.DeleteFunc(m.requests, func(x *mRequest) bool { return x == q })
}

// endReleased notes the end of a hold by that RELEASE.
func (m *model) endReleased(l *mLock, h *mHold, c *codec.Command) {
	for _, q := range m.ofHold(l, h) {
		if c.Has(codec.OptToken) {
			m.drop(q)
		} else {
			m.end(q, requestReleased)
		}
	}
}

// entered notes that the wait was granted that hold.
func (m *model) entered(l *mLock, w *mWait, h *mHold) {
	if w.req != "" {
		q := m.request(l.name, w.service, w.req, false)
		q.state, q.token, q.repeated = requestGranted, h.token, false
	}
}

func argsInWords(c *codec.Command) string {
	return fmt.Sprint(c.Opts, c.TTLMs, c.Queue, c.Token, c.Permits, string(c.Text))
}

// holdOf returns the hold of that service, or nil.
func (l *mLock) holdOf(service string) *mHold {
	switch {
	case l == nil || l.vacant:
		return nil
	case l.share != exclusive:
		return l.of(service)
	case l.owner == service:
		return &l.mHold
	}
	return nil
}

// head returns the place of the first wait that has a connection, or -1.
func (l *mLock) head() int {
	return slices.IndexFunc(l.queue, func(w mWait) bool { return !w.detached })
}

// placeOf returns the lock for which the request waits, and its place in the queue.
func (m *model) placeOf(q *mRequest) (*mLock, int) {
	l := m.locks[q.lock]
	return l, slices.IndexFunc(l.queue, func(w mWait) bool { return w.service == q.service && w.req == q.id })
}

// settledFor ends what is over before a command of that service.
func (m *model) settledFor(c *codec.Command) {
	if l := m.settled(string(c.Name)); l != nil && l.share != exclusive {
		if h := l.of(string(c.Service)); h != nil && h.deadline <= m.leaseNow() {
			m.expireHolder(l, h)
		} else {
			m.pass(l)
		}
	}
}

// settledRequest returns the record of the command's request after ending what is over.
func (m *model) settledRequest(c *codec.Command) *mRequest {
	m.settledFor(c)
	q := m.requestOf(c)
	if q != nil && q.state == requestWaiting {
		if l, i := m.placeOf(q); l.queue[i].deadline <= m.waitNow() {
			m.timeOut(l, i)
			m.pass(l)
		}
	}
	return q
}

// applyRequest returns the result of a command with REQ.
func (m *model) applyRequest(c *codec.Command, from Origin) Result {
	q := m.settledRequest(c)
	if q != nil && !q.state.over() {
		if q.args != argsInWords(c) && q.state != requestRefused {
			return Result{Code: codec.BadArg, Repeat: true}
		}
		m.counts.Repeats++
		return m.repeat(q, c, from)
	}
	if q == nil && m.full {
		return limited(codec.WhichMemory)
	}
	r := m.command(c, from)
	if r.Code != codec.OK {
		return r
	}
	if q == nil {
		q = &mRequest{lock: string(c.Name), service: string(c.Service), id: string(c.Req), release: c.Verb == codec.VerbRelease}
		m.requests = append(m.requests, q)
	}
	q.args, q.repeated = argsInWords(c), false
	l, shard := m.locks[q.lock], m.shardOf(q.lock)
	switch {
	case q.release:
		m.end(q, requestDone)
		q.token, q.count = r.Token, r.Count
	case r.Waiting:
		q.state, q.number = requestWaiting, m.order[shard]
		l.queue[len(l.queue)-1].req = q.id
	default:
		m.order[shard]++
		q.state, q.token, q.number = requestGranted, r.Token, m.order[shard]
	}
	return r
}

func (m *model) repeat(q *mRequest, c *codec.Command, from Origin) Result {
	l := m.locks[q.lock]
	h := l.holdOf(q.service)
	switch q.state {
	case requestWaiting:
		return m.takeOver(q, c, from)
	case requestGranted:
		q.repeated = true
		ttl := uint32(0)
		if c.Has(codec.OptTTL) {
			ttl = c.TTLMs
		}
		m.renew(h, ttl)
		m.holdEvent(EventRenew, l, h, from)
		return m.okHold(h)
	case requestDone:
		r := Result{Token: q.token, Count: q.count}
		if h != nil && h.token == q.token && q.count > 0 {
			r.LeaseMs = (h.deadline - m.now) / nsPerMs
		}
		return r
	case requestRefused:
		return Result{Code: codec.Canceled}
	}
	return Result{Code: codec.Stale, Token: q.token, Repeat: true}
}

// takeOver returns the result of the repeat of a waiting request.
func (m *model) takeOver(q *mRequest, c *codec.Command, from Origin) Result {
	l, i := m.placeOf(q)
	w, h := l.queue[i], l.holdOf(q.service)
	if m.entersNow(l, i, h, c) {
		r := m.enter(l, h, c, from)
		if r.Code == codec.OK {
			_, i = m.placeOf(q)
			m.displace(l, &w)
			m.unqueue(l, i)
			q.state, q.token, q.repeated = requestGranted, r.Token, false
		}
		return r
	}
	m.displace(l, &w)
	if c.WaitMs == 0 {
		r := Result{Code: codec.Timeout, HeldMs: (m.now - l.since) / nsPerMs}
		if other := l.otherThan(q.service); other != nil {
			r.HeldMs = (m.now - other.since) / nsPerMs
		}
		m.unqueue(l, i)
		m.end(q, requestTimedOut)
		m.pass(l)
		return r
	}
	x := &l.queue[i]
	x.from, x.detached, x.fresh, x.share, x.ttl = from, false, c.Has(codec.OptFresh), shareOf(c), 0
	x.detect = c.Has(codec.OptDetect)
	x.since, x.deadline = uint32(m.now>>sinceShift), m.waitNow()+int64(c.WaitMs)*nsPerMs
	if c.Has(codec.OptTTL) {
		x.ttl = c.TTLMs
	}
	if c.Has(codec.OptMeta) {
		x.meta = string(c.Text)
	}
	m.began[from] = m.now
	m.event(EventEnqueue, l, q.service, from)
	return Result{Waiting: true}
}

// entersNow reports whether the request at place i need not wait. h is the hold of its service.
func (m *model) entersNow(l *mLock, i int, h *mHold, c *codec.Command) bool {
	want := shareOf(c)
	switch {
	case l.vacant:
		return true
	case h != nil && c.Has(codec.OptFresh):
		return false
	case l.share == exclusive:
		return h != nil
	case want != l.share:
		return false
	case h != nil && want == shared:
		return true
	}
	return l.free() && (l.head() < 0 || l.head() >= i)
}

// enter grants a request that stands before all others, or whose service has the lock.
func (m *model) enter(l *mLock, h *mHold, c *codec.Command, from Origin) Result {
	ttl, meta := uint32(0), ""
	if c.Has(codec.OptTTL) {
		ttl = c.TTLMs
	}
	if c.Has(codec.OptMeta) {
		meta = string(c.Text)
	}
	switch {
	case l.vacant:
		return m.acquireVacant(c, l, ttl, meta, from)
	case h != nil:
		return m.again(l, h, c, ttl, from)
	}
	return m.joinOrRefuse(l, c, ttl, meta, from)
}

// acquireVacant returns the result of an ACQUIRE of a lock for which only detached requests wait.
func (m *model) acquireVacant(c *codec.Command, l *mLock, ttl uint32, meta string, from Origin) Result {
	want := shareOf(c)
	switch {
	case m.counter[m.shardOf(l.name)] == codec.TokenMax:
		return limited(codec.WhichTokens)
	case l.queue[len(l.queue)-1].share.permits() != want.permits():
		return Result{Code: codec.Conflict}
	case want != exclusive:
		l.share = want // none of it can be seen until it has a holder
		r := m.joinOrRefuse(l, c, ttl, meta, from)
		if r.Code != codec.OK {
			l.share = exclusive
			return r
		}
		l.vacant = false
		return r
	case m.full:
		return limited(codec.WhichMemory)
	}
	m.grant(l, string(c.Service), ttl, meta, from)
	r := m.ok(l)
	r.Fresh = true
	return r
}

// displace answers the connection that has waited, if there is one.
func (m *model) displace(l *mLock, w *mWait) {
	if !w.detached {
		m.event(EventDisplace, l, w.service, w.from)
		m.effect(l, w.from, codec.Canceled)
	}
}

// cancelRequest returns the result of a CANCEL with REQ.
func (m *model) cancelRequest(c *codec.Command) Result {
	q := m.settledRequest(c)
	switch {
	case q != nil && q.state == requestWaiting:
		l, i := m.placeOf(q)
		m.displace(l, &l.queue[i])
		m.cancelAt(l, i)
		return Result{Was: WasWaiting}
	case q != nil && q.state == requestGranted:
		l := m.locks[q.lock]
		h := l.holdOf(q.service)
		r := m.okHold(h)
		m.end(q, requestCanceled)
		h.count--
		m.holdEvent(EventRelease, l, h, Origin{})
		r.Count, r.Was = h.count, WasGranted
		switch {
		case h.count == 0:
			r.LeaseMs = 0
			m.counts.Releases++
			m.endHold(l, h, requestReleased)
			m.over(l, h)
		case l.share != shared:
			m.pass(l)
		}
		return r
	case q != nil && !q.state.over() && q.state != requestRefused:
		return Result{}
	}
	if q != nil {
		m.drop(q)
	}
	if m.full {
		return limited(codec.WhichMemory)
	}
	q = &mRequest{lock: string(c.Name), service: string(c.Service), id: string(c.Req), args: argsInWords(c)}
	m.requests = append(m.requests, q)
	m.end(q, requestRefused)
	return Result{}
}

// over lets others in after a hold has ended.
func (m *model) over(l *mLock, h *mHold) {
	if l.share == exclusive {
		m.passOn(l)
	} else {
		m.leave(l, h)
	}
}

// outcome returns the answer of OUTCOME.
func (m *model) outcome(c *codec.Command) (o Outcome) {
	q := m.settledRequest(c)
	switch {
	case q == nil:
		return Outcome{State: "unknown"}
	case q.state == requestWaiting:
		_, i := m.placeOf(q)
		return Outcome{State: "waiting", Position: i + 1}
	case q.state == requestGranted:
		h := m.locks[q.lock].holdOf(q.service)
		return Outcome{State: "granted", Token: h.token, Count: h.count, LeaseMs: max(0, (h.deadline-m.now)/nsPerMs)}
	}
	why := map[requestState]string{requestRefused: "canceled", requestReleased: "released", requestExpired: "expired",
		requestForced: "forced", requestTimedOut: "timeout", requestCanceled: "canceled"}
	return Outcome{State: "ended", Why: why[q.state]}
}

// detach keeps the place of wait i for keep ns.
func (m *model) detach(l *mLock, i int, keep int64) {
	w := &l.queue[i]
	m.counts.Detaches++
	m.event(EventDetach, l, w.service, w.from)
	w.from, w.detached = Origin{}, true
	w.deadline = min(w.deadline, m.waitNow()+keep)
	m.pass(l)
}

// undelivered returns the request of a grant that could not be delivered. It returns false if the
// grant stays: its request is over, or a repeat of it was answered.
func (m *model) undelivered(l *mLock, h *mHold, hold HoldRef) (q *mRequest, ok bool) {
	for _, q := range m.ofHold(l, h) {
		if hold.req == reqOf(q.number) && !q.repeated {
			return q, true
		}
	}
	return nil, hold.req == 0
}

// requeue gives the request of such a grant its place back.
func (m *model) requeue(l *mLock, q *mRequest, keep int64) {
	switch {
	case q == nil:
		return
	case keep <= 0:
		m.drop(q)
		return
	}
	q.state, q.token = requestWaiting, 0
	w := mWait{service: q.service, since: uint32(m.now >> sinceShift), deadline: m.waitNow() + keep, share: l.share,
		detached: true, req: q.id, number: q.number}
	at := slices.IndexFunc(l.queue, func(x mWait) bool { return x.number > w.number })
	if at < 0 {
		at = len(l.queue)
	}
	l.queue = slices.Insert(slices.Clone(l.queue), at, w)
	m.waiters++
	m.counts.Detaches++
}

// compareRequests checks that the table remembers what the model does.
func (m *model) compareRequests(t *Table) {
	n := 0
	for i := range Shards {
		s := t.ShardAt(i)
		for at := range s.requests.len() {
			x := s.requests.inUse(at)
			if x == nil || s.outlived(x) || !x.state.live() && x.until <= m.now {
				continue
			}
			n++
			name, service, id := s.requestStrings(x)
			q := m.request(string(name), string(service), string(id), x.state == requestDone)
			if q == nil || x.state != q.state || x.state != requestWaiting && x.token != q.token || x.count != q.count ||
				x.number != q.number || x.repeated != q.repeated {
				m.fail("the request %q of %q for %q: %+v, want %+v", id, service, name, x, q)
				return
			}
			if late := x.until - q.until; !x.state.live() && (late < 0 || late > nsPerMs) {
				m.fail("the request %q of %q for %q is remembered until %d, want %d", id, service, name, x.until, q.until)
			}
			q.until = x.until
		}
	}
	for _, q := range m.requests {
		if q.state.live() || q.until > m.now {
			n--
		}
	}
	if n != 0 {
		m.fail("the table remembers %d requests more", n)
	}
}
