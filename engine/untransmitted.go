package engine

import "slices"

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
