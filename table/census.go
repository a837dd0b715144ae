package table

import (
	"bytes"
	"cmp"
	"slices"

	"dlm/codec"
)

const (
	censusBest     = 1000 // locks in each list of a Census
	censusSegments = 4096 // first segments of names that a Census counts one by one
	// segmentMax is the longest first segment. A longer one is counted among the others.
	segmentMax = 128
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
type Segment struct{ Locks, Waiters int }

// Census is what a walk over all records of locks has found. The zero value is ready.
type Census struct {
	Held     int
	Ages     Histogram           // of the present holds
	Oldest   []CensusLock        // the longest holds, the longest first after Finish
	EndsNext []CensusLock        // leases by their end, the next first after Finish
	Segments map[string]*Segment // by first segment, with its separator
	Others   Segment             // locks of no segment, or of one that is not counted by itself

	last    *Segment // of the lock before
	lastKey []byte
}

// Know makes room for segments that are likely frequent, because a Census counts the segments that
// it meets first.
func (c *Census) Know(segments []string) {
	c.Segments = make(map[string]*Segment, censusSegments)
	for _, name := range segments {
		c.Segments[name] = new(Segment)
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
		first := CensusLock{s.number, *at, l.token, l.since, l.deadline}
		if l.grouped() {
			h := s.someHolder(l, nil)
			if h == nil {
				continue
			}
			first.Since, first.Deadline = h.since, h.deadline
		}
		c.Ages.add(s.now - first.Since)
		c.offer(first)
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
	if c.last != nil && bytes.HasPrefix(name, c.lastKey) {
		return c.last
	}
	cut := firstSeparator(name[:min(len(name), segmentMax)])
	if cut < 0 {
		return &c.Others
	}
	key := name[:cut+1]
	found := c.Segments[string(key)]
	if found == nil {
		if len(c.Segments) >= censusSegments {
			return &c.Others
		}
		if c.Segments == nil {
			c.Segments = make(map[string]*Segment)
		}
		found = new(Segment)
		c.Segments[string(key)] = found
	}
	c.last, c.lastKey = found, append(c.lastKey[:0], key...)
	return found
}

// firstSeparator returns the index of the first of Separators, or -1. It is several times as fast
// as bytes.IndexAny, which makes a set of them for each call.
func firstSeparator(name []byte) int {
	for i, b := range name {
		if b == '/' || b == ':' || b == '.' {
			return i
		}
	}
	return -1
}

// offer puts the lock into the lists, if it belongs there. A list is sorted when it is full, and
// cut when it is twice as long, so that most locks cost two comparisons.
func (c *Census) offer(l CensusLock) {
	if n := len(c.Oldest); n < censusBest || l.Since < c.Oldest[censusBest-1].Since {
		if c.Oldest = append(c.Oldest, l); n+1 == censusBest || n+1 == 2*censusBest {
			c.cutOldest()
		}
	}
	if n := len(c.EndsNext); n < censusBest || l.Deadline < c.EndsNext[censusBest-1].Deadline {
		if c.EndsNext = append(c.EndsNext, l); n+1 == censusBest || n+1 == 2*censusBest {
			c.cutEndsNext()
		}
	}
}

func (c *Census) cutOldest() {
	slices.SortFunc(c.Oldest, func(a, b CensusLock) int { return cmp.Compare(a.Since, b.Since) })
	c.Oldest = c.Oldest[:min(len(c.Oldest), censusBest)]
}

func (c *Census) cutEndsNext() {
	slices.SortFunc(c.EndsNext, func(a, b CensusLock) int { return cmp.Compare(a.Deadline, b.Deadline) })
	c.EndsNext = c.EndsNext[:min(len(c.EndsNext), censusBest)]
}

// Finish sorts the lists, when all shards have been counted.
func (c *Census) Finish() {
	c.cutOldest()
	c.cutEndsNext()
}
