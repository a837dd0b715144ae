package table

import (
	"testing"

	"dlm/codec"
)

// pausedTable is a table whose clock has pauses.
type pausedTable struct {
	t       *testing.T
	table   *Table
	pauses  Pauses
	now     int64 // ms
	batched bool  // commands are executed as batches
	fx      Effects
}

func newPausedTable(t *testing.T, batched bool) *pausedTable {
	p := &pausedTable{t: t, batched: batched, table: New(Config{Seed: 7, TTLMs: 1000, LocksMax: 100, WaitersMax: 100, WaitersPerLockMax: 100})}
	p.table.SharePauses(&p.pauses)
	return p
}

func (p *pausedTable) do(verb codec.Verb, service string, waitMs uint32) (r Result) {
	cmd := &codec.Command{Verb: verb, Name: []byte("a"), Service: []byte(service), WaitMs: waitMs}
	now := p.now * nsPerMs
	if p.batched {
		if r, ok := runAsBatch(p.table, now, cmd, &Origin{Conn: 1}, 0, &p.fx); ok {
			return r
		}
	}
	hash := p.table.Hash(cmd.Name)
	s := p.table.Shard(hash)
	s.Lock()
	defer s.Unlock()
	return *s.Apply(now, hash, cmd, Origin{Conn: 1}, &p.fx)
}

func (p *pausedTable) want(verb codec.Verb, service string, want codec.Code) {
	p.t.Helper()
	if r := p.do(verb, service, 0); r.Code != want {
		p.t.Fatalf("at %d ms: %v by %s: %v, want %v", p.now, verb, service, r.Code, want)
	}
}

// advance ends what is due and returns the codes of the ended waits.
func (p *pausedTable) advance() (ends []codec.Code) {
	p.t.Helper()
	p.fx.List = p.fx.List[:0]
	for i := range Shards {
		if p.table.Due(i, p.now*nsPerMs) {
			s := p.table.ShardAt(i)
			s.Lock()
			if more := s.Advance(p.now*nsPerMs, 100, &p.fx); more {
				p.t.Fatal("it never comes to an end")
			}
			s.Unlock()
		}
	}
	for _, fx := range p.fx.List {
		ends = append(ends, fx.Code)
	}
	return ends
}

// TestLeasesEndWhenNothingIsHeldBack: a lease whose deadline fell into a pause lasts until the
// caller has read the input that arrived in it. A heartbeat renews it from the present; without one
// it ends.
func TestLeasesEndWhenNothingIsHeldBack(t *testing.T) {
	for _, batched := range []bool{false, true} {
		for _, renewed := range []bool{false, true} {
			p := newPausedTable(t, batched)
			p.want(codec.VerbAcquire, "A", codec.OK)
			p.pauses.Lag.Store(1500 * nsPerMs)
			p.now = 2000
			p.want(codec.VerbAcquire, "B", codec.Timeout)
			p.advance()
			p.advance() // although the wheel has handed the entry out
			p.want(codec.VerbAcquire, "B", codec.Timeout)
			if r := p.do(codec.VerbAcquire, "C", 5000); !r.Waiting {
				t.Fatalf("C does not wait: %+v", r)
			}
			if renewed {
				p.want(codec.VerbHeartbeat, "A", codec.OK)
			}
			p.pauses.Lag.Store(900 * nsPerMs) // 1,100 ms have passed for leases
			if renewed {
				p.pauses.Lag.Store(0)
				p.now = 2999
				if ends := p.advance(); len(ends) > 0 {
					t.Fatalf("the renewed lease ends early: %v", ends)
				}
				p.now = 3000
			}
			if ends := p.advance(); len(ends) != 1 || ends[0] != codec.OK {
				t.Fatalf("batched %v, renewed %v: C is answered %v", batched, renewed, ends)
			}
		}
	}
}

// TestLagThatGrowsAgain: a second pause delays leases again whose entries have left the wheel.
func TestLagThatGrowsAgain(t *testing.T) {
	p := newPausedTable(t, false)
	p.want(codec.VerbAcquire, "A", codec.OK)
	p.now = 999
	p.advance()
	p.pauses.Lag.Store(500 * nsPerMs)
	p.now = 1400
	p.advance()
	p.want(codec.VerbHeartbeat, "A", codec.OK)
	p.want(codec.VerbRelease, "A", codec.OK)
}

// TestWaitsCountPauses: a wait ends when its time has passed, including the time that table time
// leaves out, and not before.
func TestWaitsCountPauses(t *testing.T) {
	p := newPausedTable(t, false)
	p.want(codec.VerbAcquire, "A", codec.OK)
	p.do(codec.VerbAcquire, "B", 500)
	p.now = 10
	p.pauses.Late.Store(10_000 * nsPerMs)
	p.do(codec.VerbAcquire, "C", 500)
	p.table.Hasten()
	if ends := p.advance(); len(ends) != 1 || ends[0] != codec.Timeout {
		t.Fatalf("B is answered %v", ends)
	}
	p.now = 509
	if ends := p.advance(); len(ends) != 0 {
		t.Fatalf("C is answered %v before its time", ends)
	}
	p.now = 510
	if ends := p.advance(); len(ends) != 1 || ends[0] != codec.Timeout {
		t.Fatalf("C is answered %v", ends)
	}
	// A request that has waited too long is not granted, though its tick has not come yet.
	p.do(codec.VerbAcquire, "D", 500)
	p.pauses.Late.Add(600 * nsPerMs)
	p.fx.List = p.fx.List[:0]
	p.want(codec.VerbRelease, "A", codec.OK)
	if len(p.fx.List) != 1 || p.fx.List[0].Code != codec.Timeout {
		t.Fatalf("D is answered %+v", p.fx.List)
	}
}
