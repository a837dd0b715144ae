package table

import (
	"fmt"
	"strings"
	"testing"

	"dlm/codec"
	"dlm/internal/testflag"
)

// TestNoAllocations checks the rule of the hot path: when slabs and index have grown to what is
// needed, no command allocates.
func TestNoAllocations(t *testing.T) {
	if testflag.Checked {
		t.Skip("the race detector and the checks under the tag invariants allocate")
	}
	g := newRig()
	name, long := []byte("held"), []byte(strings.Repeat("n", 300))
	service, other, longService := []byte("svc-1"), []byte("svc-2"), []byte(strings.Repeat("s", 200))
	g.do(codec.VerbAcquire, name, service, 0)
	for i := range 5000 {
		g.must(codec.VerbAcquire, fmt.Sprint("warm-", i), "svc", 0)
	}
	for i := range 5000 {
		g.must(codec.VerbRelease, fmt.Sprint("warm-", i), "svc", 0)
	}
	g.fx.List = make([]Effect, 0, 16)
	names := lockNames(1000)
	var st Status
	n := 0
	pair := func(name, service []byte) {
		g.do(codec.VerbAcquire, name, service, 0)
		g.do(codec.VerbRelease, name, service, 0)
	}
	wait := func(service []byte) Result { return g.do(codec.VerbAcquire, name, service, 1000) }
	steps := []struct {
		name string
		do   func()
	}{
		{"acquire and release of a name that nobody holds", func() {
			pair(names[n%len(names)], service)
			n++
		}},
		{"the same with strings in the arena and META", func() {
			g.cmd.Opts, g.cmd.Text = codec.OptMeta, longService
			pair(long, longService)
			g.cmd.Opts = 0
		}},
		{"heartbeat", func() { g.do(codec.VerbHeartbeat, name, service, 0) }},
		{"re-entry and its release", func() { pair(name, service) }},
		{"enqueue and cancel", func() {
			r := wait(longService)
			g.table.ShardAt(int(r.Waiter.Shard)).Cancel(g.now, r.Waiter, &g.fx)
		}},
		{"enqueue and timeout", func() {
			wait(other)
			g.advance(g.now + 1000*nsPerMs)
			g.do(codec.VerbHeartbeat, name, service, 0)
		}},
		{"enqueue and grant", func() {
			wait(other)
			g.do(codec.VerbRelease, name, service, 0)
			wait(service)
			g.do(codec.VerbRelease, name, other, 0)
		}},
		{"force, expiry and take-back", func() {
			g.do(codec.VerbForceRelease, name, nil, 0)
			r := g.do(codec.VerbAcquire, name, other, 0)
			g.table.ShardAt(int(r.Hold.Shard)).TakeBack(g.now, r.Hold, 0, &g.fx)
			g.do(codec.VerbAcquire, name, other, 0)
			g.advance(g.now + 31_000*nsPerMs)
			g.do(codec.VerbAcquire, name, service, 0)
		}},
		{"status", func() {
			hash := g.table.Hash(name)
			g.table.Shard(hash).Status(g.now, hash, name, &st, &g.fx)
		}},
		{"refusals", func() {
			g.do(codec.VerbAcquire, name, other, 0)
			g.do(codec.VerbRelease, name, other, 0)
			g.do(codec.VerbHeartbeat, long, other, 0)
		}},
	}
	for _, s := range steps {
		run := func() {
			s.do()
			g.fx.List = g.fx.List[:0]
		}
		for range 2 * len(names) { // until every shard has its first records
			run()
		}
		if got := testing.AllocsPerRun(200, run); got != 0 {
			t.Errorf("%s: %v allocations", s.name, got)
		}
	}
}
