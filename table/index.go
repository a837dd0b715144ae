package table

const (
	indexBytes = 12 // of the index per lock: slots of 8 bytes, two in three used
	indexMin   = 16 // slots of a new index
	indexFull  = 3  // it doubles at 3/4 full: longer probes cost more than the memory
)

// slot is one place of the index. A record is stored plus one: zero is empty.
type slot struct {
	tag uint32 // low half of the name's hash; its low bits are the home position
	rec uint32
}

// index finds lock records by hash: open addressing, linear probing, deletion
// by shifting back. Since home positions come from the tags, growing and
// deleting read no record, so that they stay in the index's own memory.
type index struct {
	slots []slot
	used  int
}

func (x *index) mask() uint32 { return uint32(len(x.slots) - 1) }

// insert adds a record that is not in the index.
func (x *index) insert(tag, rec uint32) {
	if x.used*4 >= len(x.slots)*indexFull {
		x.grow()
	}
	x.used++
	x.place(slot{tag, rec + 1})
}

func (x *index) place(s slot) {
	mask := x.mask()
	i := s.tag & mask
	for x.slots[i].rec != 0 {
		i = (i + 1) & mask
	}
	x.slots[i] = s
}

func (x *index) grow() {
	old := x.slots
	x.slots = make([]slot, max(indexMin, 2*len(old)))
	for _, s := range old {
		if s.rec != 0 {
			x.place(s)
		}
	}
}

// remove takes a record out, which must be in the index, and closes the gap:
// each slot behind it moves up unless its home lies behind the gap.
func (x *index) remove(tag, rec uint32) {
	mask := x.mask()
	gap := tag & mask
	for x.slots[gap].rec != rec+1 {
		if x.slots[gap].rec == 0 {
			panic("BUG: record is not in the index")
		}
		gap = (gap + 1) & mask
	}
	for i := (gap + 1) & mask; x.slots[i].rec != 0; i = (i + 1) & mask {
		home := x.slots[i].tag & mask
		if (i-home)&mask >= (i-gap)&mask {
			x.slots[gap] = x.slots[i]
			gap = i
		}
	}
	x.slots[gap] = slot{}
	x.used--
}

func (x *index) bytes() int { return len(x.slots) * 8 }
