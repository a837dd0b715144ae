package observe

import (
	"context"
	"flag"
	"fmt"
	"runtime"
	"testing"
	"time"

	"dlm/codec"
	"dlm/engine/clock"
	"dlm/table"
)

// The bounds of the documents are measured by make bench-bounds, with ten million locks and a
// million waiting requests.
var (
	benchLocks   = flag.Int("locks", 100_000, "locks of BenchmarkBounds")
	benchWaiters = flag.Int("waiters", 10_000, "waiting requests of BenchmarkBounds")
)

// all sees all names.
type all struct{}

func (all) MayUse(_ []byte) bool { return true }

// crowd fills a table: each lock of the first third of the waiters has a queue of three.
type crowd struct {
	t   *table.Table
	now int64
}

func newCrowd(locks, waiters int) *crowd {
	c := &crowd{t: table.New(table.Config{Seed: 1, TTLMs: 86_400_000, LocksMax: 20_000_000, WaitersMax: 2_000_000, WaitersPerLockMax: 200_000}), now: 1}
	for i := range locks {
		c.now += 1000
		c.do(codec.VerbAcquire, fmt.Appendf(nil, "team-%d/job/%d", i%1000, i), "holder", 0)
	}
	for i := range waiters {
		c.now += 1000
		at := i % max(waiters/3, 1) % locks
		c.do(codec.VerbAcquire, fmt.Appendf(nil, "team-%d/job/%d", at%1000, at), fmt.Sprint("w-", i), 3_600_000)
	}
	return c
}

func (c *crowd) do(verb codec.Verb, name []byte, service string, waitMs uint32) table.Result {
	cmd := codec.Command{Verb: verb, Name: name, Service: []byte(service), WaitMs: waitMs}
	hash := c.t.Hash(name)
	s := c.t.Shard(hash)
	var fx table.Effects
	s.Lock()
	defer s.Unlock()
	return *s.Apply(c.now, hash, &cmd, table.Origin{Conn: 1}, &fx)
}

func (c *crowd) observer() *Observer {
	return New(Config{Served: func() Served { return Served{Table: c.t, Now: c.now} }})
}

// BenchmarkBounds measures each question, and shows beside it what it may cost.
func BenchmarkBounds(b *testing.B) {
	c := newCrowd(*benchLocks, *benchWaiters)
	o := c.observer()
	for _, q := range []struct {
		name  string
		ask   func()
		per   int     // records that it looks at; 0: few
		bound float64 // processor time in ns, for each record if there are some; 0: none
	}{
		{"counters", func() { c.t.Totals(); c.t.Measures() }, 0, 50e3},
		{"sample", func() { o.Record(new(Sample), time.Time{}) }, 0, 20e3},
		{"contended", func() { o.makeContended(o.cfg.Served()) }, *benchWaiters, 40},
		{"census", func() { o.makeCensus(o.cfg.Served()) }, *benchLocks, 45},
		{"lock with its queue", func() { o.Lock([]byte("team-0/job/0")) }, 0, 100e3},
		{"page of locks", func() { o.Locks(&LocksQuery{Filter: table.Filter{Prefix: []byte("none")}, Limit: 100, Sight: all{}}) }, 0, 700e3},
		{"full page of locks", func() { o.Locks(&LocksQuery{Limit: 1000, Sight: all{}}) }, 0, 700e3},
		{"page of an owner", func() { o.Owner([]byte("nobody"), 100, "", all{}) }, 0, 700e3},
		{"deadlocks", func() { o.makeDeadlocks(o.cfg.Served()) }, *benchWaiters, 200},
		{"top from a view", func() { visible(o.contended.peek().waiters, 100, all{}) }, 0, 0},
		{"events", func() { o.Events(0, 100, all{}) }, 0, 0},
	} {
		if q.name == "top from a view" {
			o.Top(context.Background(), ByWaiters, 1, all{})
		}
		b.Run(q.name, func(b *testing.B) {
			runtime.LockOSThread() // the processor time is that of the thread
			defer runtime.UnlockOSThread()
			begun := clock.ThreadTime()
			for b.Loop() {
				q.ask()
			}
			cpu, unit := float64(clock.ThreadTime()-begun)/float64(b.N), "op"
			if q.per > 0 {
				cpu, unit = cpu/float64(q.per), "record"
			}
			b.ReportMetric(cpu, "cpu-ns/"+unit)
			if q.bound > 0 {
				b.ReportMetric(q.bound, "bound-ns/"+unit)
			}
		})
	}
}
