package table

import "dlm/codec"

// ConnID names a connection. The table only compares and returns it.
type ConnID uint64

// Origin is the connection that a request came from and that its answer goes to.
type Origin struct {
	Conn   ConnID
	Ticket uint32 // names a wait of the connection; chosen by the caller
}

// HoldRef names one hold of a lock. It becomes invalid when the hold ends, since no token is given
// twice.
type HoldRef struct {
	Token   codec.Token
	index   uint32 // of the record of an exclusive hold
	Shard   uint8
	upgrade bool // the grant was an upgrade, and taking it back leaves a shared hold
	// Which of the requests with REQ was granted, of those that were granted this hold: a part of
	// its place in the queue. 0: it has no REQ.
	req uint16
}

// of returns the reference with the request that has that place.
func (h HoldRef) of(number uint64) HoldRef {
	h.req = reqOf(number)
	return h
}

// reqOf returns the part of a request's place that a HoldRef has.
func reqOf(number uint64) uint16 { return uint16(number%(1<<16-1)) + 1 }

// holdRef names the hold of h, or the exclusive hold of lock i if h is nil.
func (s *Shard) holdRef(i uint32, l *lock, h *holder) HoldRef {
	if h != nil {
		return HoldRef{Token: h.token, index: none, Shard: s.number}
	}
	return HoldRef{Token: l.token, index: i, Shard: s.number}
}

// Result is the outcome of a command.
//
// Apply returns it in the memory of the Effects, because it is too large for registers and copying
// it costs a tenth of a command's time.
type Result struct {
	Code    codec.Code
	Waiting bool        // the request waits; its answer will be an Effect
	Fresh   bool        // a new token was given, which TakeBack can take back
	Repeat  bool        // BadArg: REQ is that of another request; Stale: its hold is over
	Which   codec.Which // with Limit

	// ACQUIRE, RELEASE, HEARTBEAT, UPGRADE, DOWNGRADE: acquires less releases; FORCE-RELEASE: holds
	// that were ended
	Count uint32
	// of the hold; FORCE-RELEASE: of the hold that was ended; AlreadyHeld: of the service's own
	Token   codec.Token
	LeaseMs int64 // what is left of the lease, in ms; 0 if the lock is free now
	// with Timeout: time since the present holder, in Effects.Owner, was granted; 0: nobody holds
	// it
	HeldMs int64
	Was    Was       // CANCEL of a request
	Hold   HoldRef   // with Fresh
	Waiter WaiterRef // with Waiting
}

// Effect is the end of a wait. The caller delivers it to the connection of the request.
type Effect struct {
	To Origin
	// OK: granted; Timeout; Recovering; Limit: see Which; NotHeld: the hold to upgrade has ended;
	// Canceled: a repeat has its place, or CANCEL ended it
	Code    codec.Code
	Which   codec.Which // with Limit
	Upgrade bool        // the request was an UPGRADE
	// With OK:
	Count    uint32
	WaitedMs uint32 // table time from the execution of the ACQUIRE to the grant
	LeaseMs  int64
	// OK: to take the grant back if its connection is gone; Timeout: the present hold, for
	// Shard.Holder
	Hold HoldRef
}

// Effects collects the consequences of calls on a shard for other connections. The caller delivers
// them, empties List, and reuses it.
type Effects struct {
	List []Effect
	// Owner is the service id of the holder whose hold FORCE-RELEASE has ended, or because of which
	// a request was answered Timeout. It is empty if nobody holds the lock.
	Owner []byte
	Notes Notes // for operators; the caller takes them and calls Reset

	result Result // of the last Apply
}

// Result returns the outcome of the last command that Apply or Run executed by the general rules.
// It is valid until the next.
func (fx *Effects) Result() *Result { return &fx.result }

func (fx *Effects) add(e Effect) { fx.List = append(fx.List, e) }
