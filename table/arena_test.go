package table

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestArenaAgainstAMap keeps strings of all lengths and frees them at random:
// none is damaged by another, and freed blocks are used again.
func TestArenaAgainstAMap(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 4))
	var a arena
	in := map[ref][]byte{}
	sizes := []int{1, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257, 511, 512, 513, 1023, 1024}
	fill := func() {
		for len(in) < 500 {
			b := bytes.Repeat([]byte{byte(rng.IntN(256))}, sizes[rng.IntN(len(sizes))])
			r := a.put(b)
			if r == 0 || in[r] != nil {
				t.Fatalf("block at %d, which is none or in use", r)
			}
			in[r] = b
		}
	}
	drop := func(keep int) {
		for r, b := range in {
			if len(in) <= keep {
				return
			}
			a.drop(r, len(b))
			delete(in, r)
		}
	}
	for round := range 60 {
		fill()
		for r, b := range in {
			if !bytes.Equal(a.get(r, len(b)), b) {
				t.Fatalf("round %d: the %d bytes at %d have changed", round, len(b), r)
			}
		}
		if a.blocks != len(in) {
			t.Fatalf("round %d: %d blocks, want %d", round, a.blocks, len(in))
		}
		drop(rng.IntN(400))
	}
	drop(0)
	// Worst case: each size class keeps the most it ever had at once.
	if a.blocks != 0 || a.bytes() > 500*2*classMax {
		t.Fatalf("%d blocks are left in %d bytes", a.blocks, a.bytes())
	}
}

func TestArenaUsesFreedBlocksAgain(t *testing.T) {
	for _, size := range []int{32, 64, 128, 256, 512, 1024} {
		var a arena
		b := make([]byte, size)
		for range 100_000 {
			a.drop(a.put(b), size)
		}
		if a.bytes() != arenaChunk {
			t.Errorf("blocks of %d bytes: %d bytes for one of them", size, a.bytes())
		}
	}
}
