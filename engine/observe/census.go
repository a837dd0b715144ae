package observe

import (
	"cmp"
	"maps"
	"slices"

	"dlm/table"
)

const (
	// sampleRecords is how many records of each shard the first census looks at, to learn which
	// first segments are frequent.
	sampleRecords = 16
	// knownSegments is how many segments a census counts before those that it meets.
	knownSegments = 2048
)

// PrefixRow counts the locks whose names begin with the same first segment.
type PrefixRow struct {
	Prefix  Text `json:"prefix"` // with its separator
	Locks   int  `json:"locks"`
	Waiters int  `json:"waiters"`
}

// censusView is what a walk over all locks has found.
type censusView struct {
	held      int
	hold      []TopRow // longest hold first
	endsNext  []TopRow // lease that ends next first
	prefixes  []PrefixRow
	others    table.Segment
	ages      table.Histogram
	longestMs int64 // hold
	truncated bool  // there are more locks, or more segments, than rows
	segments  []string
}

// makeCensus walks all records of locks.
func (o *Observer) makeCensus(served Served) *censusView {
	var c table.Census
	if last := o.census.peek(); last != nil {
		c.Know(last.segments)
	} else {
		c.Know(frequent(sample(served)))
	}
	for i := range table.Shards {
		s := served.Table.ShardAt(i)
		for at, done := uint32(0), false; !done; {
			s.Lock()
			done = s.Census(served.Now, &at, holdRecords, &c)
			s.Unlock()
		}
	}
	c.Finish()
	v := &censusView{held: c.Held, others: c.Others, ages: c.Ages, truncated: c.Held > viewRows, segments: frequent(&c)}
	d := describer{served: &served}
	v.hold, v.endsNext = d.held(c.Oldest), d.held(c.EndsNext)
	if len(v.hold) > 0 {
		v.longestMs = v.hold[0].HeldMs
	}
	for name, n := range c.Segments {
		if n.Locks > 0 {
			v.prefixes = append(v.prefixes, PrefixRow{Text(name), n.Locks, n.Waiters})
		}
	}
	slices.SortFunc(v.prefixes, func(a, b PrefixRow) int {
		return cmp.Or(cmp.Compare(b.Locks, a.Locks), slices.Compare(a.Prefix, b.Prefix))
	})
	for len(v.prefixes) > viewRows {
		last := &v.prefixes[len(v.prefixes)-1]
		v.others.Locks, v.others.Waiters = v.others.Locks+last.Locks, v.others.Waiters+last.Waiters
		v.prefixes = v.prefixes[:len(v.prefixes)-1]
	}
	return v
}

// sample counts a few records of each shard.
func sample(served Served) *table.Census {
	c := new(table.Census)
	for s := range served.Table.Locked() {
		step := max(s.Records()/sampleRecords, 1)
		for first := uint32(0); first < s.Records(); first += step {
			at := first
			s.Census(served.Now, &at, 1, c)
		}
	}
	return c
}

// frequent returns the most frequent segments.
func frequent(c *table.Census) []string {
	names := slices.SortedFunc(maps.Keys(c.Segments), func(a, b string) int {
		return cmp.Compare(c.Segments[b].Locks, c.Segments[a].Locks)
	})
	return names[:min(len(names), knownSegments)]
}

// held describes locks of a census. It leaves out those whose hold has ended since.
func (d *describer) held(list []table.CensusLock) []TopRow {
	out := make([]TopRow, 0, len(list))
	for _, l := range list {
		if d.look(l.Shard, l.Index, l.Token) {
			out = append(out, d.fill())
		}
	}
	return out
}
