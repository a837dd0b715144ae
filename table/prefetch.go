package table

// prefetchFrom is how many locks make it worth to prefetch: their records no
// longer fit into a second-level cache of 1 or 2 MiB. Before that it costs more
// than it brings.
const prefetchFrom = 16_384

// Prefetch asks the processor to bring what commands on names of these hashes will
// read first, if the table is too large to be in its caches: the shards, their
// places of the index, and the records there, or the free ones that new locks take. So the waits
// for memory overlap, instead of following one another.
//
// It is a hint and no access. It holds no mutex; what it reads on its way from
// the shard to the record may be out of date or torn, and decides nothing but
// which addresses are prefetched, which can't fault.
func (t *Table) Prefetch(hashes []uint64) {
	if t.large() {
		prefetch(t, hashes)
	}
}

// large tells whether there are surely more than prefetchFrom locks; it may
// take twice as many, since shards hoard credits.
func (t *Table) large() bool { return t.locks.taken() > prefetchFrom+Shards*2*t.locks.block }
