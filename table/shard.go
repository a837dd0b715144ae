package table

import (
	"math"
	"sync"
	"sync/atomic"

	"dlm/codec"
	"dlm/table/index"
	"dlm/table/wheel"
)

// Shard is one part of the table: the locks of the names that hash to it.
//
// Apply, Cancel, TakeBack, Holder, Advance, Status and List require that the caller
// holds the shard's mutex (Lock); the fields are guarded by it. Under it there
// is no system call, no log line and no write to a connection. Memory is
// allocated only where a slab, the index or the arena grows.
//
// What an uncontended ACQUIRE and RELEASE touch comes first, in two cache
// lines: with 256 shards in use, they fill a first-level cache.
type Shard struct {
	mu      sync.Mutex
	now     int64       // table time of the last call, ns; never goes back
	counter codec.Token // the last token given
	table   *Table
	index   index.Index

	locks                  lockSlab
	lockQuota, waiterQuota credit
	number                 uint8
	phase                  phase         // of the recovery
	reach                  atomic.Uint64 // what Prefetch may read, see extendReach

	counts  Counts // Grants and Releases still within the second line
	seq     uint64 // number of the last event
	waiters waiterSlab
	arena   arena
	leases  wheel.Wheel // lock index at its deadline, or earlier: renewals do not move it
	waits   wheel.Wheel // waiter index at its deadline
	grace   grace
	sort    freeSort
	trim    trim
	checks  checks // under the tag invariants only

	_       [8 - 8*checkWords]byte // an odd number of lines: else the first lines of all shards meet in a few places of the cache
	shrinks uint32                 // how often the index was made smaller
	amended uint32                 // holds that stay, and were changed; see Changes
}

// Counts are what happened in a shard since the start.
type Counts struct {
	Grants    uint64 // holds given, re-entries not counted
	Releases  uint64 // holds ended by their owner
	Reentries uint64 // counts added to a hold
	Renewals  uint64 // heartbeats accepted
	Expiries  uint64 // holds ended by the lease
	Forced    uint64 // holds ended by FORCE-RELEASE
	TakeBacks uint64 // grants taken back because nobody was there to receive them
	Queued    uint64 // requests that had to wait
	TimeOuts  uint64 // waits ended by their wait timeout
	Cancels   uint64 // waits ended by the loss of their connection
	Claims    uint64 // holds believed in a recovery that the image did not know

	ReentriesOtherConn uint64 // of Reentries, those from another connection than the one that was granted
}

// OthersMax is the largest Status.Others.
const OthersMax = othersMax

// Totals is the state of one or more shards.
type Totals struct {
	Counts
	Held    int   // locks held
	Waiters int   // requests waiting
	Bytes   int64 // memory of records, indexes, wheels and strings; it is kept for later use
	// BytesUsed is the part of Bytes that present locks and waiters use.
	BytesUsed int64
}

func (t *Totals) add(s *Shard) {
	t.Held += s.locks.live() - s.grace.unheld
	t.Waiters += s.waiters.live
	t.Bytes += int64(s.bytes())
	t.BytesUsed += int64(s.bytesUsed())
	a, b := &t.Counts, &s.counts
	a.Grants += b.Grants
	a.Reentries += b.Reentries
	a.Renewals += b.Renewals
	a.Releases += b.Releases
	a.Expiries += b.Expiries
	a.Forced += b.Forced
	a.TakeBacks += b.TakeBacks
	a.Queued += b.Queued
	a.TimeOuts += b.TimeOuts
	a.Cancels += b.Cancels
	a.Claims += b.Claims
	a.ReentriesOtherConn += b.ReentriesOtherConn
}

func (s *Shard) bytes() int {
	return s.sort.mapped(&s.locks)*lockChunkLen*lockBytes + s.waiters.mapped*waiterChunkLen*waiterBytes +
		s.index.Bytes() + s.arena.bytes() + s.leases.Bytes() + s.waits.Bytes()
}

// bytesUsed counts what lies idle in slabs and arena out.
func (s *Shard) bytesUsed() int {
	return s.locks.live()*(lockBytes+wheel.EntryBytes+index.BytesPerRecord) + s.waiters.live*(waiterBytes+wheel.EntryBytes) + s.arena.inUse
}

// Lock locks the shard. Never hold two shards, and nothing that can block.
func (s *Shard) Lock() { s.mu.Lock() }

// Unlock unlocks the shard.
func (s *Shard) Unlock() { s.mu.Unlock() }

// Number returns which shard it is.
func (s *Shard) Number() uint8 { return s.number }

// setTime moves the shard's time on and returns it: a caller whose reading is
// older than the last one gets the last one.
func (s *Shard) setTime(now int64) int64 {
	if now > s.now {
		s.now = now
	}
	return s.now
}

// armLease sees to it that the lease of lock i is looked at no later than its
// deadline. An entry that is early stays where it is: when it comes up, the
// exact deadline decides and it is entered again. So a renewal, which only
// ever lengthens, costs nothing here, and neither does a new lock in a record
// that was used before: the record knows where its entry is, without a look
// into the wheel.
func (s *Shard) armLease(i uint32, l *lock) {
	tick := tickOf(l.deadline)
	if l.armed == 0 || int32(l.armed-1-uint32(tick)) > 0 {
		s.enterLease(i, l, tick)
	}
}

// enterLease moves the entry of lock i to tick.
func (s *Shard) enterLease(i uint32, l *lock, tick uint64) {
	at := s.leases.Move(i, tick)
	l.armed = uint32(at) + 1 // 0, once in 49 days: it is entered again
	s.noteDue(at)
}

// noteDue publishes the tick of an entry, which may be earlier than all others.
// It is the wheel's tick and not that of the deadline: a wheel that has stood
// still for longer than its reach hands the entry out earlier.
func (s *Shard) noteDue(tick uint64) {
	if due := &s.table.due[s.number]; tick < due.Load() {
		due.Store(tick)
		s.table.lowerNext(tick)
	}
}

// publishDue publishes the next deadline after some were settled.
func (s *Shard) publishDue() {
	next := uint64(math.MaxUint64)
	switch s.phase {
	case graceRuns:
		next = tickOf(s.grace.until)
	case graceEnds:
		next = 0
	}
	if tick, ok := s.leases.Next(); ok {
		next = min(next, tick)
	}
	if tick, ok := s.waits.Next(); ok {
		next = min(next, s.waitDue(tick))
	}
	s.table.due[s.number].Store(next)
	s.table.lowerNext(next)
}
