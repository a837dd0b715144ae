package table

import "math/bits"

// Buckets is the number of buckets of a Histogram.
const Buckets = 32

const (
	bucketShift = 16 // the first bucket ends at 2^16 ns = 66 µs
	// heldEvery: of so many releases of a shard, one is measured, because the record's line with
	// the time of the grant is touched for nothing else.
	heldEvery = 16
)

// Histogram counts durations. Bucket i has those of up to BucketMax(i) that no earlier bucket has.
// The last bucket has no upper end.
type Histogram [Buckets]uint64

// BucketMax returns the longest duration of bucket i, in ns.
func BucketMax(i int) int64 { return 1 << (bucketShift + i) }

func (h *Histogram) add(ns int64) {
	i := bits.Len64(uint64(max(ns-1, 0))) - bucketShift
	h[min(max(i, 0), Buckets-1)]++
}

// Count returns how many durations the histogram has.
func (h *Histogram) Count() (n uint64) {
	for _, c := range h {
		n += c
	}
	return n
}

// Merge adds the counts of another histogram.
func (h *Histogram) Merge(o *Histogram) {
	for i, c := range o {
		h[i] += c
	}
}

// Measures are the lengths of waits and holds that have ended since the start.
type Measures struct {
	Waited    Histogram        // all waits
	Granted   Histogram        // of these, the waits that ended with the grant
	Ended     [WaitEnds]uint64 // all waits, by their end
	Held      Histogram        // of one release in heldEvery, each expiry and each forced end
	Contended int              // locks for which requests wait now
}

// measures is what a shard measures when a wait or a hold ends. Nothing of it is touched by a
// command without contention, but for one release in heldEvery. The shard's mutex guards it.
type measures struct {
	Measures
	grantsWaited uint64 // new holds after a wait
	heat         heat
}

func (s *Shard) measures() *measures { return &s.table.measures[s.number] }

// Measures returns the sum over all shards, locking one after the other.
func (t *Table) Measures() (sum Measures) {
	for s := range t.Locked() {
		m := s.measures()
		sum.Waited.Merge(&m.Waited)
		sum.Granted.Merge(&m.Granted)
		for how, n := range m.Ended {
			sum.Ended[how] += n
		}
		sum.Held.Merge(&m.Held)
		sum.Contended += m.Contended
	}
	return sum
}

// countRelease counts the end of a hold by its owner.
func (s *Shard) countRelease(since int64) {
	if s.counts.Releases++; s.counts.Releases%heldEvery == 0 {
		s.measureHold(since)
	}
}

// measureHold notes the length of a hold that ends.
//
//go:noinline
func (s *Shard) measureHold(since int64) { s.measures().Held.add(s.now - since) }

// measureWait counts a wait for lock l that ends after waited ns.
func (s *Shard) measureWait(l *lock, how WaitEnd, waited int64) {
	m := s.measures()
	m.Waited.add(waited)
	m.Ended[how]++
	if how == WaitGranted {
		m.Granted.add(waited)
	}
	m.heat.add(s.now, l.tag, s.name(l), waited)
}
