package table

// freeSort finds the chunks of lock records that are free as a whole, and takes their records out
// of the list of free records, so that their memory can be given back. The list is linked through
// the records and not sorted, which costs an ACQUIRE and a RELEASE nothing; so it is walked once,
// in pieces:
//
//	begin    all free records are the rest; the list at hand is empty
//	sift     one record after the other leaves the rest and joins the free ones of its chunk
//	take     chunk after chunk: if all its records are there, its memory is given back; else
//	         they are at hand again
//
// Between pieces records that are freed are at hand, and so are taken first. When there is none,
// handBack makes some of the others be at hand.
type freeSort struct {
	rest   uint32       // free records that are not sifted, a list
	next   uint32       // chunks from here on are settled, when rest is empty
	chunks []siftedFree // by chunk; nil: nothing is being sorted
	vacant []uint32     // chunks without memory, the lowest last
}

// siftedFree are the free records of one chunk, a list.
type siftedFree struct {
	first, last uint32
	n           int32
}

func (f *freeSort) active() bool { return f.chunks != nil }

// mapped returns how many chunks have memory.
func (f *freeSort) mapped(b *lockSlab) int { return len(b.chunks) - len(f.vacant) }

// vacantChunk returns the chunk that gets memory next.
func (f *freeSort) vacantChunk(b *lockSlab) int {
	last := len(f.vacant) - 1
	if last < 0 {
		return len(b.chunks)
	}
	chunk := f.vacant[last]
	f.vacant = f.vacant[:last]
	return int(chunk)
}

// begin makes all free records the rest.
func (f *freeSort) begin(b *lockSlab) {
	f.rest, b.free = b.free, none
	f.chunks = make([]siftedFree, len(b.chunks))
	f.next = uint32(len(f.chunks))
}

// sift moves a record from the rest to its chunk. There must be one.
func (f *freeSort) sift(b *lockSlab) {
	i := f.rest
	l := b.at(i)
	f.rest = l.first
	c := &f.chunks[i>>lockChunkBits]
	if c.n == 0 {
		l.first, c.last = none, i
	} else {
		l.first = c.first
	}
	c.first = i
	c.n++
}

// takeChunk takes the highest chunk that is not settled, and returns it and whether all its records
// are free. If they are and may go, its memory is the caller's to give up, by vacate; else they
// are at hand again.
func (f *freeSort) takeChunk(b *lockSlab, mayGo bool) (chunk uint32, goes bool) {
	f.next--
	c := f.chunks[f.next]
	switch {
	case c.n == lockChunkLen && mayGo:
		return f.next, true
	case c.n > 0:
		b.at(c.last).first = b.free
		b.free = c.first
	}
	return f.next, false
}

// vacate gives up the memory of a chunk that takeChunk has returned.
func (f *freeSort) vacate(b *lockSlab, chunk uint32) {
	b.chunks[chunk] = nil
	at := len(f.vacant)
	for at > 0 && f.vacant[at-1] < chunk { // mostly the lowest of all
		at--
	}
	f.vacant = append(f.vacant, 0)
	copy(f.vacant[at+1:], f.vacant[at:])
	f.vacant[at] = chunk
}

// end is called when all is settled.
func (f *freeSort) end() { f.chunks = nil }

// handBack makes a record, or those of a chunk, be at hand again while they are sorted. It
// reports whether there was any.
func (f *freeSort) handBack(b *lockSlab) bool {
	if !f.active() {
		return false
	}
	if f.rest != none {
		i := f.rest
		l := b.at(i)
		f.rest = l.first
		l.first, b.free = b.free, i
		return true
	}
	for f.next > 0 && b.full() {
		f.takeChunk(b, false)
	}
	return !b.full()
}
