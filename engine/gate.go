package engine

import (
	"net"
	"sync"
	"time"

	"dlm/engine/auth"
	"dlm/engine/transport"
)

const (
	refusalLogEvery = 5 * time.Second // between two lines about refused connections
	sparesWanted    = 16              // spare descriptors, to tell clients that none is left
)

// accept takes connections until the listener is closed by stop, on a goroutine per address.
func (e *Engine) accept(server *transport.Server) {
	var wg sync.WaitGroup
	var all []*transport.Acceptor
	for _, l := range e.listener.Each() {
		all = append(all, transport.NewAcceptor(l, server, &gate{e: e}, sparesMax()))
	}
	e.catching.accept.Store(&all)
	for _, a := range all {
		wg.Go(a.Run)
	}
	wg.Wait()
}

// gate is the transport.Gate of one acceptor: it applies the limits on connections.
type gate struct {
	e        *Engine
	loggedAt time.Time
	unlogged int // refusals since the last line of the log
}

// Accepted lends the acceptor a processor while connections come often.
func (g *gate) Accepted() { g.e.extraProc.use(g.e.clock.Now()) }

// Full reports whether there is no place, neither for an ordinary connection nor for a guest.
func (g *gate) Full() bool { return g.e.placesTaken() }

// Admit takes a place for a connection.
func (g *gate) Admit(peer net.Addr) (came any, refusal string) {
	at, ok := g.e.receive(addressOf(peer))
	return g.admitted(&at, ok)
}

// NoFiles takes a place for a connection that is told that no descriptor is left.
func (g *gate) NoFiles() (came any, refusal string) {
	at := arrival{why: rejectFiles, from: auth.NoAddress}
	return g.admitted(&at, g.e.turnAway(&at))
}

func (g *gate) admitted(at *arrival, ok bool) (came any, refusal string) {
	if at.as == turned {
		g.e.reject(at.why)
	}
	if at.why != rejectNot {
		g.report(at.why, nil)
	}
	if !ok {
		return nil, turnedWords[at.why]
	}
	return at, ""
}

// OutOfFiles logs that no descriptor is left.
func (g *gate) OutOfFiles(cause error) { g.report(rejectFiles, cause) }

// Failed counts a connection that was lost, and returns its place.
func (g *gate) Failed(came any, cause error) {
	if at, ok := came.(*arrival); ok {
		g.e.giveBack(at)
	}
	g.e.reject(rejectEnroll)
	g.report(rejectEnroll, cause)
}

// Enrolled counts a connection that is served.
func (g *gate) Enrolled(came any) {
	if came.(*arrival).as != turned {
		g.e.accepted.Add(1)
	}
}

// Answered wakes the ticker, which asks the acceptors after a pause.
func (g *gate) Answered() { g.e.wakeTimer.ring() }

// report logs that a limit is reached, not more often than every few seconds.
func (g *gate) report(why rejection, cause error) {
	g.unlogged++
	if time.Since(g.loggedAt) < refusalLogEvery {
		return
	}
	g.e.cfg.Log.Warn("connections beyond a limit", "reason", rejectionNames[why], "count", g.unlogged,
		"connections", g.e.conns.Load(), "max_conns", g.e.connsMax, "error", cause)
	g.loggedAt, g.unlogged = time.Now(), 0
}
