package engine

import (
	"hash/maphash"
	"iter"
	"math/bits"

	"dlm/codec"
	"dlm/table"
	"dlm/table/index"
)

// tag is the tag of a waiting request, copied because it outlives the input.
type tag struct {
	n     uint8
	bytes [codec.TagMax]byte
}

func makeTag(b []byte) (t tag) {
	t.n = uint8(copy(t.bytes[:], b))
	return t
}

func (t *tag) text() []byte { return t.bytes[:t.n] }

// waits are the waiting tagged requests of one connection. Ticket 0 is the untagged wait, which is
// in pending; ticket i+1 is place i.
//
// Most clients count: a tag above all others since no wait was open is not in use. If tags do not
// rise, waits makes an index of them, until no wait is open again. The index finds a tag in 8
// bytes, where a map would fetch a line of memory for each, and it grows without moving or hashing
// a tag.
type waits struct {
	// Chunk k has waitsMin<<k places. So places never move, and memory grows by doubling from the
	// few waits that most connections have.
	chunks [][]tagWait
	used   uint32 // places that were used at least once
	free   uint32 // ticket of a free place; 0: none
	open   int    // requests that wait

	highest tag // greatest tag since no wait was open; not updated once indexed
	indexed bool
	byTag   index.Index // places, if indexed; else empty
}

type tagWait struct {
	tag  tag    // empty: free
	hash uint32 // if indexed; in a free place, the ticket of the next one, 0: none
	ref  table.WaiterRef
}

// waitsMin is the number of places of the first chunk.
const waitsMin = 8

// at returns the place of a ticket.
func (w *waits) at(ticket uint32) *tagWait {
	i := ticket - 1 + waitsMin
	k := bits.Len32(i/waitsMin) - 1
	return &w.chunks[k][i-waitsMin<<k]
}

// all returns the waiting requests by ticket, usually in the order of their arrival and of their
// memory.
func (w *waits) all() iter.Seq2[uint32, *tagWait] {
	return func(yield func(uint32, *tagWait) bool) {
		ticket := uint32(0)
		for _, chunk := range w.chunks {
			for i := range chunk {
				if ticket++; chunk[i].tag.n > 0 && !yield(ticket, &chunk[i]) {
					return
				}
			}
		}
	}
}

// above reports whether a counter reaches tag a after tag b: a is longer, or as long and greater.
func above(a, b []byte) bool {
	return len(a) > len(b) || len(a) == len(b) && string(a) > string(b)
}

// inUse reports whether a waiting request has the tag.
func (w *waits) inUse(b []byte) bool { return w.ticketOf(b) != 0 }

// ticketOf returns the ticket of the waiting request with that tag, or 0.
func (w *waits) ticketOf(b []byte) uint32 {
	if w.open == 0 || !w.indexed && above(b, w.highest.text()) {
		return 0
	}
	w.makeIndex()
	hash := hashTag(b)
	slot, ticket := w.byTag.Find(hash, hash)
	for ticket != 0 && string(w.at(ticket).tag.text()) != string(b) {
		slot, ticket = w.byTag.Find(hash, slot+1)
	}
	return ticket
}

// makeIndex puts the waiting requests into the index, if it is empty.
func (w *waits) makeIndex() {
	if w.indexed {
		return
	}
	w.indexed = true
	for ticket, wait := range w.all() {
		wait.hash = hashTag(wait.tag.text())
		w.byTag.Insert(wait.hash, ticket-1)
	}
}

// tagSeed is drawn for each process, so that no client can choose tags that collide.
var tagSeed = maphash.MakeSeed()

func hashTag(b []byte) uint32 { return uint32(maphash.Bytes(tagSeed, b)) }

// nextTicket returns the ticket that add will use.
func (w *waits) nextTicket() uint32 {
	if w.free != 0 {
		return w.free
	}
	return w.used + 1
}

// add keeps a wait under the ticket that nextTicket has returned. Its tag must not be in use.
func (w *waits) add(b []byte, ref table.WaiterRef) {
	if w.open > 0 && !above(b, w.highest.text()) {
		w.makeIndex()
	}
	ticket := w.nextTicket()
	if w.free != 0 {
		w.free = w.at(ticket).hash
	} else {
		if w.used == waitsMin<<len(w.chunks)-waitsMin {
			w.chunks = append(w.chunks, make([]tagWait, waitsMin<<len(w.chunks)))
		}
		w.used = ticket
	}
	w.open++
	wait := w.at(ticket)
	wait.tag, wait.ref = makeTag(b), ref
	if w.indexed {
		wait.hash = hashTag(b)
		w.byTag.Insert(wait.hash, ticket-1)
	} else {
		w.highest = wait.tag
	}
}

// take removes the wait of that ticket and returns its tag.
func (w *waits) take(ticket uint32) tag {
	wait := w.at(ticket)
	t := wait.tag
	if t.n == 0 {
		panic("BUG: a wait ends twice")
	}
	wait.tag.n = 0
	if w.indexed {
		w.byTag.Remove(wait.hash, ticket-1)
	}
	wait.hash, w.free = w.free, ticket
	if w.open--; w.open == 0 {
		w.indexed = false
		if w.used > waitsKept {
			*w = waits{} // many simultaneous waits are rare, and connections live long
		}
	}
	return t
}
