package table

import (
	"fmt"
	"hash/fnv"
	"slices"
)

// The part of the model about DETECT: which requests wait for which holds, and their refusal.

func edgeHash(b []byte) uint64 {
	h := fnv.New64a()
	h.Write(b)
	return h.Sum64()
}

// edges returns the edges of all requests that wait, in words, sorted.
func (m *model) edges() (list []string) {
	for _, l := range m.locks {
		for i := range l.queue {
			w := &l.queue[i]
			holds, others := m.waitsFor(l, w)
			for _, h := range holds {
				if h.owner != w.service && h.deadline > m.leaseNow() {
					e := Edge{edgeHash([]byte(w.service)), edgeHash([]byte(h.owner)), WaiterRef{}, h.token, others, w.detect, true, m.began[w.from]}
					list = append(list, fmt.Sprintf("%s %+v %+v", l.name, w.from, e))
				}
			}
		}
	}
	slices.Sort(list)
	return list
}

// waitsFor returns the holds for whose end a request waits: that of all of them, or, if others is
// not 0, of one of so many.
func (m *model) waitsFor(l *mLock, w *mWait) (holds []*mHold, others uint32) {
	switch {
	case w.detached || w.deadline <= m.waitNow():
		return nil, 0
	case l.share == exclusive:
		return []*mHold{&l.mHold}, 0
	}
	first, own := &l.queue[l.head()], l.of(w.service)
	before := l.of(first.service)
	switch {
	case first.deadline <= m.waitNow(): // the queue is about to move
		return nil, 0
	case own != nil && (w.fresh || w.share == exclusive): // its own service has to leave
		return nil, 0
	case first.fresh && first.share == l.share && w.share == l.share && before != nil:
		return []*mHold{before}, 0 // first waits for its own service, and lets nobody pass
	case l.share == shared && w.share == shared && first.share == shared: // first is about to enter
		return nil, 0
	case l.share == shared:
		return l.holders, 0
	case l.free():
		return nil, 0
	}
	for _, h := range l.holders {
		if h != own {
			others++
		}
	}
	if others == 0 {
		return nil, 0
	}
	return l.holders, others
}

// sameEdges compares the edges of the table, and asks whether each stands.
func (m *model) sameEdges(w *world) {
	var list []string
	m.now = w.now
	detects := 0
	for i := range Shards {
		s, walk := w.table.ShardAt(i), EdgeWalk{Holders: 1 << 20}
		if s.waiters.live == 0 {
			continue
		}
		edges, done := s.Edges(w.now, &walk, 1<<20, AllEdges(edgeHash), nil)
		if detects += walk.Detects; !done || walk.Cut {
			m.fail("the walk has not come to its end")
		}
		for _, e := range edges {
			place, ref := m.waits[e.Wait], e.Wait
			x, ok := s.Stands(w.now, &e)
			if !ok || edgeHash(x.Service) != e.Waiter || edgeHash(x.Holder) != e.Holder || string(x.Lock) != place.name || x.Token != e.Token ||
				x.WaitedMs != (m.now-m.began[place.from])/nsPerMs {
				m.fail("edge %+v: %v, %+v", e, ok, x)
			}
			e.Wait = WaiterRef{}
			list = append(list, fmt.Sprintf("%s %+v %+v", m.waits[ref].name, place.from, e))
		}
	}
	for _, l := range m.locks {
		for i := range l.queue {
			if l.queue[i].detect {
				detects--
			}
		}
	}
	slices.Sort(list)
	if want := m.edges(); !slices.Equal(list, want) || detects != 0 {
		m.fail("edges\n%v, want\n%v; %d with DETECT more", list, want, detects)
	}
}

// refuse ends a wait with DETECT that the caller answers.
func (m *model) refuse(now int64, ref WaiterRef, to Origin, was bool) {
	if m == nil {
		return
	}
	m.now = now
	place, found := m.waits[ref], false
	if l := m.locks[place.name]; l != nil {
		i := slices.IndexFunc(l.queue, func(w mWait) bool { return w.from == place.from && !w.detached })
		if found = i >= 0 && l.queue[i].detect && l.queue[i].deadline > m.waitNow(); found {
			m.counts.Deadlocks++
			m.withdraw(l, i)
		}
	}
	if found != was || found && to != place.from {
		m.fail("refuse: %v to %+v, want %v to %+v", was, to, found, place.from)
	}
}
