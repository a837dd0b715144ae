package table

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"

	"github.com/cespare/xxhash/v2"

	"dlm/codec"
)

// rig drives a table with one reused command and no test scaffolding.
type rig struct {
	table *Table
	cmd   codec.Command
	fx    Effects
	now   int64
}

func newRig() *rig {
	return &rig{table: New(Config{Seed: 1, TTLMs: 30_000, LocksMax: 10_000_000, WaitersMax: 1_000_000, WaitersPerLockMax: 200_000,
		RequestsMax: 2_000_000})}
}

func (g *rig) do(verb codec.Verb, name, service []byte, waitMs uint32) Result {
	g.cmd.Verb, g.cmd.Name, g.cmd.Service, g.cmd.WaitMs = verb, name, service, waitMs
	hash := g.table.Hash(name)
	s := g.table.Shard(hash)
	s.Lock()
	r := *s.Apply(g.now, hash, &g.cmd, Origin{Conn: 1}, &g.fx)
	s.Unlock()
	return r
}

// must is do for a command that has to succeed.
func (g *rig) must(verb codec.Verb, name, service string, waitMs uint32) Result {
	r := g.do(verb, []byte(name), []byte(service), waitMs)
	if r.Code != codec.OK {
		panic(fmt.Sprintf("%v %s %s: %v", verb, name, service, r.Code))
	}
	return r
}

// advance runs the ticker once.
func (g *rig) advance(now int64) {
	g.now = now
	for i := range Shards {
		for g.table.Due(i, now) {
			s := g.table.ShardAt(i)
			s.Lock()
			s.Advance(now, 1024, &g.fx)
			s.Unlock()
		}
	}
}

// lockNames returns n names of 20 bytes in random order.
func lockNames(n int) [][]byte {
	names := make([][]byte, n)
	for i := range names {
		names[i] = fmt.Appendf(nil, "orders/warehouse-%03d", i)[:20]
		names[i] = fmt.Appendf(names[i][:12], "%08d", i)
	}
	rand.New(rand.NewPCG(1, 2)).Shuffle(n, func(i, j int) { names[i], names[j] = names[j], names[i] })
	return names
}

// BenchmarkPair acquires and releases free names, in a table that has held all of them at the same
// time, so that its index and slabs have grown to that.
func BenchmarkPair(b *testing.B) {
	for _, n := range []int{10_000, 1_000_000} {
		b.Run(fmt.Sprintf("names=%d", n), func(b *testing.B) {
			g := newRig()
			names := lockNames(n)
			service := []byte("svc-1")
			for _, name := range names {
				g.do(codec.VerbAcquire, name, service, 0)
			}
			for _, name := range names {
				g.do(codec.VerbRelease, name, service, 0)
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				g.do(codec.VerbAcquire, names[i], service, 0)
				g.do(codec.VerbRelease, names[i], service, 0)
				if i++; i == n {
					i = 0
				}
			}
		})
	}
}

// BenchmarkHeld renews locks that are all held.
func BenchmarkHeld(b *testing.B) {
	for _, n := range []int{1, 10_000, 1_000_000} {
		b.Run(fmt.Sprintf("renew/names=%d", n), func(b *testing.B) {
			g := newRig()
			names := lockNames(n)
			service := []byte("svc-1")
			for _, name := range names {
				g.do(codec.VerbAcquire, name, service, 0)
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				g.do(codec.VerbHeartbeat, names[i], service, 0)
				if i++; i == n {
					i = 0
				}
			}
		})
	}
}

// queued returns a rig with one held lock and n requests waiting for it.
func queued(n int) *rig {
	g := newRig()
	g.table.ttlMs = 86_400_000 // so that waits time out and the hold stays
	g.must(codec.VerbAcquire, "a", "holder", 0)
	for i := range n {
		g.must(codec.VerbAcquire, "a", fmt.Sprint("svc-", i), 86_400_000)
	}
	return g
}

// BenchmarkQueue shows that no step depends on the length of the queue.
func BenchmarkQueue(b *testing.B) {
	for _, n := range []int{1000, 100_000} {
		name, service := []byte("a"), []byte("newcomer")
		b.Run(fmt.Sprintf("enqueue+cancel/waiters=%d", n), func(b *testing.B) {
			g := queued(n)
			b.ReportAllocs()
			for b.Loop() {
				r := g.do(codec.VerbAcquire, name, service, 1000)
				g.table.ShardAt(int(r.Waiter.Shard)).Cancel(g.now, r.Waiter, &g.fx)
			}
		})
		b.Run(fmt.Sprintf("enqueue+timeout/waiters=%d", n), func(b *testing.B) {
			g := queued(n)
			s := g.table.Shard(g.table.Hash(name))
			b.ReportAllocs()
			for b.Loop() {
				g.do(codec.VerbAcquire, name, service, 1)
				g.now += nsPerMs
				s.Advance(g.now, 1024, &g.fx)
				g.fx.List = g.fx.List[:0]
			}
		})
		b.Run(fmt.Sprintf("release+grant+enqueue/waiters=%d", n), func(b *testing.B) {
			g := queued(n)
			owners := make([][]byte, n+1)
			owners[0] = []byte("holder")
			for i := range n {
				owners[i+1] = fmt.Append(nil, "svc-", i)
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				g.do(codec.VerbRelease, name, owners[i], 0)
				g.do(codec.VerbAcquire, name, owners[i], 86_400_000)
				g.fx.List = g.fx.List[:0]
				if i++; i == len(owners) {
					i = 0
				}
			}
		})
	}
}

// BenchmarkAdvance ends 10,000 leases with one deadline.
func BenchmarkAdvance(b *testing.B) {
	g := newRig()
	names := lockNames(10_000)
	service := []byte("svc-1")
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		for _, name := range names {
			g.do(codec.VerbAcquire, name, service, 0)
		}
		b.StartTimer()
		g.advance(g.now + 30_000*nsPerMs)
	}
	if left := g.table.Totals().Held; left != 0 {
		b.Fatalf("%d locks are left", left)
	}
}

// BenchmarkHash compares Table.Hash with xxhash under its own seed.
func BenchmarkHash(b *testing.B) {
	name := []byte("orders/warehouse-001")[:20]
	t := New(Config{Seed: 1})
	b.Run("table", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			hashSink = t.Hash(name)
		}
	})
	b.Run("digest", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var d xxhash.Digest
			d.ResetWithSeed(t.config.Seed)
			d.Write(name)
			hashSink = d.Sum64()
		}
	})
}

var hashSink uint64

// BenchmarkBounds measures the processor time that the end of a wait costs for the heat of its
// lock, which has an entry if there are few locks.
func BenchmarkBounds(b *testing.B) {
	for _, c := range []struct {
		name  string
		locks int
	}{{"heat, few locks", heatEntries / 2}, {"heat, many locks", 4 * heatEntries}} {
		b.Run(c.name, func(b *testing.B) {
			var h heat
			names, i := [][]byte(nil), 0
			for i := range c.locks {
				names = append(names, fmt.Appendf(nil, "orders/warehouse-%03d", i))
			}
			begun := processTime(b)
			for b.Loop() {
				h.add(1, uint32(i), names[i], 1000)
				if i++; i == c.locks {
					i = 0
				}
			}
			b.ReportMetric(float64(processTime(b)-begun)/float64(b.N), "cpu-ns/op")
			b.ReportMetric(10, "bound-ns/op")
		})
	}
}

// processTime returns the processor time of the process so far, in ns.
func processTime(b *testing.B) int64 {
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		b.Fatal(err)
	}
	return use.Utime.Nano() + use.Stime.Nano()
}
