package engine

import (
	"dlm/codec"
	"dlm/engine/auth"
)

// recheck looks the token of each connection up again, after the known tokens have
// changed. A role or prefixes that have changed apply from here on. A token that is
// not known any more ends the connection.
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

// become gives the connection the rights that its token has now. If it loses some, its
// waits end, because a grant could be one that it has no right to.
func (r *reactor) become(c *conn, who auth.Identity) {
	if who.Role == auth.RoleNone && c.who.Role != auth.RoleNone {
		c.authFrom = r.now // the server was open, and has got tokens
	}
	narrower := c.who.NarrowedTo(&who)
	c.be(who)
	if narrower {
		r.refuseWaits(c, codec.Denied, "the token of this connection has other rights: the wait has ended")
		r.resume(c)
	}
}

// revoke ends a connection whose token is not known any more. Its holds stay to the end
// of their leases.
func (r *reactor) revoke(c *conn) {
	const why = "the token of this connection is not known any more: authenticate with another"
	waited := c.pending.waiting
	r.refuseWaits(c, codec.NoAuth, why)
	r.e.reject(rejectRevoked)
	if waited {
		r.hangUp(c) // the answer to the untagged wait has told it
	} else {
		r.fail(c, codec.NoAuth, why)
	}
}
