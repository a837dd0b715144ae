package table

import "dlm/codec"

// applyRequest executes an ACQUIRE or RELEASE with REQ, or answers it as a repeat. slot and rec are
// the first entry of the index under the tag.
func (s *Shard) applyRequest(slot, rec, tag uint32, cmd *codec.Command, from Origin, fx *Effects, r *Result) {
	i, _ := s.findFrom(slot, rec, tag, cmd.Name)
	s.currentFor(i, cmd, fx) // a record must know of the end of its hold
	at := s.settledRequest(tag, cmd, fx)
	i = s.indexOf(tag, cmd.Name) // a hold or a wait that has ended can have removed the lock
	if at != none && !s.requests.at(at).state.over() {
		if q := s.requests.at(at); q.args != argsOf(cmd) && q.state != requestRefused {
			r.Code, r.Repeat = codec.BadArg, true
			return
		}
		s.repeat(at, i, cmd, from, fx, r)
		s.boundEnded()
		return
	}
	if at == none {
		if which := s.reserveRequest(tag, cmd); which != codec.WhichNone {
			r.limit(which)
			return
		}
	}
	s.execute(i, tag, cmd, from, fx, r)
	switch {
	case r.Code == codec.OK:
		s.noteRequest(at, tag, cmd, r)
	case at == none:
		s.unreserveRequest()
	}
	s.boundEnded()
}

// noteRequest notes that the request was executed for the first time, or is tried anew. at is its
// record, or none.
func (s *Shard) noteRequest(at, tag uint32, cmd *codec.Command, r *Result) {
	if cmd.Verb == codec.VerbRelease {
		_, q := s.addRequest(tag, cmd, requestDone)
		q.token, q.count = r.Token, r.Count
		s.amended++
		return
	}
	if at == none {
		at, _ = s.addRequest(tag, cmd, requestWaiting)
	}
	q := s.requests.at(at)
	if q.state.over() {
		s.unlistEnded(q)
	}
	q.args, q.repeated = argsOf(cmd), false
	if r.Waiting {
		w := s.waiters.at(r.Waiter.index)
		w.req = at + 1
		q.state, q.waiter, q.number = requestWaiting, r.Waiter.index, w.number
		return
	}
	s.order++
	q.number = s.order
	s.noteGranted(q, tag, cmd, r)
}

// noteGranted notes that the request was granted a hold by the command that gave that result.
func (s *Shard) noteGranted(q *request, tag uint32, cmd *codec.Command, r *Result) {
	x, g, _, _ := s.holdBy(s.indexOf(tag, cmd.Name), cmd.Service)
	q.granted(x, g)
	if r.Fresh {
		r.Hold = r.Hold.of(q.number)
	}
}

// repeat answers a command whose request has a record. i is its lock, or none.
func (s *Shard) repeat(at, i uint32, cmd *codec.Command, from Origin, fx *Effects, r *Result) {
	s.counts.Repeats++
	q := s.requests.at(at)
	x, g, _, h := s.holdBy(i, cmd.Service)
	stands := x != nil && x.token == q.token
	switch q.state {
	case requestWaiting:
		s.takeOver(at, cmd, from, fx, r)
	case requestGranted:
		switch {
		case !stands: // in an image, of which the hold was no part
			s.endRequest(at, requestExpired)
			r.Code, r.Token, r.Repeat = codec.Stale, q.token, true
		case s.unproved(g):
			r.Code = codec.Recovering
		default:
			q.repeated = true
			if ttl := optionalTTL(cmd); ttl != 0 && ttl != x.ttlMs {
				s.amended++
			}
			s.renew(x, optionalTTL(cmd))
			s.emitHold(EventRenew, s.locks.at(i), h, from)
			s.describe(x, r)
		}
	case requestDone:
		r.Token, r.Count = q.token, q.count
		if stands && q.count > 0 {
			r.LeaseMs = s.leaseLeftMs(x)
		}
	case requestRefused:
		r.Code = codec.Canceled
	case requestReleased, requestExpired, requestForced:
		r.Code, r.Token, r.Repeat = codec.Stale, q.token, true
	default:
		panic("BUG: unknown state of a request")
	}
}

// unproved reports whether a hold of the image may have ended after the image was written: nothing
// is said about its requests until its holder has shown the token.
func (s *Shard) unproved(g *grantee) bool { return s.phase == graceRuns && g.state != stateConfirmed }

// takeOver gives the place of a waiting request to its repeat. The connection that waited is
// answered CANCELED. The repeat is granted if it needs not wait.
func (s *Shard) takeOver(at uint32, cmd *codec.Command, from Origin, fx *Effects, r *Result) {
	q := s.requests.at(at)
	waiting := q.waiter
	w := s.waiters.at(waiting)
	i, l := w.lock, s.locks.at(w.lock)
	x, g, _, h := s.holdBy(i, cmd.Service)
	switch {
	case s.entersNow(l, w, g, cmd):
		switch {
		case x != nil:
			s.acquireAgain(l, h, cmd, from, r)
		case l.grouped():
			s.joinGroup(i, l, cmd, from, r)
		default:
			s.acquireVacant(i, l, cmd, from, r)
		}
		if r.Code == codec.OK {
			s.displace(l, w, fx)
			if r.Fresh {
				s.measures().grantsWaited++
			}
			s.dequeue(l, waiting, w, WaitGranted, w.waited(s.now))
			s.noteGranted(q, l.tag, cmd, r)
		}
	case cmd.WaitMs == 0:
		switch {
		case s.phase == graceRuns:
			s.refuseInGrace(i, cmd, fx, r)
		default:
			s.refuseHeld(l, h, fx, r)
		}
		s.displace(l, w, fx)
		s.dequeue(l, waiting, w, WaitTimeout, w.waited(s.now))
		s.endRequest(at, requestTimedOut)
		s.forgetEmpty(i)
		s.waitEnded(i, fx)
	default:
		s.displace(l, w, fx)
		if w.detached {
			s.attach(waiting)
		}
		s.rewait(waiting, w, cmd, from)
		s.emitWait(EventEnqueue, l, w)
		r.Waiting, r.Waiter = true, WaiterRef{s.number, waiting, w.generation}
	}
}

// entersNow reports whether the repeat of the waiting request w need not wait: its service
// holds the lock by now, or only detached requests wait before it for what is free. g is the hold
// of its service, or nil.
func (s *Shard) entersNow(l *lock, w *waiter, g *grantee, cmd *codec.Command) bool {
	want, own := shareOf(cmd), g != nil
	switch {
	case l.state == stateVacant:
		return true
	case own && cmd.Has(codec.OptFresh):
		return false
	case !l.grouped():
		return own && want.permits() == 0 && !s.unproved(g)
	case want != l.share():
		return false
	case s.phase == graceRuns || own && want == shared:
		return own && want == shared && !s.unproved(g)
	case !l.hasRoom():
		return false
	}
	first := s.attachedFrom(l.first)
	return first == none || s.waiters.at(first).number >= w.number
}

// displace answers the connection that has waited with w, if there is one.
func (s *Shard) displace(l *lock, w *waiter, fx *Effects) {
	if w.detached {
		return
	}
	s.emitWait(EventDisplace, l, w)
	fx.add(Effect{To: w.from(), Code: codec.Canceled})
}

// rewait lets the waiter i wait for the connection of a repeat, from now on.
func (s *Shard) rewait(i uint32, w *waiter, cmd *codec.Command, from Origin) {
	w.generation = s.waiters.renew(i)
	s.beginRequest(w, cmd, from)
	if w.meta == 0 { // it was granted, and taken back, or has none
		s.setWaiterMeta(w, cmd)
	}
	s.armWait(i, w)
}
