package engine

import "dlm/codec"

// A peer that has ended its stream can still read (nc -N does). So its input is executed and
// answered before the connection is closed, even if that takes time. Commands that would wait are
// answered CANCELED, because no client may be granted a lock whose connection is about to end. Only
// questions of operators keep their place (questions.go), because they grant nothing.
//
//	end of input -> the rest of it is executed -> waits are answered CANCELED
//	             -> the backlog is sent -> close
//
// gnet closes a connection whose input has ended as soon as OnClose returns. If there is something
// left to do then, the transport takes the socket away from it (transport.Socket).

const inputHasEnded = "the input of this connection has ended, which ends its waits"

// inputEnds is called when the loop has read the end of the peer's stream.
func (r *reactor) inputEnds(c *conn) {
	if c.closed {
		return
	}
	r.begin()
	defer func() { r.guard(c, recover()) }()
	c.inputEnded, c.endedAt = true, r.now
	if len(c.deliveries.list)+len(c.queued.list) > 0 {
		r.checkFailure(c)
	}
	r.markDirty(c)
	r.finish(nil)
}

// windUp does the remaining work for a connection whose input has ended. It is called after the
// write at the end of a batch, and closes the connection after the last one.
func (r *reactor) windUp(c *conn) {
	p := &c.pending
	if c.asked > 0 && !c.closed && !c.closing {
		return // the answers come soon, and then this is called again
	}
	if p.waiting || p.lost {
		c.partial = putBuffer(c.partial)
		p.drop()
	}
	switch {
	case c.closed:
	case !c.closing && (c.withheld != nil || p.kept != nil || c.postponed):
		return // the rest is executed in a later turn
	case !c.closing && c.partial != nil:
		c.partial = putBuffer(c.partial)
		r.fail(c, codec.BadArg, "the input ended within a command")
	case p.waiting || c.waits.open > 0:
		r.refuseWaits(c, codec.Canceled, inputHasEnded)
	case c.backlog != nil || c.dirty:
	case !r.mayBeReset(c):
		r.drop(c)
	case len(c.deliveries.list) == 0:
		c.sock.Finish() // the peer need not wait for the end, a reset is seen by the next sweep
	}
}
