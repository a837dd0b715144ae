package wheel

import "math/bits"

const (
	levelBits = 6
	slots     = 1 << levelBits
	slotMask  = slots - 1
	levels    = 5
	chunkBits = 8 // nodes per chunk: 4 KiB
	chunkLen  = 1 << chunkBits
	chunkMask = chunkLen - 1
	slotBits  = 9 // level*64+slot < 320, and noSlot
	slotAll   = 1<<slotBits - 1
	noSlot    = slotAll // in node.when: the entry is not in a slot
	none      = ^uint32(0)
	topShift  = levelBits * (levels - 1)
)

// HorizonTicks is how far ahead of the present an entry may be due: 12 days of milliseconds. An
// entry beyond it is handed out at the horizon. The caller tests the exact deadline anyway and adds
// the entry again.
const HorizonTicks = slotMask<<topShift - 1

// node is the place of one entry. An entry is in at most one slot; the first of a slot has prev ==
// none.
type node struct {
	next, prev uint32
	when       uint64 // tick << slotBits | level << 6 | slot, or noSlot in the low bits
}

// Wheel holds the entries. The zero value is empty, at tick 0.
type Wheel struct {
	now      uint64         // all ticks below are handed out; no entry lies before it
	cascade  int            // level whose slot at now is being moved down; 0: none
	occupied [levels]uint64 // bit s: slot s is not empty
	heads    [levels * slots]uint32
	nodes    []*[chunkLen]node // nil: no entry of the chunk is in the wheel
	mapped   int               // chunks with memory
	count    int
}

// Len returns the number of entries.
func (w *Wheel) Len() int { return w.count }

// Reset empties the wheel, sets its present, and frees its memory.
func (w *Wheel) Reset(now uint64) { *w = Wheel{now: now} }

const (
	EntryBytes = 16       // memory of one entry
	ChunkLen   = chunkLen // entries whose memory is given back together
)

// Bytes returns the memory of the wheel in bytes, without its own struct.
func (w *Wheel) Bytes() int { return w.mapped * chunkLen * EntryBytes }

func (w *Wheel) node(id uint32) *node { return &w.nodes[id>>chunkBits][id&chunkMask] }

// Add puts the entry id in, due at tick. An entry with a past tick is due immediately. The entry
// must not be in the wheel.
func (w *Wheel) Add(id uint32, tick uint64) {
	if chunk := int(id >> chunkBits); chunk >= len(w.nodes) || w.nodes[chunk] == nil {
		w.grow(chunk)
	}
	w.count++
	w.link(id, w.node(id), tick)
}

// Move puts the entry id in, due at tick, whether or not it was in the wheel. It returns the tick
// at which the entry will be handed out.
func (w *Wheel) Move(id uint32, tick uint64) uint64 {
	if w.Has(id) {
		w.Remove(id)
	}
	w.Add(id, tick)
	return w.Tick(id)
}

// grow makes a chunk of nodes that are in no slot.
func (w *Wheel) grow(chunk int) {
	for chunk >= len(w.nodes) {
		w.nodes = append(w.nodes, nil)
	}
	nodes := new([chunkLen]node)
	for i := range nodes {
		nodes[i].when = noSlot
	}
	w.nodes[chunk] = nodes
	w.mapped++
}

// GiveBack frees the chunk of this entry if none of the chunk's entries is in the wheel, and
// reports whether it did. It looks at up to ChunkLen entries.
func (w *Wheel) GiveBack(id uint32) bool {
	chunk := int(id >> chunkBits)
	if chunk >= len(w.nodes) || w.nodes[chunk] == nil {
		return false
	}
	for i := range w.nodes[chunk] {
		if w.nodes[chunk][i].when&slotAll != noSlot {
			return false
		}
	}
	w.nodes[chunk] = nil
	w.mapped--
	return true
}

// link puts the node into the slot of its tick, seen from now.
func (w *Wheel) link(id uint32, n *node, tick uint64) {
	tick = min(max(tick, w.now), w.now+HorizonTicks)
	level := 0
	if diff := tick ^ w.now; diff >= slots {
		// The top level is a ring. The horizon is one slot short of a round, so that a tick of the
		// next round never falls into the present slot.
		level = min((bits.Len64(diff)-1)/levelBits, levels-1)
	}
	slot := uint32(tick>>(level*levelBits)) & slotMask
	at := uint32(level)<<levelBits | slot
	n.when = tick<<slotBits | uint64(at)
	n.prev, n.next = none, none
	if w.occupied[level]&(1<<slot) != 0 {
		n.next = w.heads[at]
		w.node(n.next).prev = id
	}
	w.occupied[level] |= 1 << slot
	w.heads[at] = id
}

// unlink takes the node out of its slot.
func (w *Wheel) unlink(n *node) {
	at := n.when & slotAll
	if n.next != none {
		w.node(n.next).prev = n.prev
	}
	switch {
	case n.prev != none:
		w.node(n.prev).next = n.next
	case n.next != none:
		w.heads[at] = n.next
	default:
		w.occupied[at>>levelBits] &^= 1 << (at & slotMask)
	}
	n.when |= noSlot
}

// Remove takes the entry out. It must be in the wheel.
func (w *Wheel) Remove(id uint32) {
	n := w.node(id)
	if n.when&slotAll == noSlot {
		panic("BUG: wheel entry removed twice")
	}
	w.unlink(n)
	w.count--
}

// Has reports whether the entry is in the wheel.
func (w *Wheel) Has(id uint32) bool {
	chunk := int(id >> chunkBits)
	return chunk < len(w.nodes) && w.nodes[chunk] != nil && w.node(id).when&slotAll != noSlot
}

// Tick returns the tick at which the entry is handed out. The entry must be in the wheel.
func (w *Wheel) Tick(id uint32) uint64 { return w.node(id).when >> slotBits }

// Pop takes out and returns an entry that is due at or before tick to. Every move of an entry
// counts one against *budget, which must be positive. If ok is false, either nothing is due by tick
// to, or the budget is used up.
func (w *Wheel) Pop(to uint64, budget *int) (id uint32, ok bool) {
	for *budget > 0 {
		if w.cascade > 0 {
			w.cascadeOne()
			*budget--
			continue
		}
		level, start := w.next()
		if level < 0 || start > to {
			w.now = max(w.now, to)
			return 0, false
		}
		w.now = max(w.now, start)
		if level > 0 {
			w.cascade = level
			continue
		}
		id = w.heads[w.now&slotMask]
		w.unlink(w.node(id))
		w.count--
		*budget--
		return id, true
	}
	return 0, false
}

// cascadeOne moves down one entry of the slot that the present has reached.
func (w *Wheel) cascadeOne() {
	level := w.cascade
	slot := uint32(w.now>>(level*levelBits)) & slotMask
	if w.occupied[level]&(1<<slot) == 0 {
		w.cascade = 0
		return
	}
	id := w.heads[uint32(level)<<levelBits|slot]
	n := w.node(id)
	tick := n.when >> slotBits
	w.unlink(n)
	w.link(id, n, tick)
}

// next returns the level of the earliest occupied slot and its first tick, or level -1 if the wheel
// is empty.
func (w *Wheel) next() (level int, start uint64) {
	for level := range levels {
		if occ := w.occupied[level]; occ != 0 {
			shift := level * levelBits
			present := w.now >> shift
			ahead := bits.TrailingZeros64(bits.RotateLeft64(occ, -int(present&slotMask)))
			return level, (present + uint64(ahead)) << shift
		}
	}
	return -1, 0
}

// Next returns a lower bound of the tick at which Pop has something to do, or false if the wheel is
// empty.
func (w *Wheel) Next() (tick uint64, ok bool) {
	if w.cascade > 0 {
		return w.now, true
	}
	level, start := w.next()
	return max(start, w.now), level >= 0
}
