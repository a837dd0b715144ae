package engine

import (
	"hash/maphash"
	"iter"
	"math/bits"

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
// untagged wait, which lives in pending; ticket i+1 is place i.
//
// Clients mostly count: a tag above all that came since none was open is not
// in use. Only when tags do not rise there is an index of them, until none is open again. It
// answers that from 8 bytes, where a map of tags would fetch a line of memory for each, and it
// grows without moving or hashing a tag.
type waits struct {
	// Chunk k has waitsMin<<k places. So they are never moved, memory is as for
	// doubling, and little for the few waits that a connection mostly has.
	chunks [][]tagWait
	used   uint32 // places that have been given out
	free   uint32 // ticket of a place that is free again, 0: none
	open   int    // requests that wait

	highest tag // the greatest since none was open; not kept up once indexed
	indexed bool
	byTag   index.Index // places, if indexed; else empty
}

type tagWait struct {
	tag  tag    // empty: free
	hash uint32 // if indexed; of a free place, the ticket of the next, 0: none
	ref  table.WaiterRef
}

// waitsMin is the number of places of the first chunk.
const waitsMin = 8

// at returns the place of a ticket that has been given out.
func (w *waits) at(ticket uint32) *tagWait {
	i := ticket - 1 + waitsMin
	k := bits.Len32(i/waitsMin) - 1
	return &w.chunks[k][i-waitsMin<<k]
}

// all are the requests that wait, by ticket: mostly in the order in which they came, as their memory is.
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

// above tells whether tag a is longer than b, or as long and greater: behind it when one counts.
func above(a, b []byte) bool {
	return len(a) > len(b) || len(a) == len(b) && string(a) > string(b)
}

// inUse tells whether a tag is that of a request that waits.
func (w *waits) inUse(b []byte) bool {
	if w.open == 0 || !w.indexed && above(b, w.highest.text()) {
		return false
	}
	w.makeIndex()
	hash := hashTag(b)
	slot, ticket := w.byTag.Find(hash, hash)
	for ticket != 0 && string(w.at(ticket).tag.text()) != string(b) {
		slot, ticket = w.byTag.Find(hash, slot+1)
	}
	return ticket != 0
}

// makeIndex puts the requests that wait into the index, if they are not there.
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

// add keeps a wait, whose tag is not in use, under the ticket that nextTicket has announced.
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
			*w = waits{} // many waits at once are rare, and connections live long
		}
	}
	return t
}
