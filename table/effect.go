package table

import "dlm/codec"

// ConnID names a connection to the table, which only compares and returns it.
type ConnID uint64

// Origin is where a request came from and its answer goes to.
type Origin struct {
	Conn   ConnID
	Ticket uint32 // tells the waits of one connection apart; chosen by the caller
}

// HoldRef names one hold of a lock. It goes stale when the hold ends, since no
// token comes twice.
type HoldRef struct {
	Token codec.Token
	index uint32
	Shard uint8
}

// Result is the outcome of a command.
//
// Apply returns it in the memory of the Effects: it is too large for registers,
// and its copies were a tenth of a command's time.
type Result struct {
	Code    codec.Code
	Waiting bool        // the request waits; its answer will be an Effect
	Fresh   bool        // a new hold was given, which TakeBack can end
	Which   codec.Which // with Limit

	Count   uint32      // ACQUIRE, RELEASE, HEARTBEAT: acquires less releases
	Token   codec.Token // of the hold; FORCE-RELEASE: of the hold that was ended; AlreadyHeld: of the service's own
	LeaseMs int64       // what is left of the lease, in ms; 0 if the lock is free now
	HeldMs  int64       // with Timeout: since when the present holder, in Effects.Owner, has the lock; 0: nobody has it
	Hold    HoldRef     // with Fresh
	Waiter  WaiterRef   // with Waiting
}

// Effect is the end of a wait: the answer to an earlier request, for whoever
// serves its connection.
type Effect struct {
	To   Origin
	Code codec.Code // OK: granted; Timeout; Recovering; Limit: no token left to give
	// With OK:
	Count   uint32
	LeaseMs int64
	Hold    HoldRef // OK: to take the grant back if its connection is gone; Timeout: the present hold, for Shard.Holder
}

// Effects collects what a call on a shard means for others. The caller reuses
// it: it empties List after delivering.
type Effects struct {
	List []Effect
	// Owner is the service id of the holder: FORCE-RELEASE has ended its hold, or a request was
	// answered Timeout because of it. Empty: nobody holds the lock.
	Owner []byte

	result Result // of the last Apply
}

func (fx *Effects) add(e Effect) { fx.List = append(fx.List, e) }
