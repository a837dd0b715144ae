package table

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"dlm/codec"
	"dlm/internal/testflag"
)

// recoverable returns what a start after a crash takes from a shard: its holds, without the ends of
// their leases.
func recoverable(s *Shard) []byte {
	var img codec.ShardImage
	var h codec.HoldImage
	at, seen := ExportCursor{}, codec.ShardImage{}
	for !s.Export(&at, 1000, false, &img) {
	}
	seen.Reset(s.number, img.Counter, img.ClaimFloor)
	for i := range img.Len() {
		img.At(i, &h)
		h.Deadline = 0
		seen.Append(&h)
	}
	return append(seen.Records, seen.Strings...)
}

// TestChangesSeesEveryChange runs random commands and compares what a start would take from the
// shard before and after each.
func TestChangesSeesEveryChange(t *testing.T) {
	changed, same := 0, 0
	for seed := range testflag.First(t, 40) {
		rng := rand.New(rand.NewPCG(seed, 1))
		w := newWorld(Config{TokenStart: 100, TTLMs: 50, LocksMax: 5, WaitersMax: 20, WaitersPerLockMax: 10, RequestsMax: 5000})
		var was [Shards][]byte
		var counted [Shards]uint64
		for range 500 {
			w.do(randomOp(rng.IntN))
			for i := range Shards {
				s := w.table.ShardAt(i)
				n := s.Changes()
				if counted[i] == n && s.locks.len() == 0 {
					continue
				}
				is := recoverable(s)
				switch {
				case bytes.Equal(is, was[i]):
					same++
				case n == counted[i]:
					t.Fatalf("seed %d: shard %d changed, and nothing was counted; last:\n%s", seed, i, w.log[len(w.log)-1])
				default:
					changed++
				}
				was[i], counted[i] = is, n
			}
		}
	}
	if changed < 1000 || same < 1000 {
		t.Errorf("%d changes, %d times the same: too few", changed, same)
	}
}

// TestRenewalsAreNoChange: otherwise an image of held locks would be written for their heartbeats
// alone.
func TestRenewalsAreNoChange(t *testing.T) {
	g := newRig()
	g.must(codec.VerbAcquire, "a", "svc", 0)
	sum := func() (n uint64) {
		for i := range Shards {
			n += g.table.ShardAt(i).Changes()
		}
		return n
	}
	before := sum()
	g.must(codec.VerbHeartbeat, "a", "svc", 0)
	if after := sum(); after != before {
		t.Errorf("%d changes, then %d", before, after)
	}
	g.must(codec.VerbRelease, "a", "svc", 0)
	if after := sum(); after == before {
		t.Error("a release is none")
	}
}
