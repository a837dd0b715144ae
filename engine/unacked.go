package engine

import (
	"errors"
	"slices"

	"golang.org/x/sys/unix"

	"dlm/table"
)

// A waiter may have been gone for as long as it has waited, because its machine was restarted, or
// its process was killed while the grant was on the wire. The reply has left then, and no client
// reads it. So the reactor remembers grants after a wait until the peer has acknowledged their
// replies. It takes them back if the kernel proves that the client has not read them. DESIGN.md has
// the cases and the measurements.

// deliveries are grants after a wait whose replies were sent and may not be acknowledged.
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

// memory returns the bytes of the list beyond those that each connection may have.
func (d *deliveries) memory() int {
	if cap(d.list) <= deliveriesKept {
		return 0
	}
	return deliveryLen * cap(d.list)
}

// add notes a grant whose reply was sent. If there are too many, the oldest are left to their
// leases.
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

// promptly reports whether the client has been silent long enough to be gone.
func (r *reactor) promptly(c *conn) bool {
	return c.backlog == nil && len(c.out) > 1 && r.now-c.heardAt >= int64(silentMin)
}

// sendInTwo sends the output as two segments. A client acknowledges a single segment up to 40 ms
// after reading it, and may reset the connection before. But when it reads the second of two small
// segments, it acknowledges both.
func (r *reactor) sendInTwo(c *conn) {
	last := len(c.out) - 1
	r.sendOrDrop(c, c.out[:last])
	if !c.closed {
		r.sendOrDrop(c, c.out[last:])
	}
}

// endCause is what is known about the end of a connection.
type endCause uint8

const (
	endOther    endCause = iota // it proves nothing
	endDead                     // the kernel has given the connection up and will transmit no more
	endReset                    // the peer has reset it
	endAfterEnd                 // the peer has reset it after the end of its stream
)

// noteCause notes the error that ends the connection.
func (c *conn) noteCause(err error) {
	reset := errors.Is(err, unix.ECONNRESET) || errors.Is(err, unix.EPIPE)
	switch {
	case c.cause != endOther || err == nil:
	case errors.Is(err, unix.ETIMEDOUT) || errors.Is(err, unix.EHOSTUNREACH):
		c.cause = endDead
	case !reset:
	// the kernel says EPIPE for a reset after the end
	case c.inputEnded || errors.Is(err, unix.EPIPE):
		c.cause = endAfterEnd
	default:
		c.cause = endReset
	}
}

// takeBackUnread takes back the grants of a lost connection whose replies were sent and certainly
// not read.
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

// checkFailure closes a connection whose input has ended if it was reset since.
func (r *reactor) checkFailure(c *conn) {
	if err := c.sock.Failure(); err != nil {
		c.noteCause(err)
		r.drop(c)
	}
}

// mayBeReset reports whether a connection whose input has ended must be kept for a while. A reset
// would then prove that the last grants were not read, because the peer had closed the connection
// before they arrived.
func (r *reactor) mayBeReset(c *conn) bool {
	if len(c.deliveries.list)+len(c.queued.list) == 0 || r.now-c.endedAt > int64(lingerMax) {
		return false
	}
	c.forgetAcked()
	c.queued.forget(c.transmitted())
	return len(c.deliveries.list)+len(c.queued.list) > 0
}

// checkPeer asks the kernel what happened to the output of a connection. Each sweep asks for some
// of the connections: turn counts sweeps and differs between connections.
func (r *reactor) checkPeer(c *conn, turn int) {
	if turn%outputLookEvery == 0 {
		if len(c.deliveries.list) > 0 {
			c.forgetAcked()
		}
		if len(c.queued.list) > 0 {
			c.queued.forget(c.transmitted())
			r.markDirty(c) // to account for it
		}
		if c.inputEnded {
			r.markDirty(c) // to close it
		}
		if c.backlog != nil {
			// the kernel reports room only when a third is free, and a slow reader frees less
			r.writable(c)
			r.checkProgress(c)
		}
	}
	if turn%silentLookEvery == 0 {
		r.checkSilence(c)
	}
}

// checkSilence closes a connection that waits for a lock if its peer can't be reached, because each
// lock that it is granted would be lost to others for a lease.
func (r *reactor) checkSilence(c *conn) {
	waits := c.pending.waiting || c.waits.open > 0 || len(c.deliveries.list) > 0
	if waits && c.sock.SilentFor() > unackedMax {
		r.e.reject(rejectUnreachable)
		r.drop(c)
	}
}

// The kernel takes megabytes of replies for a client that reads nothing. If the client dies, it has
// certainly not read the bytes that the kernel has not transmitted. So the reactor remembers the
// grants of large outputs until their replies have been transmitted.

// inKernel has the grants whose replies are in the kernel and not transmitted.
type inKernel struct {
	list []ownedGrant // by end
}

// memory returns the bytes of the list.
func (q *inKernel) memory() int { return ownedGrantLen * cap(q.list) }

// transmitted returns how many bytes of the output have left the machine. The others never
// will if the connection has failed.
func (c *conn) transmitted() int64 { return c.sent - int64(c.sock.Untransmitted()) }

// add notes a grant whose reply the kernel has taken. If there are too many, the oldest are left to
// their leases, because their replies are transmitted first.
func (q *inKernel) add(c *conn, g ownedGrant) {
	if len(q.list) == cap(q.list) {
		q.forget(c.transmitted())
		if len(q.list) >= queuedMax {
			q.list = slices.Delete(q.list, 0, queuedMax/2)
		}
	}
	q.list = append(q.list, g)
}

// forget forgets the grants whose replies have been transmitted.
func (q *inKernel) forget(transmitted int64) {
	n := 0
	for n < len(q.list) && q.list[n].end <= transmitted {
		n++
	}
	if n == len(q.list) {
		q.list = nil // a client is seldom late
		return
	}
	q.list = slices.Delete(q.list, 0, n)
}

// hasLeft is called for a grant whose reply the kernel has taken.
func (c *conn) hasLeft(g ownedGrant, transmitted int64, prompt bool) {
	switch {
	case g.waited:
		c.deliveries.add(c, g, prompt)
	case g.end > transmitted:
		c.queued.add(c, g)
	}
}
