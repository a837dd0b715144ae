package engine

import (
	"dlm/codec"
	"dlm/engine/auth"
)

// There are no transactions: each command is one step. A client that wraps commands in MULTI and
// EXEC sends them all before it reads a reply, as the default pipeline of redis-py does. It takes
// the refusal of MULTI as that of all, so everything up to EXEC, DISCARD or RESET is refused.
//
// There are two states, because commands can be kept after they were read. conn.multi is that of
// the next command to execute. pending.multi is that of the next command to read while some are
// kept. Commands that are executed when they are read use the latter: a renewal, and a command with
// a tag.

const (
	multiRefused  = "MULTI is not supported: each command is one step. Send commands in a pipeline without a transaction"
	behindRefused = "not executed, because it came after a MULTI, which is refused: EXEC or DISCARD ends that"
	watchRefused  = " of Redis is not supported: there are no keys to watch, and no transactions"
)

// inMulti reports whether the present command follows a refused MULTI.
func (c *conn) inMulti() bool { return c.multi || c.pending.kept != nil && c.pending.multi }

// setMulti begins or ends the refusal.
func (c *conn) setMulti(on bool) {
	c.multi = on
	c.be(c.who)
}

// refusedByMulti refuses the present command if it follows a refused MULTI, and reports whether it
// did. It allows everything before authentication, since such a connection can only change itself.
func (r *reactor) refusedByMulti(c *conn) bool {
	switch verb := r.cmd.Verb; {
	case verb == codec.VerbMulti, verb == codec.VerbExec, verb == codec.VerbDiscard, verb == codec.VerbReset, verb == codec.VerbQuit:
		return false
	case c.who.Role == auth.RoleNone && verbsOpen&(1<<verb) != 0:
		return false
	}
	r.refuse(codec.BadArg, behindRefused)
	return true
}

// noteMulti tracks commands that are kept when they are read.
func (p *pending) noteMulti(verb codec.Verb) {
	switch verb {
	case codec.VerbMulti:
		p.multi = true
	case codec.VerbExec, codec.VerbDiscard, codec.VerbReset:
		p.multi = false
	}
}

// transaction answers MULTI, EXEC and DISCARD. MULTI ends what WATCH of RESP has begun, because a
// client that sends both means the WATCH of Redis, and expects no pushes.
func (r *reactor) transaction(c *conn) {
	was := c.multi
	switch verb := r.cmd.Verb; verb {
	case codec.VerbMulti:
		c.setMulti(true)
		r.unsubscribe(c)
		if c.who.Role == auth.RoleNone {
			r.refuse(codec.NoAuth, noAuthRESP)
			return
		}
		r.refuse(codec.Unknown, multiRefused)
	case codec.VerbExec, codec.VerbDiscard:
		c.setMulti(false)
		switch {
		case !was:
			r.refuse(codec.Unknown, verb.String()+" without MULTI")
		case verb == codec.VerbDiscard:
			r.done()
		default:
			// client libraries look for this word
			r.w.Fault("EXECABORT", "Transaction discarded because of previous errors.")
			r.count(verb, codec.BadArg)
		}
	default:
		panic("BUG: no verb of a transaction: " + verb.String())
	}
}
