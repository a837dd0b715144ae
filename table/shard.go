package table

import (
	"math"
	"sync"
	"sync/atomic"

	"dlm/codec"
	"dlm/table/index"
	"dlm/table/wheel"
)

// Shard is one part of the table: the locks whose names hash to it.
//
// The shard's mutex (Lock) guards the fields. The caller of Apply, Cancel, Lose, CancelRequest,
// Outcome, TakeBack, Holder, Advance, Status and List holds it. Under it there is no system call,
// no log line and no write to a connection. Memory is allocated only where a slab, the index or the
// arena grows.
//
// The fields that an uncontended ACQUIRE and RELEASE touch come first, in two cache lines. With 256
// shards in use, these lines fill a first-level cache.
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
	reach                  atomic.Uint64 // how far Prefetch may read, see extendReach

	counts       Counts // Grants and Releases are still within the second line
	seq          uint64 // number of the last event
	waiters      waiterSlab
	arena        arena
	leases       wheel.Wheel // lock index at its deadline or before, as renewals do not move it
	waits        wheel.Wheel // waiter index at its deadline
	requests     slab[request]
	requestIndex index.Index // a request of each lock and service
	ended, over  requestList // see requestlimit.go
	order        uint64      // the last place in a queue that was given
	lastUntil    int64       // until of the record that ended last
	detached     int         // waiters that are detached
	requestQuota credit
	grace        grace
	sort         freeSort
	trim         trim
	groups       *groups // nil: no lock has had several holders
	checks       checks  // used only under the tag invariants

	// Makes the number of lines odd. Otherwise the first lines of all shards share a few places of
	// the cache.
	_       [40 - 8*checkWords]byte
	shrinks uint32 // how often the index was made smaller
	amended uint32 // holds that were changed and stay; see Changes
}

// Counts has the numbers of events in a shard since the start.
type Counts struct {
	Grants    uint64 // new holds, without re-entries
	Releases  uint64 // holds ended by their owner
	Reentries uint64 // counts added to a hold
	Renewals  uint64 // heartbeats accepted
	Expiries  uint64 // holds ended by the lease
	Forced    uint64 // holds ended by FORCE-RELEASE
	TakeBacks uint64 // grants taken back because they could not be delivered
	Queued    uint64 // requests that had to wait
	TimeOuts  uint64 // waits ended by their wait timeout
	Cancels   uint64 // waits that ended without an answer of the table; see Measures.Ended
	Claims    uint64 // holds confirmed in a recovery that the image did not have

	Upgrades   uint64 // shared holds that became exclusive, with a new token
	Downgrades uint64 // exclusive holds that became shared

	ReentriesOtherConn uint64 // re-entries from connections other than that of the grant
	Repeats            uint64 // commands that were answered as repeats of a request
	Detaches           uint64 // requests whose place was kept after a lost connection
	Deadlocks          uint64 // waits with DETECT that were refused
}

// OthersMax is the largest Status.Others.
const OthersMax = othersMax

// Totals is the state of one or more shards.
type Totals struct {
	Counts
	Held      int // locks held
	Holders   int // holders of locks that are shared, or semaphores
	Waiters   int // requests waiting
	Detached  int // of them, without a connection
	Contended int // locks for which requests wait
	// GrantsWaited is the part of Grants that were given after a wait.
	GrantsWaited uint64
	Requests     int   // records of requests
	Bytes        int64 // memory of records, indexes, wheels and strings, used and free
	// BytesUsed is the part of Bytes that present locks and waiters use.
	BytesUsed int64
}

func (t *Totals) add(s *Shard) {
	t.Held += s.locks.live() - int(s.grace.unheld)
	t.Waiters += s.waiters.live
	t.Contended += s.measures().Contended
	t.GrantsWaited += s.measures().grantsWaited
	if s.groups != nil {
		t.Holders += s.groups.holders.live
	}
	t.Detached += s.detached
	t.Requests += s.requests.live
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
	a.Deadlocks += b.Deadlocks
	a.Claims += b.Claims
	a.Upgrades += b.Upgrades
	a.Downgrades += b.Downgrades
	a.ReentriesOtherConn += b.ReentriesOtherConn
	a.Repeats += b.Repeats
	a.Detaches += b.Detaches
}

func (s *Shard) bytes() int {
	return s.sort.mapped(&s.locks)*lockChunkLen*lockBytes + s.waiters.mapped*waiterChunkLen*waiterBytes +
		s.requests.mapped*slabChunkLen*requestBytes + s.requestIndex.Bytes() + s.index.Bytes() + s.arena.bytes() + s.leases.Bytes() + s.waits.Bytes() + s.groups.bytes()
}

// bytesUsed returns the bytes of records, indexes, wheels and strings without free ones.
func (s *Shard) bytesUsed() int {
	return s.locks.live()*(lockBytes+wheel.EntryBytes+index.BytesPerRecord) + s.waiters.live*(waiterBytes+wheel.EntryBytes) +
		s.requests.live*requestBytes + s.requestIndex.Len()*index.BytesPerRecord + s.arena.inUse + s.groups.bytesUsed()
}

// Lock locks the shard. A caller never locks two shards, and does nothing that can block meanwhile.
func (s *Shard) Lock() {
	s.mu.Lock()
	noteLock()
}

// Unlock unlocks the shard.
func (s *Shard) Unlock() { s.mu.Unlock() }

// Number returns the number of the shard.
func (s *Shard) Number() uint8 { return s.number }

// setTime moves the shard's time on and returns it. A caller with an older reading gets the shard's
// time.
func (s *Shard) setTime(now int64) int64 {
	if now > s.now {
		s.now = now
	}
	return s.now
}

// armLease makes sure that the wheel hands out the entry of lock i no later than its deadline. An
// earlier entry stays where it is. When it comes up, the exact deadline decides, and it is entered
// again. So a renewal, which only lengthens a lease, costs nothing here. Nor does a new lock in a
// used record, because the record knows the tick of its entry.
func (s *Shard) armLease(i uint32, l *lock) {
	tick := tickOf(l.deadline)
	if l.armed == 0 || int32(l.armed-1-uint32(tick)) > 0 {
		s.enterLease(i, l, tick)
	}
}

// enterLease moves the entry of lock i to tick.
func (s *Shard) enterLease(i uint32, l *lock, tick uint64) {
	at := s.leases.Move(i, tick)
	l.armed = uint32(at) + 1 // 0 once in 49 days: it is entered again
	s.noteDue(at)
}

// noteDue publishes the tick of an entry, which may be earlier than all others. It takes the
// wheel's tick and not that of the deadline, because a wheel that has stood still for longer than
// its reach hands the entry out earlier.
func (s *Shard) noteDue(tick uint64) {
	if due := &s.table.due[s.number]; tick < due.Load() {
		due.Store(tick)
		s.table.lowerNext(tick)
	}
}

// publishDue publishes the next deadline after entries have come up.
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
	if s.groups != nil {
		if tick, ok := s.groups.leases.Next(); ok {
			next = min(next, tick)
		}
	}
	if tick, ok := s.waits.Next(); ok {
		next = min(next, s.waitDue(tick))
	}
	if s.requests.live > 0 {
		next = s.requestsDue(next)
	}
	s.table.due[s.number].Store(next)
	s.table.lowerNext(next)
}
