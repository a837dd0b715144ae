package table

import (
	"slices"

	"dlm/codec"
)

func (w *recWorld) lockOf(name []byte) int {
	return slices.IndexFunc(w.names[:], func(n []byte) bool { return string(n) == string(name) })
}

// tap sees each change of a lock.
func (w *recWorld) tap(e *Event) {
	lock := w.lockOf(e.Name)
	hold := recHold{lock, e.Token}
	switch e.Kind {
	case EventGrant, EventRetoken:
		if w.all[hold] {
			w.fail("token: %d of lock %d is given twice", w.rel(e.Token), lock)
		}
		if e.Token <= w.given[lock] {
			w.fail("token: %d of lock %d comes after %d", w.rel(e.Token), lock, w.rel(w.given[lock]))
		}
		w.all[hold], w.given[lock] = true, max(w.given[lock], e.Token)
		w.heard(lock, string(e.Service))
		if e.Kind == EventRetoken {
			w.tally.Retokens++
		} else {
			w.tally.Grants++
		}
		w.logf("  event: lock %d %s has token %d", lock, e.Service, w.rel(e.Token))
	case EventClaim, EventReenter, EventRenew:
		w.heard(lock, string(e.Service))
		if e.Kind == EventClaim {
			w.tally.Claims++
		}
	case EventExpire, EventForce:
		w.ends[lock]++
		w.known.ended[hold] = true
		w.logf("  event: lock %d %s ends, token %d", lock, e.Service, w.rel(e.Token))
	case EventRelease:
		w.heard(lock, string(e.Service))
		if e.Count == 0 {
			w.ends[lock]++
			w.known.ended[hold] = w.known.ended[hold] || !w.inGrace()
		}
	}
}

// heard notes that the owner has spoken since the start.
func (w *recWorld) heard(lock int, service string) {
	if w.known.held[lock] == nil {
		w.known.held[lock] = map[string]bool{}
	}
	w.known.held[lock][service] = true
}

// checkOverlap checks that no two clients are certain of one lock.
func (w *recWorld) checkOverlap() {
	for lock := range recLocks {
		first := -1
		for c := range w.clients {
			b := &w.clients[c].books[lock]
			if !b.certain(w.now) || w.forced[recHold{lock, b.token}] {
				continue
			}
			if first >= 0 {
				w.fail("overlap: %s and %s both hold lock %d", w.clients[first].service, w.clients[c].service, lock)
			}
			first = c
		}
	}
}

// mustKeep reports whether the request must be granted: it comes from a live holder that the server
// knows, or that shows its token.
func (w *recWorld) mustKeep(m *recMsg, b *recBook) bool {
	if m.cmd.Verb != codec.VerbHeartbeat || !b.certain(w.now) || w.forced[recHold{m.lock, b.token}] || b.short {
		return false
	}
	return b.agree || w.inGrace() && (m.cmd.Has(codec.OptToken) || b.imaged && b.ends == w.ends[m.lock])
}

// checkAnswer checks the answer to a command of a client.
func (w *recWorld) checkAnswer(m *recMsg, r *Result, must bool) {
	if must {
		w.tally.Kept++
		if r.Code != codec.OK {
			w.fail("lost: %s holds lock %d with token %d, and is told %v", w.clients[m.client].service, m.lock,
				w.rel(w.clients[m.client].books[m.lock].token), r.Code)
		}
	}
	if m.dropped {
		w.tally.Lost++
	}
	if r.Code != codec.OK || r.Waiting {
		return
	}
	if m.cmd.Verb == codec.VerbAcquire && r.Count > 1 {
		w.tally.Reentries++
	}
	if !m.cmd.Has(codec.OptToken) || !w.inGrace() {
		return
	}
	w.tally.Shown++
	if m.cmd.Has(codec.OptCount) {
		w.tally.Counts++
	}
	k := &w.known
	switch t := m.cmd.Token; {
	case t <= k.barred[m.lock]:
		w.fail("barred: %d of lock %d is believed after %d was forced", w.rel(t), m.lock, w.rel(k.barred[m.lock]))
	case t < k.shown[m.lock] && m.cmd.Verb == codec.VerbRelease: // both may have been shared
	case t < k.shown[m.lock]:
		w.fail("smaller: %d of lock %d is believed after %d", w.rel(t), m.lock, w.rel(k.shown[m.lock]))
	case k.ended[recHold{m.lock, t}] && m.cmd.Verb == codec.VerbHeartbeat:
		w.fail("ended: %d of lock %d is believed, which the server knew to be over", w.rel(t), m.lock)
	default:
		k.shown[m.lock] = t
	}
}

// eachHold calls f for all holds of the table.
func (w *recWorld) eachHold(f func(lock int, s *Shard, l *lock)) {
	for lock, name := range w.names {
		hash := w.table.Hash(name)
		s := w.table.Shard(hash)
		if i := s.indexOf(uint32(hash), name); i != none && s.locks.at(i).state.held() {
			f(lock, s, s.locks.at(i))
		}
	}
}

// checkHolds checks that after a grace no lock is held under a token that is older than another of
// that lock.
func (w *recWorld) checkHolds() {
	if w.violation != "" || w.down || w.inGrace() || !w.settled {
		return
	}
	w.eachHold(func(lock int, s *Shard, l *lock) {
		if l.deadline > w.tableNow() && l.token < w.given[lock] && !w.forced[recHold{lock, l.token}] {
			w.fail("old token: lock %d is held with %d after %d was given", lock, w.rel(l.token), w.rel(w.given[lock]))
		}
	})
}

// checkTicked checks what must be true when nothing is due.
func (w *recWorld) checkTicked() {
	if w.inGrace() || w.violation != "" {
		return
	}
	for _, i := range w.shards {
		if w.table.Due(i, w.tableNow()) {
			return
		}
	}
	w.eachHold(func(lock int, s *Shard, l *lock) {
		service := string(s.service(l))
		if w.grace > 0 && !w.known.held[lock][service] {
			w.fail("unseen: lock %d is held by %s after the grace, which has said nothing", lock, service)
		}
		for c := range w.clients {
			client := &w.clients[c]
			longest := max(w.grace, recTTLMax*nsPerMs)
			if client.service == service && client.dead && w.now > max(client.diedAt, w.base)+longest+nsPerTick {
				w.fail("dead: lock %d is still held by %s, which is dead", lock, service)
			}
		}
	})
	w.settled = true
}

// markShortLeases finds holds whose lease in the image ends before the client's, because the client
// has renewed with a longer TTL after it. They may end within the grace.
func (w *recWorld) markShortLeases() {
	w.eachHold(func(lock int, s *Shard, l *lock) {
		for c := range w.clients {
			if b := &w.clients[c].books[lock]; b.has && b.token == l.token && b.until > w.base+int64(l.ttlMs)*nsPerMs && w.grace > 0 {
				b.short = true
				w.tally.ShortLeases++
			}
		}
	})
}

// markImaged finds holds that have existed since the image was begun. Their owners keep them
// without TOKEN.
func (w *recWorld) markImaged(m *recImage) {
	for c := range w.clients {
		for lock := range recLocks {
			b := &w.clients[c].books[lock]
			b.imaged = b.has && !b.revive && m.owners[lock] == w.clients[c].service && m.ends[lock] == w.ends[lock]
			b.ends = w.ends[lock]
		}
	}
}

// checkExact checks that a clean stop has lost nothing.
func (w *recWorld) checkExact(img *recImage) {
	var h codec.HoldImage
	for j := range img.shards {
		for k := range img.shards[j].Len() {
			img.shards[j].At(k, &h)
			l := peek(w.table, h.Name)
			if l == nil || l.token != h.Token || l.count != h.Count || l.owner != string(h.Service) || l.deadline != max(h.Deadline-img.TableTime, 0) {
				w.fail("exact: hold %+v came back as %+v", h, l)
			}
		}
	}
}
