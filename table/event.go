package table

import "dlm/codec"

// EventKind says what happened to a lock.
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
	EventRefuse                        // a wait ended because no token was left
)

// Event is one change of one lock, for tests that check the order of things.
// Name and Service alias the shard: copy what is kept.
type Event struct {
	Kind    EventKind
	Shard   uint8
	Seq     uint64 // counts the events of the shard
	Now     int64  // table time in ns
	Name    []byte
	Service []byte
	Token   codec.Token
	Count   uint32 // after the event
	From    Origin // enqueue, grant from the queue, time-out, cancel
}

// emit reports a change of lock l to the tap, if there is one.
func (s *Shard) emit(kind EventKind, l *lock, service []byte, from Origin) {
	tap := s.table.config.Tap
	if tap == nil {
		return
	}
	s.seq++
	e := Event{Kind: kind, Shard: s.number, Seq: s.seq, Now: s.now, Name: s.name(l), Service: service,
		Token: l.token, Count: l.count, From: from}
	tap(&e)
}
