package table

// freeSort finds the chunks of lock records whose records are all free, and removes these records
// from the list of free records, so that their memory can be given back. The list is linked through
// the records and is not sorted, which costs ACQUIRE and RELEASE nothing. So freeSort walks it
// once, in pieces:
//
//	begin    all free records become the rest; the list of available records is empty
//	sift     one record after the other leaves the rest and joins the free ones of its chunk
//	take     one chunk after the other: if all its records are free, its memory is given back;
//	         else its free records become available again
//
// Records that are freed between pieces are available, and are used first. When there are none,
// handBack makes some of the others available.
type freeSort struct {
	rest   uint32       // list of the free records that are not sifted
	next   uint32       // chunks from here on are taken already, when rest is empty
	chunks []siftedFree // by chunk; nil: no sort runs
	vacant []uint32     // chunks without memory, the lowest last
}

// siftedFree is the list of a chunk's free records.
type siftedFree struct {
	first, last uint32
	n           int32
}

func (f *freeSort) active() bool { return f.chunks != nil }

// mapped returns how many chunks have memory.
func (f *freeSort) mapped(b *lockSlab) int { return len(b.chunks) - len(f.vacant) }

// vacantChunk returns the next chunk that gets memory.
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

// sift moves a record from the rest to its chunk. The rest must not be empty.
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

// takeChunk returns the highest chunk that was not taken, and whether all its records are free and
// mayGo is true. If so, the caller frees its memory with vacate. If not, its free records are
// available again.
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

// vacate frees the memory of a chunk that takeChunk has returned.
func (f *freeSort) vacate(b *lockSlab, chunk uint32) {
	b.chunks[chunk] = nil
	at := len(f.vacant)
	for at > 0 && f.vacant[at-1] < chunk { // usually it is the lowest
		at--
	}
	f.vacant = append(f.vacant, 0)
	copy(f.vacant[at+1:], f.vacant[at:])
	f.vacant[at] = chunk
}

// end ends the sort when all chunks are taken.
func (f *freeSort) end() { f.chunks = nil }

// handBack makes a record, or those of a chunk, available again during a sort. It reports whether
// there was any.
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
