package logging

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// in the queue; at 300 bytes each, some seconds of a log that is far too busy
	recordsMax  = 4096
	urgentMax   = 64      // additional ones for errors, which explain the flood of other records
	bytesMax    = 8 << 20 // in the queue, since the name of a lock can make a record of kilobytes
	urgentBytes = 1 << 20 // additional ones for errors
)

// Queue is a writer that never blocks. Its goroutine "log" writes what Write was given. Any
// goroutine may call its methods. NewQueue makes a queue, Close ends it.
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

// NewQueue starts a queue that writes to w. onGap formats the record that reports n dropped ones;
// if it is nil, nothing is reported.
func NewQueue(w io.Writer, onGap func(n uint64) []byte) *Queue {
	q := &Queue{w: w, onGap: onGap, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go q.run()
	return q
}

// Write queues a copy of one record, or drops and counts it. It never fails and never waits.
func (q *Queue) Write(p []byte) (int, error) {
	q.put(p, recordsMax, bytesMax)
	return len(p), nil
}

// urgent is the queue for errors, with its additional room.
type urgent struct{ q *Queue }

func (u urgent) Write(p []byte) (int, error) {
	u.q.put(p, recordsMax+urgentMax, bytesMax+urgentBytes)
	return len(p), nil
}

// strict is the queue for a caller that keeps a record which found no room.
type strict struct{ q *Queue }

func (s strict) Write(p []byte) (int, error) {
	if !s.q.add(p, recordsMax, bytesMax) {
		return 0, errFull
	}
	return len(p), nil
}

var errFull = errors.New("the log's queue is full: nobody reads the log")

// put queues a copy of one record, or drops and counts it.
func (q *Queue) put(p []byte, records, bytes int) {
	if q.add(p, records, bytes) {
		return
	}
	q.mu.Lock()
	q.gap++
	q.mu.Unlock()
	q.dropped.Add(1)
}

// add queues a copy of one record, and reports whether there was room.
func (q *Queue) add(p []byte, records, bytes int) bool {
	q.mu.Lock()
	full := q.closed || len(q.records) >= records || q.bytes+len(p) > bytes
	if !full {
		q.records = append(q.records, append([]byte(nil), p...))
		q.bytes += len(p)
	}
	q.mu.Unlock()
	if full {
		return false
	}
	select {
	case q.wake <- struct{}{}:
	default: // a wake is pending
	}
	return true
}

// Dropped returns how many records were not written since the start.
func (q *Queue) Dropped() uint64 { return q.dropped.Load() }

// Close writes the rest of the queue within the given time and ends it. It returns true if
// everything was written. A writer that hangs is abandoned.
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

// run is the goroutine "log". A record leaves the queue only when it has been written, so that the
// bounds include the record that the writer is stuck with.
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
			_, _ = q.w.Write(q.onGap(gap)) // if it fails, INFO still has the count
		}
		if _, err := q.w.Write(record); err != nil {
			q.dropped.Add(1)
		}
		q.written(record)
	}
}

// next returns the oldest record, or nil, and how many were dropped since the last call.
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
