package table

import (
	"math/rand/v2"
	"testing"
)

// TestWaiterRecordsAreHandedOutOnce takes and drops records at random, more taking or more dropping in turn.
func TestWaiterRecordsAreHandedOutOnce(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var slab waiterSlab
	var taken []uint32
	is := map[uint32]bool{}
	most := 0
	for step := range 200_000 {
		if len(taken) == 0 || rng.IntN(100) < 10+80*(step/2000%2) {
			i := slab.take()
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
		most = max(most, len(taken))
		if slab.live != len(taken) || int(slab.len()) >= most+waiterChunkLen {
			t.Fatalf("step %d: %d records of %d are in use, should be %d of less than %d", step, slab.live, slab.len(), len(taken), most+waiterChunkLen)
		}
	}
	if most < 10*waiterChunkLen {
		t.Fatalf("at most %d records were in use", most)
	}
}

// TestWaitersOfOneReadLieTogether: those that come together have records side by side, however earlier ones
// went.
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
	last, apart := slab.take(), 0
	for range n - 1 {
		i := slab.take()
		if i != last+1 {
			apart++
		}
		last = i
	}
	if apart != n/waiterChunkLen-1 {
		t.Errorf("%d of %d are not behind the former, want one for each chunk", apart, n)
	}
}
