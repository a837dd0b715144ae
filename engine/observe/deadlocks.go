package observe

import (
	"bytes"
	"hash/maphash"
	"slices"

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

// Deadlocks finds services that wait for each other for ever. It reads the requests of all shards,
// one shard after the other, and then each edge of a cycle again. An edge that is there both times
// stood all the time in between, and so all edges of a cycle stood when the second reading began.
// Semaphores are not looked at.
func (o *Observer) Deadlocks() (found Deadlocks) {
	served := o.cfg.Served()
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
