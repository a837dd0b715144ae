package table

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"dlm/codec"
)

func TestBucketsOfHistogram(t *testing.T) {
	for ns, want := range map[int64]int{
		-1: 0, 0: 0, 1: 0, 1 << 16: 0, 1<<16 + 1: 1, 1 << 17: 1, 1<<17 + 1: 2, 1 << 46: 30, 1<<46 + 1: 31, 1 << 62: 31,
	} {
		var h Histogram
		h.add(ns)
		if h[want] != 1 || ns > BucketMax(want) && want < Buckets-1 {
			t.Errorf("%d ns: %v, want bucket %d", ns, h, want)
		}
	}
}

// TestMeasuresCountEachEnd runs random commands, and compares the measures with the counters.
func TestMeasuresCountEachEnd(t *testing.T) {
	g := newRig()
	rng := rand.New(rand.NewPCG(1, 2))
	var refs []WaiterRef
	for range 20_000 {
		name := fmt.Appendf(nil, "n-%d", rng.IntN(40))
		service := fmt.Appendf(nil, "s-%d", rng.IntN(5))
		switch rng.IntN(6) {
		case 0, 1:
			if r := g.do(codec.VerbAcquire, name, service, uint32(rng.IntN(3000))); r.Waiting {
				refs = append(refs, r.Waiter)
			}
		case 2, 3:
			g.do(codec.VerbRelease, name, service, 0)
		case 4:
			if len(refs) > 0 {
				s := g.table.ShardAt(int(refs[0].Shard))
				s.Lock()
				s.Cancel(g.now, refs[0], &g.fx)
				s.Unlock()
				refs = refs[1:]
			}
		default:
			g.advance(g.now + rng.Int64N(200)*nsPerMs)
		}
		g.fx.List = g.fx.List[:0]
	}
	m, sum := g.table.Measures(), g.table.Totals()
	if ended := sum.Queued - uint64(sum.Waiters); m.Waited.Count() != ended || ended == 0 {
		t.Errorf("%d waits measured, %d have ended", m.Waited.Count(), ended)
	}
	if granted := m.Waited.Count() - sum.TimeOuts - sum.Cancels; m.Granted.Count() != granted || granted == 0 {
		t.Errorf("%d grants after a wait measured, want %d", m.Granted.Count(), granted)
	}
	ends, want := m.Ended, [WaitEnds]uint64{WaitGranted: m.Granted.Count(), WaitTimeout: sum.TimeOuts, WaitCanceled: sum.Cancels}
	if ends != want {
		t.Errorf("waits by their end: %d, want %d", ends, want)
	}
	if sum.GrantsWaited == 0 || sum.GrantsWaited > m.Granted.Count() || sum.GrantsWaited >= sum.Grants {
		t.Errorf("%d of %d grants came after one of %d waits", sum.GrantsWaited, sum.Grants, sum.Queued)
	}
	if m.Held.Count() < sum.Expiries || m.Held.Count() > sum.Releases/heldEvery+sum.Expiries {
		t.Errorf("%d holds measured of %d releases and %d expiries", m.Held.Count(), sum.Releases, sum.Expiries)
	}
	contended := 0
	for i := range Shards {
		for at := range g.table.shards[i].locks.len() {
			if l := g.table.shards[i].locks.record(at); l != nil && l.nameLen > 0 && l.waiters > 0 {
				contended++
			}
		}
	}
	if sum.Contended != contended || contended == 0 {
		t.Errorf("%d locks are contended, want %d", sum.Contended, contended)
	}
}

// TestHeatFindsCostlyLocks: the sketch has 16 entries, and 400 locks are waited for. It must have
// each lock with more than 1/16 of all waiting, with an error of 1/16 at most, at each moment and
// however long the waits are.
func TestHeatFindsCostlyLocks(t *testing.T) {
	for _, c := range []struct {
		name   string
		locks  int
		often  int // of so many waits, one is for any lock, and the others for the first four
		length func(*rand.Rand) int64
	}{
		{"four costly locks", 400, 3, func(r *rand.Rand) int64 { return r.Int64N(1000) }},
		{"equal waits of all locks", 400, 1, func(*rand.Rand) int64 { return 1000 }},
		{"more waits than entries by one", heatEntries + 1, 1, func(*rand.Rand) int64 { return 1000 }},
		{"waits of all lengths", 400, 2, func(r *rand.Rand) int64 { return 1 << r.IntN(40) }},
		{"waits of no length", 40, 2, func(r *rand.Rand) int64 { return r.Int64N(2) }},
	} {
		var h heat
		rng := rand.New(rand.NewPCG(3, 4))
		exact, sum := map[string]int64{}, int64(0)
		for i := range 50_000 {
			n := rng.IntN(c.locks)
			if rng.IntN(c.often) > 0 {
				n = rng.IntN(4)
			}
			name, waited := fmt.Sprintf("lock-%d", n), c.length(rng)
			h.add(1, uint32(n%7), []byte(name), waited)
			exact[name] += waited
			if sum += waited; i%1000 > 0 {
				continue
			}
			for name, waited := range exact {
				got, n := int64(0), 0
				for i := range h.names {
					if string(h.names[i]) == name {
						got, n = h.sums[i]-h.floor, n+1
					}
				}
				if n > 1 || got > waited || got < waited-sum/heatEntries {
					t.Fatalf("%s: %s: weight %d in %d entries, waited %d of %d", c.name, name, got, n, waited, sum)
				}
			}
		}
	}
}

// TestHeatCools: a weight is halved each minute, also one that is small beside the floor.
func TestHeatCools(t *testing.T) {
	var h heat
	for i := range 2 * heatEntries {
		h.add(1, uint32(i), fmt.Appendf(nil, "lock-%d", i), 1000)
	}
	h.add(1, 3, []byte("lock-3"), 8000)
	i := h.find(3, []byte("lock-3"))
	before := h.sums[i] - h.floor
	h.cool(h.halved + 3*heatHalf)
	if got := h.sums[i] - h.floor; before < 8000 || got != before/8 {
		t.Errorf("%d after three minutes, from %d", got, before)
	}
	h.add(h.halved+1000*heatHalf, 5, []byte("other"), 7)
	if i := h.find(5, []byte("other")); h.floor != 0 || i < 0 || h.sums[i] != 7 {
		t.Errorf("floor %d, sums %v after a day and a wait of 7 ns", h.floor, h.sums)
	}
}

// TestNotesAreFew: many leases end in one call, and few are told.
func TestNotesAreFew(t *testing.T) {
	g := newRig()
	for _, name := range sameShard(g.table, 50) {
		g.must(codec.VerbAcquire, string(name), "svc", 0)
	}
	g.advance(31_000 * nsPerMs)
	list, more := g.fx.Notes.All()
	if len(list) != notesMax || more != 50-notesMax || !g.fx.Notes.Any() {
		t.Fatalf("%d notes and %d more", len(list), more)
	}
	if n := list[0]; n.Kind != NoteExpired || string(n.Service) != "svc" || !bytes.HasPrefix(n.Name, []byte("n-")) || n.Ns != 31_000*nsPerMs && n.Ns != 30_000*nsPerMs {
		t.Errorf("%+v", n)
	}
	g.fx.Notes.Reset()
	if g.fx.Notes.Any() {
		t.Error("notes after a reset")
	}
}

// TestNotesOfLongWaits: only waits of a second or more are told.
func TestNotesOfLongWaits(t *testing.T) {
	g := newRig()
	kinds := func() (out []NoteKind) {
		list, _ := g.fx.Notes.All()
		for _, n := range list {
			out = append(out, n.Kind)
		}
		g.fx.Notes.Reset()
		return out
	}
	for _, c := range []struct {
		after, timeout int64
		want           []NoteKind
	}{
		{999, 5000, nil}, {1000, 5000, []NoteKind{NoteSlow}}, {5000, 900, nil}, {5000, 1000, []NoteKind{NoteTimeout}},
	} {
		g.must(codec.VerbAcquire, "a", "holder", 0)
		g.do(codec.VerbAcquire, []byte("a"), []byte("waiter"), uint32(c.timeout))
		begun := g.now
		g.advance(begun + min(c.after, c.timeout)*nsPerMs)
		g.advance(begun + c.after*nsPerMs)
		g.must(codec.VerbRelease, "a", "holder", 0)
		if got := kinds(); !slices.Equal(got, c.want) {
			t.Errorf("released after %d ms, timeout %d ms: %v, want %v", c.after, c.timeout, got, c.want)
		}
		g.do(codec.VerbRelease, []byte("a"), []byte("waiter"), 0)
	}
}

// TestNotesOfTimeoutsNameTheHolder: also that of a shared lock, which the waiter itself may hold.
func TestNotesOfTimeoutsNameTheHolder(t *testing.T) {
	g := newRig()
	g.must(codec.VerbAcquire, "a", "holder", 0)
	for _, service := range []string{"waiter", "reader"} {
		g.apply(&codec.Command{Verb: codec.VerbAcquire, Opts: codec.OptShared, Name: []byte("b"), Service: []byte(service)})
	}
	up := &codec.Command{Verb: codec.VerbUpgrade, Name: []byte("b"), Service: []byte("waiter"), WaitMs: 1000}
	for _, c := range []struct {
		lock string
		wait func()
		want string
	}{
		{"a", func() { g.do(codec.VerbAcquire, []byte("a"), []byte("waiter"), 1000) }, "holder"},
		{"b", func() { g.apply(up) }, "reader"},
	} {
		c.wait()
		g.advance(g.now + 1000*nsPerMs)
		list, _ := g.fx.Notes.All()
		if len(list) != 1 || list[0].Kind != NoteTimeout || string(list[0].Name) != c.lock || string(list[0].Service) != "waiter" || string(list[0].Holder) != c.want {
			t.Errorf("%s: %+v", c.lock, list)
		}
		g.fx.Notes.Reset()
	}
	g.advance(g.now + 30_000*nsPerMs) // the holds end
	list, _ := g.fx.Notes.All()
	for i := range list {
		if len(list[i].Holder) > 0 {
			t.Errorf("the holder of an earlier note: %+v", list[i])
		}
	}
}

// TestWalksFindWhatThereIs compares Contended, Census and Queue with a slow walk.
func TestWalksFindWhatThereIs(t *testing.T) {
	g := newRig()
	rng := rand.New(rand.NewPCG(5, 6))
	for i := range 3000 {
		g.must(codec.VerbAcquire, fmt.Sprintf("s%d/n-%d", i%3, i), "holder", 0)
		g.advance(g.now + rng.Int64N(3)*nsPerMs)
	}
	for i := range 2000 {
		g.do(codec.VerbAcquire, fmt.Appendf(nil, "s%d/n-%d", i%3, i*i%3000%300*3+i%3), fmt.Appendf(nil, "w-%d", i), 60_000)
	}
	want := map[uint64]uint32{}
	var since []int64
	for i := range Shards {
		s := g.table.ShardAt(i)
		for at := range s.locks.len() {
			if l := s.locks.record(at); l != nil && l.nameLen > 0 {
				since = append(since, l.since)
				if l.waiters > 0 {
					want[uint64(i)<<32|uint64(at)] = l.waiters
				}
			}
		}
	}
	slices.Sort(since)
	var found []Contention
	var census Census
	for i := range Shards {
		s := g.table.ShardAt(i)
		for at, done := uint32(0), false; !done; {
			found, done = s.Contended(g.now, &at, 64, found)
		}
		for at, done := uint32(0), false; !done; {
			done = s.Census(g.now, &at, 100, &census)
		}
	}
	census.Finish()
	for _, c := range found {
		if want[uint64(c.Shard)<<32|uint64(c.Index)] != c.Waiters {
			t.Errorf("%+v", c)
		}
	}
	if len(found) != len(want) || len(want) == 0 {
		t.Errorf("%d contended locks, want %d", len(found), len(want))
	}
	if census.Held != 3000 || census.Segments["s1/"].Locks != 1000 || len(census.Segments) != 3 || census.Ages.Count() != 3000 {
		t.Errorf("%d held, %v", census.Held, census.Segments)
	}
	if len(census.Oldest) != censusBest || len(census.EndsNext) != censusBest ||
		!slices.IsSortedFunc(census.EndsNext, func(a, b CensusLock) int { return cmp.Compare(a.Deadline, b.Deadline) }) {
		t.Errorf("%d and %d in the lists", len(census.Oldest), len(census.EndsNext))
	}
	for i, l := range census.Oldest {
		if l.Since != since[i] {
			t.Fatalf("place %d of the oldest holds: %d, want %d", i, l.Since, since[i])
		}
	}
	g.checkQueuePages(t, found)
}

// checkQueuePages reads queues in small pages.
func (g *rig) checkQueuePages(t *testing.T, found []Contention) {
	t.Helper()
	var st Status
	for _, c := range found {
		s := g.table.ShardAt(int(c.Shard))
		if !s.LookAt(g.now, c.Index, c.Token, &st) || st.Waiters != c.Waiters {
			t.Fatalf("%+v: %+v", c, st)
		}
		if s.LookAt(g.now, c.Index, c.Token+1, &st) {
			t.Fatal("another hold is shown")
		}
		var list []Waiting
		for more, after := true, (WaiterRef{}); more; {
			before := len(list)
			list, _, more = s.Queue(g.now, g.table.Hash(st.Name), st.Name, after, 3, list)
			if len(list) == before {
				break
			}
			after = list[len(list)-1].Ref
		}
		for i, w := range list {
			var waits []WaitOf
			at, scan := uint32(0), 1000
			if waits, _ = s.WaitsOf(g.now, &at, &scan, 2, w.Service, nil); len(waits) != 1 || waits[0].Position != i+1 ||
				string(waits[0].Lock) != string(st.Name) || string(waits[0].Holder) != "holder" {
				t.Fatalf("%q: %+v, want position %d", w.Service, waits, i+1)
			}
		}
		if len(list) != int(c.Waiters) || string(list[0].Service) != string(st.Next) {
			t.Errorf("%q: %d in the queue, want %d", st.Name, len(list), c.Waiters)
		}
	}
}

// TestPlacesAreCountedInSmallSteps: a service waits 1,000 times in one queue. No call looks at more
// than 256 records, those before a request included.
func TestPlacesAreCountedInSmallSteps(t *testing.T) {
	const most, requests = 256, 1000
	g := newRig()
	g.must(codec.VerbAcquire, "a", "holder", 0)
	for range requests {
		g.do(codec.VerbAcquire, []byte("a"), []byte("waiter"), 60_000)
	}
	s := g.table.Shard(g.table.Hash([]byte("a")))
	var waits []WaitOf
	for at, done := uint32(0), false; !done; {
		scan, from, before := most, int(at), len(waits)
		waits, done = s.WaitsOf(g.now, &at, &scan, 16, []byte("waiter"), waits)
		looked := int(at) - from
		for _, w := range waits[before:] {
			if looked += PlaceMax; w.Position > 0 {
				looked += w.Position - 1 - PlaceMax
			}
		}
		if scan < 0 || looked > most-scan || len(waits) > before+16 || len(waits) == before && !done {
			t.Fatalf("%d records and %d requests in one call, which counts %d", looked, len(waits)-before, most-scan)
		}
	}
	for i, w := range waits {
		if want := i + 1; w.Position != want && (want <= PlaceMax+1 || w.Position != 0) {
			t.Fatalf("request %d has place %d", want, w.Position)
		}
	}
	if len(waits) != requests {
		t.Errorf("%d requests of %d", len(waits), requests)
	}
}
