package engine

import "dlm/codec"

// sweepOrders returns the orders that the ticker gives a few times per second.
func (e *Engine) sweepOrders() orders {
	if e.tokensGen.Load() == e.quotasGen.Load() {
		return orderSweep
	}
	e.quotasMayBeDue() // if no loop has a connection
	return orderSweep | orderRecheck
}

// walk calls look for the connections that are left, as many as this round has room for: ending
// thousands of them takes longer than a heartbeat in a socket can wait. It returns true at the end.
// Otherwise toll goes on.
func (r *reactor) walk(left *int, look func(i int, c *conn)) (done bool) {
	for ; *left > 0; *left-- {
		if r.overBudget(otherShare) {
			r.ring()
			return false
		}
		r.cost += costLook
		if i := *left - 1; i < len(r.conns) && r.conns[i].c != nil {
			look(i, r.conns[i].c)
		}
	}
	return true
}

// goOnWalking goes on with walks that are not at their end.
func (r *reactor) goOnWalking() {
	if r.sweepLeft == 0 && r.recheckLeft == 0 {
		return
	}
	r.begin()
	defer func() { r.guard(nil, recover()) }()
	if r.sweepLeft > 0 {
		r.sweep()
	}
	if r.recheckLeft > 0 {
		r.recheck()
	}
	r.finish(nil)
}

// sweep ends connections that are past an age limit, or sees that they will be, and updates the
// account of their buffers. It begins with all, unless the last sweep is not at its end.
func (r *reactor) sweep() {
	if r.sweepLeft == 0 {
		r.sweepLeft = len(r.conns)
		r.sweeps++
	}
	done := r.walk(&r.sweepLeft, func(i int, c *conn) {
		switch {
		case c.closing:
			r.linger(c)
			return
		case c.at.as != ordinary && r.overstays(c):
			r.turnOut(c)
		case c.withheld != nil && r.now >= c.withheld.until:
			r.giveWithheld(c)
		case c.alive > 0 && r.silent(c):
			r.endFor(c, rejectSilent, codec.Canceled, "nothing has come for twice the ALIVE of this connection: it is closed")
		case r.isOverdue(c):
			r.addOverdue(c)
		}
		r.checkPeer(c, i+r.sweeps)
		if c.buffered > 0 || c.sub != nil {
			r.account(c)
		}
	})
	if done {
		r.beginOverdue()
	}
}

// idle reports whether a connection has sent nothing and waited for nothing for IdleMax. The sweep
// calls it for each, which is how often it sees them wait.
func (r *reactor) idle(c *conn) bool {
	if c.pending.any() || c.waits.open > 0 || c.backlog != nil || c.sub != nil {
		c.busyAt = r.now
	}
	return min(r.heardAgo(c), r.now-c.busyAt) > int64(r.e.cfg.IdleMax)
}

// linger closes a connection after hangUp. When its output has left, the peer has a little time to
// close it itself.
func (r *reactor) linger(c *conn) {
	switch {
	case c.backlog != nil:
		c.closingAt = r.now
		r.writable(c)
		r.checkProgress(c)
	case r.now-c.closingAt > int64(lingerMax):
		r.drop(c)
	default:
		r.cost += costWrite
		c.sock.Finish()
	}
}

// drain answers every wait with SHUTDOWN when the server stops.
func (r *reactor) drain() {
	for i := range r.conns {
		c := r.conns[i].c
		if c == nil || c.closing {
			continue
		}
		r.refuseWaits(c, codec.Shutdown, reasonOf(codec.VerbAcquire, codec.Shutdown))
		c.pending.drop()
	}
}

// closeIdle closes every connection whose output has reached the kernel, and
// leaves the others for a later order.
func (r *reactor) closeIdle() {
	for i := range r.conns {
		if c := r.conns[i].c; c != nil && !c.dirty && c.backlog == nil {
			r.drop(c)
		}
	}
}
