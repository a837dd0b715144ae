package engine

import "dlm/codec"

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
		if who, ok := known.current(&c.who); ok {
			r.become(c, who)
		} else {
			r.revoke(c)
		}
	}
}

// become gives the connection the rights that its token has now. If it loses some, its
// waits end, because a grant could be one that it has no right to.
func (r *reactor) become(c *conn, who identity) {
	if who.role == RoleNone && c.who.role != RoleNone {
		c.authFrom = r.now // the server was open, and has got tokens
	}
	narrower := c.who.narrowedTo(&who)
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

// current returns what a connection with this identity is under these credentials;
// false if its token is not known any more.
func (a *authority) current(id *identity) (identity, bool) {
	switch {
	case id.token == nil:
		return a.anonymous(), true
	case a.adminToken != nil && *id.token == *a.adminToken:
		return *id, true
	}
	i, ok := a.byHash[*id.token]
	if !ok {
		return identity{}, false
	}
	return a.creds[i].identity(), true
}

// identity returns what a connection is that has shown the token.
func (c *Credential) identity() identity {
	id := identity{name: c.Name, role: c.Role, token: &c.SHA256}
	for _, p := range c.Prefixes {
		id.prefixes = append(id.prefixes, []byte(p))
	}
	return id
}

// narrowedTo reports whether something that id may do is not open to other.
func (id *identity) narrowedTo(other *identity) bool {
	if verbsOf[id.role]&^verbsOf[other.role] != 0 {
		return true
	}
	if len(id.prefixes) == 0 {
		return len(other.prefixes) > 0
	}
	for _, p := range id.prefixes {
		if !other.mayUse(p) {
			return true
		}
	}
	return false
}
