package engine

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"dlm/codec"
	"dlm/engine/clock"
	"dlm/engine/durability"
	"dlm/table"
)

// BenchmarkImage writes and loads images of tables with that many held locks, with names of 20
// bytes and services of 8. It reports the bytes on disk per lock, the time of a load, and how long
// shards were locked.
func BenchmarkImage(b *testing.B) {
	for _, locks := range []int{10_000, 1_000_000, 10_000_000} {
		b.Run(fmt.Sprintf("locks=%d", locks), func(b *testing.B) {
			if testing.Short() && locks > 1_000_000 {
				b.Skip("needs some 3 GB of memory and 1 GB of disk")
			}
			cfg := Config{Settings: durability.Settings{DataDir: b.TempDir()}, LocksMax: 11_000_000, Log: slog.New(slog.DiscardHandler)}
			cfg.EnsureDefaults()
			store, err := durability.Open(cfg.durability())
			if err != nil {
				b.Fatal(err)
			}
			e := newEngine(cfg, clock.Monotonic(), store)
			fill(e.tab(), locks)
			for b.Loop() {
				if err := store.WriteImage(); err != nil {
					b.Fatal(err)
				}
			}
			s, _ := store.Images()
			b.ReportMetric(s.CPU.Seconds()*1e3, "cpu-ms")
			b.ReportMetric(float64(s.LockP99.Microseconds()), "lock-p99-µs")
			b.ReportMetric(float64(s.LockMax.Microseconds()), "lock-max-µs")
			b.ReportMetric(float64(s.Header.Length)/float64(locks), "B/lock")
			if err := store.Abandon(); err != nil {
				b.Fatal(err)
			}
			began := time.Now()
			if store, err = durability.Open(cfg.durability()); err != nil || store.State().Holds != locks {
				b.Fatal(locks, err)
			}
			b.ReportMetric(time.Since(began).Seconds()*1e3, "load-ms")
			if err := store.Abandon(); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// fill acquires that many locks.
func fill(t *table.Table, locks int) {
	var fx table.Effects
	cmd := codec.Command{Verb: codec.VerbAcquire, Service: []byte("svc-0001")}
	for i := range locks {
		cmd.Name = fmt.Appendf(cmd.Name[:0], "lock:%015d", i)
		hash := t.Hash(cmd.Name)
		s := t.Shard(hash)
		s.Lock()
		s.Apply(1, hash, &cmd, table.Origin{}, &fx)
		s.Unlock()
	}
}
