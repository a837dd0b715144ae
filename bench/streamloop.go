package bench

import "time"

// sendsPerTurn is how many batches an open loop sends between two reads. An open loop that is late
// has to go on reading, or the server takes it for a client that never reads.
const sendsPerTurn = 64

// streamConn is a connection and how far it is in its stream.
type streamConn struct {
	*socket
	batches []*batch // sent over and over
	left    int      // batches that are due yet in a sweep; below 0: no end
	sent    int      // batches that were due so far
	queued  int      // the last of them, which the kernel has not been offered
	at      int      // batch that is answered next
	replies int      // replies to it that have come
	flight  flight
	idle    bool // stopped, all answered
}

// refill returns the next batch that is due, nil if none is.
func (c *streamConn) refill() []byte {
	if c.queued == 0 {
		return nil
	}
	b := c.batches[(c.sent-c.queued)%len(c.batches)]
	c.queued--
	return b.data
}

// streamLoop sends the streams of its connections and checks what comes back. A closed loop keeps
// one batch of each connection under way. An open loop sends when a batch is due.
type streamLoop struct {
	*loop
	conns  []*streamConn
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
	// answered is called after the last reply to a batch; nil: nobody asks.
	answered func(c *streamConn, now int64)
}

// newStreamLoop makes a loop with a connection for each stream.
func newStreamLoop(shared *progress, load *Load, p *Protocol, streams [][]*batch, rounds int) (*streamLoop, error) {
	own, err := newLoop(shared)
	if err != nil {
		return nil, err
	}
	if err := own.connect(load, p, len(streams)); err != nil {
		own.close()
		return nil, err
	}
	return own.stream(streams, rounds), nil
}

// stream makes a streamLoop of a loop that has a socket for each stream.
func (l *loop) stream(streams [][]*batch, rounds int) *streamLoop {
	s := &streamLoop{loop: l, period: 1, rounds: newRounds(rounds), lags: newRounds(rounds), round: -1}
	for i, batches := range streams {
		c := &streamConn{socket: l.socks[i], batches: batches, left: -1}
		c.socket.refill = c.refill
		s.conns = append(s.conns, c)
	}
	l.received, l.patience, l.turn = s.read, s.wait, s.look
	l.done = func() bool { return s.active == 0 }
	return s
}

// run sends and receives until the phase is stop, or each stream was sent as often as left says,
// and all is answered.
func (l *streamLoop) run() error {
	l.active = len(l.conns)
	for _, c := range l.conns {
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
func (l *streamLoop) sendDue() error {
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
func (l *streamLoop) send(c *streamConn, due int64) error {
	if c.left == 0 {
		return l.finish(c)
	}
	c.left--
	c.flight.push(due)
	c.sent++
	c.queued++
	return c.flush()
}

// read checks what has arrived.
func (l *streamLoop) read(conn int, in []byte, now int64) (rest []byte, err error) {
	c := l.conns[conn]
	for len(in) > 0 {
		if c.flight.len() == 0 {
			return nil, wrongReply(in, "nothing, since nothing is asked")
		}
		used, complete, err := l.take(c, in)
		if err != nil {
			return nil, err
		}
		if complete > 0 {
			l.shared.commands.Add(int64(complete))
			if l.round >= 0 {
				l.rounds[l.round].Record(now-c.flight.oldest(), complete)
			}
		}
		in = in[used:]
		if c.replies < len(c.batches[c.at].wants) {
			break // the rest is the beginning of a reply
		}
		if err := l.next(c, now); err != nil {
			return nil, err
		}
	}
	return in, nil
}

// take matches replies to one batch, and returns their length and number.
func (l *streamLoop) take(c *streamConn, in []byte) (used, complete int, err error) {
	for _, want := range c.batches[c.at].wants[c.replies:] {
		n, number := want.Match(in[used:])
		if n == 0 {
			break
		}
		if n < 0 {
			return 0, 0, wrongReply(in[used:], want.String())
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

// next goes on after the last reply to a batch.
func (l *streamLoop) next(c *streamConn, now int64) error {
	c.flight.pop()
	c.at, c.replies = (c.at+1)%len(c.batches), 0
	if l.answered != nil {
		l.answered(c, now)
	}
	switch {
	case l.stop && c.flight.len() == 0:
		return l.finish(c)
	case l.stop || l.pace != nil:
		return nil
	}
	return l.send(c, now)
}

// finish ends a connection that has nothing under way, unless a lock is held.
func (l *streamLoop) finish(c *streamConn) error {
	if c.left != 0 && c.sent%l.period != 0 {
		return l.send(c, l.shared.clock())
	}
	if !c.idle {
		c.idle = true
		l.active--
	}
	return nil
}
