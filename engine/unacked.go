package engine

import (
	"errors"
	"slices"

	"golang.org/x/sys/unix"

	"dlm/table"
)

// A waiter may have been gone for as long as it has waited: its machine was restarted, its process
// was killed while the grant was under way. The reply has left then, and nobody reads it. So the
// grants after a wait are kept in mind until the peer has acknowledged their replies, and are taken
// back if the kernel proves that the client has not read them. DESIGN.md has the cases, with what
// was measured.

// deliveries are the grants after a wait whose replies have left and may not be acknowledged.
type deliveries struct {
	list []delivery // by end
}

type delivery struct {
	hold   table.HoldRef
	end    int64 // offset of the end of the reply in the output of the connection
	prompt bool  // a client that has read the reply has acknowledged it
}

// deliveryLen is the size of a delivery in memory.
const deliveryLen = 32

// memory returns what the list takes beyond what each connection may have.
func (d *deliveries) memory() int {
	if cap(d.list) <= deliveriesKept {
		return 0
	}
	return deliveryLen * cap(d.list)
}

// add notes a grant whose reply has left. The oldest are left to their leases where there are too
// many.
func (d *deliveries) add(c *conn, g ownedGrant, prompt bool) {
	if len(d.list) == cap(d.list) && len(d.list) >= deliveriesKept {
		c.forgetAcked()
		if len(d.list) >= deliveriesMax {
			d.list = slices.Delete(d.list, 0, deliveriesMax/2)
		}
	}
	d.list = append(d.list, delivery{g.hold, g.end, prompt})
}

// forgetAcked forgets the deliveries that the peer has acknowledged.
func (c *conn) forgetAcked() {
	d := &c.deliveries
	acked, known := c.acked()
	n := 0
	for n < len(d.list) && (!known || d.list[n].end <= acked) {
		n++
	}
	d.list = slices.Delete(d.list, 0, n)
	if len(d.list) == 0 && cap(d.list) > deliveriesKept {
		d.list = nil
	}
}

// promptly reports whether the client has been silent for so long that it may be gone.
func (r *reactor) promptly(c *conn) bool {
	return c.backlog == nil && len(c.out) > 1 && r.now-c.heardAt >= int64(silentMin)
}

// sendInTwo sends the output as two segments. A client acknowledges what it reads later, by up to
// 40 ms, and may reset the connection before; but as it reads the second of two small segments, it
// acknowledges both.
func (r *reactor) sendInTwo(c *conn) {
	last := len(c.out) - 1
	r.sendOrDrop(c, c.out[:last])
	if !c.closed {
		r.sendOrDrop(c, c.out[last:])
	}
}

// endCause says what is known of the end of a connection.
type endCause uint8

const (
	endOther    endCause = iota // nothing that proves anything
	endDead                     // the kernel has given it up: what was not transmitted never will be
	endReset                    // the peer has reset it
	endAfterEnd                 // the peer has reset it after it had ended its stream
)

// noteCause notes the error that ends the connection.
func (c *conn) noteCause(err error) {
	reset := errors.Is(err, unix.ECONNRESET) || errors.Is(err, unix.EPIPE)
	switch {
	case c.cause != endOther || err == nil:
	case errors.Is(err, unix.ETIMEDOUT) || errors.Is(err, unix.EHOSTUNREACH):
		c.cause = endDead
	case !reset:
	case c.inputEnded || errors.Is(err, unix.EPIPE): // the kernel says EPIPE for a reset after the end
		c.cause = endAfterEnd
	default:
		c.cause = endReset
	}
}

// takeBackUnread takes back the grants of a connection that is gone whose replies have left, and
// were certainly not read.
func (r *reactor) takeBackUnread(c *conn) {
	if c.cause != endOther && len(c.deliveries.list)+len(c.queued.list) > 0 {
		transmitted := c.transmitted()
		for _, g := range c.queued.list {
			if g.end > transmitted {
				r.orphans = append(r.orphans, g.hold)
			}
		}
		acked, known := c.acked()
		for _, d := range c.deliveries.list {
			proof := d.prompt && c.cause == endReset || c.cause == endAfterEnd
			if d.end > transmitted || proof && known && d.end > acked {
				r.orphans = append(r.orphans, d.hold)
			}
		}
	}
	c.deliveries.list, c.queued.list = nil, nil
	r.takeBackOrphans()
}

// checkFailure closes a connection whose input has ended if it has been reset since.
func (r *reactor) checkFailure(c *conn) {
	if err := c.sock.failure(); err != nil {
		c.noteCause(err)
		r.drop(c)
	}
}

// mayBeReset reports whether a connection whose input has ended is to be kept, since a reset would
// tell that the last grants were not read: the peer has closed the connection while they were under
// way.
func (r *reactor) mayBeReset(c *conn) bool {
	if len(c.deliveries.list)+len(c.queued.list) == 0 || r.now-c.endedAt > int64(lingerMax) {
		return false
	}
	c.forgetAcked()
	c.queued.forget(c.transmitted())
	return len(c.deliveries.list)+len(c.queued.list) > 0
}

// checkPeer asks the kernel what has become of the output of a connection. Of many connections each
// sweep asks for some: those for which turn, which counts sweeps and differs between connections,
// comes round.
func (r *reactor) checkPeer(c *conn, turn int) {
	if turn%outputLookEvery == 0 {
		if len(c.deliveries.list) > 0 {
			c.forgetAcked()
		}
		if len(c.queued.list) > 0 {
			c.queued.forget(c.transmitted())
			r.touch(c) // to account for it
		}
		if c.inputEnded {
			r.touch(c) // to close it
		}
		if c.backlog != nil {
			r.writable(c) // the kernel tells of a third of its room, and a slow reader makes less
			r.checkProgress(c)
		}
	}
	if turn%silentLookEvery == 0 {
		r.checkSilence(c)
	}
}

// checkSilence closes a connection that waits for a lock if its peer can't be reached: each lock that
// it is granted would be lost to others for a lease.
func (r *reactor) checkSilence(c *conn) {
	waits := c.pending.waiting || c.waits.open > 0 || len(c.deliveries.list) > 0
	if waits && c.sock.silentFor() > unackedMax {
		r.e.reject(rejectUnreachable)
		r.drop(c)
	}
}
