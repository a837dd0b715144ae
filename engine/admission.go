package engine

import (
	"crypto/tls"
	"net"
	"net/netip"
	"sync/atomic"

	"dlm/engine/auth"
	"dlm/engine/transport"
)

// admission is what a connection has been let in as.
type admission uint8

const (
	ordinary admission = iota // within max-conns
	guest                     // beyond it: may release and renew, for a short time
	turned                    // refused: it is told why, and closed
)

// arrival is a connection between the acceptor and its loop. It already has a place, so that racing
// acceptors can't pass a limit.
type arrival struct {
	as      admission
	why     rejection // why it is refused
	from    auth.AddressKey
	counted bool // as one of its address
	via     via
	secure  bool     // counted as one over TLS
	names   []string // in the client's certificate; nil: it has shown none
}

// places counts connections by admission. Any goroutine may use it.
type places struct {
	guests, turned       atomic.Int64
	guestsMax, turnedMax int64                  // immutable after New
	tls                  atomic.Int64           // connections over TLS, at most Config.TLSConnsMax
	ordinary             [viaCount]atomic.Int64 // of Engine.conns
	accepted             [viaCount]atomic.Uint64
	book                 guestbook
}

// claim takes one of max places, and reports whether there was one.
func claim(n *atomic.Int64, max int64) bool {
	for {
		taken := n.Load()
		if taken >= max {
			return false
		}
		if n.CompareAndSwap(taken, taken+1) {
			return true
		}
	}
}

// claimOrdinary takes an ordinary place, and reports whether there was one.
func (e *Engine) claimOrdinary(by via) bool {
	if !claim(&e.conns, int64(e.connsMax)) {
		return false
	}
	e.places.ordinary[by].Add(1)
	return true
}

// receive decides which kind of place a connection from the address gets, and takes one. It returns
// false if there is not even a place to tell it why it is refused.
func (e *Engine) receive(ip netip.Addr, by via) (at arrival, ok bool) {
	at.from, at.via = auth.KeyOf(ip), by
	at.counted, at.why = e.addresses.arrive(at.from, ip.Unmap().IsLoopback(), e.clock.Now())
	if at.why == 0 && by == viaTLS {
		if at.secure = claim(&e.places.tls, int64(e.cfg.TLSConnsMax)); !at.secure {
			at.why = rejectTLSConns
		}
	}
	if at.why == 0 {
		if e.claimOrdinary(by) {
			return at, true
		}
		at.why = rejectConns
		if claim(&e.places.guests, e.places.guestsMax) {
			at.as = guest
			e.makeRoom()
			return at, true
		}
	}
	return at, e.turnAway(&at)
}

// turnAway takes a place for a refused connection that is told why. It returns false if there is
// none.
func (e *Engine) turnAway(at *arrival) bool {
	e.leave(at)
	at.as = turned
	return claim(&e.places.turned, e.places.turnedMax)
}

// leave returns the places of an arrival among those of its address and those over TLS.
func (e *Engine) leave(at *arrival) {
	e.addresses.leave(at)
	if at.secure {
		at.secure = false
		e.places.tls.Add(-1)
	}
}

// giveBack returns the places of an arrival.
func (e *Engine) giveBack(at *arrival) {
	e.leave(at)
	switch at.as {
	case ordinary:
		e.conns.Add(-1)
		e.places.ordinary[at.via].Add(-1)
	case guest:
		e.places.guests.Add(-1)
	case turned:
		e.places.turned.Add(-1)
	default:
		panic("BUG: unknown admission")
	}
}

// openConns returns how many connections of all kinds are open.
func (e *Engine) openConns() int64 {
	return e.conns.Load() + e.places.guests.Load() + e.places.turned.Load()
}

// acceptedConns returns how many connections have been served, over all transports.
func (e *Engine) acceptedConns() (sum uint64) {
	for by := range e.places.accepted {
		sum += e.places.accepted[by].Load()
	}
	return sum
}

// connsBy counts ordinary connections, and those that were accepted, by transport.
func (e *Engine) connsBy() (list []Transport) {
	for by, word := range viaWords {
		list = append(list, Transport{word, e.places.ordinary[by].Load(), e.places.accepted[by].Load()})
	}
	return list
}

const sparesWanted = 16 // spare descriptors, to tell clients that none is left

// gate is the transport.Gate of a port: it applies the limits on connections.
type gate struct {
	e   *Engine
	via via

	refusals, handshakes, headers Seldom // lines of the log about them
}

// Accepted lends the acceptor a processor while connections come often.
func (g *gate) Accepted() { g.e.extraProc.use(g.e.clock.Now()) }

// Full reports whether there is no place, neither for an ordinary connection nor for a guest.
func (g *gate) Full() bool {
	e := g.e
	return e.conns.Load() >= int64(e.connsMax) && e.places.guests.Load() >= e.places.guestsMax
}

// Admit takes a place for a connection. An address that is beyond its limits gets no handshake, to
// be told so.
func (g *gate) Admit(peer net.Addr) (came any, refusal string) {
	from := transport.AddressOf(peer)
	at, ok := g.e.receive(from, g.via)
	if g.via == viaTLS && ok && at.as == turned && at.why != rejectConns && at.why != rejectTLSConns {
		g.e.giveBack(&at)
		ok = false
	}
	return g.admitted(&at, from, ok)
}

// NoFiles takes a place for a connection that is told that no descriptor is left.
func (g *gate) NoFiles() (came any, refusal string) {
	at := arrival{why: rejectFiles, from: auth.NoAddress}
	return g.admitted(&at, netip.Addr{}, g.e.turnAway(&at))
}

func (g *gate) admitted(at *arrival, from netip.Addr, ok bool) (came any, refusal string) {
	if at.as == turned {
		g.e.turnedAway(at.why)
	}
	if at.why != rejectNot {
		g.report(at.why, from, nil)
	}
	if !ok {
		return nil, turnedWords[at.why]
	}
	return at, ""
}

// OutOfFiles logs that no descriptor is left.
func (g *gate) OutOfFiles(cause error) { g.report(rejectFiles, netip.Addr{}, cause) }

// Failed counts a connection that was lost, and returns its place.
func (g *gate) Failed(came any, cause error) {
	at, ok := came.(*arrival)
	if ok {
		g.e.giveBack(at)
	}
	if !ok || at.as != turned { // that one is counted
		g.e.reject(rejectEnroll)
	}
	g.report(rejectEnroll, netip.Addr{}, cause)
}

// Enrolled counts a connection that is served.
func (g *gate) Enrolled(came any) {
	if came.(*arrival).as != turned {
		g.e.places.accepted[g.via].Add(1)
	}
}

// Secured notes the names in the client's certificate.
func (g *gate) Secured(came any, state *tls.ConnectionState) {
	g.e.handshakes[handshakeDone].Add(1)
	if len(state.PeerCertificates) > 0 {
		came.(*arrival).names = auth.NamesOf(state.PeerCertificates[0])
	}
}

// Insecure counts a failed handshake, and returns the place of its connection.
func (g *gate) Insecure(came any, from net.Addr, cause error) {
	at := came.(*arrival)
	g.e.giveBack(at)
	if at.as != turned { // that one is counted
		g.e.reject(rejectTLS)
	}
	result := handshakeResultOf(cause)
	g.e.handshakes[result].Add(1)
	if hasLeft(cause) {
		return
	}
	if n := g.handshakes.Due(HandshakeLogEvery); n > 0 {
		g.e.cfg.Log.Warn("TLS handshakes failed", "event", "handshakes-failed", "result", handshakeNames[result],
			"count", n, "from", from.String(), "error", cause.Error())
	}
}

// NoHeader counts a connection of a proxy that has sent no PROXY header.
func (g *gate) NoHeader(proxy net.Addr, cause error) {
	g.e.reject(rejectProxy)
	if n := g.headers.Due(refusalLogEvery); n > 0 {
		g.e.cfg.Log.Warn("connections of a proxy without a PROXY header of version 2: let it send one, or take its address out of --proxy-from",
			"event", "no-proxy-header", "count", n, "from", proxy.String(), "error", cause.Error())
	}
}

// Answered wakes the ticker, which asks the acceptors after a pause.
func (g *gate) Answered() { g.e.wakeTimer.ring() }

// report logs that a limit is reached, not more often than every few seconds. Of the connections
// since the last time it names the address of this one.
func (g *gate) report(why rejection, from netip.Addr, cause error) {
	n := g.refusals.Due(refusalLogEvery)
	if n == 0 {
		return
	}
	record := []any{"event", "conns-limit", "reason", rejectionNames[why], "count", n,
		"connections", g.e.conns.Load(), "max_conns", g.e.connsMax}
	if from.IsValid() {
		record = append(record, "from", from)
	}
	if cause != nil {
		record = append(record, "error", cause)
	}
	g.e.cfg.Log.Warn("connections beyond a limit", record...)
}
