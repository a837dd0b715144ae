package table

import (
	"cmp"
	"encoding/binary"
	"math/bits"
	"slices"

	"dlm/codec"
)

const (
	censusBest     = 1000 // locks in each list of a Census
	censusSegments = 4096 // first segments of names that a Census counts one by one
	// segmentMax is the longest first segment. A longer one is counted among the others.
	segmentMax   = 128
	censusRecent = 1 << recentBits
	recentBits   = 12
)

// Separators are the bytes that end the first segment of a name.
const Separators = "/:."

// CensusLock is one lock in a list of a Census. If it has several holders, the times are those of
// one that has held it for long.
type CensusLock struct {
	Shard    uint8
	Index    uint32
	Token    codec.Token
	Since    int64 // when the holder was granted, table time in ns
	Deadline int64 // end of the lease, table time in ns
}

// Segment counts the locks whose names begin with the same first segment.
type Segment struct {
	Locks, Waiters int
	name           string
}

// Census is what a walk over all records of locks has found. The zero value is ready.
type Census struct {
	Held     int
	Ages     Histogram           // of the present holds
	Oldest   []CensusLock        // the longest holds, the longest first after Finish
	EndsNext []CensusLock        // leases by their end, the next first after Finish
	Segments map[string]*Segment // by first segment, with its separator
	Others   Segment             // locks of no segment, or of one that is not counted by itself

	// recent has segments that were met, by a hash of their names. It saves most lookups in
	// Segments.
	recent [censusRecent]*Segment
}

// Know makes room for segments that are likely frequent, because a Census counts the segments that
// it meets first.
func (c *Census) Know(segments []string) {
	c.Segments = make(map[string]*Segment, censusSegments)
	for _, name := range segments {
		c.Segments[name] = &Segment{name: name}
	}
}

// Census adds locks of the shard to c. It looks at scan records at most, from *at on, and moves *at
// on. It returns true if it has come to the end.
func (s *Shard) Census(now int64, at *uint32, scan int, c *Census) (done bool) {
	s.setTime(now)
	end := min(int64(s.locks.len()), int64(*at)+int64(scan))
	for ; int64(*at) < end; *at++ {
		l := s.locks.record(*at)
		if l == nil { // the chunk has no memory
			*at |= lockChunkMask
			continue
		}
		if l.nameLen == 0 {
			continue
		}
		c.count(s.name(l), int(l.waiters))
		if !l.state.held() {
			continue
		}
		c.Held++
		h, ok := s.someHolder(l, nil)
		if !ok {
			continue
		}
		x, g := l.holdOf(h)
		c.Ages.add(s.now - g.since)
		if c.oldest(g.since) || c.endsNext(x.deadline) {
			c.offer(CensusLock{s.number, *at, l.token, g.since, x.deadline})
		}
	}
	return *at >= s.locks.len()
}

// count counts a name by its first segment.
func (c *Census) count(name []byte, waiters int) {
	segment := c.segmentOf(name)
	segment.Locks++
	segment.Waiters += waiters
}

func (c *Census) segmentOf(name []byte) *Segment {
	cut := firstSeparator(name[:min(len(name), segmentMax)])
	if cut < 0 {
		return &c.Others
	}
	key := name[:cut+1]
	place := recentPlace(key)
	for _, s := range [...]*Segment{c.recent[place], c.recent[place^1]} {
		if s != nil && s.name == string(key) {
			return s
		}
	}
	found := c.Segments[string(key)]
	if found == nil {
		if len(c.Segments) >= censusSegments {
			return &c.Others
		}
		if c.Segments == nil {
			c.Segments = make(map[string]*Segment)
		}
		found = &Segment{name: string(key)}
		c.Segments[found.name] = found
	}
	c.recent[place^1] = c.recent[place]
	c.recent[place] = found
	return found
}

// recentPlace is where a segment is looked for in recent. Its first and last bytes tell most
// segments apart.
func recentPlace(key []byte) uint64 {
	var word uint64
	if n := len(key); n >= 8 {
		word = binary.LittleEndian.Uint64(key)*foldFactor ^ binary.LittleEndian.Uint64(key[n-8:])
	} else {
		for _, b := range key {
			word = word<<8 | uint64(b)
		}
	}
	return word * foldFactor >> (64 - recentBits)
}

// firstSeparator returns the index of the first of Separators, or -1. It is several times as fast
// as bytes.IndexAny, which makes a set of them for each call.
func firstSeparator(name []byte) int {
	i := 0
	for ; i+8 <= len(name); i += 8 {
		w := binary.LittleEndian.Uint64(name[i:])
		if found := bytesOf(w, '/') | bytesOf(w, ':') | bytesOf(w, '.'); found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for ; i < len(name); i++ {
		if b := name[i]; b == '/' || b == ':' || b == '.' {
			return i
		}
	}
	return -1
}

// bytesOf returns a word whose lowest bit is the top bit of the first byte of w that is b, or 0 if
// there is none. Bits above that one may be set for other bytes.
func bytesOf(w uint64, b byte) uint64 {
	const ones = 0x0101010101010101
	w ^= ones * uint64(b)
	return (w - ones) &^ w & (ones << 7)
}

// offer puts the lock into the lists, if it belongs there. A list is sorted when it is full, and
// cut when it is twice as long, so that most locks cost two comparisons.
func (c *Census) offer(l CensusLock) {
	if c.oldest(l.Since) {
		c.Oldest = keepBest(append(c.Oldest, l), bySince)
	}
	if c.endsNext(l.Deadline) {
		c.EndsNext = keepBest(append(c.EndsNext, l), byDeadline)
	}
}

// keepBest sorts and cuts a list that has got one more lock, if it is time.
func keepBest(list []CensusLock, order func(a, b CensusLock) int) []CensusLock {
	if n := len(list); n != censusBest && n != 2*censusBest {
		return list
	}
	return best(list, order)
}

// best returns the first locks of a list in that order, sorted.
func best(list []CensusLock, order func(a, b CensusLock) int) []CensusLock {
	slices.SortFunc(list, order)
	return list[:min(len(list), censusBest)]
}

func bySince(a, b CensusLock) int { return cmp.Compare(a.Since, b.Since) }

func byDeadline(a, b CensusLock) int { return cmp.Compare(a.Deadline, b.Deadline) }

// oldest reports whether a hold may belong to the longest, and endsNext whether a lease may belong
// to those that end next.
func (c *Census) oldest(since int64) bool {
	return len(c.Oldest) < censusBest || since < c.Oldest[censusBest-1].Since
}

func (c *Census) endsNext(deadline int64) bool {
	return len(c.EndsNext) < censusBest || deadline < c.EndsNext[censusBest-1].Deadline
}

// Finish sorts the lists, when all shards have been counted.
func (c *Census) Finish() {
	c.Oldest = best(c.Oldest, bySince)
	c.EndsNext = best(c.EndsNext, byDeadline)
}
