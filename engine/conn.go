package engine

import (
	"github.com/valyala/bytebufferpool"

	"dlm/codec"
	"dlm/engine/auth"
	"dlm/engine/events"
	"dlm/engine/transport"
	"dlm/table"
)

// conn is one connection: its session, its partial input, its waits and its output. It uses the
// socket only through the interface. Owned by its reactor.
type conn struct {
	r        *reactor
	id       table.ConnID
	at       arrival // its address, and the kind of place it has
	until    int64   // table time at which a guest has to leave
	may      verbs   // verbs that it may use; set by be
	sock     transport.Link
	authFrom int64 // table time at which the time to authenticate began, ns
	who      auth.Identity
	quotaOf  string // name of the token whose quota of connections counts it; empty: none
	name     string // of HELLO or CLIENT SETNAME; set by rename
	alive    int64  // ALIVE of HELLO, ns; 0: it has promised nothing
	number   int64  // CLIENT ID: counts the connections of this process, below 2^53

	authFailures int
	preAuthOut   int        // bytes answered before authentication
	withheld     *withheld  // nil: nothing
	form         codec.Form // of the last command, for answers outside of any command
	resp3        bool       // HELLO 3
	detail       bool       // DETAIL ON
	multi        bool       // the present command follows a refused MULTI
	closed       bool       // the socket is gone
	inputEnded   bool       // the peer has ended its stream, and all of it was read
	spoke        bool       // a guest has sent something
	closing      bool       // the last answer was given; further input is dropped
	closingAt    int64
	discarded    int  // bytes of input since closing
	postponed    bool // in the reactor's list of connections with work left

	partial      *bytebufferpool.ByteBuffer // a partial command; nil: none
	partialSince int64
	pending      pending
	waits        waits
	sub          *events.Subscriber // nil: it has not asked for events

	out []byte // replies not yet written
	// the pooled buffer of out; nil: out is the reactor's scratch
	pooled    *bytebufferpool.ByteBuffer
	dirty     bool     // in the reactor's list of conns to flush
	grants    grantLog // holds granted in out; taken back if it is never sent
	ownGrants grantLog // memory for grants, when out is pooled
	sent      int64    // bytes that the kernel has taken since the connection opened
	backlog   *backlog // replies that the kernel has not taken; nil: none

	delivers   bool       // out has a grant after a wait
	queued     inKernel   // grants that the kernel may not have transmitted
	deliveries deliveries // grants after a wait that the peer may not have read
	asked      int        // questions that are being answered
	openedAt   int64      // table time
	heardAt    int64      // table time of the last input
	busyAt     int64      // table time of the last sweep that found it waiting, with IdleMax
	endedAt    int64      // table time of the end of the input
	cause      endCause   // why the connection ends, as far as it proves something
	buffered   int        // bytes of this conn within Engine.buffered
}

const (
	genBits  = 32
	slotBits = 24
)

// connID names a connection by loop, place in the loop's list, and a generation, so that a late
// message does not reach a later connection of that place.
func connID(loop, slot int, generation uint32) table.ConnID {
	return table.ConnID(uint64(loop)<<(genBits+slotBits) | uint64(slot)<<genBits | uint64(generation))
}

func loopOf(id table.ConnID) int { return int(id >> (genBits + slotBits)) }

func slotOf(id table.ConnID) int { return int(id>>genBits) & (1<<slotBits - 1) }

// connSlot is a place in the reactor's list of connections.
type connSlot struct {
	generation uint32
	c          *conn
}

// openAs makes the session of a connection that has its place already.
func (r *reactor) openAs(sock transport.Link, came arrival) *conn {
	var slot int
	if n := len(r.freeSlots); n > 0 {
		slot = int(r.freeSlots[n-1])
		r.freeSlots = r.freeSlots[:n-1]
	} else {
		slot = len(r.conns)
		r.conns = append(r.conns, connSlot{})
	}
	at := &r.conns[slot]
	at.generation++
	now := r.e.clock.Now()
	c := &conn{r: r, id: connID(r.index, slot, at.generation), sock: sock, at: came, number: r.e.numbered.Add(1), authFrom: now, openedAt: now, heardAt: now, until: now + int64(silentMax)}
	at.c = c
	if who := c.initially(); c.at.as == turned || r.roomFor(c, &who) {
		c.be(who)
	} else {
		r.turnLate(c)
	}
	r.guestShows(c, rankNothing)
	return c
}

// initially returns the identity of the connection before any AUTH.
func (c *conn) initially() auth.Identity { return c.r.e.authority.Load().OfCertificate(c.at.names) }

// lookup returns the live connection of that name, or nil.
func (r *reactor) lookup(id table.ConnID) *conn {
	slot := slotOf(id)
	if slot >= len(r.conns) {
		return nil
	}
	if c := r.conns[slot].c; c != nil && c.id == id {
		return c
	}
	return nil
}

// lost ends the session of a connection whose socket is gone. Its waits end, its kept commands are
// dropped, its holds stay.
func (r *reactor) lost(c *conn) {
	if c.closed {
		return
	}
	c.closed = true
	r.unsubscribe(c)
	c.leaveQuota()
	r.endWaits(c)
	r.takeBackUnread(c)
	r.orphanBacklog(c)
	c.partial = putBuffer(c.partial)
	c.pending.drop()
	r.account(c)
	r.rename(c, "")
	slot := slotOf(c.id)
	r.conns[slot].c = nil
	r.freeSlots = append(r.freeSlots, uint32(slot))
	if c.at.as == guest {
		r.e.places.book.leave(c.id)
	}
	r.e.giveBack(&c.at)
}

// gone is lost for a connection whose end was found outside of a batch.
func (r *reactor) gone(c *conn, cause error) {
	r.begin()
	defer func() { r.guard(nil, recover()) }()
	c.noteCause(cause)
	r.lost(c)
	r.finish(nil)
}

// drop closes the connection immediately.
func (r *reactor) drop(c *conn) {
	if !c.closed {
		r.cost += costEnd
		c.sock.Close()
	}
}

// hangUp closes the connection after the answers so far. Further input is dropped, and beyond
// discardMax left to the kernel. The peer sees an end of stream. If it does not close, the sweep
// closes the socket. An immediate close would reset a peer that is still sending, and it could lose
// the answer that gives the reason.
func (r *reactor) hangUp(c *conn) {
	if c.closing || c.closed {
		return
	}
	r.guestShows(c, rankLeaving)
	r.cost += costEnd
	c.closing = true
	c.closingAt = r.now
	r.unsubscribe(c)
	r.endWaits(c)
	c.partial = putBuffer(c.partial)
	c.pending.drop()
	r.markDirty(c)
}

// discard drops n bytes of input after hangUp. A peer that goes on sending is stopped, because
// dropping its input at the speed of memory would take the loop's time from others.
func (r *reactor) discard(c *conn, n int) {
	if c.discarded += n; c.discarded > discardMax && !c.closed {
		c.sock.StopReading(c.backlog != nil) // without a descriptor the next read tries again
	}
}

// fail answers with an error outside of any command and hangs up.
func (r *reactor) fail(c *conn, code codec.Code, msg string) { r.failWith(c, code, "", msg) }

// failWith is fail with data, a keyword.
func (r *reactor) failWith(c *conn, code codec.Code, data, msg string) {
	if c.closing || c.closed {
		return
	}
	r.beginReply(c)
	r.w.Start(c.form, nil)
	r.w.ErrorData(code, []byte(data), msg)
	r.endReply(c)
	r.hangUp(c)
}

// getBuffer returns *b, or a pooled buffer if it is nil.
func getBuffer(b **bytebufferpool.ByteBuffer) *bytebufferpool.ByteBuffer {
	if *b == nil {
		*b = bytebufferpool.Get()
	}
	return *b
}

// putBuffer gives b back to the pool and returns nil.
func putBuffer(b *bytebufferpool.ByteBuffer) *bytebufferpool.ByteBuffer {
	if b != nil {
		bytebufferpool.Put(b)
	}
	return nil
}

func bufferLen(b *bytebufferpool.ByteBuffer) int {
	if b == nil {
		return 0
	}
	return b.Len()
}

// bufferCap returns the memory of a buffer, which has grown by doubling.
func bufferCap(b *bytebufferpool.ByteBuffer) int {
	if b == nil {
		return 0
	}
	return cap(b.B)
}
