package audit

import (
	"errors"
	"log/slog"
	"sync"
	"time"
)

const (
	// in the queue; at 2 KB each, the most that names and reasons can have, 8 MB
	queueMax = 4096
	// of those that nobody is refused for, so that a flood of them refuses no admin
	notesMax = queueMax / 2
	keptMax  = 1024            // records that Since knows
	retry    = time.Second     // between two attempts to write while the sink fails
	idleMax  = 100 * time.Hour // sleep of the goroutine while nothing is counted
)

// Sink is where records go. Only the goroutine "audit" calls it, or Flush.
type Sink interface {
	// Write writes one record. After an error the caller repeats it with the same record.
	Write(*Record) error
	// Reopen is called when files may have been renamed, and after an error.
	Reopen() error
	Close() error
}

// Log is the audit of one server. Any goroutine may call its methods; only Close, Flush,
// Reopen and BeginRecorded wait for the sink, and of an Act Recorded. New makes it, Start starts
// its goroutine, Close ends it.
type Log struct {
	sink Sink
	log  *slog.Logger // for failures of the sink
	wake chan struct{}
	done chan struct{} // closed when the goroutine has ended

	writing sync.Mutex // held while the sink is used; mu may be locked under it

	mu       sync.Mutex // guards what follows
	queue    []Record   // not yet written, oldest first
	asked    []*Act     // those whose first record is in the queue, oldest first
	promised int        // places for the outcomes of acts
	tallies  map[Event]*tally
	kept     []Record      // the last records, a ring from seq%keptMax
	seq      uint64        // of the last record
	dropped  uint64        // records that found no room
	unsaid   uint64        // of dropped, those since the last record that said so
	failure  error         // of the sink; nil: it works
	reopen   chan struct{} // Reopen waits for it to be closed; nil: nobody asked for that
	closed   bool
	started  bool
}

var errClosed = errors.New("the audit is closed")

// New returns an audit that writes to the sink. log is told when the sink begins and ceases to
// fail.
func New(sink Sink, log *slog.Logger) *Log {
	return &Log{sink: sink, log: log, wake: make(chan struct{}, 1), done: make(chan struct{}), tallies: map[Event]*tally{}}
}

// Note records an event that can't be refused. Without room it is dropped and counted.
func (l *Log) Note(r Record) {
	l.mu.Lock()
	l.putOrDrop(r)
	l.mu.Unlock()
	l.wakeWriter()
}

// Count counts an event that a stranger, or a program, can cause at any rate. from is an address,
// with or without port.
func (l *Log) Count(e Event, what, by, from string) {
	from = Peer(from)
	l.mu.Lock()
	t := l.tallies[e]
	if t == nil {
		t = &tally{}
		l.tallies[e] = t
	}
	first := t.add(e, tallyKey{what, by, from}, time.Now())
	l.mu.Unlock()
	if first {
		l.wakeWriter()
	}
}

// Reopen makes the sink open its file anew, and waits until it was tried, as long as patience at
// most. So an act that follows is refused only if the sink fails now.
func (l *Log) Reopen() {
	l.mu.Lock()
	if l.reopen == nil {
		l.reopen = make(chan struct{})
	}
	tried, started := l.reopen, l.started
	l.mu.Unlock()
	if !started {
		l.drain()
		return
	}
	l.wakeWriter()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-tried:
	case <-l.done:
	case <-timer.C:
	}
}

// State returns how many records were dropped, and why the sink fails, nil if it works.
func (l *Log) State() (dropped uint64, failure error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dropped, l.failure
}

// Next returns the number of the next record.
func (l *Log) Next() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.seq + 1
}

// Since returns up to limit records, the first with the number seq, and the number of the one that
// comes after them. lost is how many are not kept any more.
func (l *Log) Since(seq uint64, limit int) (records []Record, next, lost uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	next = max(seq, 1)
	if next > l.seq+1 {
		next = 1 // the number is one of an earlier start
	}
	if oldest := l.seq - uint64(len(l.kept)) + 1; next < oldest {
		lost, next = oldest-next, oldest
	}
	for ; next <= l.seq && len(records) < limit; next++ {
		records = append(records, l.kept[(next-1)%keptMax])
	}
	return records, next, lost
}

// put numbers and queues a record, and returns it. The caller holds mu and has made sure of the
// room.
func (l *Log) put(r Record) Record {
	l.seq++
	r.Seq = l.seq
	if r.At.IsZero() {
		r.At = time.Now()
	}
	if at := int((l.seq - 1) % keptMax); at < len(l.kept) {
		l.kept[at] = r
	} else {
		l.kept = append(l.kept, r)
	}
	l.queue = append(l.queue, r)
	return r
}

// putOrDrop is put for a record that may find no room. The caller holds mu.
func (l *Log) putOrDrop(r Record) {
	if l.closed || len(l.queue)+l.promised >= notesMax {
		l.dropped++
		l.unsaid++
		return
	}
	if n := l.unsaid; n > 0 && len(l.queue)+l.promised+1 < notesMax {
		l.unsaid = 0
		l.put(Record{Event: Dropped, Count: n})
	}
	l.put(r)
}

func (l *Log) wakeWriter() {
	select {
	case l.wake <- struct{}{}:
	default: // a wake is pending
	}
}
