package engine

import (
	"hash/maphash"

	"dlm/codec"
	"dlm/table"
	"dlm/table/index"
)

// tag is the tag of a waiting request, by value: it outlives the input.
type tag struct {
	n     uint8
	bytes [codec.TagMax]byte
}

func makeTag(b []byte) (t tag) {
	t.n = uint8(copy(t.bytes[:], b))
	return t
}

func (t *tag) text() []byte { return t.bytes[:t.n] }

// waits are the tagged requests of one connection that wait. Ticket 0 is the
// untagged wait, which lives in pending; ticket i+1 is list[i].
//
// A connection with thousands of waits mostly asks for tags that are not open.
// The index answers that from 8 bytes, where a map of tags would fetch a line
// of memory for each, and it grows without moving or hashing a tag.
type waits struct {
	byTag index.Index // positions in list
	list  []tagWait
	free  []uint32
}

type tagWait struct {
	tag  tag // empty: free
	hash uint32
	ref  table.WaiterRef
}

// tagSeed is drawn for each process, so that no client can choose tags that collide.
var tagSeed = maphash.MakeSeed()

// hashTag returns what open and add take beside the tag.
func hashTag(b []byte) uint32 { return uint32(maphash.Bytes(tagSeed, b)) }

// open tells whether a tag is in use.
func (w *waits) open(hash uint32, b []byte) bool {
	x := &w.byTag
	if x.Len() == 0 {
		return false
	}
	mask := x.Mask()
	for i := hash & mask; x.Slots[i].Rec != 0; i = (i + 1) & mask {
		if x.Slots[i].Tag == hash && string(w.list[x.Slots[i].Rec-1].tag.text()) == string(b) {
			return true
		}
	}
	return false
}

// nextTicket returns the ticket that add will use.
func (w *waits) nextTicket() uint32 {
	if n := len(w.free); n > 0 {
		return w.free[n-1] + 1
	}
	return uint32(len(w.list)) + 1
}

// add keeps a tagged wait under the ticket that nextTicket has announced.
func (w *waits) add(hash uint32, b []byte, ref table.WaiterRef) {
	i := w.nextTicket() - 1
	if n := len(w.free); n > 0 {
		w.free = w.free[:n-1]
	} else {
		w.list = append(w.list, tagWait{})
	}
	w.list[i] = tagWait{makeTag(b), hash, ref}
	w.byTag.Insert(hash, i)
}

// take removes the wait of that ticket and returns its tag.
func (w *waits) take(ticket uint32) tag {
	i := ticket - 1
	wait := &w.list[i]
	t := wait.tag
	wait.tag.n = 0
	w.byTag.Remove(wait.hash, i)
	w.free = append(w.free, i)
	if w.byTag.Len() == 0 && len(w.list) > waitsKept {
		*w = waits{} // many waits at once are rare, and connections live long
	}
	return t
}
