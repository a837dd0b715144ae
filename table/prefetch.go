package table

// prefetchFrom is the number of locks above which a table with one thread prefetches: their records
// no longer fit into a second-level cache of 1 or 2 MiB. Below it prefetching costs more than it
// saves.
const prefetchFrom = 16_384

// Prefetch asks the processor to fetch the memory that commands on names of these hashes will read
// first. That is the shards, their places of the index, and the records there, or the free records
// that new locks take. So the waits for memory overlap instead of following one another. Prefetch
// does so if the table is too large for the caches, or if several processors share it.
//
// It is a hint, not an access. It holds no mutex. The values that it reads between the shard and
// the record may be out of date or freed; they only decide which addresses are prefetched, and a
// prefetch can't fault. The memory it reads exists, see extendReach.
func (t *Table) Prefetch(hashes []uint64) {
	if t.config.Shared || t.large() {
		prefetch(t, hashes)
	}
}

// large reports whether there are certainly more than prefetchFrom locks. It may return true only
// at twice as many, since shards hoard credits.
func (t *Table) large() bool { return t.locks.taken() > prefetchFrom+Shards*2*t.locks.block }

// extendReach publishes how far prefetch may read: the mask of the slots in the low half, then the
// number of chunks, and how often the index was made smaller. prefetch reads this first, and the
// addresses of slots and chunks after it; they are stored in the other order. So the reach is never
// larger than the slices that prefetch finds, as long as both only grow. A slice header read while
// it is replaced would not guarantee that, because the new length could come with the old address.
//
// When the index is made smaller, the reach is 0 meanwhile, and afterwards differs from the one
// before, whatever the sizes. prefetch reads it again after the address of the slots, and gives up
// if it has changed. An old reach could only equal the present one if a processor stopped between
// two instructions for 4,096 of these changes, some seconds each.
func (s *Shard) extendReach() {
	chunks := min(len(s.locks.chunks), reachChunks)
	s.reach.Store(uint64(s.shrinks)<<(32+reachChunkBits) | uint64(chunks)<<32 | uint64(s.index.Mask()))
}

// reachChunks is the largest number of chunks in the reach. Records after it are not prefetched.
const (
	reachChunkBits = 20
	reachChunks    = 1<<reachChunkBits - 1
)
