package engine

import (
	"sync/atomic"

	"dlm/engine/transport"
)

const (
	// probesMax is how often a loop is asked in one round at most. The kernel keeps 6 MiB for a
	// socket, which are 96 reads.
	probesMax = 100
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
	accept atomic.Pointer[[]*transport.Acceptor]
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
		if r.probe.Open() {
			return
		}
	}
	e.clock.Release(u.part)
	u.part = 0
	e.catchUp(now) // there may have been another pause
}

func (u *catchUp) askAcceptors(now int64) {
	u.asked = now
	for _, a := range *u.accept.Load() {
		a.Ask(u.round)
	}
}

// acceptorsAnswered reports whether all acceptors have answered. If not, it asks them again after a
// while.
func (u *catchUp) acceptorsAnswered(now int64) bool {
	for _, a := range *u.accept.Load() {
		if a.Owes() {
			if now-u.asked >= int64(askEvery) {
				u.askAcceptors(now)
			}
			return false
		}
	}
	return true
}

// probe asks a loop whether it has read its sockets.
type probe struct {
	transport.Question
	// makes probed run after the sockets that are readable now; nil: no loop yet
	again atomic.Pointer[func()]
	n     int // questions in this round; owned by the loop
	// a read has filled the buffer since the last question; owned by the loop
	deep bool
}

// askProbe asks the loop. The ticker calls it.
func (r *reactor) askProbe(round uint64) {
	if ask := r.probe.again.Load(); ask != nil {
		r.probe.Ask(round)
		(*ask)()
	}
}

// probed is called on the loop when it has read each socket that was readable when it was asked. It
// answers, or asks itself again if a read was full or commands are put off.
func (r *reactor) probed() {
	p := &r.probe
	if !p.Open() {
		return
	}
	deep := p.deep || r.putOff()
	p.deep = false
	if p.n++; deep && p.n < probesMax {
		(*p.again.Load())()
		return
	}
	p.n = 0
	p.Answer()
	r.e.wakeTimer.ring()
}

// putOff reports whether the loop has read commands that it has not executed yet.
func (r *reactor) putOff() bool { return r.round.turns.len() > 0 }
