package observe

import "dlm/table"

const (
	// edgesMax is the most edges of one look that may be part of a cycle, some 30 ms.
	// Graphs keep others besides, as far as there is room.
	edgesMax = 100_000
	// groupsMax is the most holders of shared locks and semaphores that each of the two walks of a
	// look follows, some 50 ms.
	groupsMax = 1_000_000
)

// edgeReader reads the edges of all shards: those of requests that may be part of a cycle, and some
// others. A first walk gathers the services that hold what others wait for and those that wait, and
// a second one asks who is both. So a crowd of others leaves room for them. A cycle that stands
// during both walks is there.
type edgeReader struct {
	served  Served
	most    int // edges
	sieve   *table.EdgeSieve
	holders int // of groups, that the walk may still look at
	found   *deadlocksView
	some    []table.Edge // of one hold of a mutex
}

// newEdgeReader returns a reader that takes all edges for parts of a cycle, unless it has sifted.
func newEdgeReader(served Served, most int, hash func(service []byte) uint64) *edgeReader {
	r := &edgeReader{served: served, most: most, sieve: table.AllEdges(hash), holders: groupsMax}
	r.found = &deadlocksView{refusals: &Refusals{Table: served.Table}}
	r.found.hash = hash
	return r
}

// sift gathers the services.
func (r *edgeReader) sift() {
	requests := r.served.Table.Totals().Waiters
	r.sieve = table.NewEdgeSieve(requests, r.found.hash)
	r.found.rest = make([]table.Edge, 0, min(requests, r.most))
	for i := range table.Shards {
		shard, walk := r.served.Table.ShardAt(i), table.EdgeWalk{Holders: r.holders}
		for done := false; !done; {
			shard.Lock()
			done = shard.Sift(r.served.Now, &walk, holdRecords, r.sieve)
			shard.Unlock()
		}
		r.took(&walk)
	}
	r.holders = groupsMax
}

// read reads the edges of a shard.
func (r *edgeReader) read(shard *table.Shard) {
	walk := table.EdgeWalk{Holders: r.holders, Room: r.most - len(r.found.edges) - len(r.found.rest)}
	for done := false; !done; {
		shard.Lock()
		r.some, done = shard.Edges(r.served.Now, &walk, holdRecords, r.sieve, r.some[:0])
		shard.Unlock()
		for i := range r.some {
			switch e := &r.some[i]; {
			case !e.Inside:
				r.found.rest = append(r.found.rest, *e)
			case len(r.found.edges) < r.most:
				r.found.edges = append(r.found.edges, *e)
			default:
				r.found.truncated = true
			}
		}
	}
	r.found.refusals.Waiting += walk.Detects
	r.found.partial = r.found.partial || walk.Left
	r.took(&walk)
}

// end returns the view, without its cycles.
func (r *edgeReader) end() *deadlocksView {
	if room := r.most - len(r.found.edges); len(r.found.rest) > room {
		r.found.rest, r.found.partial = r.found.rest[:room], true
	}
	return r.found
}

// took notes what a walk has looked at, and whether it has seen all.
func (r *edgeReader) took(walk *table.EdgeWalk) {
	r.holders = walk.Holders
	r.found.truncated = r.found.truncated || walk.Cut
}
