package table

import (
	"fmt"
	"hash/maphash"
	"testing"

	"dlm/codec"
)

// TestEdgesOfALockWithManyHolders walks over requests for a lock with more holders than a request
// has edges. One call adds those of one request at most, and a request for a permit has too few to
// wait for ever.
func TestEdgesOfALockWithManyHolders(t *testing.T) {
	for _, opt := range []codec.Opts{codec.OptShared, codec.OptPermits} {
		for holders, most := range map[int]int{edgesPerRequest: edgesPerRequest, edgesPerRequest + 1: edgesPerRequest} {
			g := newRig()
			acquire := func(service string, opt codec.Opts, waitMs uint32) {
				g.apply(&codec.Command{Verb: codec.VerbAcquire, Opts: opt, Name: []byte("a"), Service: []byte(service), WaitMs: waitMs, Permits: uint32(holders)})
			}
			for i := range holders {
				acquire(fmt.Sprint("h", i), opt, 0)
			}
			for i := range 3 {
				acquire(fmt.Sprint("w", i), opt&^codec.OptShared, 60_000)
			}
			s := g.table.Shard(g.table.Hash([]byte("a")))
			seed := maphash.MakeSeed()
			hash := func(b []byte) uint64 { return maphash.Bytes(seed, b) }
			var walk EdgeWalk
			var edges []Edge
			for done, calls := false, 0; !done; calls++ {
				before := len(edges)
				edges, done = s.Edges(g.now, &walk, 1, 1<<20, hash, edges)
				if len(edges)-before > most || calls > 1000 {
					t.Fatalf("%d edges in call %d", len(edges)-before, calls)
				}
			}
			if len(edges) != 3*most || walk.Cut != (holders > most) {
				t.Errorf("%d holders: %d edges, cut %v", holders, len(edges), walk.Cut)
			}
			if others := edges[0].Others; opt == codec.OptPermits && int(others) != holders || opt == codec.OptShared && others != 0 {
				t.Errorf("%d holders, others %d", holders, others)
			}
		}
	}
}
