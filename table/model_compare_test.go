package table

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"dlm/codec"
)

// The methods of model that world calls do nothing if the model is nil.

func (m *model) apply(now int64, c *codec.Command, from Origin, got *Result) {
	if m == nil {
		return
	}
	m.now = now
	m.full = got.Code == codec.Limit && got.Which == codec.WhichMemory // world has checked it
	var want Result
	switch {
	case c.Verb == codec.VerbCancel:
		want = m.cancelRequest(c)
	case c.Has(codec.OptReq):
		want = m.applyRequest(c, from)
	default:
		want = m.command(c, from)
	}
	if got.Waiting {
		m.waits[got.Waiter] = mPlace{string(c.Name), from}
	}
	r := *got
	r.Hold, r.Waiter = HoldRef{}, WaiterRef{}
	if r != want {
		m.fail("%v %q by %q: result %+v, want %+v", c.Verb, c.Name, c.Service, r, want)
	}
}

func (m *model) sameOutcome(now int64, c *codec.Command, got Outcome) {
	if m == nil {
		return
	}
	m.now = now
	if want := m.outcome(c); got != want {
		m.fail("outcome of %q: %+v, want %+v", c.Req, got, want)
	}
}

// lose ends a wait without an answer, or keeps its place for keep ns.
func (m *model) lose(now int64, ref WaiterRef, keep int64, was bool) {
	if m == nil {
		return
	}
	m.now = now
	place := m.waits[ref]
	found := false
	if l := m.locks[place.name]; l != nil {
		i := slices.IndexFunc(l.queue, func(w mWait) bool { return w.from == place.from })
		switch found = i >= 0; {
		case found && keep > 0 && l.queue[i].req != "":
			m.detach(l, i, keep)
		case found:
			m.cancelAt(l, i)
		}
	}
	if found != was {
		m.fail("cancel: %v, want %v", was, found)
	}
}

func (m *model) takeBack(now int64, hold HoldRef, keep int64) {
	if m == nil {
		return
	}
	m.now = now
	for _, l := range m.locks {
		if l.token == hold.Token && m.shardOf(l.name) == hold.Shard {
			q, ok := m.undelivered(l, &l.mHold, hold)
			if !ok {
				return
			}
			if hold.upgrade {
				m.counts.TakeBacks++
				m.downgrade(l)
				m.pass(l)
				return
			}
			l.count--
			m.counts.TakeBacks++
			m.event(EventTakeBack, l, l.owner, Origin{})
			m.requeue(l, q, keep)
			if l.count == 0 {
				m.endHold(l, &l.mHold, requestReleased)
				m.passOn(l)
			}
			return
		}
	}
	m.takeBackOfGroup(hold, keep)
}

func (m *model) status(now int64, name []byte, got *Status) {
	if m == nil {
		return
	}
	m.now = now
	l := m.settled(string(name))
	if got.Held != (l != nil && !l.vacant) {
		m.fail("status of %q: %+v, want %+v", name, got, l)
	}
	if got.Held {
		m.same(l, got)
	}
}

func (m *model) same(l *mLock, got *Status) {
	next := ""
	if i := l.head(); i >= 0 {
		next = l.queue[i].service
	}
	if l.vacant {
		if got.Held || int(got.Waiters) != len(l.queue) || string(got.Name) != l.name {
			m.fail("status: %+v, want %+v", got, l)
		}
		return
	}
	if l.share != exclusive {
		taken := uint32(0)
		for _, h := range l.holders {
			taken += h.count
		}
		want := fmt.Sprintf("%q %q %d %d %d %d", l.name, next, len(l.queue), len(l.holders), l.share.permits(), taken)
		if is := fmt.Sprintf("%q %q %d %d %d %d", got.Name, got.Next, got.Waiters, got.Holders, got.Permits, got.Taken); is != want {
			m.fail("status: %s, want %s", is, want)
		}
		return
	}
	want := fmt.Sprintf("%q %q %q %q %d %d %d %d %d", l.name, l.owner, l.meta, next, l.token, l.count, len(l.queue),
		max(0, l.deadline-m.now)/nsPerMs, (m.now-l.since)/nsPerMs)
	is := fmt.Sprintf("%q %q %q %q %d %d %d %d %d", got.Name, got.Owner, got.Meta, got.Next, got.Token, got.Count,
		got.Waiters, got.LeaseMs, got.HeldMs)
	if is != want {
		m.fail("status: %s, want %s", is, want)
	}
}

// list ends the leases and waits that the listing has ended, in its order.
func (m *model) list(w *world, s *Shard, out *Statuses) {
	if m == nil {
		return
	}
	m.advanced(w)
	held := 0
	for name, l := range m.locks {
		if m.shardOf(name) == s.number {
			held++
			if l.share == exclusive && !l.vacant && l.deadline <= m.leaseNow() {
				m.fail("%q is listed and its lease is over", name)
			}
		}
	}
	if held != len(out.All()) {
		m.fail("%d locks listed, want %d", len(out.All()), held)
	}
	for i := range out.All() {
		m.same(m.locks[string(out.All()[i].Name)], &out.All()[i])
	}
}

// advanced ends the leases and waits that Advance or List has ended. An event that does not follow
// from an earlier one must be the end of a lease or wait whose deadline has come.
func (m *model) advanced(w *world) {
	if m == nil {
		return
	}
	m.now = w.now
	seen := map[string]int{}
	for i := range w.events {
		e := &w.events[i]
		name := string(e.Name)
		if seen[name]++; seen[name] <= len(m.events[name]) {
			continue
		}
		l := m.locks[name]
		switch {
		case l != nil && e.Kind == EventExpire && l.share != exclusive:
			if h := l.of(string(e.Service)); h != nil && h.deadline <= m.leaseNow() {
				m.expireHolder(l, h)
			}
		case l != nil && e.Kind == EventExpire && !l.vacant && l.deadline <= m.leaseNow():
			m.expire(l)
		case l != nil && e.Kind == EventCancel:
			if i := m.detachedOver(w, l, string(e.Service)); i >= 0 {
				m.timeOut(l, i)
			}
		case l != nil && e.Kind == EventTimeOut:
			for i := range l.queue {
				if l.queue[i].from == e.From && l.queue[i].deadline <= m.waitNow() {
					m.timeOut(l, i)
					m.pass(l)
					break
				}
			}
		}
		if seen[name] > len(m.events[name]) {
			m.fail("at %d: event that may not be: %+v of %+v", m.now, e, l)
		}
	}
}

// detachedOver returns the place of a detached wait of that service whose time is over, or -1. If
// there are several, it is the one whose request the table has ended first.
func (m *model) detachedOver(w *world, l *mLock, service string) (at int) {
	at = -1
	s, first := w.shard([]byte(l.name)), int64(math.MaxInt64)
	for i, x := range l.queue {
		if !x.detached || x.service != service || x.deadline > m.waitNow() {
			continue
		}
		cmd := codec.Command{Name: []byte(l.name), Service: []byte(service), Req: []byte(x.req)}
		q := s.requests.at(s.findRequest(uint32(w.table.Hash(cmd.Name)), &cmd))
		if q.state == requestCanceled && q.until < first {
			at, first = i, q.until
		}
	}
	return at
}

// nothingDue checks that no lease or wait is left whose tick has begun.
func (m *model) nothingDue(now int64) {
	if m == nil {
		return
	}
	m.now = now
	begun := func(now int64) int64 { return now - now%nsPerTick }
	for _, l := range m.locks {
		if l.share == exclusive && !l.vacant && l.deadline <= begun(m.leaseNow()) {
			m.fail("lease of %q is late", l.name)
		}
		for _, h := range l.holders {
			if h.deadline <= begun(m.leaseNow()) {
				m.fail("lease of %q for %q is late", l.name, h.owner)
			}
		}
		for _, w := range l.queue {
			if w.deadline <= begun(m.waitNow()) {
				m.fail("wait for %q is late", l.name)
			}
		}
	}
}

// compare checks that the call's events and effects were those of the model, and that the table is
// in the model's state.
func (m *model) compare(w *world) {
	if m == nil {
		return
	}
	events, effects := map[string][]mEvent{}, map[string][]Effect{}
	for i := range w.events {
		e := &w.events[i]
		events[string(e.Name)] = append(events[string(e.Name)], mEvent{e.Kind, string(e.Service), e.Token, e.Count, e.From})
	}
	nameOf := map[Origin]string{}
	for _, place := range m.waits {
		nameOf[place.from] = place.name
	}
	for _, e := range w.fx.List {
		e.Hold = HoldRef{Token: e.Hold.Token}
		effects[nameOf[e.To]] = append(effects[nameOf[e.To]], e)
	}
	if !reflect.DeepEqual(events, m.events) {
		m.fail("events\n%+v, want\n%+v", events, m.events)
	}
	if !reflect.DeepEqual(effects, m.effects) {
		m.fail("effects\n%+v, want\n%+v", effects, m.effects)
	}
	m.events, m.effects = map[string][]mEvent{}, map[string][]Effect{}
	for _, name := range w.names {
		if got, want := peek(w.table, name), m.locks[string(name)]; !reflect.DeepEqual(got, want) {
			m.fail("state of %q\n%+v, want\n%+v", name, got, want)
		}
	}
	m.compareRequests(w.table)
	m.sameEdges(w)
	x, held := w.table.Totals(), 0
	for _, l := range m.locks {
		if !l.vacant {
			held++
		}
	}
	if x.Counts != m.counts || x.Held != held || x.Waiters != m.waiters {
		m.fail("totals %+v, want %+v, %d held, %d waiting", x, m.counts, held, m.waiters)
	}
}

// peek reads a lock without ending its lease.
func peek(t *Table, name []byte) *mLock {
	hash := t.Hash(name)
	s := t.Shard(hash)
	i := s.indexOf(uint32(hash), name)
	if i == none {
		return nil
	}
	l := s.locks.at(i)
	m := &mLock{name: string(s.name(l)), share: l.share()}
	switch {
	case l.grouped():
		m.holders = s.peekHolders(l)
	case l.state == stateVacant:
		m.vacant = true
	default:
		m.mHold = mHold{owner: string(s.service(l)), token: l.token, count: l.count, ttl: l.ttlMs,
			since: l.since, deadline: l.deadline, by: l.by, others: l.others()}
	}
	if l.meta != 0 {
		m.meta = string(s.arena.get(l.meta, l.metaLen()))
	}
	for i := l.first; i != none; i = s.waiters.at(i).next {
		w := s.waiters.at(i)
		x := mWait{w.from(), string(s.waiterService(w)), string(s.waiterMeta(w)), w.since, w.deadline, w.ttlMs, w.share, w.fresh, w.detect, w.detached, "", w.number}
		if w.req != 0 {
			_, _, id := s.requestStrings(s.requests.at(w.req - 1))
			x.req = string(id)
		}
		m.queue = append(m.queue, x)
	}
	return m
}

func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Config{TTLMs: 1000, LocksMax: 5, WaitersMax: 12, WaitersPerLockMax: 8, RequestsMax: 1 << 20}
		if rapid.IntRange(0, 9).Draw(t, "few tokens") == 1 {
			c.TokenStart = codec.TokenMax - 4
		}
		w := newWorld(c)
		m := &model{cfg: c, pauses: w.table.pauses, counter: map[uint8]codec.Token{}, locks: map[string]*mLock{}, waits: map[WaiterRef]mPlace{}, began: map[Origin]int64{}, order: map[uint8]uint64{},
			events: map[string][]mEvent{}, effects: map[string][]Effect{}, fail: t.Fatalf}
		m.shardOf = func(name string) uint8 { return uint8(w.table.Hash([]byte(name)) >> 56) }
		for i := range Shards {
			m.counter[uint8(i)] = c.TokenStart
		}
		w.model = m
		// Each op comes from a seed of its own, because rapid draws mostly small numbers, which
		// this table treats all alike. rapid still shrinks the list.
		ops := rapid.Map(rapid.Uint64(), func(seed uint64) op { return randomOp(rand.New(rand.NewPCG(seed, 1)).IntN) })
		length := rapid.SampledFrom([]int{0, 30, 200, 350}).Draw(t, "length")
		for _, o := range rapid.SliceOfN(ops, length, 400).Draw(t, "ops") {
			w.do(o)
		}
	})
}
