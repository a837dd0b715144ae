package table

import "math/bits"

const (
	// sparseFrom is how many records there must be for each wanted one before List uses listSparse.
	sparseFrom = 8
	// sparseMax is how many wanted records one look finds: as many as LOCKS copies while it holds
	// the mutex.
	sparseMax = 16
	// sparseCost is how many slots of the index cost as much as a look at one record: 8 slots share
	// a cache line, and the processor fetches the next line by itself.
	sparseCost = 64
)

// lowest keeps the smallest record numbers that it was offered, sorted and each once.
type lowest struct {
	recs [sparseMax]uint32
	n    int
}

func (c *lowest) offer(rec uint32) {
	at := c.n
	for at > 0 && c.recs[at-1] >= rec {
		at--
	}
	if at == sparseMax || at < c.n && c.recs[at] == rec {
		return
	}
	c.n = min(c.n+1, sparseMax)
	copy(c.recs[at+1:c.n], c.recs[at:])
	c.recs[at] = rec
}

// listSparse is List for a shard in which few records are wanted. It finds them in the index, or
// through the waiting requests, if these are fewer than the records in use. So it looks at no more
// than a sparseFrom-th of all records, however many requests wait for a lock.
func (s *Shard) listSparse(
	at *uint32, scan *int, n int, f *Filter, out *Statuses, fx *Effects,
) (done bool) {
	if n == 0 || *scan == 0 {
		return false
	}
	var c lowest
	looked := 0
	if f.Contended && s.waiters.live < s.locks.live() {
		looked = s.contendedFrom(*at, &c)
	} else {
		looked = s.liveFrom(*at, &c)
	}
	*scan = max(0, *scan-looked-c.n)
	for _, rec := range c.recs[:c.n] {
		if *at = rec; n == 0 {
			return false
		}
		if s.listOne(rec, f, out, fx) {
			n--
		}
		*at++
	}
	if c.n == sparseMax {
		return false
	}
	*at = s.locks.len()
	return true
}

// liveFrom finds records in use from at on and returns the cost, in looks at records.
func (s *Shard) liveFrom(at uint32, c *lowest) (looked int) {
	for _, slot := range s.index.Slots {
		if slot.Rec > at { // a slot has the record plus one
			c.offer(slot.Rec - 1)
		}
	}
	return len(s.index.Slots) / sparseCost
}

// contendedFrom finds records with waiters from at on and returns the cost.
func (s *Shard) contendedFrom(at uint32, c *lowest) (looked int) {
	for chunk := range s.waiters.freeOf {
		for live := ^s.waiters.freeOf[chunk].free; live != 0; live &= live - 1 {
			i := uint32(chunk)<<slabChunkBits | uint32(bits.TrailingZeros64(live))
			if lock := s.waiters.at(i).lock; lock >= at {
				c.offer(lock)
			}
			looked++
		}
	}
	return looked
}
