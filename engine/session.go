package engine

import (
	"dlm/codec"
	"dlm/engine/auth"
)

// session executes the commands about the connection itself.
func (r *reactor) session(c *conn) {
	cmd := r.cmd
	switch cmd.Verb {
	case codec.VerbAuth:
		if r.authenticate(c, cmd.Text) {
			r.done()
		}
	case codec.VerbDetail:
		c.detail = cmd.Has(codec.OptOn)
		r.done()
	case codec.VerbPing:
		r.ping()
	case codec.VerbInfo:
		r.info()
	case codec.VerbHelp:
		r.help(c)
	case codec.VerbQuit:
		r.done()
		r.hangUp(c)
	case codec.VerbReset:
		r.reset(c)
	default:
		r.sessionRESP(c)
	}
}

func (r *reactor) ping() {
	switch {
	case r.cmd.Form == codec.FormText && !r.cmd.Has(codec.OptPong):
		r.w.OK()
	case r.cmd.Has(codec.OptText):
		r.w.Bulk(r.cmd.Text)
	default:
		r.w.Simple("PONG")
	}
	r.count(codec.VerbPing, codec.OK)
}

// authenticate gives the connection the identity of the token. After a few wrong tokens it closes
// the connection.
func (r *reactor) authenticate(c *conn, token []byte) bool {
	authority := r.e.authority.Load()
	if !authority.KnowsTokens() {
		r.refuseCredentials(r.cmd.Verb, r.cmd.Form, "this server has no tokens: everything but FORCE-RELEASE is open")
		return false
	}
	who, ok := authority.Identify(token)
	if ok {
		c.be(who)
		if who.Role == auth.RoleAdmin {
			r.guestShows(c, rankHolder)
		} else {
			r.guestShows(c, rankToken)
		}
		return true
	}
	r.wrongToken(c)
	return false
}

func (r *reactor) help(c *conn) {
	var topic []byte
	if r.cmd.Has(codec.OptText) {
		topic = r.cmd.Text
	}
	lines, ok := codec.Help(topic)
	switch {
	case !ok:
		r.refuse(codec.BadArg, "no help on this topic: HELP lists the commands")
		return
	case c.who.Role == auth.RoleNone && topic == nil:
		lines = helpPreAuth
	}
	r.w.Lines(lines)
	r.count(codec.VerbHelp, codec.OK)
}

// reset puts the session back to its beginning, as RESET does in Redis.
func (r *reactor) reset(c *conn) {
	if c.who.Role != auth.RoleNone {
		c.authFrom = r.now // otherwise RESET could keep a connection without a token open for ever
	}
	c.multi = false
	c.be(r.e.authority.Load().Anonymous())
	c.name = ""
	c.detail, c.resp3 = false, false
	r.w.RESP3 = false
	r.w.Simple("RESET")
	r.count(codec.VerbReset, codec.OK)
}
