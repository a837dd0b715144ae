package engine

import (
	"dlm/codec"
)

// run executes the whole commands at the beginning of in and returns how many
// bytes they took. The rest is a partial command.
func (r *reactor) run(c *conn, in []byte) (n int) {
	r.use(c)
	defer func() {
		if r.user == c {
			r.leave(c)
		}
	}()
	for n < len(in) && !c.closing && !c.closed {
		if c.pending.stuck {
			r.keep(c, in[n:])
			return len(in)
		}
		r.dec.PreAuth = c.who.role == RoleNone
		took, st := r.dec.Decode(in[n:], &r.cmd)
		if st == codec.Incomplete {
			break
		}
		if c.pending.waiting && len(r.cmd.Tag) == 0 {
			took = r.behindWait(c, in[n:], took, st)
		} else {
			r.step(c, st)
		}
		n += took
		if len(r.w.Buf) > r.e.cfg.UnreadMax {
			r.spill(c)
		}
	}
	return n
}

// step executes or refuses what has been decoded.
func (r *reactor) step(c *conn, st codec.Status) {
	switch st {
	case codec.Ready:
		r.exec(c)
	case codec.Blank:
	case codec.Bad, codec.Fatal:
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
}

// spill writes output in the middle of a batch, so that a batch of commands
// with long answers needs no more memory than the cap on unread replies.
func (r *reactor) spill(c *conn) {
	r.leave(c)
	scratch := c.pooled == nil
	r.flush(c)
	if scratch && !c.closed {
		c.out, c.grants = r.scratch[:0], r.spareGrants[:0]
	}
	r.use(c)
}

// behindWait keeps a command that came behind a waiting one, and returns how
// many bytes it took. A heartbeat renews at once, so that a holder that waits
// for another lock loses none; its answer keeps its place.
func (r *reactor) behindWait(c *conn, in []byte, took int, st codec.Status) int {
	switch st {
	case codec.Ready:
		if r.cmd.Verb == codec.VerbHeartbeat && r.refusal(c) == codec.OK {
			r.apply(c.id, 0)
		}
	case codec.Fatal:
		c.pending.stuck = true
		took = len(in)
	case codec.Blank, codec.Bad:
	default:
		panic("BUG: unknown decoder status")
	}
	r.keep(c, in[:took])
	return took
}

// keep adds input to what waits behind the untagged wait. At the limit the
// waiting command is answered, and the connection closed.
func (r *reactor) keep(c *conn, b []byte) {
	if bufferLen(c.pending.kept)+len(b) <= r.e.cfg.PendingMax {
		getBuffer(&c.pending.kept).Write(b)
		return
	}
	r.e.reject(rejectPending)
	r.w.Start(c.pending.form, nil)
	r.w.Error(codec.Limit, "too much input behind a waiting command: nothing of it was executed")
	r.count(codec.VerbAcquire, codec.Limit)
	r.hangUp(c)
}

// resume executes what was kept behind a wait that has ended.
func (r *reactor) resume(c *conn) {
	kept := c.pending.kept
	if kept == nil || c.closing || c.closed {
		return
	}
	c.pending.kept, c.pending.stuck = nil, false
	n := r.runKept(c, kept.B)
	if rest := kept.B[n:]; len(rest) > 0 && !c.closing && !c.closed {
		getBuffer(&c.pending.kept).Write(rest)
	}
	putBuffer(kept)
	r.account(c)
}

// runKept is run for whole commands that have been looked at before: it stops
// at the first that waits.
func (r *reactor) runKept(c *conn, in []byte) (n int) {
	r.use(c)
	for n < len(in) && !c.closing && !c.closed && !c.pending.waiting {
		took, st := r.dec.Decode(in[n:], &r.cmd)
		if st == codec.Incomplete {
			panic("BUG: a partial command was kept")
		}
		r.step(c, st)
		n += took
		if len(r.w.Buf) > r.e.cfg.UnreadMax {
			r.spill(c)
		}
	}
	r.leave(c)
	return n
}
