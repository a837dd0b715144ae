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
		if s.repeat(at, i, cmd, from, fx, r) {
			s.boundEnded()
			return
		}
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
		s.noteRequest(at, i, tag, cmd, r)
	case at == none:
		s.unreserveRequest()
	}
	s.boundEnded()
}

// noteRequest notes that the request was executed for the first time, or is tried anew. at is its
// record, or none.
func (s *Shard) noteRequest(at, i, tag uint32, cmd *codec.Command, r *Result) {
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
		s.unlistEnded(at, q)
	}
	q.args, q.repeated = argsOf(cmd), false
	if r.Waiting {
		w := s.waiters.at(r.Waiter.index)
		w.req = at + 1
		q.state, q.waiter, q.number = requestWaiting, r.Waiter.index, w.number
		return
	}
	if i == none { // the lock was free
		i = s.indexOf(tag, cmd.Name)
	}
	s.order++
	q.number = s.order
	s.requestGranted(q, s.locks.at(i))
	if r.Fresh {
		r.Hold = r.Hold.of(q.number)
	}
}

// requestGranted notes that the request was granted the present hold of the lock.
func (s *Shard) requestGranted(q *request, l *lock) {
	q.state, q.token, q.waiter, q.repeated = requestGranted, l.token, none, false
	l.setHasRequests()
}

// repeat answers a command whose request has a record, and returns true. It returns false if the
// command is to be executed as if it came for the first time. i is its lock, or none.
func (s *Shard) repeat(at, i uint32, cmd *codec.Command, from Origin, fx *Effects, r *Result) bool {
	q := s.requests.at(at)
	l := s.lockAt(i)
	stands := l != nil && l.state.held() && l.token == q.token
	switch q.state {
	case requestWaiting:
		s.takeOver(at, cmd, from, fx, r)
	case requestGranted:
		if !stands { // in an image, of which the hold was no part
			s.endRequest(at, requestExpired)
			r.Code, r.Token, r.Repeat = codec.Stale, q.token, true
			break
		}
		if s.phase == graceRuns && l.state != stateConfirmed {
			return false // the hold may have ended after the image: see acquireInGrace
		}
		q.repeated = true
		if ttl := optionalTTL(cmd); ttl != 0 && ttl != l.ttlMs {
			s.amended++
		}
		s.renew(&l.hold, optionalTTL(cmd))
		s.emit(EventRenew, l, cmd.Service, from)
		s.describe(&l.hold, r)
	case requestDone:
		r.Token, r.Count = q.token, q.count
		if stands && q.count > 0 {
			r.LeaseMs = s.leaseLeftMs(&l.hold)
		}
	case requestRefused:
		r.Code = codec.Canceled
	case requestReleased, requestExpired, requestForced:
		r.Code, r.Token, r.Repeat = codec.Stale, q.token, true
	default:
		panic("BUG: unknown state of a request")
	}
	s.counts.Repeats++
	return true
}

// takeOver gives the place of a waiting request to its repeat. The connection that waited is
// answered CANCELED. The repeat is granted if it needs not wait: if its service has the lock
// meanwhile, or if only detached requests wait for it.
func (s *Shard) takeOver(at uint32, cmd *codec.Command, from Origin, fx *Effects, r *Result) {
	q := s.requests.at(at)
	w := s.waiters.at(q.waiter)
	i, l := w.lock, s.locks.at(w.lock)
	own := l.state.held() && string(s.service(l)) == string(cmd.Service)
	switch {
	case own && !cmd.Has(codec.OptFresh) && (s.phase != graceRuns || l.state == stateConfirmed):
		if which := s.reenterLimit(&l.hold, cmd); which != codec.WhichNone {
			r.limit(which)
			return
		}
		s.displace(l, w, fx)
		s.reenter(&l.hold, &l.grantee, optionalTTL(cmd), from.Conn)
		if cmd.Has(codec.OptMeta) {
			s.setMeta(&l.grantee, cmd.Text)
		}
		s.emit(EventReenter, l, cmd.Service, from)
		s.dequeue(q.waiter)
		s.requestGranted(q, l)
		s.describe(&l.hold, r)
	case l.state == stateVacant:
		if s.acquireVacant(i, l, cmd, from, r); r.Code == codec.OK {
			s.dequeue(q.waiter)
			s.requestGranted(q, l)
			r.Hold = r.Hold.of(q.number)
		}
	case cmd.WaitMs == 0:
		if s.phase == graceRuns && (!l.state.held() || own) {
			r.Code = codec.Recovering
		} else {
			s.refuseRepeat(l, w, fx, r)
		}
		s.displace(l, w, fx)
		s.dequeue(q.waiter)
		s.endRequest(at, requestTimedOut)
		s.forgetEmpty(i)
		s.waitEnded(i, fx)
	default:
		s.displace(l, w, fx)
		if w.detached {
			s.attach(q.waiter)
		}
		s.rewait(q.waiter, w, cmd, from)
		s.emit(EventEnqueue, l, cmd.Service, from)
		r.Waiting, r.Waiter = true, WaiterRef{s.number, q.waiter, w.generation}
	}
}

// refuseRepeat ends the repeat of a waiting request that does not wait.
func (s *Shard) refuseRepeat(l *lock, w *waiter, fx *Effects, r *Result) {
	if !l.grouped() {
		s.refuseHeld(l, fx, r)
		return
	}
	_, h := s.findHolder(w.lock, l, s.waiterService(w))
	s.refuseHeldBy(l, h, fx, r)
}

// displace answers the connection that has waited with w, if there is one.
func (s *Shard) displace(l *lock, w *waiter, fx *Effects) {
	if w.detached {
		return
	}
	s.emit(EventDisplace, l, s.waiterService(w), w.from())
	fx.add(Effect{To: w.from(), Code: codec.Canceled})
}

// rewait lets the waiter i wait for the connection of a repeat, from now on.
func (s *Shard) rewait(i uint32, w *waiter, cmd *codec.Command, from Origin) {
	w.generation = s.waiters.renew(i)
	w.beginWait(s.now, s.waitNow(), cmd.WaitMs)
	w.conn, w.ticket = from.Conn, from.Ticket
	w.ttlMs, w.fresh = optionalTTL(cmd), cmd.Has(codec.OptFresh)
	if w.meta == 0 { // it was granted, and taken back, or has none
		s.setWaiterMeta(w, cmd)
	}
	s.noteDue(s.waitDue(s.waits.Move(i, tickOf(w.deadline))))
}

// endRequests notes that the present hold of lock l is over, for the requests that were granted it.
func (s *Shard) endRequests(l *lock, st requestState) {
	s.eachGranted(l, func(at uint32) { s.endRequest(at, st) })
	s.boundEnded()
}

// forgetRequests forgets the requests that were granted the present hold of lock l: its holder has
// shown that it knows the token.
func (s *Shard) forgetRequests(l *lock) { s.eachGranted(l, s.dropRequest) }

// eachGranted calls do for the record of each request that was granted the present hold of lock l.
func (s *Shard) eachGranted(l *lock, do func(at uint32)) {
	if !l.hasRequests() {
		return
	}
	_, at := s.headOf(s.requestTag(l.tag, s.service(l)), s.name(l), s.service(l))
	if at == none {
		return
	}
	for left := s.requests.at(at).siblings; left > 0; left-- {
		q := s.requests.at(at)
		next := q.next
		if q.state == requestGranted && q.token == l.token {
			do(at)
		}
		at = next
	}
}
