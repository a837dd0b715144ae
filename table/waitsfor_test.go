package table

import (
	"fmt"
	"hash/maphash"
	"testing"

	"dlm/codec"
)

// TestEdgesOfALockWithManyHolders walks over requests for a lock with many holders. One call adds
// few edges, and a walk has all of them, those that are part of no cycle up to a bound.
func TestEdgesOfALockWithManyHolders(t *testing.T) {
	const holders, scan = outsidePerRequest + 50, 7
	for _, opt := range []codec.Opts{codec.OptShared, codec.OptPermits} {
		for _, c := range []struct {
			name      string
			cycles    bool // edges may be part of cycles
			room      int
			most      int // holders
			want      int
			left, cut bool
		}{
			{"all may be part of a cycle", true, 0, 1 << 20, 3 * holders, false, false},
			{"none is part of a cycle", false, 1 << 20, 1 << 20, 3 * outsidePerRequest, true, false},
			{"with room for some", false, 200, 1 << 20, 200, true, false},
			{"with too many holders", true, 0, holders, holders, false, true},
		} {
			g := manyHolders(holders, opt, 3)
			s, sieve := g.table.Shard(g.table.Hash([]byte("a"))), AllEdges(edgeHash)
			if !c.cycles {
				sieve = NewEdgeSieve(3, edgeHash)
			}
			walk := EdgeWalk{Room: c.room, Holders: c.most}
			var edges []Edge
			for done, calls := false, 0; !done; calls++ {
				before := len(edges)
				edges, done = s.Edges(g.now, &walk, scan, sieve, edges)
				if len(edges)-before > scan || calls > 4*holders {
					t.Fatalf("%s: %d edges in call %d", c.name, len(edges)-before, calls)
				}
			}
			if len(edges) != c.want || walk.Left != c.left || walk.Cut != c.cut {
				t.Errorf("%s: %d edges, want %d; left %v, cut %v", c.name, len(edges), c.want, walk.Left, walk.Cut)
			}
			if others := edges[0].Others; opt == codec.OptPermits && others != holders || opt == codec.OptShared && others != 0 {
				t.Errorf("%s: others %d", c.name, others)
			}
		}
	}
}

// manyHolders returns a rig with lock a, its holders h0, h1, ... and requests w0, w1, ...
func manyHolders(holders int, opt codec.Opts, requests int) *rig {
	g := newRig()
	acquire := func(service string, opt codec.Opts, waitMs uint32) {
		g.apply(&codec.Command{Verb: codec.VerbAcquire, Opts: opt, Name: []byte("a"), Service: []byte(service), WaitMs: waitMs, Permits: uint32(holders)})
	}
	for i := range holders {
		acquire(fmt.Sprint("h", i), opt, 0)
	}
	for i := range requests {
		acquire(fmt.Sprint("w", i), opt&^codec.OptShared, 60_000)
	}
	return g
}

// TestSieveOfALockWithManyHolders: it has all holders of a lock with a queue, and all who wait,
// even if holders and requests come and go during the walk. If one of them keeps the walk from
// going on, it says so.
func TestSieveOfALockWithManyHolders(t *testing.T) {
	const holders = 100
	leave := func(g *rig, i int) {
		g.apply(&codec.Command{Verb: codec.VerbRelease, Opts: codec.OptAll, Name: []byte("a"), Service: fmt.Append(nil, "h", i)})
	}
	for _, c := range []struct {
		name string
		move func(g *rig, w WaiterRef)
		cut  bool
	}{
		{"nothing moves", func(*rig, WaiterRef) {}, false},
		{"a holder leaves that was seen", func(g *rig, _ WaiterRef) { leave(g, 0) }, false},
		{"the holder leaves after which the walk goes on", func(g *rig, _ WaiterRef) { leave(g, 9) }, true},
		{"the request leaves, and another is first", func(g *rig, w WaiterRef) { g.table.ShardAt(int(w.Shard)).Cancel(g.now, w, &g.fx) }, true},
		{"an upgrade comes in front", func(g *rig, _ WaiterRef) {
			g.apply(&codec.Command{Verb: codec.VerbUpgrade, Opts: codec.OptUpgrade, Name: []byte("a"), Service: []byte("h50"), WaitMs: 1000})
		}, true},
	} {
		g := manyHolders(holders, codec.OptShared, 2)
		s := g.table.Shard(g.table.Hash([]byte("a")))
		sieve, walk := NewEdgeSieve(1000, edgeHash), EdgeWalk{Holders: 1 << 20}
		if s.Sift(g.now, &walk, 10, sieve) || walk.Holders != 1<<20-10 {
			t.Fatalf("%s: %d holders are left after the first step", c.name, walk.Holders)
		}
		c.move(g, WaiterRef{s.number, 0, s.waiters.at(0).generation})
		for calls := 0; !s.Sift(g.now, &walk, 10, sieve); calls++ {
			if calls > holders {
				t.Fatalf("%s: the walk has no end", c.name)
			}
		}
		missing := 0
		for i := range holders {
			if !sieve.held.has(edgeHash(fmt.Append(nil, "h", i))) {
				missing++
			}
		}
		waits := sieve.waits.has(edgeHash([]byte("w0"))) && sieve.waits.has(edgeHash([]byte("w1")))
		if walk.Cut != c.cut || missing > 0 && !c.cut || !waits || sieve.waits.has(edgeHash([]byte("h1"))) {
			t.Errorf("%s: %d holders are missing, cut %v, requests are there: %v", c.name, missing, walk.Cut, waits)
		}
	}
}

// TestSetOfServices: it has all that were added, and few others.
func TestSetOfServices(t *testing.T) {
	for _, n := range []int{1, 7, 1000, 99_999} {
		sieve, seed, others := NewEdgeSieve(n, nil), maphash.MakeSeed(), 0
		hash := func(i int) uint64 { return maphash.Comparable(seed, i) }
		for i := range n {
			sieve.waits.add(hash(i))
		}
		for i := range n {
			if !sieve.waits.has(hash(i)) {
				t.Fatalf("%d services: %d is missing", n, i)
			}
			if sieve.waits.has(hash(n + i)) {
				others++
			}
		}
		if others > n/10+5 {
			t.Errorf("%d services: %d others are there too", n, others)
		}
	}
}
