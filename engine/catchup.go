package engine

import (
	"net"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// probesMax is how often a loop is asked in one round at most. The kernel keeps 6 MiB for a
	// socket, which are 96 reads.
	probesMax = 100
	// queueMax is how many connections can wait to be accepted: the kernel takes no larger queue.
	queueMax = 1 << 16
	// askEvery is how often an acceptor is asked again.
	askEvery = lookEvery
)

// catchUp makes sure, after a pause of the process, that input which arrived in the pause is
// executed before a lease can end by it. Until then the clock holds the ends of leases back.
// catchUp goes in rounds:
//
//  1. The ticker asks each acceptor, which answers when its queue is empty. The connections that
//     it took have a loop then.
//  2. The ticker asks each loop through a socket of the loop's own, the probe. epoll hands sockets
//     out in the order in which they became readable. So a loop that reads its probe has read, at
//     least once, each socket that was readable when the ticker asked. If a read filled the buffer,
//     or commands were put off, the loop asks itself again. Else it answers.
//  3. The clock releases what it held back at the beginning of the round. A pause within the
//     round is left to the next one.
//
// A task in the loop's queue would prove nothing, because gnet can run it before the next poll.
// All fields belong to the ticker.
type catchUp struct {
	round  uint64 // the present one, or the last
	part   int64  // the part of the delay to end after the round, ns; 0: no round
	late   int64  // the time of long pauses that waits were told of
	loops  bool   // the acceptors have answered
	asked  int64  // table time when they were last asked
	accept atomic.Pointer[[]*acceptor]
}

// party is the part of an acceptor or a loop that is asked and answers. The zero value has
// answered.
type party struct {
	asked, answered atomic.Uint64 // rounds
}

// open reports whether there is a question to answer.
func (p *party) open() bool { return p.asked.Load() > p.answered.Load() }

// answer answers the last question. It reports whether there was one.
func (p *party) answer() bool {
	round := p.asked.Load()
	return p.answered.Swap(round) < round
}

// catchUp continues the round, or begins one if the clock holds back the ends of leases.
func (e *Engine) catchUp(now int64) {
	u := &e.catching
	if late := e.clock.Pauses().Late.Load(); late != u.late {
		u.late = late
		e.tab().Hasten()
	}
	if u.part == 0 {
		if u.part = e.clock.Pauses().Lag.Load(); u.part == 0 {
			return
		}
		u.round++
		u.loops = false
		u.askAcceptors(now)
	}
	if !u.loops {
		if !u.acceptorsAnswered(now) {
			return
		}
		u.loops = true
		for _, r := range e.reactors {
			r.askProbe(u.round)
		}
	}
	for _, r := range e.reactors {
		if r.probe.open() {
			return
		}
	}
	e.clock.Release(u.part)
	u.part = 0
	e.catchUp(now) // there may have been another pause
}

func (u *catchUp) acceptors() []*acceptor {
	if list := u.accept.Load(); list != nil {
		return *list
	}
	return nil
}

func (u *catchUp) askAcceptors(now int64) {
	u.asked = now
	for _, a := range u.acceptors() {
		a.ask(u.round)
	}
}

// acceptorsAnswered reports whether all acceptors have answered. If not, it asks them again after a
// while.
func (u *catchUp) acceptorsAnswered(now int64) bool {
	for _, a := range u.acceptors() {
		if !a.ended.Load() && a.queue.open() {
			if now-u.asked >= int64(askEvery) {
				u.askAcceptors(now)
			}
			return false
		}
	}
	return true
}

// ask makes the acceptor check whether its queue is empty, even if it waits in Accept. The ticker
// calls it.
func (a *acceptor) ask(round uint64) {
	l, ok := a.listener.(*net.TCPListener)
	if !ok {
		return
	}
	// first, because awake is followed by a look for the question
	a.queue.asked.Store(round)
	_ = l.SetDeadline(time.Unix(0, 1)) // an error means that it is closed
}

// answer answers if the queue is empty. The acceptor calls it when it has handed over what it took.
func (a *acceptor) answer() {
	if !a.queue.open() {
		a.taken = 0
		return
	}
	if a.taken++; a.taken <= queueMax && queued(a.listener.(*net.TCPListener)) {
		return
	}
	a.taken = 0
	a.queue.answer()
	a.e.wakeTimer.ring()
}

// awake lets Accept wait again. If a question came meanwhile, the acceptor finds it first, because
// ask stores the question before it sets the deadline.
func (a *acceptor) awake() { _ = a.listener.(*net.TCPListener).SetDeadline(time.Time{}) }

// end answers for an acceptor that takes no connections any more.
func (a *acceptor) end() {
	a.ended.Store(true)
	a.e.wakeTimer.ring()
}

// queued reports whether a connection waits to be accepted.
func queued(l *net.TCPListener) (is bool) {
	raw, err := l.SyscallConn()
	if err != nil {
		return false
	}
	_ = raw.Control(func(fd uintptr) { // an error means that it is closed
		list := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(list, 0)
		is = err == nil && n > 0 || err == unix.EINTR
	})
	return is
}

// probe asks a loop whether it has read its sockets.
type probe struct {
	party
	// makes probed run after the sockets that are readable now; nil: no loop yet
	ask atomic.Pointer[func()]
	n   int // questions in this round; owned by the loop
	// a read has filled the buffer since the last question; owned by the loop
	deep bool
}

// askProbe asks the loop. The ticker calls it.
func (r *reactor) askProbe(round uint64) {
	if ask := r.probe.ask.Load(); ask != nil {
		r.probe.asked.Store(round)
		(*ask)()
	}
}

// probed is called on the loop when it has read each socket that was readable when it was asked. It
// answers, or asks itself again if a read was full or commands are put off.
func (r *reactor) probed() {
	p := &r.probe
	if !p.open() {
		return
	}
	deep := p.deep || r.putOff()
	p.deep = false
	if p.n++; deep && p.n < probesMax {
		(*p.ask.Load())()
		return
	}
	p.n = 0
	p.answer()
	r.e.wakeTimer.ring()
}

// putOff reports whether the loop has read commands that it has not executed yet.
func (r *reactor) putOff() bool { return r.round.turns.len() > 0 }
