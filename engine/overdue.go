package engine

import (
	"fmt"

	"dlm/codec"
	"dlm/table"
)

// Connections beyond an age limit of their own making end one after the other. If thousands ended
// together, as strangers do that came together, they would come again together. Then closing and
// accepting them would keep a core busy for a second, and others would wait for it.

// overdueSpread is how many connections of a loop end at the slowest pace, one in tickEvery. More
// end faster, so that the last one ends some 8 s after the first.
const overdueSpread = 8192

// overdue is the connections of a loop that are to end. Owned by the reactor.
type overdue struct {
	list []table.ConnID
	pace int // how many have their turn in tickEvery; 0: the sweep still adds to the list
}

// isOverdue reports whether a connection is to end. The sweep calls it for each.
func (r *reactor) isOverdue(c *conn) bool {
	return r.lateToComplete(c) || r.lateToAuth(c) || r.e.cfg.IdleMax > 0 && r.idle(c)
}

// lateToComplete reports whether a command has been incomplete for too long.
func (r *reactor) lateToComplete(c *conn) bool {
	return c.partial != nil && r.now-c.partialSince > int64(r.e.cfg.PartialMax)
}

// addOverdue is called by the sweep for a connection that is to end.
func (r *reactor) addOverdue(c *conn) {
	if r.overdue.pace == 0 {
		r.overdue.list = append(r.overdue.list, c.id)
		r.e.overdue.Add(1)
	}
}

// beginOverdue is called by the sweep when it has seen all connections.
func (r *reactor) beginOverdue() {
	if o := &r.overdue; o.pace == 0 && len(o.list) > 0 {
		o.pace = 1 + len(o.list)/overdueSpread
		r.endOverdue()
	}
}

// endOverdue ends the next connections of the list, if they are still overdue. The ticker orders it
// again while there are more.
func (r *reactor) endOverdue() {
	o := &r.overdue
	next := o.list[:min(o.pace, len(o.list))]
	for _, id := range next {
		if c := r.lookup(id); c != nil && !c.closing && r.isOverdue(c) {
			r.endLate(c)
		}
	}
	r.e.overdue.Add(-int64(len(next)))
	if o.list = o.list[len(next):]; len(o.list) == 0 {
		*o = overdue{}
	}
}

// endLate tells a connection which limit it has reached, and ends it.
func (r *reactor) endLate(c *conn) {
	cfg := &r.e.cfg
	switch {
	case r.lateToComplete(c):
		r.e.reject(rejectPartial)
		r.fail(c, codec.BadArg, fmt.Sprintf("the command was not complete within %v", cfg.PartialMax))
	case r.lateToAuth(c):
		r.e.reject(rejectAuthLate)
		r.fail(c, codec.NoAuth, fmt.Sprintf("not authenticated within %v", cfg.AuthWait))
	default:
		r.e.reject(rejectIdle)
		r.fail(c, codec.Canceled, fmt.Sprintf("nothing has come for %v (idle-timeout): the connection is closed, holds stay", cfg.IdleMax))
	}
}

// orderEnds tells the loops to end the next connections, if there are any.
func (e *Engine) orderEnds() {
	if e.overdue.Load() > 0 {
		e.order(orderEnd)
	}
}
