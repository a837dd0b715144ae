package engine

import (
	"dlm/codec"
	"dlm/engine/auth"
)

// run executes the whole commands at the beginning of in and returns how many bytes they took. The
// rest is a partial command, or work for a later turn if the batch has used up its budget.
func (r *reactor) run(c *conn, in []byte) (n int) {
	r.beginReply(c)
	for n < len(in) && !c.closing && !c.closed {
		if c.pending.stuck || c.pending.resuming {
			r.keep(c, in[n:])
			n = len(in)
			if !c.pending.stuck {
				r.renewAhead(c)
			}
			break
		}
		if r.overBudget(plainShare) {
			r.later(c)
			break
		}
		took, more := r.runNext(c, in[n:])
		n += took
		if len(r.w.Buf) > spillAt {
			r.spill(c)
		}
		if !more {
			break
		}
	}
	r.endReply(c)
	return n
}

// runNext executes or keeps the lock commands at the beginning of in and the command after them. It
// returns how many bytes they took, and false if the rest of the input is for later.
func (r *reactor) runNext(c *conn, in []byte) (took int, more bool) {
	if !r.next.done {
		r.decode(c, in, codec.BatchMax)
	}
	r.next.done = false
	took = r.runBatch(c, in)
	st := r.next.st
	if st == codec.Undecoded {
		return took, true
	}
	r.present()
	switch {
	case c.closing || c.closed, st == codec.Incomplete:
		return took, false
	case c.pending.paused, c.pending.waiting && len(r.cmd.Tag) == 0:
		r.cost++
		return took + r.behindWait(c, in[took:], r.next.took, st, -1), true
	case r.overBudget(otherShare), st == codec.Ready && r.tooCostly():
		r.later(c)
		return took, false
	}
	r.step(c, st)
	return took + r.next.took, true
}

// step executes or refuses the present command, which is not one of a batch.
func (r *reactor) step(c *conn, st codec.Status) {
	c.form = r.cmd.Form
	r.cost += costOther
	from := len(r.w.Buf)
	if st != codec.Blank && len(r.cmd.Tag) > 0 && c.waits.inUse(r.cmd.Tag) {
		r.tagTaken(c)
		return
	}
	switch st {
	case codec.Ready:
		r.exec(c)
	case codec.Blank:
	case codec.Bad, codec.Fatal:
		r.cost += costBad
		p := r.dec.Problem()
		r.w.Start(r.cmd.Form, r.cmd.Tag)
		r.w.ErrorBytes(p.Code, p.Msg)
		r.count(codec.VerbNone, p.Code)
		if st == codec.Fatal {
			r.e.reject(rejectProtocol)
			r.hangUp(c)
		}
	default:
		panic("BUG: unknown decoder status")
	}
	r.cost += (len(r.w.Buf) - from) / costBytes
	if c.who.Role == auth.RoleNone {
		r.boundPreAuth(c, from)
	}
}

// spill writes output in the middle of a batch, so that a batch of commands
// with long answers needs little memory.
func (r *reactor) spill(c *conn) {
	r.endReply(c)
	scratch := c.pooled == nil
	r.flush(c)
	if scratch && !c.closed {
		c.out, c.grants = r.scratch[:0], r.grantsBuf
	}
	r.beginReply(c)
}
