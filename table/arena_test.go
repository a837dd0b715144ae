package table

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestArenaAgainstMap keeps strings of all lengths and frees them at random. No string damages
// another, and freed blocks are used again.
func TestArenaAgainstMap(t *testing.T) {
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
		for i := range a.chunks {
			if rng.IntN(2) == 0 {
				a.giveBack(i)
			}
		}
	}
	drop(0)
	for i := range a.chunks {
		a.giveBack(i)
	}
	if a.blocks != 0 || a.inUse != 0 || a.idle != 0 || a.bytes() != 0 || a.open != [classes]uint32{} {
		t.Fatalf("%d blocks are left in %d bytes", a.blocks, a.bytes())
	}
}

// TestArenaFillsChunks checks that no room of a chunk is lost, whatever the size of its blocks.
func TestArenaFillsChunks(t *testing.T) {
	for _, size := range []int{32, 64, 128, 256, 512, 1024} {
		var a arena
		var refs []ref
		for range 100 * arenaChunkLen / size {
			refs = append(refs, a.put(make([]byte, size)))
		}
		if a.bytes() != 100*arenaChunkLen || a.open != [classes]uint32{} {
			t.Errorf("blocks of %d bytes: %d chunks, want 100 full ones", size, a.mapped)
		}
		for _, r := range refs[1:] {
			a.drop(r, size)
		}
		for i := range a.chunks {
			a.giveBack(i)
		}
		if a.bytes() != arenaChunkLen || a.blocks != 1 {
			t.Errorf("blocks of %d bytes: %d chunks for one block", size, a.mapped)
		}
	}
}

func TestArenaUsesFreedBlocksAgain(t *testing.T) {
	for _, size := range []int{32, 64, 128, 256, 512, 1024} {
		var a arena
		b := make([]byte, size)
		for range 100_000 {
			a.drop(a.put(b), size)
		}
		if a.bytes() != arenaChunkLen {
			t.Errorf("blocks of %d bytes: %d bytes for one of them", size, a.bytes())
		}
	}
}
