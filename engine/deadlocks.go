package engine

import "dlm/codec"

// deadlocks answers DEADLOCKS. A cycle with a lock that the connection may not see is left out.
func (r *reactor) deadlocks(c *conn) {
	found := r.e.observer.Deadlocks()
	r.cost += costInfo + found.Looked
	cycles, hidden := found.Visible(&c.who)
	lines := 0
	for _, cycle := range cycles {
		lines += len(cycle)
	}
	if found.Truncated {
		hidden++ // at least one
	}
	r.w.ListMore(lines, hidden)
	for i, cycle := range cycles {
		for k := range cycle {
			e := &cycle[k]
			r.w.Item(6)
			r.w.Num("cycle", int64(i+1))
			r.w.Str("service", e.Service)
			r.w.Str("lock", e.Lock)
			r.w.Str("holder", e.Holder)
			r.w.Token("token", e.Token)
			r.w.Num("waited_ms", e.WaitedMs)
			r.w.End()
		}
	}
	r.count(codec.VerbDeadlocks, codec.OK)
}
