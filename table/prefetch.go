package table

// prefetchFrom is how many locks make it worth to prefetch a table that is not shared: their
// records no longer fit into a second-level cache of 1 or 2 MiB. Before that it costs more than
// it brings.
const prefetchFrom = 16_384

// Prefetch asks the processor to bring what commands on names of these hashes will read first, if
// the table is too large to be in its caches, or part of it in those of others: the shards, their
// places of the index, and the records there, or the free ones that new locks take. So the waits
// for memory overlap, instead of following one another.
//
// It is a hint and no access. It holds no mutex; what it reads on its way from
// the shard to the record may be out of date or freed, and decides nothing but
// which addresses are prefetched, which can't fault. What it reads is there, see
// extendReach.
func (t *Table) Prefetch(hashes []uint64) {
	if t.config.Shared || t.large() {
		prefetch(t, hashes)
	}
}

// large tells whether there are surely more than prefetchFrom locks; it may
// take twice as many, since shards hoard credits.
func (t *Table) large() bool { return t.locks.taken() > prefetchFrom+Shards*2*t.locks.block }

// extendReach tells prefetch how far it may read: the mask of the slots in the low half, then the
// number of chunks, and how often the index was made smaller. It reads this first, and the
// addresses of slots and chunks after it, while these are stored in the other order. So the reach
// it has is never larger than what it finds, as long as both only grow. A slice that it read
// while it is replaced would not have that: the new length could come with the old address.
//
// When the index is made smaller the reach is 0 meanwhile, and then another one than before,
// whatever the sizes. prefetch reads it once more behind the address of the slots, and what has
// changed it leaves alone. An old reach could only pass for the present one if a processor stood
// still between two instructions for 4,096 of these changes, some seconds each.
func (s *Shard) extendReach() {
	chunks := min(len(s.locks.chunks), reachChunks)
	s.reach.Store(uint64(s.shrinks)<<(32+reachChunkBits) | uint64(chunks)<<32 | uint64(s.index.Mask()))
}

// reachChunks is the largest number of chunks that the reach can tell. Records behind it are not
// prefetched.
const (
	reachChunkBits = 20
	reachChunks    = 1<<reachChunkBits - 1
)
