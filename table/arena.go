package table

import "encoding/binary"

// ref is the place of a string in the arena, in units of 16 bytes. Zero is none.
type ref uint32

const (
	unitBits       = 4
	arenaChunkBits = 14 // 16 KiB per chunk
	arenaChunk     = 1 << arenaChunkBits
	refInChunkBits = arenaChunkBits - unitBits
	refMask        = 1<<refInChunkBits - 1
	classMin       = 32   // bytes of the smallest block
	classes        = 6    // 32, 64, 128, 256, 512, 1024
	classMax       = 1024 // bytes of the largest block: the longest lock name
)

// arena keeps the strings that have no room in their record: long names and
// service ids, META. Blocks have one of six sizes; a free block's first four
// bytes link it to the next of its size.
type arena struct {
	chunks []*[arenaChunk]byte
	used   uint32          // bytes given out of the last chunk
	free   [classes]uint32 // first free block by class, a ref; 0: none
	blocks int             // blocks in use
	inUse  int             // bytes of them
}

// classOf returns the smallest class whose blocks hold n bytes.
func classOf(n int) int {
	class := 0
	for size := classMin; size < n; size <<= 1 {
		class++
	}
	return class
}

func (a *arena) at(r ref) []byte {
	return a.chunks[r>>refInChunkBits][(r&refMask)<<unitBits:]
}

// get returns the n bytes at r. They alias the arena: copy what is kept.
func (a *arena) get(r ref, n int) []byte { return a.at(r)[:n:n] }

// put copies b into a block and returns its place.
func (a *arena) put(b []byte) ref {
	class := classOf(len(b))
	r := ref(a.free[class])
	if r != 0 {
		a.free[class] = binary.LittleEndian.Uint32(a.at(r))
	} else {
		r = a.carve(classMin << class)
	}
	a.blocks++
	a.inUse += classMin << class
	copy(a.at(r), b)
	return r
}

// carve takes a block off the last chunk, or off a new one.
func (a *arena) carve(size int) ref {
	if len(a.chunks) == 0 || int(a.used)+size > arenaChunk {
		a.chunks = append(a.chunks, new([arenaChunk]byte))
		a.used = 0
		if len(a.chunks) == 1 {
			a.used = classMin // so that no block has ref 0
		}
	}
	r := ref(len(a.chunks)-1)<<refInChunkBits | ref(a.used>>unitBits)
	a.used += uint32(size)
	return r
}

// drop frees the block of n bytes at r.
func (a *arena) drop(r ref, n int) {
	class := classOf(n)
	binary.LittleEndian.PutUint32(a.at(r), a.free[class])
	a.free[class] = uint32(r)
	a.blocks--
	a.inUse -= classMin << class
}

func (a *arena) bytes() int { return len(a.chunks) * arenaChunk }
