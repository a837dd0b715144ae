package engine

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// oneLoop has nobody to share the table with.
func oneLoop(c *Config) { c.Loops = 1 }

// BenchmarkPairBatch is the work of a loop without sockets: batches of 256
// commands in pairs, on the same 128 locks, or each on 128 of 10,000.
func BenchmarkPairBatch(b *testing.B) {
	const (
		text = "ACQUIRE %[1]s svc-1 0\nRELEASE %[1]s svc-1\n"
		long = "ACQUIRE %[1]s-4e1f-a3a6-0d2f1c5b7e90 svc-1 0\nRELEASE %[1]s-4e1f-a3a6-0d2f1c5b7e90 svc-1\n"
		pods = "ACQUIRE %[1]s-4e1f-a3a6-0d2f1c5b7e90 orders-7d9f8b6c5d-abcde 0\nRELEASE %[1]s-4e1f-a3a6-0d2f1c5b7e90 orders-7d9f8b6c5d-abcde\n"
		tags = "@%[2]d ACQUIRE %[1]s svc-1 0\n@%[2]d RELEASE %[1]s svc-1\n"
		resp = "*4\r\n$7\r\nACQUIRE\r\n$20\r\n%[1]s\r\n$5\r\nsvc-1\r\n$1\r\n0\r\n*3\r\n$7\r\nRELEASE\r\n$20\r\n%[1]s\r\n$5\r\nsvc-1\r\n"
	)
	for _, load := range []struct {
		name, pair string
		locks      int
	}{{"text/locks=128", text, 128}, {"text/locks=10000", text, 10_000}, {"long/locks=10000", long, 10_000}, {"pods/locks=10000", pods, 10_000}, {"tags/locks=10000", tags, 10_000}, {"resp/locks=10000", resp, 10_000}} {
		b.Run(load.name, func(b *testing.B) {
			s := newSim(&testing.T{}, oneLoop)
			r := s.e.reactors[0]
			c := r.open(&sink{})
			rng := rand.New(rand.NewPCG(1, 2))
			batches := make([][]byte, load.locks/64)
			for i := range batches {
				for n := range 128 {
					// The last verb is for pairs that do not use the number.
					pair := fmt.Sprintf(load.pair+"%[3]s", fmt.Sprintf("lock:%015d", rng.IntN(load.locks)), n, "")
					batches[i] = append(batches[i], pair...)
				}
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				r.feed(c, batches[i])
				i = (i + 1) % len(batches)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/256, "ns/command")
		})
	}
}

// BenchmarkWaitBatch is 100,000 tagged waits for one lock, each with a time-out of its own: 50
// connections send them in batches of 64, and are lost. The memory of the table is there, that of
// the connections is not.
func BenchmarkWaitBatch(b *testing.B) {
	const conns, waits, depth = 50, 100_000, 64
	batches := make([][]byte, 0, waits/depth+conns)
	for from := 0; from < waits/conns; from += depth {
		for c := range conns {
			var batch []byte
			for i := from; i < min(from+depth, waits/conns); i++ {
				batch = fmt.Appendf(batch, "@%[1]d ACQUIRE lock:000000000000 svc-%[1]d %[2]d\n", i*conns+c, 1_000_000+i*conns+c)
			}
			batches = append(batches, batch)
		}
	}
	s := newSim(&testing.T{}, oneLoop)
	r := s.e.reactors[0]
	r.feed(r.open(&sink{}), []byte("ACQUIRE lock:000000000000 holder 0 TTL 86400000\n"))
	b.ReportAllocs()
	for b.Loop() {
		var open [conns]*conn
		for i := range open {
			open[i] = r.open(&sink{})
		}
		for i, batch := range batches {
			r.feed(open[i%conns], batch)
		}
		if n := s.e.tab().Totals().Waiters; n != waits {
			b.Fatalf("%d waiters", n)
		}
		for _, c := range open {
			r.lost(c)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/waits, "ns/wait")
}

// BenchmarkTwoLoops compares one loop that executes batches of pairs on 10,000 locks with two that
// do so at the same time. They take turns in short pieces, because a shared machine changes its
// speed within a second.
func BenchmarkTwoLoops(b *testing.B) {
	const batchesPerTurn = 1000 // 30 ms
	s := newSim(&testing.T{}, nil)
	rng := rand.New(rand.NewPCG(1, 2))
	batches := make([][]byte, 256)
	for i := range batches {
		for range 128 {
			batches[i] = fmt.Appendf(batches[i], "ACQUIRE lock:%015[1]d svc-1 0\nRELEASE lock:%015[1]d svc-1\n", rng.IntN(10_000))
		}
	}
	turns, took := [2]chan bool{}, make(chan time.Duration, 2)
	for i := range turns {
		turns[i] = make(chan bool)
		go func() {
			r := s.e.reactors[i]
			c, at := r.open(&sink{}), i*len(batches)/2
			for range turns[i] {
				from := time.Now()
				for range batchesPerTurn {
					r.feed(c, batches[at%len(batches)])
					at++
				}
				took <- time.Since(from)
			}
		}()
		defer close(turns[i])
	}
	var alone, both []float64
	perCommand := func() float64 { return float64((<-took).Nanoseconds()) / batchesPerTurn / 256 }
	for b.Loop() {
		turns[0] <- true
		alone = append(alone, perCommand())
		turns[0] <- true
		turns[1] <- true
		both = append(both, perCommand(), perCommand())
	}
	slices.Sort(alone)
	slices.Sort(both)
	b.ReportMetric(alone[len(alone)/2], "ns/alone")
	b.ReportMetric(both[len(both)/2], "ns/both")
	b.ReportMetric(0, "ns/op")
}
