package engine

import (
	"dlm/codec"
	"dlm/engine/audit"
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
	case codec.VerbHello:
		r.hello(c)
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
	if ok && !r.roomFor(c, &who) {
		r.refuseData(codec.Limit, []byte(r.e.limitHit(codec.WhichQuota)), "this token has as many connections as it may have")
		return false
	}
	if ok {
		r.assume(c, who)
		if who.Role == auth.RoleAdmin {
			r.e.audit.Count(audit.AdminAuth, "lock port", who.Name, c.sock.Remote())
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
	who := c.initially()
	if !r.roomFor(c, &who) {
		r.e.turnedAway(rejectQuota)
		r.refuse(codec.Limit, turnedWords[rejectQuota])
		r.hangUp(c)
		return
	}
	c.multi = false
	r.assume(c, who)
	r.rename(c, "")
	r.unsubscribe(c)
	c.detail, c.resp3, c.alive = false, false, 0
	r.w.RESP3 = false
	r.w.Simple("RESET")
	r.count(codec.VerbReset, codec.OK)
}

// recheck looks up the token of each connection again, after the known tokens have changed. A
// changed role or prefixes apply from here on. A connection whose token is gone is closed. recheck
// begins with all connections, unless it has not come to the end since the last change.
func (r *reactor) recheck() {
	if gen := r.e.tokensGen.Load(); r.recheckLeft == 0 || gen != r.recheckGen {
		r.recheckLeft, r.recheckGen = len(r.conns), gen
	}
	known := r.e.authority.Load()
	if r.walk(&r.recheckLeft, func(_ int, c *conn) {
		if c.closing {
			return
		}
		if who, ok := known.Current(&c.who, c.at.names); ok {
			r.become(c, who)
		} else {
			r.endFor(c, rejectRevoked, codec.NoAuth, "the token of this connection is not known any more: authenticate with another")
		}
	}) {
		r.e.rechecked(r, r.recheckGen)
	}
}

// become gives the connection the present rights of its token. If it loses some, its waits end,
// because a grant could need a right that is gone.
func (r *reactor) become(c *conn, who auth.Identity) {
	if who.Role == auth.RoleNone && c.who.Role != auth.RoleNone {
		c.authFrom = r.now // the server had no tokens before
	}
	if !c.who.NarrowedTo(&who) {
		c.be(who)
		return
	}
	r.beginReply(c)
	r.w.Start(c.form, nil)
	r.assume(c, who)
	r.endReply(c)
}

// assume gives the connection another identity. If that has fewer rights, it ends the waits and
// subscriptions, because they were begun with the rights of the former: that token may be withdrawn
// later, and nobody would know of them then. The writer serves c.
func (r *reactor) assume(c *conn, who auth.Identity) {
	narrower := c.who.NarrowedTo(&who)
	c.be(who)
	if !narrower {
		return
	}
	r.unsubscribe(c)
	r.denyWaits(c)
	if p := &c.pending; p.kept != nil && !p.waiting {
		p.seen, p.resuming = p.kept.Len(), true // all of it was looked at
		r.later(c)
	}
	r.w.Start(r.cmd.Form, r.cmd.Tag)
}

// endFor ends a connection and its waits, all for the same reason. Its holds stay until their
// leases end.
func (r *reactor) endFor(c *conn, why rejection, code codec.Code, msg string) {
	waited := c.pending.waiting
	r.e.reject(why)
	r.refuseWaits(c, code, msg)
	if waited {
		r.hangUp(c) // the answer to the untagged wait has said so
	} else {
		r.fail(c, code, msg)
	}
}
