// Package index finds numbered records by the hash of their name. It uses open addressing, linear
// probing, and deletion by shifting back. A slot holds the record's number and half of the hash;
// the home position is taken from that half. So growing and deleting read no record, and a search
// reads few wrong records.
//
// The caller keeps the records and compares the names:
//
//	slot, rec := x.Find(tag, tag)
//	for rec != 0 && ... the name of record rec - 1 is another ... {
//		slot, rec = x.Find(tag, slot+1)
//	}
//
// The caller may pass the slot that Find returned to RemoveAt or AddAt, which then do not search
// again.
//
// An Index is not safe for concurrent use.
package index

const (
	// BytesPerRecord is the memory of a record in bytes: slots have 8 bytes, and two in three are
	// used.
	BytesPerRecord = 12

	slotsMin = 16 // slots of a new index
	fullOf4  = 3  // it doubles at 3/4 full, because longer probes cost more than the memory
	// it is far too large at 1/8 of that; with a smaller factor it would soon grow again
	shrinkFrom = 8
)

// Slot is one place of an index. It stores the record's number plus one, so that zero is empty.
type Slot struct {
	Tag uint32 // low half of the name's hash; its low bits are the home position
	Rec uint32
}

// Index is empty as its zero value. The number of slots is zero or a power of two.
type Index struct {
	Slots []Slot
	used  int
}

// Len returns how many records are in the index.
func (x *Index) Len() int { return x.used }

// Mask returns the bits of a position. It has no meaning for an index without slots.
func (x *Index) Mask() uint32 { return uint32(len(x.Slots) - 1) }

// Find returns the first slot at or after from that has this tag or is empty. The record is
// returned plus one. If the slot is empty, rec is 0, and AddAt may put such a record there as long
// as the index has not changed. Only the low bits of from count. The returned slot is invalid if
// the index has no slots.
func (x *Index) Find(tag, from uint32) (slot, rec uint32) {
	mask := x.Mask()
	for i := from & mask; uint(i) < uint(len(x.Slots)); i = (i + 1) & mask {
		if at := x.Slots[i]; at.Tag == tag || at.Rec == 0 {
			return i, at.Rec
		}
	}
	return 0, 0
}

// Insert adds a record that is not in the index.
func (x *Index) Insert(tag, rec uint32) {
	if x.Full() {
		x.Grow()
	}
	x.Add(tag, rec)
}

// Full reports whether the index must Grow before the next Add.
func (x *Index) Full() bool { return x.used*4 >= len(x.Slots)*fullOf4 }

// Add is Insert for an index that is not full.
func (x *Index) Add(tag, rec uint32) {
	x.used++
	x.place(Slot{tag, rec + 1})
}

// AddAt is Add to the empty slot that Find has returned.
func (x *Index) AddAt(slot, tag, rec uint32) {
	x.used++
	x.Slots[slot] = Slot{tag, rec + 1}
}

func (x *Index) place(s Slot) {
	mask := x.Mask()
	i := s.Tag & mask
	for x.Slots[i].Rec != 0 {
		i = (i + 1) & mask
	}
	x.Slots[i] = s
}

// Grow doubles the slots. The former slots must not be used any more.
func (x *Index) Grow() { x.resize(max(slotsMin, 2*len(x.Slots))) }

// TooLarge reports whether the records would fit in an eighth of the slots.
func (x *Index) TooLarge() bool { return x.fitting() < len(x.Slots)/shrinkFrom*2 }

// Shrink leaves twice the slots that the records need. The former slots must not be used any more.
func (x *Index) Shrink() { x.resize(2 * x.fitting()) }

// fitting returns the least number of slots that the records do not fill.
func (x *Index) fitting() int {
	slots := slotsMin
	for x.used*4 >= slots*fullOf4 {
		slots *= 2
	}
	return slots
}

func (x *Index) resize(slots int) {
	old := x.Slots
	x.Slots = make([]Slot, slots)
	for _, s := range old {
		if s.Rec != 0 {
			x.place(s)
		}
	}
}

// Remove takes out a record, which must be in the index.
func (x *Index) Remove(tag, rec uint32) {
	slot, found := x.Find(tag, tag)
	for ; found != rec+1; slot, found = x.Find(tag, slot+1) {
		if found == 0 {
			panic("BUG: record is not in the index")
		}
	}
	x.RemoveAt(slot)
}

// RemoveAt takes out the record of the slot and closes the gap: each following slot moves up,
// unless its home lies after the gap.
func (x *Index) RemoveAt(slot uint32) {
	mask, gap := x.Mask(), slot
	for i := (gap + 1) & mask; x.Slots[i].Rec != 0; i = (i + 1) & mask {
		home := x.Slots[i].Tag & mask
		if (i-home)&mask >= (i-gap)&mask {
			x.Slots[gap] = x.Slots[i]
			gap = i
		}
	}
	x.Slots[gap] = Slot{}
	x.used--
}

// Bytes returns the memory of the slots.
func (x *Index) Bytes() int { return len(x.Slots) * 8 }
