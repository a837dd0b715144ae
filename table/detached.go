package table

import (
	"math"

	"dlm/codec"
)

// A request with REQ keeps its place for a while when its connection ends. It is detached: the lock
// passes it over until a repeat of the request attaches it again, or its time is over.
//
// Detached requests stay in the queue. A run is detached requests that directly follow each other.
// Its first waiter has the index of its last one in waiter.run, and the last one that of the first.
// So a lock whose hold has ended passes over any number of them in one step. The waiters within a
// run do not know where it ends: attach looks for the nearer end, and clients mostly come back in
// the order of the queue.
//
//	queue   a   D   D   D   b   D
//	run         --------->      -
//
// A lock for which only detached requests wait is vacant. It has no holder, and a record for the
// queue.

// Lose ends a wait because its connection is gone, or detaches it for so many ns if its request can
// be repeated. It returns false if the wait was over.
func (s *Shard) Lose(now int64, ref WaiterRef, keep int64, fx *Effects) bool {
	w := s.waiters.find(ref)
	if w == nil || w.req == 0 || keep <= 0 {
		return s.End(now, ref, WaitDisconnected, fx)
	}
	s.setTime(now)
	s.counts.Detaches++
	s.emitWait(EventDetach, s.locks.at(w.lock), w)
	w.conn, w.ticket = 0, 0
	w.generation = s.waiters.renew(ref.index)
	s.detach(ref.index)
	w.deadline = min(w.deadline, s.waitNow()+keep)
	s.armWait(ref.index, w)
	s.waitEnded(w.lock, fx) // others may pass it over
	s.verify()
	return true
}

// isDetached reports whether i is a detached waiter; it may be none.
func (s *Shard) isDetached(i uint32) bool { return i != none && s.waiters.at(i).detached }

// detach makes the waiter i a part of the runs beside it.
func (s *Shard) detach(i uint32) {
	w := s.waiters.at(i)
	w.detached = true
	s.detached++
	first, last := i, i
	if s.isDetached(w.prev) {
		first = s.waiters.at(w.prev).run
	}
	if s.isDetached(w.next) {
		last = s.waiters.at(w.next).run
	}
	s.setRun(first, last)
}

func (s *Shard) setRun(first, last uint32) {
	s.waiters.at(first).run, s.waiters.at(last).run = last, first
}

// attach takes the waiter i out of its run.
func (s *Shard) attach(i uint32) {
	w := s.waiters.at(i)
	first, last := s.runOf(i)
	w.detached = false
	s.detached--
	if first != i {
		s.setRun(first, w.prev)
	}
	if last != i {
		s.setRun(w.next, last)
	}
}

// runOf returns the ends of the run of waiter i. It looks in both directions.
func (s *Shard) runOf(i uint32) (first, last uint32) {
	for back, ahead := i, i; ; {
		b, a := s.waiters.at(back), s.waiters.at(ahead)
		if !s.isDetached(b.prev) {
			return back, b.run
		}
		if !s.isDetached(a.next) {
			return a.run, ahead
		}
		back, ahead = b.prev, a.next
	}
}

// closeRuns is called before the waiter i leaves the queue. Runs that it is an end of, or that it
// keeps apart, change.
func (s *Shard) closeRuns(i uint32) {
	w := s.waiters.at(i)
	before, after := s.isDetached(w.prev), s.isDetached(w.next)
	switch {
	case !w.detached:
		if before && after {
			s.setRun(s.waiters.at(w.prev).run, s.waiters.at(w.next).run)
		}
		return
	case after && !before:
		s.setRun(w.next, w.run)
	case before && !after:
		s.setRun(w.run, w.prev)
	}
	s.detached--
}

// attachedFrom returns the first waiter from at on that is not detached, or none. at is none, or no
// detached waiter is directly before it.
func (s *Shard) attachedFrom(at uint32) uint32 {
	if s.detached > 0 && s.isDetached(at) {
		return s.waiters.at(s.waiters.at(at).run).next
	}
	return at
}

// vacate makes lock i vacant: its hold has ended, and only detached requests wait for it.
func (s *Shard) vacate(l *lock) {
	s.setMeta(&l.grantee, nil)
	l.state, l.token, l.count, l.ttlMs, l.deadline = stateVacant, 0, 0, 0, math.MaxInt64
	s.grace.unheld++
}

// acquireVacant grants vacant lock i.
func (s *Shard) acquireVacant(i uint32, l *lock, cmd *codec.Command, from Origin, r *Result) {
	if s.counter >= s.tokenMax() {
		r.limit(codec.WhichTokens)
		return
	}
	if s.queueDiffers(l, shareOf(cmd)) {
		r.Code = codec.Conflict
		return
	}
	if cmd.Has(codec.OptShared | codec.OptPermits) {
		s.joinGroup(i, l, cmd, from, r)
		return
	}
	if s.table.full.Load() && !s.serviceFits(l, cmd) {
		r.limit(codec.WhichMemory)
		return
	}
	if !s.takeUse(ofHolds, cmd.Service) {
		r.limit(codec.WhichQuota)
		return
	}
	s.grace.unheld--
	l.state = stateSettled
	s.grant(i, l, cmd.Service, optionalTTL(cmd), metaOf(cmd), from.Conn)
	s.answerGrant(EventGrant, i, l, nil, from, r)
}

// serviceFits is lockFits for the holder of a lock that has a record.
func (s *Shard) serviceFits(l *lock, cmd *codec.Command) bool {
	var need blocks
	need.add(len(cmd.Service), textLen-l.serviceAt())
	need.add(len(metaOf(cmd)), 0)
	return s.arena.fits(&need)
}

// requeue puts a request whose grant could not be delivered back into its place, detached for keep
// ns. The repeat brings what else a waiter has.
func (s *Shard) requeue(lockIndex, at uint32, keep int64) {
	q := s.requests.at(at)
	_, service, _ := s.requestStrings(q)
	s.waiterQuota.takeAnyway(&s.table.waiters)
	i, w := s.takeWaiter()
	w.conn, w.ticket, w.number, w.req = 0, 0, q.number, at+1
	w.ttlMs, w.fresh, w.detect, w.share = 0, false, false, s.locks.at(lockIndex).share()
	w.meta, w.metaLen = 0, 0
	s.setWaiterService(w, service)
	w.beginWait(s.now, s.waitNow()+keep, 0)
	s.insert(lockIndex, i)
	if s.isDetached(w.prev) && s.isDetached(w.next) { // within a run, whose ends stay as they are
		w.detached = true
		s.detached++
	} else {
		s.detach(i)
	}
	s.armWait(i, w)
	q.state, q.waiter, q.token = requestWaiting, i, 0
	s.counts.Detaches++
}

// insert puts the waiter i into the queue before those with larger numbers. It passes over a run in
// one step.
func (s *Shard) insert(lockIndex, i uint32) {
	l, w := s.locks.at(lockIndex), s.waiters.at(i)
	before, next := none, l.first
	for within := false; next != none; {
		x := s.waiters.at(next)
		if x.number > w.number {
			break
		}
		before, next = next, x.next
		if x.detached && !within {
			if last := s.waiters.at(x.run); last.number < w.number {
				before, next = x.run, last.next
			} else {
				within = true
			}
		}
	}
	w.lock = lockIndex
	s.linkWaiter(l, i, w, before, next)
}
