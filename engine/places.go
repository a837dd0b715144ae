package engine

import (
	"net"
	"net/netip"
	"sync/atomic"

	"dlm/engine/auth"
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
}

// places counts connections by admission. Any goroutine may use it.
type places struct {
	guests, turned       atomic.Int64
	guestsMax, turnedMax int64 // immutable after New
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

// receive decides which kind of place a connection from the address gets, and takes one. It returns
// false if there is not even a place to tell it why it is refused.
func (e *Engine) receive(ip netip.Addr) (at arrival, ok bool) {
	at.from = auth.KeyOf(ip)
	at.counted, at.why = e.addresses.arrive(at.from, ip.Unmap().IsLoopback(), e.clock.Now())
	if at.why == 0 {
		if claim(&e.conns, int64(e.connsMax)) {
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
	e.addresses.leave(at)
	at.as = turned
	return claim(&e.places.turned, e.places.turnedMax)
}

// giveBack returns the places of an arrival.
func (e *Engine) giveBack(at *arrival) {
	e.addresses.leave(at)
	switch at.as {
	case ordinary:
		e.conns.Add(-1)
	case guest:
		e.places.guests.Add(-1)
	case turned:
		e.places.turned.Add(-1)
	default:
		panic("BUG: unknown admission")
	}
}

// placesTaken reports whether there is no place, neither for an ordinary connection nor for a
// guest.
func (e *Engine) placesTaken() bool {
	return e.conns.Load() >= int64(e.connsMax) && e.places.guests.Load() >= e.places.guestsMax
}

// openConns returns how many connections of all kinds are open.
func (e *Engine) openConns() int64 {
	return e.conns.Load() + e.places.guests.Load() + e.places.turned.Load()
}

// addressOf returns the address of the peer of a socket, without its port.
func addressOf(remote net.Addr) netip.Addr {
	if tcp, ok := remote.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr()
	}
	return netip.Addr{}
}
