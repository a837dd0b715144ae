package table

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// has tells whether the record is in the index, by the probing of Shard.find.
func (x *index) has(tag, rec uint32) bool {
	if len(x.slots) == 0 {
		return false
	}
	for i := tag & x.mask(); x.slots[i].rec != 0; i = (i + 1) & x.mask() {
		if x.slots[i] == (slot{tag, rec + 1}) {
			return true
		}
	}
	return false
}

// TestIndexAgainstAMap adds and removes records at random. Most tags share
// few home positions, some at the very end of the slots, so that probe chains
// are long, meet and wrap around, and many records share a tag.
func TestIndexAgainstAMap(t *testing.T) {
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 3))
		tags := []uint32{0, 1, 2, 15, 16, 31, 63, 64, 0xFFFF_FFFE, 0xFFFF_FFFF, 0xABCD_FFFF, 7}
		var x index
		in := map[uint32]uint32{} // tag by record
		full := rng.IntN(60) + 4
		for step := range 2000 {
			rec := uint32(rng.IntN(full))
			if tag, ok := in[rec]; ok {
				x.remove(tag, rec)
				delete(in, rec)
			} else {
				tag = tags[rng.IntN(len(tags))]
				if rng.IntN(4) == 0 {
					tag = rng.Uint32()
				}
				x.insert(tag, rec)
				in[rec] = tag
			}
			if x.used != len(in) {
				t.Fatalf("seed %d, step %d: %d used, want %d", seed, step, x.used, len(in))
			}
			for rec, tag := range in {
				if !x.has(tag, rec) {
					t.Fatalf("seed %d, step %d: record %d of tag %x is lost", seed, step, rec, tag)
				}
			}
			used := 0
			for _, s := range x.slots {
				if s.rec != 0 {
					used++
				}
			}
			if used != len(in) {
				t.Fatalf("seed %d, step %d: %d slots filled, want %d", seed, step, used, len(in))
			}
		}
	}
}

func TestIndexGrowsBeforeItIsFull(t *testing.T) {
	var x index
	for rec := range uint32(10_000) {
		x.insert(rec*0x9E3779B1, rec)
		if x.used*4 > len(x.slots)*indexFull+4 {
			t.Fatalf("%d used of %d slots", x.used, len(x.slots))
		}
	}
	for rec := range uint32(10_000) {
		x.remove(rec*0x9E3779B1, rec)
	}
	for i, s := range x.slots {
		if s != (slot{}) {
			t.Fatalf("slot %d is not empty at the end", i)
		}
	}
}

func TestRemovingFromTheIndexTwiceIsABug(t *testing.T) {
	var x index
	x.insert(5, 1)
	x.insert(5, 2)
	x.remove(5, 1)
	defer func() {
		if recover() == nil {
			t.Fatal("no panic")
		}
	}()
	x.remove(5, 1)
}

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
