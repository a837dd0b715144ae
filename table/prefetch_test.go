package table

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"dlm/codec"
)

// TestPrefetchBesideGrowth prefetches from tables that others change, from empty to several chunks
// and index sizes and back. It must read no address that can fault.
func TestPrefetchBesideGrowth(t *testing.T) {
	tab := New(Config{TTLMs: 1000, LocksMax: 1 << 20})
	prefetch(tab, nil)
	stop := make(chan struct{})
	var hints sync.WaitGroup
	for i := range 2 {
		hints.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(i)))
			hashes := make([]uint64, 16)
			for {
				select {
				case <-stop:
					return
				default:
				}
				for k := range hashes {
					hashes[k] = rng.Uint64()
				}
				prefetch(tab, hashes)
			}
		})
	}
	var fx Effects
	all := func(verb codec.Verb) {
		for i := range 20_000 {
			cmd := codec.Command{Verb: verb, Name: fmt.Appendf(nil, "lock-%d", i), Service: []byte("s")}
			hash := tab.Hash(cmd.Name)
			s := tab.Shard(hash)
			s.Lock()
			s.Apply(int64(i), hash, &cmd, Origin{}, &fx)
			s.Unlock()
		}
	}
	all(codec.VerbAcquire)
	if n := tab.Totals().Held; n != 20_000 {
		t.Fatalf("%d locks held", n)
	}
	for range 3 {
		all(codec.VerbRelease)
		for i := range Shards {
			s := tab.ShardAt(i)
			s.Lock()
			s.trim.idle = trimLooksMax
			for more := true; more; {
				budget := 1000
				_, more = s.Trim(&budget)
			}
			if s.index.TooLarge() || s.shrinks == 0 {
				t.Errorf("shard %d: %d slots for no lock", i, len(s.index.Slots))
			}
			s.Unlock()
		}
		runtime.GC()
		all(codec.VerbAcquire)
	}
	close(stop)
	hints.Wait()
}

// TestPrefetchFrom checks that prefetchFrom counts locks and not the credits that shards hoard.
func TestPrefetchFrom(t *testing.T) {
	for _, max := range []int{prefetchFrom, 10_000_000} {
		tab := New(Config{LocksMax: max})
		if tab.large() {
			t.Errorf("limit %d: an empty table is large", max)
		}
		for i := range Shards { // the credits that one lock in each shard takes
			s := tab.ShardAt(i)
			s.lockQuota.take(&tab.locks)
		}
		if tab.large() {
			t.Errorf("limit %d: a table with %d locks is large", max, Shards)
		}
		for i := range 4 * prefetchFrom {
			tab.ShardAt(i % Shards).lockQuota.takeAnyway(&tab.locks)
		}
		if !tab.large() {
			t.Errorf("limit %d: a table with %d locks is not large", max, 4*prefetchFrom)
		}
	}
}
