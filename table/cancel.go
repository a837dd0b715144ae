package table

import "dlm/codec"

// Cancel is End for a wait that was cancelled.
func (s *Shard) Cancel(now int64, ref WaiterRef, fx *Effects) bool {
	return s.End(now, ref, WaitCanceled, fx)
}

// Refuse ends a wait with DETECT without an answer, because the caller has found it in a cycle and
// answers it. Waits that it lets in are added to fx. A request with REQ is over, and a repeat of it
// is a new try. Refuse returns whom to answer, and false if the wait was over.
func (s *Shard) Refuse(now int64, ref WaiterRef, fx *Effects) (to Origin, ok bool) {
	s.setTime(now)
	w := s.waiters.find(ref)
	if w == nil || !w.detect || w.deadline <= s.waitNow() {
		return Origin{}, false
	}
	lock, to := w.lock, w.from()
	s.counts.Deadlocks++
	s.noteWait(fx, NoteDeadlock, s.locks.at(lock), w, w.waited(s.now))
	s.endWait(ref.index, WaitDeadlock)
	s.waitEnded(lock, fx)
	s.boundEnded()
	s.verify()
	return to, true
}

// Was is what CANCEL has found.
type Was uint8

const (
	WasUnknown Was = iota // no such request, or it was over; it is refused should it still come
	WasWaiting
	WasGranted
)

// String returns the word of CANCEL's answer.
func (w Was) String() string { return [...]string{"unknown", "waiting", "granted"}[w] }

// CancelRequest executes CANCEL of a request at table time now, in ns. hash is Table.Hash of the
// command's name. A request that waits ends, and its connection is answered Canceled. A count that
// was granted is given back. A request that is not known is refused should it still come. Result
// has Was, and the token of a hold.
func (s *Shard) CancelRequest(now int64, hash uint64, cmd *codec.Command, fx *Effects) *Result {
	s.setTime(now)
	r, tag := &fx.result, uint32(hash)
	*r = Result{}
	i := s.currentFor(s.indexOf(tag, cmd.Name), cmd, fx)
	at := s.settledRequest(tag, cmd, fx)
	state := requestTimedOut
	if at != none {
		state = s.requests.at(at).state
	}
	switch {
	case state == requestWaiting:
		w := s.waiters.at(s.requests.at(at).waiter)
		s.displace(s.locks.at(w.lock), w, fx)
		lock := w.lock
		s.cancel(s.requests.at(at).waiter, WaitCanceled)
		s.waitEnded(lock, fx)
		r.Was = WasWaiting
	case state == requestGranted:
		s.giveBackFor(i, at, cmd, fx, r)
	case !state.over() && state != requestRefused: // its hold is over
	default:
		s.refuseAhead(at, tag, cmd, r)
	}
	s.boundEnded()
	s.verify()
	return r
}

// settledRequest returns the record of the request after ending what is over: its wait, or the time
// of the record. It returns none if there is no record.
func (s *Shard) settledRequest(tag uint32, cmd *codec.Command, fx *Effects) uint32 {
	at := s.findRequest(tag, cmd)
	if at == none {
		return none
	}
	switch q := s.requests.at(at); {
	case s.outlived(q):
		s.dropRequest(at)
		return none
	case q.state == requestWaiting && s.waiters.at(q.waiter).deadline <= s.waitNow():
		lock := s.waiters.at(q.waiter).lock
		s.timeOut(q.waiter, fx)
		s.waitEnded(lock, fx)
		return s.findRequest(tag, cmd) // the end of a hold bounds the records
	}
	return at
}

// giveBackFor gives the count of a granted request back.
func (s *Shard) giveBackFor(i, at uint32, cmd *codec.Command, fx *Effects, r *Result) {
	q := s.requests.at(at)
	x, _, hi, h := s.holdBy(i, cmd.Service)
	if x == nil || x.token != q.token {
		s.endRequest(at, requestExpired)
		return
	}
	s.endRequest(at, requestCanceled)
	s.giveBack(i, s.locks.at(i), hi, h, cmd, fx, r)
	r.Was = WasGranted
}

// refuseAhead makes sure that the request is refused if it still comes.
func (s *Shard) refuseAhead(at, tag uint32, cmd *codec.Command, r *Result) {
	if s.phase == graceRuns && at == none {
		r.Code = codec.Recovering // it may have been granted after the image
		return
	}
	if at != none {
		s.dropRequest(at)
	}
	if which := s.reserveRequest(tag, cmd); which != codec.WhichNone {
		r.limit(which)
		return
	}
	s.addRequest(tag, cmd, requestRefused)
	s.amended++
}

// Outcome is the answer of OUTCOME.
type Outcome struct {
	State      string // waiting, granted, ended, unknown
	Why        string // with ended
	Recovering bool   // unknown, and a recovery grace runs
	Position   int    // with waiting: 1 is the head of the queue; 0: beyond PlaceMax
	Count      uint32 // with granted, as the next two
	Token      codec.Token
	LeaseMs    int64
}

// whys are the words of OUTCOME, by the state of a request.
var whys = [...]string{
	requestRefused: "canceled", requestReleased: "released", requestExpired: "expired", requestForced: "forced",
	requestTimedOut: "timeout", requestCanceled: "canceled",
}

// Outcome describes what became of an ACQUIRE with REQ, at table time now.
func (s *Shard) Outcome(now int64, hash uint64, cmd *codec.Command, fx *Effects) (o Outcome) {
	s.setTime(now)
	tag := uint32(hash)
	i := s.currentFor(s.indexOf(tag, cmd.Name), cmd, fx)
	at := s.settledRequest(tag, cmd, fx)
	if at == none {
		return Outcome{State: "unknown", Recovering: s.phase == graceRuns}
	}
	q := s.requests.at(at)
	x, g, _, _ := s.holdBy(i, cmd.Service)
	switch {
	case q.state == requestWaiting:
		o.State = "waiting"
		o.Position, _ = s.position(s.waiters.at(q.waiter), PlaceMax)
	case q.state == requestGranted && x != nil && x.token == q.token && s.unproved(g):
		o.State, o.Recovering = "unknown", true
	case q.state == requestGranted && x != nil && x.token == q.token:
		o.State, o.Token, o.Count, o.LeaseMs = "granted", x.token, x.count, max(0, s.leaseLeftMs(x))
	case q.state == requestGranted:
		o.State, o.Why = "ended", whys[requestExpired]
	default:
		o.State, o.Why = "ended", whys[q.state]
	}
	s.boundEnded()
	s.verify()
	return o
}
