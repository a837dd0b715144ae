// Package index finds numbered records by the hash of their name: open
// addressing, linear probing, deletion by shifting back. Slots hold half of the
// hash beside the number, and home positions come from that half. So growing and
// deleting read no record, and a search reads few that are not the right one.
//
// The caller keeps the records and compares the names:
//
//	slot, rec := x.Find(tag, tag)
//	for rec != 0 && ... the name of record rec - 1 is another ... {
//		slot, rec = x.Find(tag, slot+1)
//	}
//
// What it has found, or that there is none, it may tell RemoveAt or AddAt, which
// need not search again then.
//
// An Index is not safe for concurrent use.
package index

const (
	// BytesPerRecord is what a record takes: slots of 8 bytes, two in three used.
	BytesPerRecord = 12

	slotsMin   = 16 // slots of a new index
	fullOf4    = 3  // it doubles at 3/4 full: longer probes cost more than the memory
	shrinkFrom = 8  // it is far too large at 1/8 of that; a smaller factor would have it grow again soon
)

// Slot is one place of an index. A record is stored plus one: zero is empty.
type Slot struct {
	Tag uint32 // low half of the name's hash; its low bits are the home position
	Rec uint32
}

// Index is empty as its zero value. Slots are none or a power of two.
type Index struct {
	Slots []Slot
	used  int
}

// Len returns how many records are in the index.
func (x *Index) Len() int { return x.used }

// Mask returns the bits of a position. Of an index without slots it has no meaning.
func (x *Index) Mask() uint32 { return uint32(len(x.Slots) - 1) }

// Find returns the first slot from one on, with its record plus one, that has this tag, or that is empty: rec
// is 0 then, and the slot is where AddAt may put such a record as long as nothing else has changed. Only the low
// bits of from count. Of an index without slots no slot is to be used.
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

// Full tells whether the index must Grow before the next Add.
func (x *Index) Full() bool { return x.used*4 >= len(x.Slots)*fullOf4 }

// Add is Insert for an index that is not full.
func (x *Index) Add(tag, rec uint32) {
	x.used++
	x.place(Slot{tag, rec + 1})
}

// AddAt is Add to the empty slot that Find has ended at.
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

// Grow doubles the slots. Nobody may use the old ones any more.
func (x *Index) Grow() { x.resize(max(slotsMin, 2*len(x.Slots))) }

// TooLarge reports whether the records would have room in an eighth of the slots.
func (x *Index) TooLarge() bool { return x.fitting() < len(x.Slots)/shrinkFrom*2 }

// Shrink leaves twice the slots that the records need. Nobody may use the old ones any more.
func (x *Index) Shrink() { x.resize(2 * x.fitting()) }

// fitting returns the least number of slots that is not full with the records.
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

// Remove takes a record out, which must be in the index.
func (x *Index) Remove(tag, rec uint32) {
	slot, found := x.Find(tag, tag)
	for ; found != rec+1; slot, found = x.Find(tag, slot+1) {
		if found == 0 {
			panic("BUG: record is not in the index")
		}
	}
	x.RemoveAt(slot)
}

// RemoveAt takes the record of that slot out and closes the gap:
// each slot behind it moves up unless its home lies behind the gap.
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
