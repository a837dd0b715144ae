package table

import (
	"math/rand/v2"
	"testing"

	"dlm/codec"
)

// TestWaiterRecordsAreHandedOutOnce takes and drops records at random, with more takes or more
// drops in turn.
func TestWaiterRecordsAreHandedOutOnce(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var slab waiterSlab
	var taken []uint32
	is := map[uint32]bool{}
	most, given := 0, 0
	for step := range 200_000 {
		if len(taken) == 0 || rng.IntN(100) < 10+80*(step/2000%2) {
			i, _ := slab.take()
			if is[i] {
				t.Fatalf("step %d: record %d is handed out twice", step, i)
			}
			is[i] = true
			taken = append(taken, i)
		} else {
			at := rng.IntN(len(taken))
			slab.drop(taken[at])
			delete(is, taken[at])
			taken[at] = taken[len(taken)-1]
			taken = taken[:len(taken)-1]
		}
		if chunk := rng.IntN(1 + len(slab.chunks)); chunk < len(slab.chunks) && slab.giveBack(chunk) {
			given++
		}
		most = max(most, len(taken))
		idle := 0
		for chunk := range slab.chunks {
			if slab.chunks[chunk] != nil && slab.freeOf[chunk].free == ^uint64(0) {
				idle++
			}
		}
		if slab.idle != idle {
			t.Fatalf("step %d: %d chunks are idle, want %d", step, slab.idle, idle)
		}
		if slab.live != len(taken) || int(slab.len()) >= most+waiterChunkLen {
			t.Fatalf("step %d: %d records of %d are in use, should be %d of less than %d", step, slab.live, slab.len(), len(taken), most+waiterChunkLen)
		}
	}
	if most < 10*waiterChunkLen || given < 10 {
		t.Fatalf("at most %d records were in use, %d chunks given back", most, given)
	}
}

// TestRefOfChunkThatWasGivenBack: it names nothing, also when the chunk has memory again.
func TestRefOfChunkThatWasGivenBack(t *testing.T) {
	g := newRig()
	name := string(sameShard(g.table, 1)[0])
	g.must(codec.VerbAcquire, name, "svc", 0)
	first := g.must(codec.VerbAcquire, name, "svc-2", 1000).Waiter
	s := g.table.ShardAt(int(first.Shard))
	if s.waiters.giveBack(0) {
		t.Fatal("a chunk in use is given back")
	}
	if !s.Cancel(g.now, first, &g.fx) || !s.waiters.giveBack(0) || s.Cancel(g.now, first, &g.fx) {
		t.Fatal("the wait is not over")
	}
	second := g.must(codec.VerbAcquire, name, "svc-3", 1000).Waiter
	if first.index != second.index {
		t.Fatal("the record was not used again: the test shows nothing")
	}
	if s.Cancel(g.now, first, &g.fx) || !s.Cancel(g.now, second, &g.fx) {
		t.Fatal("a stale reference ended the wait of another")
	}
}

// TestWaitersOfOneReadLieTogether: waiters of one read have adjacent records, in whatever order
// earlier ones have ended.
func TestWaitersOfOneReadLieTogether(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var slab waiterSlab
	const n = 64 * waiterChunkLen
	for range n {
		slab.take()
	}
	for _, i := range rng.Perm(n) {
		slab.drop(uint32(i))
	}
	last, _ := slab.take()
	apart := 0
	for range n - 1 {
		i, _ := slab.take()
		if i != last+1 {
			apart++
		}
		last = i
	}
	if apart != n/waiterChunkLen-1 {
		t.Errorf("%d of %d are not behind the former, want one for each chunk", apart, n)
	}
}

// TestWaitedIsExact compares the time that a record has waited with the exact one, at any time and
// after any wait.
func TestWaitedIsExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		begins := rng.Int64N(1 << (10 + rng.IntN(50)))
		lasts := rng.Int64N(1 << (1 + rng.IntN(46))) // up to 19 h
		late := rng.Int64N(1000) * nsPerMs
		var w waiter
		w.beginWait(begins, begins+late, rng.Uint32N(codec.WaitMaxMs+1))
		now := begins + lasts
		if got := w.began(now); got != begins {
			t.Fatalf("a wait from %d to %d began at %d", begins, now, got)
		}
	}
}
