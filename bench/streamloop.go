package bench

import (
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"
)

const (
	// stallMax is how long a loop waits for any reply before it gives up.
	stallMax = 30 * time.Second
	// phaseLook is how often a loop that gets no reply looks at the phase.
	phaseLook = 20 * time.Millisecond
	// sendsPerTurn is how many batches an open loop sends between two reads.
	sendsPerTurn = 64
)

// The phases of a run: warm-up, rounds 1 and up, stop.
const (
	phaseWarm = 0
	phaseStop = -1
)

// errStalled is returned when the server has not answered for stallMax.
var errStalled = errors.New("no reply from the server")

// progress is what the loops and the clock of a run share.
type progress struct {
	phase    atomic.Int32 // set by the clock
	commands atomic.Int64 // answered so far, by all loops
	clock    func() int64 // nanoseconds; only differences count

	poll bool         // the loops never sleep
	idle atomic.Int64 // nanoseconds in which they did not, and had nothing to do
}

// streamConn is a connection and how far it is in its stream.
type streamConn struct {
	*socket
	s       *stream
	left    int // batches that are due yet in a sweep; -1: no end
	sent    int // batches that were due so far
	next    int // batch that is handed to the kernel next
	queued  int // batches that were due and are not handed over
	answer  int // batch that is answered next
	off     int // bytes of that answer that have arrived
	replies int // replies of it that are complete
	flight  flight
	idle    bool    // stopped, all answered
	times   []int64 // when each batch was answered; nil: not of interest
}

// streamLoop is one thread of the generator: it sends the streams of its
// connections and checks what comes back. A closed loop keeps one batch of
// each connection under way, an open loop sends when a batch is due.
type streamLoop struct {
	p      *poller
	shared *progress
	conns  []*streamConn
	active int
	pace   *pace // nil: closed loop
	turn   int64 // batch of the schedule that is sent next
	stop   bool
	buf    []byte
	rounds []*Latencies
	lags   []*Latencies // of sends behind their schedule
	now    *Latencies   // of the present round; nil outside of one
	nowLag *Latencies
	alive  int64 // when a reply last came
}

func newStreamLoop(shared *progress, rounds int) (*streamLoop, error) {
	p, err := newPoller(shared)
	if err != nil {
		return nil, err
	}
	l := &streamLoop{p: p, shared: shared, buf: make([]byte, readLen)}
	for range rounds {
		l.rounds = append(l.rounds, NewLatencies())
		l.lags = append(l.lags, NewLatencies())
	}
	return l, nil
}

// connect opens a connection for each stream.
func (l *streamLoop) connect(c *Config, streams []*stream) error {
	for i, s := range streams {
		sock, err := openSocket(c, l.p, i)
		if err != nil {
			return fmt.Errorf("connection %d of %d: %w", i+1, len(streams), err)
		}
		l.conns = append(l.conns, &streamConn{socket: sock, s: s, left: -1})
	}
	return nil
}

func (l *streamLoop) close() {
	for _, c := range l.conns {
		c.close()
	}
	l.p.close()
}

// run sends and receives until the phase is stop, or each stream was sent as
// often as left says, and all is answered.
func (l *streamLoop) run() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	l.active, l.stop = len(l.conns), false
	l.alive = l.shared.clock()
	for _, c := range l.conns {
		c.idle = false
		if l.pace == nil {
			if err := l.send(c, l.alive); err != nil {
				return err
			}
		}
	}
	for l.active > 0 {
		if err := l.turnOnce(); err != nil {
			return err
		}
	}
	return nil
}

// turnOnce handles what is ready and what is due.
func (l *streamLoop) turnOnce() error {
	most := phaseLook
	if l.pace != nil && !l.stop {
		most = min(most, time.Duration(max(l.pace.due(l.turn)-l.shared.clock(), 0)))
	}
	ready, err := l.p.wait(most)
	if err != nil {
		return err
	}
	if err := l.look(); err != nil {
		return err
	}
	for _, r := range ready {
		c := l.conns[r.key]
		if r.write {
			err = l.flush(c)
		}
		if r.read && err == nil {
			err = l.read(c)
		}
		if err != nil {
			return err
		}
	}
	if len(ready) == 0 && l.shared.clock()-l.alive > int64(stallMax) {
		return fmt.Errorf("%w for %v", errStalled, stallMax)
	}
	return l.sendDue()
}

// look takes over the phase.
func (l *streamLoop) look() error {
	phase := int(l.shared.phase.Load())
	l.now, l.nowLag = nil, nil
	if phase > 0 {
		l.now, l.nowLag = l.rounds[phase-1], l.lags[phase-1]
	}
	if phase != phaseStop || l.stop {
		return nil
	}
	l.stop = true
	for _, c := range l.conns {
		// What an overloaded open loop could not even hand over is not sent any more.
		c.flight.n -= c.queued
		c.sent -= c.queued
		c.queued = 0
		if c.flight.n == 0 {
			if err := l.settle(c); err != nil {
				return err
			}
		}
	}
	return nil
}

// sendDue sends the batches of an open loop whose time has come, a few at a
// time: one that is late must go on reading, or the server takes it for a
// client that never reads.
func (l *streamLoop) sendDue() error {
	if l.pace == nil || l.stop {
		return nil
	}
	now := l.shared.clock()
	for range sendsPerTurn {
		due := l.pace.due(l.turn)
		if due > now {
			break
		}
		if l.nowLag != nil {
			l.nowLag.Record(now-due, 1)
		}
		if err := l.send(l.conns[l.turn%int64(len(l.conns))], due); err != nil {
			return err
		}
		l.turn++
		now = l.shared.clock()
	}
	return nil
}

// send makes the next batch of a connection due.
func (l *streamLoop) send(c *streamConn, due int64) error {
	if c.left == 0 {
		return l.settle(c)
	}
	if c.left > 0 {
		c.left--
	}
	c.flight.push(due)
	c.sent++
	c.queued++
	return l.flush(c)
}

// flush hands to the kernel what is due.
func (l *streamLoop) flush(c *streamConn) error {
	for {
		if len(c.unsent) == 0 && c.queued > 0 {
			c.unsent = c.s.batch(c.next)
			c.queued--
			c.next = (c.next + 1) % len(c.s.ends)
		}
		if err := c.socket.flush(); err != nil {
			return err
		}
		if len(c.unsent) > 0 || c.queued == 0 {
			return nil
		}
	}
}

// read takes what has arrived and checks it.
func (l *streamLoop) read(c *streamConn) error {
	in, err := c.receive(l.buf)
	if err != nil {
		return err
	}
	now := l.shared.clock()
	l.alive = now
	for len(in) > 0 {
		if c.flight.n == 0 {
			return wrongReply(in, "nothing, since nothing is asked")
		}
		w := c.s.wants[c.answer]
		used, complete, err := w.match(in, c.off, c.replies)
		if err != nil {
			return err
		}
		if used == 0 {
			break
		}
		in = in[used:]
		l.count(complete, now-c.flight.oldest())
		c.off += used
		c.replies += complete
		if c.replies == w.count {
			if err := l.answered(c, now); err != nil {
				return err
			}
		}
	}
	c.keep(in)
	return nil
}

func (l *streamLoop) count(n int, ns int64) {
	if n == 0 {
		return
	}
	l.shared.commands.Add(int64(n))
	if l.now != nil {
		l.now.Record(ns, n)
	}
}

// answered goes on after a whole batch.
func (l *streamLoop) answered(c *streamConn, now int64) error {
	c.off, c.replies = 0, 0
	if c.times != nil {
		c.times[c.answer] = now
	}
	c.answer = (c.answer + 1) % len(c.s.ends)
	c.flight.pop()
	switch {
	case l.stop && c.flight.n == 0:
		return l.settle(c)
	case l.stop || l.pace != nil:
		return nil
	}
	return l.send(c, now)
}

// settle ends a connection that has nothing under way, unless a pair is open.
func (l *streamLoop) settle(c *streamConn) error {
	if c.left < 0 && c.sent%c.s.period != 0 {
		return l.send(c, l.shared.clock())
	}
	if !c.idle {
		c.idle = true
		l.active--
	}
	return nil
}
