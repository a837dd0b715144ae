package table

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"dlm/codec"
	"dlm/internal/testflag"
)

// trimAll trims all shards that many times and returns how many bytes were freed.
func trimAll(table *Table, looks int) (given int) {
	for range looks {
		for i := range Shards {
			for more := true; more; {
				budget, n := 50, 0
				n, more = table.ShardAt(i).Trim(&budget)
				given += n
			}
		}
	}
	return given
}

// fill takes n locks with names of all lengths, some with META, waiting requests, or long service
// ids.
func (g *rig) fill(n int) {
	for i := range n {
		name := fmt.Sprint("lock-", i)
		if i%7 == 0 {
			name += strings.Repeat("n", i%900)
		}
		cmd := codec.Command{Verb: codec.VerbAcquire, Name: []byte(name), Service: []byte("svc")}
		if i%5 == 0 {
			cmd.Opts, cmd.Text = codec.OptMeta, []byte(strings.Repeat("m", 1+i%500))
		}
		g.apply(&cmd)
		if i%3 == 0 {
			g.apply(&codec.Command{Verb: codec.VerbAcquire, Name: []byte(name), Service: []byte(strings.Repeat("s", 1+i%250)), WaitMs: 1000})
		}
	}
}

func (g *rig) apply(cmd *codec.Command) {
	hash := g.table.Hash(cmd.Name)
	g.table.Shard(hash).Apply(g.now, hash, cmd, Origin{}, &g.fx)
	g.fx.List = g.fx.List[:0]
}

// TestMemoryOfLocksThatAreGone: their memory is given back after a while, and memory in use stays.
func TestMemoryOfLocksThatAreGone(t *testing.T) {
	const n = 120_000
	g := newRig()
	g.must(codec.VerbAcquire, "kept", "svc", 0)
	kept := g.must(codec.VerbAcquire, "kept", "waits", 86_400_000).Waiter
	g.fill(n)
	full := g.table.Totals().Bytes
	if given := trimAll(g.table, 2*trimLooks); given != 0 {
		t.Fatalf("%d bytes of what is in use are given back", given)
	}
	g.heartbeatLong("kept")
	g.advance(g.now + 40_000*nsPerMs) // leases end, and waits
	if x := g.table.Totals(); x.Held != 1 || x.Waiters != 1 {
		t.Fatalf("%d held, %d wait", x.Held, x.Waiters)
	}
	if given := trimAll(g.table, trimLooks-1); given != 0 {
		t.Fatalf("%d bytes are given back before the time", given)
	}
	given := trimAll(g.table, 2)
	left := g.table.Totals().Bytes
	if int64(given) != full-left || left > full/10 {
		t.Fatalf("%d of %d bytes are left, %d given back", left, full, given)
	}
	if trimAll(g.table, 3*trimLooks) != 0 {
		t.Fatal("more is given back, and nothing has happened")
	}
	g.must(codec.VerbHeartbeat, "kept", "svc", 0)
	if !g.table.ShardAt(int(kept.Shard)).Cancel(g.now, kept, &g.fx) {
		t.Fatal("the wait is lost")
	}
	// The memory that was given back is taken again.
	g.fill(n)
	if x := g.table.Totals(); x.Held != n+1 || x.Bytes > full*11/10 {
		t.Fatalf("%d held in %d bytes, which took %d before", x.Held, x.Bytes, full)
	}
	g.must(codec.VerbRelease, "kept", "svc", 0)
	g.advance(g.now + 40_000*nsPerMs)
	trimAll(g.table, trimLooks)
	empty(t, g.table)
}

// heartbeatLong gives the hold a lease of a day.
func (g *rig) heartbeatLong(name string) {
	g.apply(&codec.Command{Verb: codec.VerbHeartbeat, Name: []byte(name), Service: []byte("svc"), Opts: codec.OptTTL, TTLMs: 86_400_000})
}

// TestMemoryThatIsNeededAgain: a load that comes and goes every second moves no memory, nor does a
// lock at the border of a chunk.
func TestMemoryThatIsNeededAgain(t *testing.T) {
	const n = 20_000
	g := newRig()
	for range 4 * trimLooks {
		g.fill(n)
		given := trimAll(g.table, 1)
		g.advance(g.now + 40_000*nsPerMs)
		if given += trimAll(g.table, trimLooks-2); given != 0 {
			t.Fatalf("%d bytes are given back", given)
		}
	}
	names := sameShard(g.table, 3*lockChunkLen)
	s := g.table.Shard(g.table.Hash(names[0]))
	trimAll(g.table, 2*trimLooks)
	for i, name := range names {
		g.must(codec.VerbAcquire, string(name), "svc", 0)
		if i < len(names)-1 {
			continue
		}
		mapped := s.sort.mapped(&s.locks)
		for range 4 * trimLooks {
			g.must(codec.VerbRelease, string(name), "svc", 0)
			trimAll(g.table, 1)
			g.must(codec.VerbAcquire, string(name), "svc", 0)
			trimAll(g.table, 1)
		}
		if s.sort.mapped(&s.locks) != mapped {
			t.Fatalf("%d chunks, were %d", s.sort.mapped(&s.locks), mapped)
		}
	}
}

// TestTrimBetweenCommands trims in pieces between commands of all kinds, some of which take records
// while they are sorted. Under the tag invariants the shard is checked after each.
func TestTrimBetweenCommands(t *testing.T) {
	for seed := range testflag.First(t, 20) {
		rng := rand.New(rand.NewPCG(seed, 11))
		g := newRig()
		names := sameShard(g.table, 2000)
		s := g.table.Shard(g.table.Hash(names[0]))
		held := map[int]bool{}
		target, given, pieces := len(names), 0, 0
		for step := range 60_000 {
			if step%4000 == 0 {
				target = []int{0, 3, 50, 700, len(names)}[rng.IntN(5)]
			}
			i := rng.IntN(len(names))
			switch {
			case held[i] && (len(held) > target || rng.IntN(10) == 0):
				g.must(codec.VerbRelease, string(names[i]), "svc", 0)
				delete(held, i)
			case !held[i] && len(held) < target:
				g.must(codec.VerbAcquire, string(names[i]), "svc", 0)
				held[i] = true
			case held[i]:
				g.must(codec.VerbHeartbeat, string(names[i]), "svc", 0)
			}
			if rng.IntN(20) == 0 {
				s.trim.idle = trimLooksMax // as if it had been so for a while
				budget := 1 + rng.IntN(100)
				n, more := s.Trim(&budget)
				given += n
				if more {
					pieces++
				}
			}
		}
		if len(held) != s.locks.live() || given == 0 || pieces == 0 {
			t.Fatalf("seed %d: %d held, want %d; %d bytes given back in %d pieces", seed, s.locks.live(), len(held), given, pieces)
		}
		for i := range held {
			g.must(codec.VerbRelease, string(names[i]), "svc", 0)
		}
		for range 2 { // earlier work may be unfinished
			s.trim.idle = trimLooksMax
			trimAll(g.table, 1)
		}
		if mapped := s.sort.mapped(&s.locks); mapped > trimKeepChunks {
			t.Fatalf("seed %d: %d chunks for no lock", seed, mapped)
		}
		empty(t, g.table)
	}
}

// TestTrimOfFragmentedShard: no chunk is free as a whole, so Trim tries less and less often.
func TestTrimOfFragmentedShard(t *testing.T) {
	g := newRig()
	names := sameShard(g.table, 100*lockChunkLen)
	s := g.table.Shard(g.table.Hash(names[0]))
	for _, name := range names {
		g.must(codec.VerbAcquire, string(name), "svc", 0)
	}
	for i, name := range names {
		if i%16 > 0 {
			g.must(codec.VerbRelease, string(name), "svc", 0)
		}
	}
	works := 0
	for range 600 {
		budget := 1 << 20
		s.Trim(&budget)
		if budget < 1<<20 {
			works++
		}
	}
	if works == 0 || works > 20 {
		t.Fatalf("%d times in 600 looks", works)
	}
	if listed, _ := listAll(t, g, s, &Filter{}, 16); len(listed) != len(names)/16 {
		t.Fatalf("%d locks listed", len(listed))
	}
}
