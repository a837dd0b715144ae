package clock

import (
	"sync"
	"sync/atomic"
	"time"

	"dlm/table"
)

const (
	StepMax  = 50 * time.Millisecond // a longer time between two readings of the clock is a pause
	PauseMax = time.Second           // most of one pause that table time counts
	// moveMin is the least time between two stores of the newest reading, because loops need not
	// compete for the cache line. It is half of the time between two looks of the ticker.
	moveMin = time.Millisecond / 2
)

// Clock is table time: nanoseconds that all loops share. It follows a monotonic source. Of a pause
// of the process, which is a gap of more than StepMax between two readings, it counts PauseMax at
// most. So a process that runs for a part of each quarter of a second keeps time, and a process
// that was stopped for a minute finds that a second has passed. The ticker of the engine reads the
// clock every 20 ms at least.
//
// A lease must not end by a pause before the heartbeats that arrived in the pause have been
// executed. So the clock holds back from the ends of leases what a pause adds beyond StepMax
// (table.Pauses.Lag). Release lets them end when the loops have read their sockets. A lease that is
// given or renewed meanwhile runs from table time: holding back only lengthens leases.
//
// Waits need no protection. They run by the time of the source: table.Pauses.Late adds what table
// time leaves out of long pauses.
type Clock struct {
	source func() int64  // monotonic, ns; any goroutine may call it
	last   atomic.Int64  // newest reading of source that was accounted for
	skew   atomic.Int64  // source time that table time left out
	mu     sync.Mutex    // guards the accounting of a pause
	gaps   atomic.Uint64 // pauses since New
	// longest is the longest pause since TakeLongest, in ns; guarded by mu
	longest int64
	pauses  *table.Pauses // shared with the table
}

// New returns a clock that begins at zero. source returns monotonic ns. The clock writes pauses,
// which the table reads.
func New(source func() int64, pauses *table.Pauses) *Clock {
	c := &Clock{source: source, pauses: pauses}
	c.last.Store(source())
	c.skew.Store(c.last.Load())
	return c
}

// Monotonic returns a source that starts at zero and never goes back.
func Monotonic() func() int64 {
	start := time.Now()
	return func() int64 { return int64(time.Since(start)) }
}

// Now returns the table time. A reading that raced with the accounting of a pause may lie before
// earlier readings; shards never let their own time go back.
func (c *Clock) Now() int64 {
	last := c.last.Load()
	m := c.source()
	switch gap := m - last; {
	case gap > int64(StepMax):
		return c.pause()
	case gap > int64(moveMin):
		c.advance(m)
	}
	return m - c.skew.Load()
}

// LeaseNow returns the time in which leases end: table time without what is held back.
func (c *Clock) LeaseNow() int64 { return max(0, c.Now()-c.pauses.Lag.Load()) }

// advance raises last to m.
func (c *Clock) advance(m int64) {
	for {
		last := c.last.Load()
		if m <= last || c.last.CompareAndSwap(last, m) {
			return
		}
	}
}

// pause accounts for a pause and returns the table time. It raises last when all else is stored,
// so that a goroutine which sees the later table time also sees what is held back of it.
func (c *Clock) pause() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.source()
	if gap := m - c.last.Load(); gap > int64(StepMax) {
		left := max(0, gap-int64(PauseMax)) / int64(time.Millisecond) * int64(time.Millisecond)
		c.pauses.Late.Add(left)
		c.pauses.Lag.Add(gap - left - int64(StepMax))
		c.skew.Add(left)
		c.gaps.Add(1)
		c.longest = max(c.longest, gap)
	}
	c.advance(m)
	return m - c.skew.Load()
}

// Pauses returns the numbers that the clock shares with the table.
func (c *Clock) Pauses() *table.Pauses { return c.pauses }

// TakeLongest returns the longest pause since it was last called.
func (c *Clock) TakeLongest() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	longest := c.longest
	c.longest = 0
	return time.Duration(longest)
}

// Gaps returns how many pauses there were.
func (c *Clock) Gaps() uint64 { return c.gaps.Load() }

// Skew returns how many ns of source time table time has left out.
func (c *Clock) Skew() int64 { return c.skew.Load() }

// Release lets leases end by a part of what is held back, in ns.
func (c *Clock) Release(part int64) { c.pauses.Lag.Add(-part) }
