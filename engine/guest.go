package engine

import (
	"time"

	"dlm/codec"
	"dlm/engine/auth"
	"dlm/table"
)

// Guests are connections beyond max-conns. The places that are kept for them are for holders that
// come back: a holder that can neither renew nor release keeps its lock from others, and loses it
// without need.
//
//   - A guest may do what concerns its connection, RELEASE and HEARTBEAT; an admin all but
//     ACQUIRE. Anything else is answered LIMIT conns, and ends it.
//   - It has to speak within silentMax, and stays for guestMax, and so long again each time that
//     it released or renewed a hold. When an ordinary place is free, it takes that.
//   - When most places are taken, each new guest ends another: of those that have shown least,
//     the one that is there longest; of an address that has more than a quarter of the places,
//     first. So neither silent connections nor many holders at one address can keep others out.
//
// A connection that is turned away is told why as soon as its first byte tells in which form, or
// after silentMax in text. The loop does that, and ends the stream as it does for any other.
const (
	silentMax     = time.Second
	guestMax      = 5 * time.Second
	guestsWanted  = 128
	guestsLeaving = 16 // of these places are for the next while others are told to leave
	turnedWanted  = 64
)

// turnedWords say why a connection is not served.
var turnedWords = [rejections]string{
	rejectConns:        "conns all connections are taken (max-conns): only RELEASE and HEARTBEAT of holders are served, and admins",
	rejectFiles:        "conns the server has no file descriptor left",
	rejectAddressConns: "conns this address has too many connections (max-conns-per-address)",
	rejectAddressRate:  "conns this address opens connections too fast (max-new-conns-per-address)",
}

// verbsGuest are open to guests as far as their role has them.
var verbsGuest = verbsBase | verbSet(codec.VerbRelease, codec.VerbHeartbeat)

// be gives the connection an identity, and with it what it may do.
func (c *conn) be(who auth.Identity) {
	c.who, c.may = who, verbsOf[who.Role]
	switch {
	case c.at.as == ordinary:
	case who.Role == auth.RoleAdmin:
		c.may &^= verbSet(codec.VerbAcquire)
	default:
		c.may &= verbsGuest
	}
	if c.multi {
		c.may &^= verbsBatch // so that no short course executes one
	}
}

// admit is asked for each read of a connection that is not ordinary, and reports whether
// its input is executed.
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
	if !claim(&r.e.conns, int64(r.e.connsMax)) {
		return
	}
	r.e.places.guests.Add(-1)
	r.e.places.book.leave(c.id)
	c.at.as = ordinary
	c.be(c.who)
}

// overstays reports whether a connection that is not ordinary has to go.
func (r *reactor) overstays(c *conn) bool {
	if c.at.as == guest {
		r.promoteGuest(c)
	}
	return c.at.as != ordinary && r.now > c.until
}

// turnOut tells a connection why it is not served, or not any more.
func (r *reactor) turnOut(c *conn) {
	if c.at.as == guest && !c.closing {
		r.e.reject(rejectConns)
	}
	r.fail(c, codec.Limit, turnedWords[c.at.why])
}

// refuseGuest answers a command that is not for guests.
func (r *reactor) refuseGuest(c *conn) {
	r.e.reject(rejectConns)
	r.refuse(codec.Limit, turnedWords[rejectConns])
	r.hangUp(c)
}

// guestShows notes what a guest has shown, and lets it stay for it.
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
		e.reactors[loopOf(id)].dismiss(id)
	}
}

// dismiss tells the reactor to end a guest. Any goroutine may call it.
func (r *reactor) dismiss(id table.ConnID) {
	r.inbox.mu.Lock()
	r.inbox.dismissed = append(r.inbox.dismissed, id)
	r.inbox.mu.Unlock()
	r.rouse()
}

// endGuest ends a guest without waiting for its peer: the place is needed.
func (r *reactor) endGuest(id table.ConnID) {
	c := r.lookup(id)
	if c == nil || c.at.as != guest {
		return
	}
	r.turnOut(c)
	r.flush(c)
	r.drop(c)
}
