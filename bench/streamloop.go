package bench

import "time"

// sendsPerTurn is how many batches an open loop sends between two reads. An open loop that is late
// has to go on reading, or the server takes it for a client that never reads.
const sendsPerTurn = 64

// streamConn is a connection and how far it is in its stream.
type streamConn struct {
	*socket
	answers
	s      *stream
	left   int // batches that are due yet in a sweep; -1: no end
	sent   int // batches that were due so far
	next   int // batch that is handed to the kernel next
	queued int // batches that were due and are not handed over
	flight flight
	idle   bool    // stopped, all answered
	times  []int64 // when each batch was answered; nil: not of interest
}

// refill returns the next batch that is due, nil if none is.
func (c *streamConn) refill() []byte {
	if c.queued == 0 {
		return nil
	}
	c.queued--
	b := c.s.batch(c.next)
	c.next = (c.next + 1) % len(c.s.ends)
	return b
}

// streamLoop sends the streams of its connections and checks what comes back. A closed loop keeps
// one batch of each connection under way. An open loop sends when a batch is due.
type streamLoop struct {
	*loop
	conns  []*streamConn
	active int
	pace   *pace // nil: closed loop
	sends  int64 // batch of the schedule that is sent next
	stop   bool
	rounds []*Latencies
	lags   []*Latencies // of sends that were later than their schedule
	now    *Latencies   // of the present round; nil outside of one
	nowLag *Latencies
}

func newStreamLoop(shared *progress, rounds int) (*streamLoop, error) {
	own, err := newLoop(shared)
	if err != nil {
		return nil, err
	}
	l := &streamLoop{loop: own, rounds: newRounds(rounds), lags: newRounds(rounds)}
	own.received, own.patience = l.read, l.wait
	own.done = func() bool { return l.active == 0 }
	own.turn = l.look
	return l, nil
}

// connect opens a connection for each stream.
func (l *streamLoop) connect(c *Config, streams []*stream) error {
	if err := l.loop.connect(c, len(streams)); err != nil {
		return err
	}
	for i, s := range streams {
		l.add(l.socks[i], s)
	}
	return nil
}

func (l *streamLoop) add(sock *socket, s *stream) *streamConn {
	c := &streamConn{socket: sock, s: s, left: -1, answers: answers{wants: s.wants}}
	sock.refill = c.refill
	l.conns = append(l.conns, c)
	return c
}

// run sends and receives until the phase is stop, or each stream was sent as
// often as left says, and all is answered.
func (l *streamLoop) run() error {
	l.active, l.stop = len(l.conns), false
	for _, c := range l.conns {
		c.idle = false
		if l.pace == nil {
			if err := l.send(c, l.shared.clock()); err != nil {
				return err
			}
		}
	}
	return l.loop.run()
}

// wait is how long nothing is due.
func (l *streamLoop) wait() time.Duration {
	if l.pace == nil || l.stop {
		return phaseLook
	}
	return min(phaseLook, time.Duration(max(l.pace.due(l.sends)-l.shared.clock(), 0)))
}

// look takes over the phase and sends what is due.
func (l *streamLoop) look() error {
	phase := int(l.shared.phase.Load())
	l.now, l.nowLag = nil, nil
	if phase > 0 {
		l.now, l.nowLag = l.rounds[phase-1], l.lags[phase-1]
	}
	if phase != phaseStop || l.stop {
		return l.sendDue()
	}
	l.stop = true
	for _, c := range l.conns {
		// An overloaded open loop drops the commands that the kernel has not taken.
		c.flight.n -= c.queued
		c.sent -= c.queued
		c.queued = 0
		if c.flight.n == 0 {
			if err := l.finish(c); err != nil {
				return err
			}
		}
	}
	return nil
}

// sendDue sends batches of an open loop whose time has come.
func (l *streamLoop) sendDue() error {
	if l.pace == nil || l.stop {
		return nil
	}
	now := l.shared.clock()
	for range sendsPerTurn {
		due := l.pace.due(l.sends)
		if due > now {
			break
		}
		if l.nowLag != nil {
			l.nowLag.Record(now-due, 1)
		}
		if err := l.send(l.conns[l.sends%int64(len(l.conns))], due); err != nil {
			return err
		}
		l.sends++
		now = l.shared.clock()
	}
	return nil
}

// send makes the next batch of a connection due.
func (l *streamLoop) send(c *streamConn, due int64) error {
	if c.left == 0 {
		return l.finish(c)
	}
	if c.left > 0 {
		c.left--
	}
	c.flight.push(due)
	c.sent++
	c.queued++
	return c.flush()
}

// read checks what has arrived.
func (l *streamLoop) read(conn int, in []byte, now int64) (rest []byte, err error) {
	c := l.conns[conn]
	for len(in) > 0 {
		if c.flight.n == 0 {
			return nil, wrongReply(in, "nothing, since nothing is asked")
		}
		batch := c.at
		used, complete, whole, err := c.take(in)
		if used == 0 || err != nil {
			return in, err
		}
		in = in[used:]
		l.count(complete, now-c.flight.oldest())
		if whole {
			if err := l.answered(c, batch, now); err != nil {
				return nil, err
			}
		}
	}
	return in, nil
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
func (l *streamLoop) answered(c *streamConn, batch int, now int64) error {
	if c.times != nil {
		c.times[batch] = now
	}
	c.flight.pop()
	switch {
	case l.stop && c.flight.n == 0:
		return l.finish(c)
	case l.stop || l.pace != nil:
		return nil
	}
	return l.send(c, now)
}

// finish ends a connection that has nothing under way, unless a pair is open.
func (l *streamLoop) finish(c *streamConn) error {
	if c.left < 0 && c.sent%c.s.period != 0 {
		return l.send(c, l.shared.clock())
	}
	if !c.idle {
		c.idle = true
		l.active--
	}
	return nil
}
