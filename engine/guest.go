package engine

import (
	"time"

	"dlm/codec"
	"dlm/engine/auth"
	"dlm/table"
)

// Guests are connections beyond max-conns. Their places are for holders that come back. A holder
// that can neither renew nor release keeps its lock from others, and loses it needlessly.
//
//   - A guest may use RELEASE, HEARTBEAT, and commands about its connection; an admin all but
//     ACQUIRE. Any other command is answered LIMIT conns and ends the guest.
//   - It has to speak within silentMax. It stays for guestMax, counted again from each hold that it
//     releases or renews. When an ordinary place is free, it takes that.
//   - When most places are taken, each new guest ends another one: the guest of the lowest rank
//     that has been there longest. Guests of an address with more than a quarter of the places come
//     before all others. So neither silent connections nor many holders at one address can keep
//     others out.
//
// A refused connection is told why, in the form of its first byte, or in text after silentMax. The
// loop does that, and ends the stream as for any other connection.
const (
	silentMax     = time.Second
	guestMax      = 5 * time.Second
	guestsWanted  = 128
	guestsLeaving = 16 // places for the next guests, while others are told to leave
	turnedWanted  = 64
)

// turnedWords say why a connection is not served.
var turnedWords = [rejections]string{
	rejectConns:        "conns all connections are taken (max-conns): only RELEASE and HEARTBEAT of holders are served, and admins",
	rejectFiles:        "conns the server has no file descriptor left",
	rejectTLSConns:     "conns all connections over TLS are taken (tls-max-conns)",
	rejectAddressConns: "conns this address has too many connections (max-conns-per-address)",
	rejectAddressRate:  "conns this address opens connections too fast (max-new-conns-per-address)",
	rejectQuota:        "quota this certificate has as many connections as it may have",
}

// turnedAway counts a connection that is not served, once, whether its peer is told why or not.
func (e *Engine) turnedAway(why rejection) {
	which := codec.WhichConns
	if why == rejectQuota {
		which = codec.WhichQuota
	}
	e.reject(why)
	e.limitHit(which)
}

// verbsGuest are open to guests if their role has them.
var verbsGuest = verbsBase | verbSet(codec.VerbRelease, codec.VerbHeartbeat, codec.VerbDowngrade)

// be gives the connection an identity and its rights.
func (c *conn) be(who auth.Identity) {
	c.who, c.may = who, verbsOf[who.Role]
	if who.ConnsMax != 0 || c.quotaOf != "" {
		c.enterQuota()
	}
	switch {
	case c.at.as == ordinary:
	case who.Role == auth.RoleAdmin:
		c.may &^= verbSet(codec.VerbAcquire)
	default:
		c.may &= verbsGuest
	}
	if c.multi {
		c.may &^= verbsBatch // so that no batch executes one
	}
}

// admit is called for each read of a guest or a refused connection, and reports whether its input
// is executed.
func (r *reactor) admit(c *conn, in []byte) bool {
	if !c.spoke && len(in) > 0 {
		c.spoke = true
		c.until += int64(guestMax - silentMax)
		if in[0] == '*' {
			c.form = codec.FormRESP
		}
	}
	if c.at.as == turned {
		r.turnOut(c)
		return false
	}
	r.promoteGuest(c)
	return true
}

// promoteGuest makes a guest an ordinary connection, if there is a place.
func (r *reactor) promoteGuest(c *conn) {
	if !r.e.claimOrdinary(c.at.via) {
		return
	}
	r.e.places.guests.Add(-1)
	r.e.places.book.leave(c.id)
	c.at.as = ordinary
	c.be(c.who)
}

// overstays reports whether the time of a guest or a refused connection is over.
func (r *reactor) overstays(c *conn) bool {
	if c.at.as == guest {
		r.promoteGuest(c)
	}
	return c.at.as != ordinary && r.now > c.until
}

// turnOut tells a connection why it is not served, or not any more.
func (r *reactor) turnOut(c *conn) {
	if c.closing || c.closed {
		return
	}
	if c.at.as == guest {
		r.e.turnedAway(rejectConns)
	}
	r.fail(c, codec.Limit, turnedWords[c.at.why])
}

// turnLate makes a connection one that is told that the quota of its certificate is reached, which
// only its loop knows. It may be one more than turnedMax, because it is here already.
func (r *reactor) turnLate(c *conn) {
	r.e.giveBack(&c.at)
	c.at.as, c.at.why = turned, rejectQuota
	r.e.places.turned.Add(1)
	r.e.turnedAway(rejectQuota)
}

// refuseGuest answers a command that guests may not use.
func (r *reactor) refuseGuest(c *conn) {
	r.e.turnedAway(rejectConns)
	r.refuse(codec.Limit, turnedWords[rejectConns])
	r.hangUp(c)
}

// guestShows notes the rank of a guest and extends its time.
func (r *reactor) guestShows(c *conn, rank rank) {
	if c.at.as != guest || c.closing || c.closed {
		return
	}
	r.e.places.book.enter(c.id, rank, c.at.from)
	if rank == rankHolder {
		c.until = r.now + int64(guestMax)
	}
}

// makeRoom tells a guest to leave if few places are left.
func (e *Engine) makeRoom() {
	if e.places.guests.Load() <= e.places.guestsMax-min(guestsLeaving, e.places.guestsMax/2) {
		return
	}
	if id, ok := e.places.book.last(); ok {
		r := e.reactors[loopOf(id)]
		tell(r, &r.inbox.dismissed, id)
	}
}

// endGuest ends a guest without waiting for its peer, because its place is needed.
func (r *reactor) endGuest(id table.ConnID) {
	c := r.lookup(id)
	if c == nil || c.at.as != guest {
		return
	}
	r.turnOut(c)
	r.flush(c)
	r.drop(c)
}
