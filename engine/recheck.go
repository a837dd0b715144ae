package engine

import (
	"dlm/codec"
	"dlm/engine/auth"
)

// recheck looks up the token of each connection again, after the known tokens have changed. A
// changed role or prefixes apply from here on. A connection whose token is gone is closed.
func (r *reactor) recheck() {
	known := r.e.authority.Load()
	for i := range r.conns {
		c := r.conns[i].c
		if c == nil || c.closing {
			continue
		}
		if who, ok := known.Current(&c.who); ok {
			r.become(c, who)
		} else {
			r.revoke(c)
		}
	}
}

// become gives the connection the present rights of its token. If it loses some, its waits end,
// because a grant could need a right that is gone.
func (r *reactor) become(c *conn, who auth.Identity) {
	if who.Role == auth.RoleNone && c.who.Role != auth.RoleNone {
		c.authFrom = r.now // the server had no tokens before
	}
	narrower := c.who.NarrowedTo(&who)
	c.be(who)
	if narrower {
		r.refuseWaits(c, codec.Denied, "the token of this connection has other rights: the wait has ended")
		r.resume(c)
	}
}

// revoke ends a connection whose token is gone. Its holds stay until their leases end.
func (r *reactor) revoke(c *conn) {
	const why = "the token of this connection is not known any more: authenticate with another"
	waited := c.pending.waiting
	r.refuseWaits(c, codec.NoAuth, why)
	r.e.reject(rejectRevoked)
	if waited {
		r.hangUp(c) // the answer to the untagged wait has said so
	} else {
		r.fail(c, codec.NoAuth, why)
	}
}
