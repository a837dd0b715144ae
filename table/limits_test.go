package table

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"dlm/codec"
)

// empty fails the test unless the table is empty. Entries of leases may remain until they come up.
func empty(t *testing.T, table *Table) {
	t.Helper()
	locks, waiters := int64(0), int64(0)
	for i := range Shards {
		s := table.ShardAt(i)
		if s.locks.live() == 0 && s.Advance(s.now+codec.TTLMaxMs*nsPerMs+nsPerTick, math.MaxInt, &Effects{}) {
			t.Errorf("shard %d: Advance stopped", i)
		}
		if s.locks.live() != 0 || s.waiters.live != 0 || s.index.Len() != 0 || s.arena.blocks != 0 ||
			s.leases.Len() != 0 || s.waits.Len() != 0 {
			t.Errorf("shard %d: %d locks, %d waiters, %d in the index, %d strings, %d leases, %d wait deadlines are left",
				i, s.locks.live(), s.waiters.live, s.index.Len(), s.arena.blocks, s.leases.Len(), s.waits.Len())
		}
		locks += int64(s.lockQuota)
		waiters += int64(s.waiterQuota)
	}
	for name, sum := range map[string][2]int64{
		"lock":   {locks + table.locks.left.Load(), table.locks.limit},
		"waiter": {waiters + table.waiters.left.Load(), table.waiters.limit},
	} {
		if sum[0] != sum[1] {
			t.Errorf("%d %s credits at the end, want %d", sum[0], name, sum[1])
		}
	}
}

// TestQuota takes credits from random shards up to the limit, returns some and takes again. With
// gathering, the limit is reached and not passed.
func TestQuota(t *testing.T) {
	for _, limit := range []int{1, 2, 255, 256, 16_383, 32_767, 32_768, 100_001, 1_000_000} {
		rng := rand.New(rand.NewPCG(uint64(limit), 5))
		tab := New(Config{LocksMax: limit, WaitersMax: 1})
		p := &tab.locks
		if (limit < 32_768) != (p.block == 1) {
			t.Errorf("limit %d: blocks of %d", limit, p.block)
		}
		var taken []uint8 // shard of each credit in use
		gathered := 0
		for range 4 {
			for {
				i := uint8(rng.IntN(Shards))
				if tab.shards[i].lockQuota.take(p) {
					taken = append(taken, i)
				} else if !tab.Gather(codec.WhichLocks) {
					break
				} else {
					gathered++
				}
			}
			if len(taken) != limit || gathered > 4 {
				t.Fatalf("limit %d: refused at %d, after %d times of gathering", limit, len(taken), gathered)
			}
			rng.Shuffle(len(taken), func(i, j int) { taken[i], taken[j] = taken[j], taken[i] })
			keep := rng.IntN(len(taken) + 1)
			for _, i := range taken[keep:] {
				tab.shards[i].lockQuota.giveBack(p)
			}
			taken = taken[:keep]
		}
		for _, i := range taken {
			tab.shards[i].lockQuota.giveBack(p)
		}
		if p.block > 1 && p.tight.Load() {
			t.Errorf("limit %d: still tight when all is given back", limit)
		}
	}
}

// applyGathered is Apply, repeated after a successful Gather, as in the engine.
func applyGathered(tab *Table, now int64, cmd *codec.Command, fx *Effects) Result {
	hash := tab.Hash(cmd.Name)
	s := tab.Shard(hash)
	for {
		s.Lock()
		r := *s.Apply(now, hash, cmd, Origin{}, fx)
		s.Unlock()
		if r.Code != codec.Limit || !tab.Gather(r.Which) {
			return r
		}
	}
}

// TestLimitsAreExact fills tables with locks and with waiting requests in all shards.
func TestLimitsAreExact(t *testing.T) {
	for _, limit := range []int{1, 100, 3000, 40_000} {
		tab := New(Config{TTLMs: 30_000, LocksMax: limit, WaitersMax: limit, WaitersPerLockMax: limit + 5})
		var fx Effects
		cmd := codec.Command{Verb: codec.VerbAcquire, Service: []byte("svc")}
		for _, kind := range []codec.Which{codec.WhichLocks, codec.WhichWaiters} {
			for i := range limit + 3 {
				cmd.Name = fmt.Append(nil, "lock-", i)
				if kind == codec.WhichWaiters {
					cmd.Name, cmd.Service, cmd.WaitMs = fmt.Append(nil, "lock-", i%limit), []byte("other"), 1000
				}
				r := applyGathered(tab, 0, &cmd, &fx)
				if (r.Code == codec.OK) != (i < limit) || r.Code != codec.OK && r.Which != kind {
					t.Fatalf("limit %d: request %d: %v %v", limit, i, r.Code, r.Which)
				}
			}
		}
		for i := range Shards {
			s := tab.ShardAt(i)
			for s.Advance(30_000*nsPerMs, 1000, &fx) {
			}
		}
		empty(t, tab)
	}
}

// TestLimitsOfManyAtOnce has goroutines that take and release at the limit. The limit is never
// passed, and at the end all that is left can be taken.
func TestLimitsOfManyAtOnce(t *testing.T) {
	const limit, goroutines = 40_000, 4
	tab := New(Config{TTLMs: 30_000, LocksMax: limit, WaitersMax: 1, WaitersPerLockMax: 1})
	var fx Effects
	for i := range limit - 500 {
		applyGathered(tab, 0, &codec.Command{Verb: codec.VerbAcquire, Name: fmt.Append(nil, "base-", i), Service: []byte("svc")}, &fx)
	}
	var wg sync.WaitGroup
	var refused atomic.Int64
	for g := range goroutines {
		wg.Go(func() {
			var fx Effects
			rng := rand.New(rand.NewPCG(uint64(g), 12))
			held := map[int]bool{}
			for range 20_000 {
				i := rng.IntN(400)
				cmd := codec.Command{Verb: codec.VerbAcquire, Name: fmt.Append(nil, g, "-", i), Service: []byte("svc")}
				if held[i] {
					cmd.Verb = codec.VerbRelease
				}
				if r := applyGathered(tab, 0, &cmd, &fx); r.Code == codec.OK {
					held[i] = !held[i]
				} else {
					refused.Add(1)
				}
			}
		})
	}
	wg.Wait()
	held := tab.Totals().Held
	if held > limit || refused.Load() == 0 {
		t.Fatalf("%d held, %d refused", held, refused.Load())
	}
	for i := range limit - held + 1 {
		r := applyGathered(tab, 0, &codec.Command{Verb: codec.VerbAcquire, Name: fmt.Append(nil, "end-", i), Service: []byte("svc")}, &fx)
		if (r.Code == codec.OK) != (i < limit-held) {
			t.Fatalf("%d held, and one more: %v", held+i, r.Code)
		}
	}
}

// TestCountMax reaches the limit of re-entries, which is too large for a script.
func TestCountMax(t *testing.T) {
	g := newRig()
	g.must(codec.VerbAcquire, "a", "svc", 0)
	for range 3 {
		g.must(codec.VerbAcquire, "a", "next", 1000)
	}
	hash := g.table.Hash([]byte("a"))
	s := g.table.Shard(hash)
	l := s.locks.at(s.indexOf(uint32(hash), []byte("a")))
	l.count = countMax - 1
	if r := g.must(codec.VerbAcquire, "a", "svc", 0); r.Count != countMax {
		t.Fatalf("count %d", r.Count)
	}
	deadline := l.deadline
	g.now += nsPerMs
	if r := g.do(codec.VerbAcquire, []byte("a"), []byte("svc"), 1000); r.Code != codec.Limit || l.count != countMax || l.deadline != deadline {
		t.Fatalf("beyond the limit: %+v, count %d", r, l.count)
	}
	if r := g.must(codec.VerbRelease, "a", "svc", 0); r.Count != countMax-1 {
		t.Fatalf("count %d after a release", r.Count)
	}
}

// sameShard returns n names of one shard.
func sameShard(t *Table, n int) (names [][]byte) {
	for i := 0; len(names) < n; i++ {
		if name := fmt.Appendf(nil, "n-%d", i); t.Hash(name)>>56 == 9 {
			names = append(names, name)
		}
	}
	return names
}

// TestTakeBackAfterRecordWasUsedAgain: the record of an ended hold belongs to another lock by
// then, which must not change.
func TestTakeBackAfterRecordWasUsedAgain(t *testing.T) {
	g := newRig()
	names := sameShard(g.table, 2)
	old := g.must(codec.VerbAcquire, string(names[0]), "svc", 0).Hold
	g.must(codec.VerbRelease, string(names[0]), "svc", 0)
	next := g.must(codec.VerbAcquire, string(names[1]), "svc", 0).Hold
	if old.index != next.index {
		t.Fatal("the record was not used again: the test shows nothing")
	}
	s := g.table.ShardAt(int(old.Shard))
	s.TakeBack(g.now, old, 0, &g.fx)
	if s.locks.live() != 1 {
		t.Fatal("another lock's hold was taken back")
	}
	s.TakeBack(g.now, next, 0, &g.fx)
	empty(t, g.table)
}

// TestRefsThatNameNothing: a reference ends no wait if it was never given, or if its wait has ended
// and its record serves another.
func TestRefsThatNameNothing(t *testing.T) {
	g := newRig()
	names := sameShard(g.table, 1)
	g.must(codec.VerbAcquire, string(names[0]), "svc", 0)
	first := g.must(codec.VerbAcquire, string(names[0]), "svc-2", 1000).Waiter
	s := g.table.ShardAt(int(first.Shard))
	never := WaiterRef{Shard: first.Shard}
	if s.Cancel(g.now, never, &g.fx) || s.Cancel(g.now, WaiterRef{Shard: first.Shard, index: 1 << 30}, &g.fx) {
		t.Fatal("a reference that was never given ended a wait")
	}
	if !s.Cancel(g.now, first, &g.fx) || s.Cancel(g.now, first, &g.fx) {
		t.Fatal("a wait has to end once")
	}
	second := g.must(codec.VerbAcquire, string(names[0]), "svc-3", 1000).Waiter
	if first.index != second.index {
		t.Fatal("the record was not used again: the test shows nothing")
	}
	if s.Cancel(g.now, first, &g.fx) || !s.Cancel(g.now, second, &g.fx) {
		t.Fatal("a stale reference ended the wait of another")
	}
	s.TakeBack(g.now, HoldRef{Shard: first.Shard}, 0, &g.fx)
	s.TakeBack(g.now, HoldRef{Shard: first.Shard, index: 1 << 30}, 0, &g.fx)
	if s.locks.live() != 1 {
		t.Fatal("a reference that was never given ended a hold")
	}
}

// TestTimeNeverGoesBack: a loop with an older reading runs at the shard's time, so that a lease
// does not end before its deadline by the later clock.
func TestTimeNeverGoesBack(t *testing.T) {
	g := newRig()
	names := sameShard(g.table, 2)
	g.now = 5000 * nsPerMs
	g.must(codec.VerbAcquire, string(names[0]), "svc", 0)
	g.now = 1000 * nsPerMs
	if r := g.must(codec.VerbAcquire, string(names[1]), "svc", 0); r.LeaseMs != 30_000 {
		t.Fatalf("lease %d", r.LeaseMs)
	}
	if r := g.must(codec.VerbHeartbeat, string(names[0]), "svc", 0); r.LeaseMs != 30_000 {
		t.Fatalf("lease %d", r.LeaseMs)
	}
	g.advance(34_999 * nsPerMs)
	if held := g.table.Totals().Held; held != 2 {
		t.Fatalf("%d held before the lease is over", held)
	}
	g.advance(35_000 * nsPerMs)
	empty(t, g.table)
}

// TestListingMeetsAllThatStay lists in small parts while other locks come and go.
func TestListingMeetsAllThatStay(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 6))
	g := newRig()
	stay := lockNames(600)
	for i, name := range stay {
		g.do(codec.VerbAcquire, name, []byte("svc"), 0)
		g.must(codec.VerbAcquire, fmt.Sprint("before-", i), "svc", 0)
	}
	met := map[string]int{}
	var out Statuses
	for shard := range Shards {
		at, done := uint32(0), false
		for !done {
			scan := 2
			done = g.table.ShardAt(shard).List(g.now, &at, &scan, 1, &Filter{}, &out, &g.fx)
			if len(out.All()) > 1 || scan < 0 {
				t.Fatalf("%d locks in a part of one, %d records too many", len(out.All()), -scan)
			}
			for _, x := range out.All() {
				met[string(x.Name)]++
			}
			out.Reset()
			g.do(codec.VerbRelease, fmt.Append(nil, "before-", rng.IntN(600)), []byte("svc"), 0)
			g.do(codec.VerbAcquire, fmt.Append(nil, "during-", rng.IntN(600)), []byte("svc"), 0)
			g.do(codec.VerbRelease, fmt.Append(nil, "during-", rng.IntN(600)), []byte("svc"), 0)
		}
	}
	for _, name := range stay {
		if met[string(name)] != 1 {
			t.Fatalf("%s was listed %d times", name, met[string(name)])
		}
	}
}
