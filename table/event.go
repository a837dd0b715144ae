package table

import "dlm/codec"

// EventKind names the change of a lock.
type EventKind uint8

const (
	EventEnqueue  EventKind = iota + 1 // a request began to wait
	EventGrant                         // a new hold
	EventReenter                       // the holder was granted once more
	EventRenew                         // a heartbeat was accepted
	EventRelease                       // one count was given back
	EventExpire                        // the lease ended
	EventForce                         // an admin ended the hold
	EventTakeBack                      // one count was taken back, undelivered
	EventTimeOut                       // a wait ended by its timeout
	EventCancel                        // a wait ended with its connection
	EventRefuse                        // a wait ended without a token left, or without its hold
	EventClaim                         // a hold was confirmed in a recovery
	// a hold of the image got a new token at the end of the grace
	EventRetoken
	EventUpgrade   // a shared hold became exclusive, with a new token
	EventDowngrade // an exclusive hold became shared
	EventDetach    // the connection of a wait is gone, and its place is kept
	EventDisplace  // a wait was answered CANCELED
)

// Event is one change of one lock, for a tap. The slices alias the shard or the command; a tap that
// keeps them makes copies.
type Event struct {
	Kind    EventKind
	Shard   uint8
	Seq     uint64 // counts the events of the shard
	Now     int64  // table time in ns
	Name    []byte
	Service []byte
	Reason  []byte // of FORCE-RELEASE; empty: none
	Token   codec.Token
	Count   uint32 // after the event
	From    Origin // of the request; zero for acts of a holder or an admin
	Waited  bool   // grant and re-entry: the request came from the queue
}

// emitHold reports a change of a hold of lock l to the tap, if there is one.
func (s *Shard) emitHold(kind EventKind, l *lock, h *holder, from Origin) {
	if s.table.tap.Load() != nil {
		s.tapHold(kind, l, h, from)
	}
}

// emitWait reports a change of the request w, which waits for lock l, to the tap, if there is one.
func (s *Shard) emitWait(kind EventKind, l *lock, w *waiter) {
	if s.table.tap.Load() != nil {
		s.tapWait(kind, l, &l.hold, w)
	}
}

// emitWaited is emitWait for a grant or re-entry, whose hold is x.
func (s *Shard) emitWaited(kind EventKind, l *lock, x *hold, w *waiter) {
	if s.table.tap.Load() != nil {
		s.tapWait(kind, l, x, w)
	}
}

// tapHold looks at the tap again, since it can be taken away meanwhile. So does tapWait.
func (s *Shard) tapHold(kind EventKind, l *lock, h *holder, from Origin) {
	if tap := s.table.tap.Load(); tap != nil {
		x, _ := l.holdOf(h)
		s.tap(tap, Event{Kind: kind, Service: s.serviceOf(l, h), From: from}, l, x)
	}
}

func (s *Shard) tapWait(kind EventKind, l *lock, x *hold, w *waiter) {
	if tap := s.table.tap.Load(); tap != nil {
		granted := kind == EventGrant || kind == EventReenter || kind == EventUpgrade
		s.tap(tap, Event{Kind: kind, Service: s.waiterService(w), From: w.from(), Waited: granted}, l, x)
	}
}

// emitLost reports that a service has lost its hold of lock l, to the tap, and to the hook for lost
// holds. reason is that of FORCE-RELEASE.
func (s *Shard) emitLost(kind EventKind, l *lock, h *holder, reason []byte) {
	x, _ := l.holdOf(h)
	e := Event{Kind: kind, Service: s.serviceOf(l, h), Reason: reason}
	if tap := s.table.tap.Load(); tap != nil {
		s.tap(tap, e, l, x)
	}
	if lost := s.table.lost.Load(); lost != nil {
		s.tap(lost, e, l, x)
	}
}

// tap calls a hook with a change of that hold of lock l.
func (s *Shard) tap(to *func(*Event), e Event, l *lock, h *hold) {
	s.seq++
	e.Shard, e.Seq, e.Now, e.Name, e.Token, e.Count = s.number, s.seq, s.now, s.name(l), h.token, h.count
	(*to)(&e)
}
