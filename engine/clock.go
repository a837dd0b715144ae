package engine

import (
	"sync"
	"sync/atomic"
	"time"
)

// clock is table time: nanoseconds that all loops share. It follows a
// monotonic source, but between two readings it advances by no more than
// clockStepMax. A process that was stopped or starved finds that almost no
// time has passed, so that heartbeats waiting in the sockets are read before
// any lease can end. The ticker reads it at least every 20 ms.
type clock struct {
	source func() int64 // monotonic, ns; may be called by any goroutine
	last   atomic.Int64 // newest reading of source that was accounted for
	skew   atomic.Int64 // source time that table time left out
	mu     sync.Mutex   // guards the accounting of a gap
	pauses atomic.Uint64
}

func newClock(source func() int64) *clock {
	c := &clock{source: source}
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

// advance raises last to m.
func (c *clock) advance(m int64) {
	for {
		last := c.last.Load()
		if m <= last || c.last.CompareAndSwap(last, m) {
			return
		}
	}
}

// pause leaves all but clockStepMax of a gap out of table time. The skew is
// raised before last, so that who sees the new last sees the new skew.
func (c *clock) pause() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.source()
	if gap := m - c.last.Load(); gap > int64(clockStepMax) {
		c.skew.Add(gap - int64(clockStepMax))
		c.pauses.Add(1)
	}
	c.advance(m)
	return m - c.skew.Load()
}
