package index

import (
	"math/rand/v2"
	"testing"
)

// seek returns the slot of the record, by the probing that the package documentation shows. If the
// record is missing it returns the empty slot where probing ends, with rec 0.
func (x *Index) seek(tag, rec uint32) (slot, found uint32) {
	slot, found = x.Find(tag, tag)
	for found != 0 && found != rec+1 {
		slot, found = x.Find(tag, slot+1)
	}
	return slot, found
}

// TestIndexWithoutSlots looks for tags of all sizes where there are no slots.
func TestIndexWithoutSlots(t *testing.T) {
	var x Index
	for _, tag := range []uint32{0, 1, 1<<31 - 1, 1 << 31, 1<<32 - 1} {
		if _, rec := x.Find(tag, tag); rec != 0 || !x.Full() {
			t.Errorf("tag %x is found in an index without slots", tag)
		}
	}
}

// TestIndexAgainstMap adds and removes records at random. Most tags share few home positions, some
// at the very end of the slots. So probe chains are long, meet and wrap around, and many records
// share a tag.
func TestIndexAgainstMap(t *testing.T) {
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 3))
		tags := []uint32{0, 1, 2, 15, 16, 31, 63, 64, 0xFFFF_FFFE, 0xFFFF_FFFF, 0xABCD_FFFF, 7}
		var x Index
		in := map[uint32]uint32{} // tag by record
		full := rng.IntN(60) + 4
		for step := range 2000 {
			rec := uint32(rng.IntN(full))
			if tag, ok := in[rec]; ok {
				if slot, _ := x.seek(tag, rec); rng.IntN(2) == 0 {
					x.RemoveAt(slot)
				} else {
					x.Remove(tag, rec)
				}
				delete(in, rec)
			} else {
				tag = tags[rng.IntN(len(tags))]
				if rng.IntN(4) == 0 {
					tag = rng.Uint32()
				}
				slot, found := x.seek(tag, rec)
				if found != 0 {
					t.Fatalf("seed %d, step %d: record %d of tag %x is found and was not added", seed, step, rec, tag)
				}
				if rng.IntN(2) == 0 || x.Full() {
					x.Insert(tag, rec)
				} else {
					x.AddAt(slot, tag, rec)
				}
				in[rec] = tag
			}
			if rng.IntN(50) == 0 {
				x.Shrink()
			}
			if x.used != len(in) {
				t.Fatalf("seed %d, step %d: %d used, want %d", seed, step, x.used, len(in))
			}
			for rec, tag := range in {
				if slot, found := x.seek(tag, rec); found == 0 || x.Slots[slot] != (Slot{tag, rec + 1}) {
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

// TestIndexShrinks checks that an index shrinks when it is far too large, and that the next record
// does not make it grow again.
func TestIndexShrinks(t *testing.T) {
	var x Index
	for rec := range uint32(100_000) {
		x.Insert(rec*0x9E3779B1, rec)
	}
	if x.TooLarge() {
		t.Fatal("a full index is too large")
	}
	for rec := range uint32(100_000) {
		if rec >= 1000 {
			x.Remove(rec*0x9E3779B1, rec)
		}
	}
	if !x.TooLarge() {
		t.Fatal("an index of 1000 records has slots for 100,000, and that is not too large")
	}
	x.Shrink()
	if len(x.Slots) != 4096 || x.TooLarge() {
		t.Fatalf("%d slots for 1000 records", len(x.Slots))
	}
	for rec := range uint32(1000) {
		x.Remove(rec*0x9E3779B1, rec)
	}
	x.Shrink()
	if len(x.Slots) != 2*slotsMin || x.TooLarge() {
		t.Fatalf("%d slots for no record", len(x.Slots))
	}
}

func TestRemovingFromIndexTwiceIsBug(t *testing.T) {
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
