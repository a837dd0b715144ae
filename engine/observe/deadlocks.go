package observe

import (
	"bytes"
	"context"
	"hash/maphash"
	"slices"

	"dlm/codec"
	"dlm/table"
)

const (
	// EdgesMax is the most edges of one look, some milliseconds of a processor.
	EdgesMax = 20_000
	// CyclesMax is the most cycles of one answer.
	CyclesMax = 100
)

// Cycle is a deadlock: each service waits for a hold of the next, and the last for one of the
// first.
type Cycle []table.WaitsFor

// Deadlocks are the cycles of services that hold and wait. All edges of a cycle stood at one
// moment.
type Deadlocks struct {
	Cycles    []Cycle
	Looked    int  // edges
	Truncated bool // there are more edges, or more cycles
}

// Visible returns the cycles of whose locks the visitor may see all, and the number of the others.
func (d *Deadlocks) Visible(sight Sight) (cycles []Cycle, hidden int) {
	for _, cycle := range d.Cycles {
		if slices.ContainsFunc(cycle, func(e table.WaitsFor) bool { return !sight.MayUse(e.Lock) }) {
			hidden++
		} else {
			cycles = append(cycles, cycle)
		}
	}
	return cycles, hidden
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

// DeadlocksSeen answers the deadlocks of a view that all visitors share. It may wait for the view,
// for viewWait at most.
func (o *Observer) DeadlocksSeen(ctx context.Context, sight Sight) *DeadlockAnswer {
	v, age := o.deadlocks.get(ctx, o)
	a := &DeadlockAnswer{AgeMs: age.Milliseconds(), Truncated: v.Truncated, Rows: []DeadlockRow{}}
	var cycles []Cycle
	cycles, a.Hidden = v.Visible(sight)
	for i, cycle := range cycles {
		for _, e := range cycle {
			a.Rows = append(a.Rows, DeadlockRow{i + 1, e.Service, e.Lock, e.Holder, e.Token, e.WaitedMs})
		}
	}
	return a
}

// Deadlocks finds services that wait for each other for ever. It reads the requests of all shards,
// one shard after the other, and then each edge of a cycle again. An edge that is there both times
// stood all the time in between, and so all edges of a cycle stood when the second reading began.
// Semaphores are not looked at.
func (o *Observer) Deadlocks() *Deadlocks { return o.makeDeadlocks(o.cfg.Served()) }

func (o *Observer) makeDeadlocks(served Served) *Deadlocks {
	found := &Deadlocks{}
	seed := maphash.MakeSeed()
	hash := func(service []byte) uint64 { return maphash.Bytes(seed, service) }
	var edges []table.Edge
	for i := range table.Shards {
		shard := served.Table.ShardAt(i)
		for at, done := uint32(0), false; !done && len(edges) < EdgesMax; {
			shard.Lock()
			edges, done = shard.Edges(served.Now, &at, holdRecords, EdgesMax, hash, edges)
			shard.Unlock()
		}
	}
	found.Looked, found.Truncated = len(edges), len(edges) >= EdgesMax
	var firm []table.Edge
	words := map[table.Edge]table.WaitsFor{}
	for _, e := range cyclic(edges) {
		shard := served.Table.ShardAt(int(e.Wait.Shard))
		shard.Lock()
		x, ok := shard.Stands(served.Now, &e)
		shard.Unlock()
		if ok && hash(x.Service) == e.Waiter && hash(x.Holder) == e.Holder {
			firm = append(firm, e)
			words[e] = x
		}
	}
	for _, loop := range cyclesOf(cyclic(firm)) {
		if len(found.Cycles) == CyclesMax {
			found.Truncated = true
			break
		}
		var c Cycle
		sound := true
		for _, e := range loop {
			c = append(c, words[e])
		}
		for i := range c { // hashes can be equal
			sound = sound && string(c[i].Holder) == string(c[(i+1)%len(c)].Service)
		}
		if sound {
			found.Cycles = append(found.Cycles, c.turned())
		}
	}
	return found
}

// turned returns the same cycle from its least service on, so that one deadlock has one form. The
// hashes of a process, in whose order cycles are found, differ from those of others.
func (c Cycle) turned() Cycle {
	first := 0
	for i := range c {
		if bytes.Compare(c[i].Service, c[first].Service) < 0 {
			first = i
		}
	}
	return slices.Concat(c[first:], c[:first])
}
