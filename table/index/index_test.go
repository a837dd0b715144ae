package index

import (
	"math/rand/v2"
	"testing"
)

// has tells whether the record is in the index, by the probing that the package documentation shows.
func (x *Index) has(tag, rec uint32) bool {
	if len(x.Slots) == 0 {
		return false
	}
	for i := tag & x.Mask(); x.Slots[i].Rec != 0; i = (i + 1) & x.Mask() {
		if x.Slots[i] == (Slot{tag, rec + 1}) {
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
		var x Index
		in := map[uint32]uint32{} // tag by record
		full := rng.IntN(60) + 4
		for step := range 2000 {
			rec := uint32(rng.IntN(full))
			if tag, ok := in[rec]; ok {
				x.Remove(tag, rec)
				delete(in, rec)
			} else {
				tag = tags[rng.IntN(len(tags))]
				if rng.IntN(4) == 0 {
					tag = rng.Uint32()
				}
				x.Insert(tag, rec)
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
			for _, s := range x.Slots {
				if s.Rec != 0 {
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
	var x Index
	for rec := range uint32(10_000) {
		x.Insert(rec*0x9E3779B1, rec)
		if x.used*4 > len(x.Slots)*fullOf4+4 {
			t.Fatalf("%d used of %d slots", x.used, len(x.Slots))
		}
	}
	for rec := range uint32(10_000) {
		x.Remove(rec*0x9E3779B1, rec)
	}
	for i, s := range x.Slots {
		if s != (Slot{}) {
			t.Fatalf("slot %d is not empty at the end", i)
		}
	}
}

func TestRemovingFromTheIndexTwiceIsABug(t *testing.T) {
	var x Index
	x.Insert(5, 1)
	x.Insert(5, 2)
	x.Remove(5, 1)
	defer func() {
		if recover() == nil {
			t.Fatal("no panic")
		}
	}()
	x.Remove(5, 1)
}
