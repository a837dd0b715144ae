package engine

import (
	"strconv"
	"time"

	"dlm/codec"
	"dlm/table"
)

// Errors carry data for programs between the code and the words. What the table refuses gets them
// here:
//
//	HELD <token>                     of the service's own hold
//	LIMIT <which>
//	TIMEOUT "<service>" <held_ms>    who holds the lock, and for how long; "" and 0 if nobody
//	                                 does, or the role may not see it
//	RECOVERING <ms>                  what is left of the grace

// refuseResult answers a lock command that the table has refused.
func (r *reactor) refuseResult(c *conn, res *table.Result) {
	if res.Code == codec.Limit {
		r.refuseLimit(res.Which)
		return
	}
	data, msg := r.errorData[:0], ""
	switch res.Code {
	case codec.BadArg:
		msg = r.e.served.Load().ttlReason // the only argument that the table refuses
	case codec.AlreadyHeld:
		data = strconv.AppendUint(data, uint64(res.Token), 10)
	case codec.Timeout:
		data = appendHolder(data, c, r.fx.Owner, res.HeldMs)
	case codec.Recovering:
		data = r.appendGraceLeft(data)
	}
	if msg == "" {
		msg = reasonOf(r.cmd.Verb, res.Code)
	}
	r.w.ErrorData(res.Code, data, msg)
	r.errorData = data
	r.count(r.cmd.Verb, res.Code)
}

// refuseLimit answers the current command with the limit that it has run into.
func (r *reactor) refuseLimit(which codec.Which) {
	r.w.ErrorData(codec.Limit, append(r.errorData[:0], which.String()...), limitReasons[which])
	r.count(r.cmd.Verb, codec.Limit)
}

// writeEndOfWait writes the error that ends a wait. The present holder is looked up by the
// reference that the table gave when the wait ended: a mass of time-outs costs it no copies.
func (r *reactor) writeEndOfWait(c *conn, fx *table.Effect) {
	data, msg := r.errorData[:0], ""
	switch fx.Code {
	case codec.Timeout:
		s := r.lock(r.e.tab().ShardAt(int(fx.Hold.Shard)))
		owner, heldMs := s.Holder(r.now, fx.Hold, r.owner[:0])
		r.unlock(s)
		r.owner = owner
		data = appendHolder(data, c, owner, heldMs)
	case codec.Recovering:
		data = r.appendGraceLeft(data)
	case codec.Limit: // a wait that has begun meets no other one
		data, msg = append(data, codec.WhichTokens.String()...), limitReasons[codec.WhichTokens]
	}
	if msg == "" {
		msg = reasonOf(codec.VerbAcquire, fx.Code)
	}
	r.w.ErrorData(fx.Code, data, msg)
	r.errorData = data
}

// appendHolder appends the data of TIMEOUT, as far as the connection may see who holds a lock.
func appendHolder(data []byte, c *conn, owner []byte, heldMs int64) []byte {
	if verbsOf[c.who.Role]&(1<<codec.VerbStatus) == 0 {
		owner, heldMs = nil, 0
	}
	data = codec.AppendQuoted(data, owner)
	return strconv.AppendInt(append(data, ' '), heldMs, 10)
}

// appendGraceLeft appends how many ms of the recovery grace are left, rounded up: who waits so
// long finds it over.
func (r *reactor) appendGraceLeft(data []byte) []byte {
	left := r.e.served.Load().graceLeft(r.now) + time.Millisecond - 1
	return strconv.AppendInt(data, left.Milliseconds(), 10)
}
