package logging

import (
	"io"
	"sync"
	"sync/atomic"
	"time"
)

const (
	recordsMax  = 4096    // in the queue: at 300 bytes each, some seconds of a log that is far too busy
	urgentMax   = 64      // more of them for errors, which explain why all else was logged
	bytesMax    = 8 << 20 // in the queue, since a name of a lock makes a record of kilobytes
	urgentBytes = 1 << 20 // more of them for errors
)

// Queue is a writer that never blocks: the goroutine "log" passes on what it takes. Any
// goroutine may call its methods. Made by NewQueue, ended by Close.
type Queue struct {
	w       io.Writer
	dropped atomic.Uint64
	wake    chan struct{} // one token: there is something to do
	done    chan struct{} // closed when the goroutine has ended

	mu      sync.Mutex
	records [][]byte // not yet written, oldest first; guarded by mu
	bytes   int      // in them; guarded by mu
	closed  bool     // nothing more is taken; guarded by mu
	gap     uint64   // dropped since the last record that was written; guarded by mu
	onGap   func(n uint64) []byte
}

// NewQueue starts a queue before w. onGap formats the record that tells of n dropped ones;
// nil: nothing is told.
func NewQueue(w io.Writer, onGap func(n uint64) []byte) *Queue {
	q := &Queue{w: w, onGap: onGap, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go q.run()
	return q
}

// Write takes a copy of one record, or drops and counts it. It never fails and never waits.
func (q *Queue) Write(p []byte) (int, error) {
	q.put(p, recordsMax, bytesMax)
	return len(p), nil
}

// urgent is the queue for errors: it has some room of its own.
type urgent struct{ q *Queue }

func (u urgent) Write(p []byte) (int, error) {
	u.q.put(p, recordsMax+urgentMax, bytesMax+urgentBytes)
	return len(p), nil
}

func (q *Queue) put(p []byte, records, bytes int) {
	q.mu.Lock()
	full := q.closed || len(q.records) >= records || q.bytes+len(p) > bytes
	if full {
		q.gap++
	} else {
		q.records = append(q.records, append([]byte(nil), p...))
		q.bytes += len(p)
	}
	q.mu.Unlock()
	if full {
		q.dropped.Add(1)
		return
	}
	select {
	case q.wake <- struct{}{}:
	default: // the goroutine has been woken and has not looked yet
	}
}

// Dropped returns how many records were not written since the start.
func (q *Queue) Dropped() uint64 { return q.dropped.Load() }

// Close ends the queue: what it holds is written within the given time. It reports whether all
// of it was. A writer that hangs is left behind.
func (q *Queue) Close(within time.Duration) bool {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
	select {
	case <-q.done:
		return true
	case <-time.After(within):
		return false
	}
}

// run is the goroutine "log". A record leaves the queue when it has been written, so that the
// bounds hold for what the writer is stuck with too.
func (q *Queue) run() {
	defer close(q.done)
	for {
		record, gap, closed := q.next()
		switch {
		case record == nil && closed:
			return
		case record == nil:
			<-q.wake
			continue
		}
		if gap > 0 && q.onGap != nil {
			_, _ = q.w.Write(q.onGap(gap)) // the count stays in INFO
		}
		if _, err := q.w.Write(record); err != nil {
			q.dropped.Add(1)
		}
		q.written(record)
	}
}

// next returns the oldest record, nil if there is none, and how many were dropped since this
// was last asked.
func (q *Queue) next() (record []byte, gap uint64, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.records) == 0 {
		return nil, 0, q.closed
	}
	gap, q.gap = q.gap, 0
	return q.records[0], gap, q.closed
}

func (q *Queue) written(record []byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.records[0] = nil
	q.records = q.records[1:]
	q.bytes -= len(record)
	if len(q.records) == 0 {
		q.records = nil // the array is as long as the longest queue was
	}
}
