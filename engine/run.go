package engine

import (
	"dlm/codec"
)

// run executes the whole commands at the beginning of in and returns how many
// bytes they took. The rest is a partial command, or, when the batch has used up
// its budget, what the reactor comes back to after it has served others.
func (r *reactor) run(c *conn, in []byte) (n int) {
	r.use(c)
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
		took := 0
		if !c.pending.waiting && !c.pending.paused {
			took = r.runPlain(c, in[n:])
		}
		if took == 0 {
			if r.overBudget(otherShare) {
				if _, st := r.decode(c, in[n:]); st != codec.Incomplete { // the end of a read is mostly half a command
					r.later(c)
				}
				break
			}
			if took = r.runOne(c, in[n:]); took == 0 {
				break
			}
		}
		n += took
		if len(r.w.Buf) > spillAt {
			r.spill(c)
		}
	}
	r.leave(c)
	return n
}

// runOne executes or keeps the first command of in and returns how many bytes it
// took, 0 if it is not whole.
func (r *reactor) runOne(c *conn, in []byte) int {
	took, st := r.decode(c, in)
	switch {
	case st == codec.Incomplete:
		return 0
	case c.pending.paused, c.pending.waiting && len(r.cmd.Tag) == 0:
		r.cost++
		return r.behindWait(c, in, took, st)
	case st == codec.Ready && r.tooCostly():
		r.later(c)
		return 0
	}
	r.step(c, st)
	return took
}

// decode decodes the next command within the limits of the connection.
func (r *reactor) decode(c *conn, in []byte) (int, codec.Status) {
	r.dec.PreAuth = c.who.role == RoleNone
	return r.dec.Decode(in, r.cmd)
}

// step executes or refuses what has been decoded.
func (r *reactor) step(c *conn, st codec.Status) {
	c.form = r.cmd.Form
	r.cost += costOther
	from := len(r.w.Buf)
	if st != codec.Blank && len(r.cmd.Tag) > 0 && c.waits.inUse(r.cmd.Tag) {
		r.w.Start(codec.FormText, nil)
		r.refuse(codec.BadArg, "this tag is in use by a waiting command; the connection is closed")
		r.hangUp(c)
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
			r.hangUp(c)
		}
	default:
		panic("BUG: unknown decoder status")
	}
	r.cost += (len(r.w.Buf) - from) / costBytes
	if c.who.role == RoleNone {
		r.boundPreAuth(c, from)
	}
}

// spill writes output in the middle of a batch, so that a batch of commands
// with long answers needs little memory.
func (r *reactor) spill(c *conn) {
	r.leave(c)
	scratch := c.pooled == nil
	r.flush(c)
	if scratch && !c.closed {
		c.out, c.grants = r.scratch[:0], r.spareGrants
	}
	r.use(c)
}
