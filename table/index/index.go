// Package index finds numbered records by the hash of their name: open
// addressing, linear probing, deletion by shifting back. Slots hold half of the
// hash beside the number, and home positions come from that half. So growing and
// deleting read no record, and a search reads few that are not the right one.
//
// The caller keeps the records and compares the names; he walks a chain himself,
// so that the comparison is inlined:
//
//	for i := tag & x.Mask(); x.Slots[i].Rec != 0; i = (i + 1) & x.Mask() {
//		if x.Slots[i].Tag == tag { ... record x.Slots[i].Rec - 1 ... }
//	}
//
// An Index is not safe for concurrent use.
package index

const (
	// BytesPerRecord is what a record takes: slots of 8 bytes, two in three used.
	BytesPerRecord = 12

	slotsMin = 16 // slots of a new index
	fullOf4  = 3  // it doubles at 3/4 full: longer probes cost more than the memory
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

func (x *Index) place(s Slot) {
	mask := x.Mask()
	i := s.Tag & mask
	for x.Slots[i].Rec != 0 {
		i = (i + 1) & mask
	}
	x.Slots[i] = s
}

// Grow doubles the slots. Nobody may use the old ones any more.
func (x *Index) Grow() {
	old := x.Slots
	x.Slots = make([]Slot, max(slotsMin, 2*len(old)))
	for _, s := range old {
		if s.Rec != 0 {
			x.place(s)
		}
	}
}

// Remove takes a record out, which must be in the index, and closes the gap:
// each slot behind it moves up unless its home lies behind the gap.
func (x *Index) Remove(tag, rec uint32) {
	mask := x.Mask()
	gap := tag & mask
	for x.Slots[gap].Rec != rec+1 {
		if x.Slots[gap].Rec == 0 {
			panic("BUG: record is not in the index")
		}
		gap = (gap + 1) & mask
	}
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
