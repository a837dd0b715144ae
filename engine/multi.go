package engine

import (
	"dlm/codec"
	"dlm/engine/auth"
)

// There are no transactions here: each command is one step. A client that wraps commands in MULTI and EXEC
// sends them all before it reads a reply, as the default pipeline of redis-py does. It takes the refusal of
// MULTI for one of all, so everything up to EXEC, DISCARD or RESET is refused.
//
// The state is kept twice, because commands can be kept after they were read: conn.multi is that of the
// command that is executed next, pending.multi that of the command that is read next while some are
// kept. A renewal at reading asks the latter, and so does a command with a tag, which is executed at reading.

const (
	multiRefused  = "MULTI is not supported: each command is one step. Send commands in a pipeline without a transaction"
	behindRefused = "not executed, because it came after a MULTI, which is refused: EXEC or DISCARD ends that"
	watchRefused  = " of Redis is not supported: there are no keys to watch, and no transactions"
)

// inMulti reports whether the present command comes after a refused MULTI.
func (c *conn) inMulti() bool { return c.multi || c.pending.kept != nil && c.pending.multi }

// setMulti begins or ends the refusal.
func (c *conn) setMulti(on bool) {
	c.multi = on
	c.be(c.who)
}

// refusedByMulti answers the present command if it is refused with the MULTI before it, and reports
// whether it is. Before authentication nothing but the connection itself can be changed, and that is left open.
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

// noteMulti follows commands that are kept while they are read.
func (p *pending) noteMulti(verb codec.Verb) {
	switch verb {
	case codec.VerbMulti:
		p.multi = true
	case codec.VerbExec, codec.VerbDiscard, codec.VerbReset:
		p.multi = false
	}
}

// transaction answers MULTI, EXEC, DISCARD, WATCH and UNWATCH.
func (r *reactor) transaction(c *conn) {
	was := c.multi
	switch verb := r.cmd.Verb; verb {
	case codec.VerbMulti:
		c.setMulti(true)
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
			r.w.Fault("EXECABORT", "Transaction discarded because of previous errors.") // client libraries look for the word
			r.count(verb, codec.BadArg)
		}
	case codec.VerbWatch, codec.VerbUnwatch:
		r.refuse(codec.Unknown, verb.String()+watchRefused)
	default:
		panic("BUG: no verb of a transaction: " + verb.String())
	}
}
