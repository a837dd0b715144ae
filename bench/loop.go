package bench

import (
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// stallMax is how long a loop waits for any reply before it gives up.
	stallMax = 30 * time.Second
	// phaseLook is how often a loop that gets no reply looks at the phase.
	phaseLook = 20 * time.Millisecond
	// readLen is the length of the buffer that all sockets of a loop read into, in bytes.
	readLen = 256 << 10
	// sendsPerTurn is how many batches an open loop sends between two reads. An open loop that is
	// late has to go on reading, or the server takes it for a client that never reads.
	sendsPerTurn = 64
)

// The phases of a run: warm-up, rounds 1 and up, stop.
const (
	phaseWarm = 0
	phaseStop = -1
)

// errStalled is returned when the server has not answered for stallMax.
var errStalled = errors.New("no reply from the server")

// progress is shared by the loops and the clock of a run.
type progress struct {
	phase    atomic.Int32 // set by the clock
	commands atomic.Int64 // answered so far, by all loops
	clock    func() int64 // nanoseconds; only differences count

	poll bool         // the loops never sleep
	idle atomic.Int64 // nanoseconds in which a polling loop had nothing to do
}

// newProgress returns a progress with a clock that starts at 0.
func newProgress(poll bool) *progress {
	start := time.Now()
	return &progress{poll: poll, clock: func() int64 { return int64(time.Since(start)) }}
}

// streamConn is a connection and how far it is in its stream.
type streamConn struct {
	socket
	batches []*batch // sent over and over
	left    int      // batches that are due yet in a sweep; below 0: no end
	sent    int      // batches that were due so far
	queued  int      // the last of them, which the kernel has not been offered
	at      int      // batch that is answered next
	replies int      // replies to it that have come
	flight  flight
	idle    bool // stopped, all answered
}

// loop is one thread of the generator. It sends the streams of its connections and checks what
// comes back. A closed loop keeps one batch of each connection under way. An open loop sends when a
// batch is due.
type loop struct {
	p      *poller
	shared *progress
	conns  []*streamConn
	buf    []byte
	period int // a connection stops after a multiple of so many batches
	active int
	pace   *pace // nil: closed loop
	sends  int64 // batch of the schedule that is sent next
	stop   bool
	rounds []*Latencies
	lags   []*Latencies // of sends that were later than their schedule
	round  int          // the present one, from 0; -1: none
	// granted takes the number in each reply; nil: nobody asks.
	granted func(c *streamConn, reply int, token uint64) error
	// latency returns the latency of replies, below 0 if it does not count. It is called before
	// the next batch is sent; nil: since the batch was due.
	latency func(l *loop, c *streamConn, now int64) int64
}

func newLoop(shared *progress, rounds int) (*loop, error) {
	p, err := newPoller(shared)
	if err != nil {
		return nil, err
	}
	return &loop{p: p, shared: shared, buf: make([]byte, readLen), period: 1, round: -1,
		rounds: newRounds(rounds), lags: newRounds(rounds)}, nil
}

func (l *loop) close() {
	for _, c := range l.conns {
		unix.Close(c.fd)
	}
	l.p.close()
}

// run sends and receives until the phase is stop, or each stream was sent as often as left says,
// and all is answered.
func (l *loop) run() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	l.active = len(l.conns)
	for _, c := range l.conns {
		if l.pace == nil {
			if err := l.send(c, l.shared.clock()); err != nil {
				return err
			}
		}
	}
	alive := l.shared.clock()
	for l.active > 0 {
		ready, err := l.p.wait(l.patience())
		if err == nil {
			err = l.turn()
		}
		for i := 0; i < len(ready) && err == nil; i++ {
			err = l.handle(ready[i])
		}
		if err != nil {
			return err
		}
		if now := l.shared.clock(); len(ready) > 0 {
			alive = now
		} else if now-alive > int64(stallMax) {
			return fmt.Errorf("%w for %v", errStalled, stallMax)
		}
	}
	return nil
}

// patience is how long nothing is due.
func (l *loop) patience() time.Duration {
	if l.pace == nil || l.stop {
		return phaseLook
	}
	return min(phaseLook, time.Duration(max(l.pace.due(l.sends)-l.shared.clock(), 0)))
}

func (l *loop) handle(r readiness) error {
	c := l.conns[r.key]
	if r.write {
		if err := c.flush(); err != nil {
			return err
		}
	}
	if !r.read {
		return nil
	}
	in, err := c.receive(l.buf)
	if err != nil {
		return err
	}
	rest, err := l.read(c, in, l.shared.clock())
	c.partial = append(c.partial[:0], rest...)
	return err
}

// turn takes over the phase and sends what is due.
func (l *loop) turn() error {
	phase := int(l.shared.phase.Load())
	l.round = max(phase-1, -1)
	if phase != phaseStop || l.stop {
		return l.sendDue()
	}
	l.stop = true
	for _, c := range l.conns {
		// An overloaded open loop drops the commands that the kernel has not taken.
		c.flight.dropLast(c.queued)
		c.sent -= c.queued
		c.queued = 0
		if c.flight.len() == 0 {
			if err := l.finish(c); err != nil {
				return err
			}
		}
	}
	return nil
}

// sendDue sends batches of an open loop whose time has come.
func (l *loop) sendDue() error {
	if l.pace == nil || l.stop {
		return nil
	}
	for range sendsPerTurn {
		now, due := l.shared.clock(), l.pace.due(l.sends)
		if due > now {
			break
		}
		if l.round >= 0 {
			l.lags[l.round].Record(now-due, 1)
		}
		if err := l.send(l.conns[l.sends%int64(len(l.conns))], due); err != nil {
			return err
		}
		l.sends++
	}
	return nil
}

// send makes the next batch of a connection due.
func (l *loop) send(c *streamConn, due int64) error {
	if c.left == 0 {
		return l.finish(c)
	}
	c.left--
	c.flight.push(due)
	c.sent++
	c.queued++
	return c.flush()
}

// read checks what has arrived, and returns the beginning of a reply that is not whole.
func (l *loop) read(c *streamConn, in []byte, now int64) (rest []byte, err error) {
	for len(in) > 0 {
		if c.flight.len() == 0 {
			return nil, wrongReply(in, "nothing, since nothing is asked")
		}
		used, complete, err := l.take(c, in)
		if err != nil {
			return nil, err
		}
		if complete > 0 {
			l.count(c, complete, now)
		}
		in = in[used:]
		if c.replies < len(c.batches[c.at].wants) {
			break
		}
		c.flight.pop()
		c.at, c.replies = (c.at+1)%len(c.batches), 0
		switch {
		case l.stop && c.flight.len() == 0:
			err = l.finish(c)
		case !l.stop && l.pace == nil:
			err = l.send(c, now)
		}
		if err != nil {
			return nil, err
		}
	}
	return in, nil
}

// take matches replies to one batch, and returns their length and number.
func (l *loop) take(c *streamConn, in []byte) (used, complete int, err error) {
	for _, want := range c.batches[c.at].wants[c.replies:] {
		n, number := want.Match(in[used:])
		if n == 0 {
			break
		}
		if n < 0 {
			return 0, 0, wrongReply(in[used:], want.Text)
		}
		if l.granted != nil {
			if err := l.granted(c, c.replies, number); err != nil {
				return 0, 0, err
			}
		}
		used += n
		complete++
		c.replies++
	}
	return used, complete, nil
}

// count counts replies to the oldest batch.
func (l *loop) count(c *streamConn, replies int, now int64) {
	l.shared.commands.Add(int64(replies))
	ns := now - c.flight.oldest()
	if l.latency != nil {
		ns = l.latency(l, c, now)
	}
	if l.round >= 0 && ns >= 0 {
		l.rounds[l.round].Record(ns, replies)
	}
}

// finish ends a connection that has nothing under way, unless a lock is held.
func (l *loop) finish(c *streamConn) error {
	if c.left != 0 && c.sent%l.period != 0 {
		return l.send(c, l.shared.clock())
	}
	if !c.idle {
		c.idle = true
		l.active--
	}
	return nil
}
