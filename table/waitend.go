package table

// WaitEnd is how a wait has ended.
type WaitEnd uint8

const (
	WaitGranted      WaitEnd = iota // with a hold, or a count more of one
	WaitTimeout                     // its wait timeout is over; in a recovery too
	WaitCanceled                    // by CANCEL, or because its connection has other rights now
	WaitDisconnected                // its connection is gone, and no repeat came in time
	WaitLimit                       // its turn came, and a limit or quota was reached
	WaitDeadlock                    // DETECT has found it in a cycle
	WaitShutdown                    // the server stops
	WaitNotHeld                     // the hold to upgrade has ended
	WaitEnds                        // how many there are
)

var waitEndNames = [WaitEnds]string{"granted", "timeout", "canceled", "disconnected", "limit", "deadlock", "shutdown", "not_held"}

// String returns the word of metrics.
func (e WaitEnd) String() string { return waitEndNames[e] }

// End ends a wait without an answer, because the caller has answered it or nobody is left to
// answer. Waits that it lets in are added to fx. It returns false if the wait was over.
func (s *Shard) End(now int64, ref WaiterRef, how WaitEnd, fx *Effects) bool {
	s.setTime(now)
	w := s.waiters.find(ref)
	if w == nil {
		return false
	}
	lock := w.lock
	s.cancel(ref.index, how)
	s.waitEnded(lock, fx)
	s.boundEnded()
	s.verify()
	return true
}

// cancel ends the wait of waiter i without an answer. A request with REQ is over.
func (s *Shard) cancel(i uint32, how WaitEnd) {
	s.counts.Cancels++
	s.endWait(i, how)
}

// endWait is cancel without counting it as one.
func (s *Shard) endWait(i uint32, how WaitEnd) {
	w := s.waiters.at(i)
	l, lock := s.locks.at(w.lock), w.lock
	s.emitWait(EventCancel, l, w)
	if w.req != 0 {
		s.endRequest(w.req-1, requestCanceled)
	}
	s.dequeue(l, i, w, how, w.waited(s.now))
	s.forgetEmpty(lock)
}
