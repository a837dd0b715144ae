package table

import "math/bits"

const (
	slabChunkBits = 6 // records per chunk, and a bit of a word for each
	slabChunkLen  = 1 << slabChunkBits
	slabChunkMask = slabChunkLen - 1
)

// slab allocates records by index. Records never move.
//
// It uses the records of one chunk in turn, from its first free one on. So the records of one read
// lie side by side, in whatever order earlier ones were freed.
type slab[T any] struct {
	// nil: no memory; it gets some when one of its records is taken
	chunks []*[slabChunkLen]T
	freeOf []freeRecords // by chunk
	open   uint32        // a chunk with free records, or none
	live   int
	mapped int // chunks with memory
	idle   int // chunks with memory whose records are all free
}

// freeRecords are the free records of a chunk. They outlive its memory.
type freeRecords struct {
	free       uint64 // bit i: record i
	next       uint32 // next chunk with free records, if this one has some
	generation uint32 // raised whenever a record is taken
}

func (b *slab[T]) at(i uint32) *T { return &b.chunks[i>>slabChunkBits][i&slabChunkMask] }

func (b *slab[T]) len() uint32 { return uint32(len(b.chunks)) << slabChunkBits }

// inUse returns the record i, or nil if it is free.
func (b *slab[T]) inUse(i uint32) *T {
	if i >= b.len() || b.freeOf[i>>slabChunkBits].free&(1<<(i&slabChunkMask)) != 0 {
		return nil
	}
	return b.at(i)
}

// take returns a free record, and the present generation of its chunk.
func (b *slab[T]) take() (i, generation uint32) {
	if b.live == int(b.len()) {
		b.grow()
	}
	chunk := b.open
	if b.chunks[chunk] == nil {
		b.chunks[chunk] = new([slabChunkLen]T)
		b.mapped++
		b.idle++
	}
	free := &b.freeOf[chunk]
	if free.free == ^uint64(0) {
		b.idle--
	}
	free.generation++
	i = chunk<<slabChunkBits | uint32(bits.TrailingZeros64(free.free))
	if free.free &= free.free - 1; free.free == 0 {
		b.open = free.next
	}
	b.live++
	return i, free.generation
}

func (b *slab[T]) grow() {
	b.open = uint32(len(b.chunks))
	b.chunks = append(b.chunks, nil)
	b.freeOf = append(b.freeOf, freeRecords{free: ^uint64(0), next: none})
}

// hasRoom reports whether take needs no new memory.
func (b *slab[T]) hasRoom() bool {
	return b.open != none && b.live != int(b.len()) && b.chunks[b.open] != nil
}

// giveBack frees the memory of a chunk if all its records are free, and reports whether it did.
func (b *slab[T]) giveBack(chunk int) bool {
	if b.chunks[chunk] == nil || b.freeOf[chunk].free != ^uint64(0) {
		return false
	}
	b.chunks[chunk] = nil
	b.mapped--
	b.idle--
	return true
}

func (b *slab[T]) drop(i uint32) {
	chunk := i >> slabChunkBits
	free := &b.freeOf[chunk]
	if free.free == 0 {
		free.next, b.open = b.open, chunk
	}
	if free.free |= 1 << (i & slabChunkMask); free.free == ^uint64(0) {
		b.idle++
	}
	b.live--
}
