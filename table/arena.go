package table

import "encoding/binary"

// ref locates a string in the arena: its chunk plus one, and the unit of 16 bytes within it. Zero
// is none.
type ref uint32

const (
	unitBits       = 4
	arenaChunkBits = 12 // 4 KiB; in each shard one chunk of each size can be almost empty
	arenaChunkLen  = 1 << arenaChunkBits
	refInChunkBits = arenaChunkBits - unitBits
	refMask        = 1<<refInChunkBits - 1
	classMin       = 32   // bytes of the smallest block
	classes        = 7    // 32, 64, 128, 256, 512, 1024, 2048
	classMax       = 2048 // bytes of the largest block: name, service and id of a request
)

// arena keeps the strings that do not fit into their record: long names and service ids, and META.
// Blocks have one of seven sizes. All blocks of a chunk have the same size, so a chunk without a
// block in use can be given back. Blocks do not move.
type arena struct {
	chunks []arenaChunk
	open   [classes]uint32 // first chunk of that size with room, plus one; 0: none
	vacant uint32          // first chunk without memory, plus one, linked by next; 0: none
	mapped int             // chunks with memory
	idle   int             // chunks with memory and without a block in use
	blocks int             // blocks in use
	inUse  int             // bytes of the blocks in use
}

// arenaChunk is one chunk. It is in the list of its size while it has room.
type arenaChunk struct {
	mem        *[arenaChunkLen]byte // nil: no memory
	next, prev uint32               // in the list, plus one; 0: none
	free       uint16               // first free block, its unit plus one, linked within; 0: none
	carved     uint16               // units that were used at least once
	used       uint16               // blocks in use
	class      uint8
}

// classOf returns the smallest class whose blocks hold n bytes.
func classOf(n int) int {
	class := 0
	for size := classMin; size < n; size <<= 1 {
		class++
	}
	return class
}

// unitsOf returns how many units a block of the class has.
func unitsOf(class uint8) uint16 { return classMin << class >> unitBits }

func (c *arenaChunk) at(unit uint16) []byte { return c.mem[int(unit)<<unitBits:] }

// full reports whether the chunk has no room for a block.
func (c *arenaChunk) full() bool { return c.free == 0 && c.carved == 1<<refInChunkBits }

// get returns the n bytes at r. They alias the arena; a caller that keeps them makes a copy.
func (a *arena) get(r ref, n int) []byte {
	return a.chunks[r>>refInChunkBits-1].at(uint16(r & refMask))[:n:n]
}

// put copies b into a block and returns its place.
func (a *arena) put(b []byte) ref {
	class := classOf(len(b))
	if a.open[class] == 0 {
		a.openChunk(uint8(class))
	}
	at := a.open[class]
	c := &a.chunks[at-1]
	unit := c.carved
	if c.free != 0 {
		unit = c.free - 1
		c.free = binary.LittleEndian.Uint16(c.at(unit))
	} else {
		c.carved += unitsOf(c.class)
	}
	if c.used++; c.used == 1 {
		a.idle--
	}
	if c.full() {
		a.unlink(c)
	}
	a.blocks++
	a.inUse += classMin << class
	copy(c.at(unit), b)
	return ref(at)<<refInChunkBits | ref(unit)
}

// drop frees the block of n bytes at r.
func (a *arena) drop(r ref, n int) {
	at, unit := uint32(r>>refInChunkBits), uint16(r&refMask)
	c := &a.chunks[at-1]
	if c.full() {
		a.link(at)
	}
	binary.LittleEndian.PutUint16(c.at(unit), c.free)
	c.free = unit + 1
	if c.used--; c.used == 0 {
		a.idle++
	}
	a.blocks--
	a.inUse -= classMin << classOf(n)
}

// openChunk gets a chunk for blocks of the class.
func (a *arena) openChunk(class uint8) {
	at := a.vacant
	if at != 0 {
		a.vacant = a.chunks[at-1].next
	} else {
		a.chunks = append(a.chunks, arenaChunk{})
		at = uint32(len(a.chunks))
	}
	a.chunks[at-1] = arenaChunk{mem: new([arenaChunkLen]byte), class: class}
	a.mapped++
	a.idle++
	a.link(at)
}

// link puts a chunk with room first in the list of its size.
func (a *arena) link(at uint32) {
	c := &a.chunks[at-1]
	first := &a.open[c.class]
	c.prev, c.next = 0, *first
	if *first != 0 {
		a.chunks[*first-1].prev = at
	}
	*first = at
}

func (a *arena) unlink(c *arenaChunk) {
	if c.prev != 0 {
		a.chunks[c.prev-1].next = c.next
	} else {
		a.open[c.class] = c.next
	}
	if c.next != 0 {
		a.chunks[c.next-1].prev = c.prev
	}
}

// giveBack frees the memory of chunk i if none of its blocks is in use, and reports whether it did.
func (a *arena) giveBack(i int) bool {
	c := &a.chunks[i]
	if c.mem == nil || c.used > 0 {
		return false
	}
	a.unlink(c)
	*c = arenaChunk{next: a.vacant}
	a.vacant = uint32(i) + 1
	a.mapped--
	a.idle--
	return true
}

func (a *arena) bytes() int { return a.mapped * arenaChunkLen }
