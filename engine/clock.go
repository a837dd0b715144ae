package engine

import (
	"sync"
	"sync/atomic"
	"time"

	"dlm/table"
)

// clock is table time: nanoseconds that all loops share. It follows a monotonic source, but of one
// pause of the process (a gap of more than clockStepMax between two readings) it counts pauseMax at
// most. So a process that gets a part of each quarter of a second keeps time, and a process that
// was stopped for a minute finds that a second has passed. The ticker reads it every 20 ms at least.
//
// A lease must not end by a pause before the heartbeats that arrived in it have been executed. So
// the clock holds back from the ends of leases what a pause adds beyond clockStepMax (pauses.Lag),
// and releases it when catchUp has found that the loops have read their sockets. A lease that is
// given or renewed meanwhile runs from table time: holding back lengthens leases only.
//
// Waits need no protection. Their time is that of the source: pauses.Late adds again what table
// time leaves out of long pauses.
type clock struct {
	source func() int64  // monotonic, ns; may be called by any goroutine
	last   atomic.Int64  // newest reading of source that was accounted for
	skew   atomic.Int64  // source time that table time left out
	mu     sync.Mutex    // guards the accounting of a gap
	gaps   atomic.Uint64 // pauses so far
	pauses *table.Pauses // read by the table too
}

func newClock(source func() int64, pauses *table.Pauses) *clock {
	c := &clock{source: source, pauses: pauses}
	c.last.Store(source())
	c.skew.Store(c.last.Load())
	return c
}

// monotonic returns a source that starts at zero and never goes back.
func monotonic() func() int64 {
	start := time.Now()
	return func() int64 { return int64(time.Since(start)) }
}

// now returns the table time. A reading that raced with the accounting of a
// gap may lie before earlier ones; shards never let their own time go back.
func (c *clock) now() int64 {
	last := c.last.Load()
	m := c.source()
	switch gap := m - last; {
	case gap > int64(clockStepMax):
		return c.pause()
	case gap > int64(tickEvery)/2: // the ticker moves it; loops need not fight over the word
		c.advance(m)
	}
	return m - c.skew.Load()
}

// leaseNow returns the time by which leases end: table time but for what is held back.
func (c *clock) leaseNow() int64 { return max(0, c.now()-c.pauses.Lag.Load()) }

// advance raises last to m.
func (c *clock) advance(m int64) {
	for {
		last := c.last.Load()
		if m <= last || c.last.CompareAndSwap(last, m) {
			return
		}
	}
}

// pause accounts for a gap. It raises last when all else is stored, so that a reader of the new
// table time sees what is held back of it.
func (c *clock) pause() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.source()
	if gap := m - c.last.Load(); gap > int64(clockStepMax) {
		left := max(0, gap-int64(pauseMax)) / int64(time.Millisecond) * int64(time.Millisecond)
		c.pauses.Late.Add(left)
		c.pauses.Lag.Add(gap - left - int64(clockStepMax))
		c.skew.Add(left)
		c.gaps.Add(1)
	}
	c.advance(m)
	return m - c.skew.Load()
}

// release lets leases end by a part of what was held back.
func (c *clock) release(part int64) { c.pauses.Lag.Add(-part) }
