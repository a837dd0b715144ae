package table

import (
	"testing"

	"dlm/table/index"
)

// TestHoldersAreSpreadInIndexes: a removal walks to the end of its run of full slots. No run is
// long with 4,000 holders, whose tokens follow each other.
func TestHoldersAreSpreadInIndexes(t *testing.T) {
	g, _ := crowd(4000)
	groups := g.table.Shard(g.table.Hash(crowded)).groups
	for name, x := range map[string]*index.Index{"owners": &groups.owners, "tokens": &groups.tokens} {
		run, longest := 0, 0
		for _, slot := range x.Slots {
			if run++; slot.Rec == 0 {
				run = 0
			}
			longest = max(longest, run)
		}
		if longest > 200 {
			t.Errorf("the index of %s has a run of %d slots", name, longest)
		}
	}
}

// TestHoldersGiveMemoryBack: after the last holder has left, and after the looks of Trim, a shard
// has no memory for holders.
func TestHoldersGiveMemoryBack(t *testing.T) {
	g, _ := crowd(3000)
	s := g.table.Shard(g.table.Hash(crowded))
	if s.groups.bytes() < 3000*holderBytes {
		t.Fatalf("3,000 holders have %d bytes", s.groups.bytes())
	}
	g.advance(g.now + 30_000*nsPerMs)
	for range 2 * trimLooks {
		budget := 1 << 20
		s.Trim(&budget)
	}
	if s.groups != nil {
		t.Errorf("%d bytes for holders are left", s.groups.bytes())
	}
}
