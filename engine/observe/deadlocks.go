package observe

import (
	"bytes"
	"context"
	"hash/maphash"
	"slices"

	"dlm/codec"
	"dlm/table"
)

// cyclesMax is the most cycles of one answer.
const cyclesMax = 100

// cycle is a deadlock: each service waits for a hold of the next, and the last for one of the
// first.
type cycle []table.WaitsFor

// deadlocksView is the cycles of services that hold and wait. All edges of a cycle stood at one
// moment.
type deadlocksView struct {
	cycles    []cycle
	truncated bool // there may be more cycles
	refusals  *Refusals
	graphEdges
}

// visible returns the cycles of whose locks the visitor may see all, and the number of the others.
func (v *deadlocksView) visible(sight Sight) (cycles []cycle, hidden int) {
	for _, c := range v.cycles {
		if c.seenBy(sight) {
			cycles = append(cycles, c)
		} else {
			hidden++
		}
	}
	return cycles, hidden
}

// seenBy reports whether the visitor may see all locks of the cycle.
func (c cycle) seenBy(sight Sight) bool {
	return !slices.ContainsFunc(c, func(e table.WaitsFor) bool { return !sight.MayUse(e.Lock) })
}

// DeadlockRow is one edge of a cycle: the service waits for a hold of the holder.
type DeadlockRow struct {
	Cycle    int         `json:"cycle"` // from 1 on
	Service  Text        `json:"service"`
	Lock     Text        `json:"lock"`
	Holder   Text        `json:"holder"`
	Token    codec.Token `json:"token"` // of the hold
	WaitedMs int64       `json:"waited_ms"`
}

// DeadlockAnswer is the cycles of a view, edge by edge.
type DeadlockAnswer struct {
	AgeMs     int64         `json:"age_ms"`    // of the view
	Truncated bool          `json:"truncated"` // not all requests were looked at
	Hidden    int           `json:"hidden"`    // cycles with a lock that the visitor may not see
	Rows      []DeadlockRow `json:"rows"`
}

// Deadlocks answers the services that wait for each other for ever, from a view that all visitors
// share and that was begun after the question. So many questions cost no more than one.
func (o *Observer) Deadlocks(ctx context.Context, sight Sight) *DeadlockAnswer {
	v, age := o.deadlocks.fresh(ctx, o)
	a := &DeadlockAnswer{AgeMs: age.Milliseconds(), Truncated: v.truncated, Rows: []DeadlockRow{}}
	var cycles []cycle
	cycles, a.Hidden = v.visible(sight)
	bytes := pageBytes
	for i, c := range cycles {
		if bytes <= 0 {
			a.Truncated = true
			break
		}
		for _, e := range c {
			bytes -= len(e.Service) + len(e.Lock) + len(e.Holder)
			a.Rows = append(a.Rows, DeadlockRow{i + 1, e.Service, e.Lock, e.Holder, e.Token, e.WaitedMs})
		}
	}
	return a
}

// makeDeadlocks reads the requests of all shards, one shard after the other, finds those that wait
// for ever, and reads what makes them do so again: see confirm.
func (o *Observer) makeDeadlocks(served Served) *deadlocksView {
	seed := maphash.MakeSeed()
	r := newEdgeReader(served, o.edgesMax, func(service []byte) uint64 { return maphash.Bytes(seed, service) })
	r.sift()
	for i := range table.Shards {
		r.read(served.Table.ShardAt(i))
	}
	found := r.end()
	o.findCycles(served, found)
	return found
}

// findCycles finds the cycles among the edges of a view.
func (o *Observer) findCycles(served Served, found *deadlocksView) {
	firm, words := confirm(served, ahead(stuck(found.edges)), found.hash)
	found.firm = cyclic(stuck(firm))
	for _, loop := range cyclesOf(found.firm) {
		if len(found.cycles) == cyclesMax {
			found.truncated = true
			break
		}
		if c, ok := cycleIn(words, loop); ok {
			found.cycles = append(found.cycles, c.turned())
		}
	}
	found.refusals.find(found.firm, words)
	if found.refusals.Waiting > 0 {
		o.deadlocks.want() // another request may close a cycle over one of them
	}
}

// cycleIn returns the words of the edges. It returns false if services of the same hash made two
// paths look like a cycle.
func cycleIn(words map[table.Edge]table.WaitsFor, loop []table.Edge) (c cycle, ok bool) {
	for _, e := range loop {
		c = append(c, words[e])
	}
	for i := range c {
		if string(c[i].Holder) != string(c[(i+1)%len(c)].Service) {
			return nil, false
		}
	}
	return c, true
}

// confirmTries is how often the holders of semaphores are compared if others come in between.
const confirmTries = 3

// confirm reads edges again and returns those that stood at one moment, with their words. An edge
// that is there both times stood all the time in between. But a semaphore may have had other
// holders meanwhile. So its edges are read twice more, around those of other locks, and stand if
// the shard has given no token in between.
func confirm(served Served, edges []table.Edge, hash func([]byte) uint64) (firm []table.Edge, words map[table.Edge]table.WaitsFor) {
	words = map[table.Edge]table.WaitsFor{}
	read := func(e *table.Edge) (table.WaitsFor, bool) {
		shard := served.Table.ShardAt(int(e.Wait.Shard))
		shard.Lock()
		x, ok := shard.Stands(served.Now, e)
		shard.Unlock()
		return x, ok && hash(x.Service) == e.Waiter && hash(x.Holder) == e.Holder
	}
	for range confirmTries {
		clear(words)
		changed := false
		for pass, semaphores := range []bool{true, false, true} {
			for i := range edges {
				e := &edges[i]
				was, had := words[*e]
				if e.Others > 0 != semaphores || pass == 2 && !had {
					continue
				}
				x, ok := read(e)
				if pass == 2 && was.Newest != x.Newest {
					ok, changed = false, true
				}
				if words[*e] = x; !ok {
					delete(words, *e)
				}
			}
		}
		if !changed {
			break
		}
	}
	for i := range edges {
		if _, ok := words[edges[i]]; ok {
			firm = append(firm, edges[i])
		}
	}
	return firm, words
}

// turned returns the same cycle from its least service on, so that one deadlock has one form. The
// hashes of a process, in whose order cycles are found, differ from those of others.
func (c cycle) turned() cycle {
	first := 0
	for i := range c {
		if bytes.Compare(c[i].Service, c[first].Service) < 0 {
			first = i
		}
	}
	return slices.Concat(c[first:], c[:first])
}
