package engine

import (
	"context"

	"dlm/codec"
	"dlm/engine/observe"
	"dlm/table"
)

// A request with DETECT that has to wait makes the observer look for cycles of services that hold
// and wait, and look again as long as such requests wait, because others can close a cycle over
// them. The goroutine "detector" refuses what a look has found, and posts the answer to the loop.
// Commands without DETECT pay nothing.

// cycleBytes is how much of a cycle an answer has. The first lock and its holder are always there.
const cycleBytes = 4 << 10

// refusal is the end of a wait with DETECT.
type refusal struct {
	to    table.Origin
	ref   table.WaiterRef
	cycle []table.WaitsFor
}

// detect lets the observer look soon. A simulation has no goroutines, and looks as a step.
func (e *Engine) detect() {
	if len(e.ports) == 0 {
		e.steps = append(e.steps, func() { e.refuseDeadlocks(e.observer.NextRefusals(e.runCtx, nil)) })
		return
	}
	e.observer.Detect()
}

// runDetector is the goroutine "detector".
func (e *Engine) runDetector(ctx context.Context) {
	var found *observe.Refusals
	for {
		if found = e.observer.NextRefusals(ctx, found); found == nil {
			return
		}
		e.refuseDeadlocks(found)
	}
}

// refuseDeadlocks ends the waits that a look has found in cycles, those that still wait.
func (e *Engine) refuseDeadlocks(found *observe.Refusals) {
	if len(found.List) == 0 || found.Table != e.tab() {
		return
	}
	var fx table.Effects
	for i := range found.List {
		x := &found.List[i]
		s := found.Table.ShardAt(int(x.Wait.Shard))
		s.Lock()
		to, ok := s.Refuse(e.clock.Now(), x.Wait, &fx)
		s.Unlock()
		if ok {
			r := e.reactors[loopOf(to.Conn)]
			tell(r, &r.inbox.refusals, refusal{to, x.Wait, x.Cycle})
		}
	}
	e.send(&fx)
	e.detect() // for cycles that are left
}

// giveRefusal answers a wait that was refused, if its connection still waits for the answer.
func (r *reactor) giveRefusal(x *refusal) {
	r.cost += costDeliver
	c := r.lookup(x.to.Conn)
	if c == nil || c.closing || !c.waitsFor(x.to.Ticket, x.ref) {
		return
	}
	r.beginEndOfWait(c, x.to.Ticket)
	r.errorData = appendCycle(r.errorData[:0], c, x.cycle)
	r.w.ErrorData(codec.Deadlock, r.errorData, reasonOf(codec.VerbAcquire, codec.Deadlock))
	r.count(codec.VerbAcquire, codec.Deadlock)
	r.endReply(c)
	if x.to.Ticket == 0 {
		r.goOnAfterWait(c)
	}
}

// appendCycle appends the locks of a cycle, each with the service that holds it and waits for the
// next: first the lock that was waited for, last one that the waiting service itself holds. A name
// that the connection may not see is "", and so is its holder. A long cycle is cut.
func appendCycle(data []byte, c *conn, cycle []table.WaitsFor) []byte {
	mayLook := verbsOf[c.who.Role]&(1<<codec.VerbStatus) != 0
	for i := range cycle {
		lock, holder, before := cycle[i].Lock, cycle[i].Holder, len(data)
		if !mayLook || !c.who.MayUse(lock) {
			lock, holder = nil, nil
		}
		if i > 0 {
			data = append(data, ' ')
		}
		data = append(codec.AppendQuoted(data, lock), ' ')
		if data = codec.AppendQuoted(data, holder); i > 0 && len(data) > cycleBytes {
			return data[:before]
		}
	}
	return data
}
