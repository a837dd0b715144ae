package transport

import (
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"dlm/engine/peer"
)

const (
	// handshakesMax is how many handshakes may be under way. An honest one takes some round trips.
	handshakesMax = 64
	// handshakeWait is the most time for one.
	handshakeWait = 5 * time.Second
	// handshakeShare is which part of the processors may compute for handshakes: a signature of RSA
	// takes 1 ms, in which a loop on the same processor serves nobody.
	handshakeShare = 4
	// plainAnswer is for a peer that does not speak TLS.
	plainAnswer = "BADARG this port serves TLS only: connect with TLS, or to the port without it"
)

// ErrHandshakeEvicted ends a handshake whose place is needed.
var ErrHandshakeEvicted = errors.New("tls: the handshake took too long while others waited for its place")

// Handshakes makes connections over TLS and hands them to loops. It is shared by the acceptors of a
// port.
//
// At the limit a new handshake takes the place of the oldest one, of the address that has most of
// them. So idle connections of one address can't keep those of others out.
type Handshakes struct {
	config  *tls.Config
	gate    Gate
	server  *Server
	work    Permits
	running sync.WaitGroup

	mu      sync.Mutex
	open    []*handshake // the oldest first; guarded by mu
	stopped bool         // guarded by mu
}

// handshake is one that is under way.
type handshake struct {
	conn    net.Conn
	from    netip.Addr // all addresses of a /64 of IPv6 are one
	evicted bool       // guarded by Handshakes.mu
}

// NewHandshakes returns Handshakes with the settings of a server. They compute with permits of
// work.
func NewHandshakes(config *tls.Config, gate Gate, server *Server, work Permits) *Handshakes {
	return &Handshakes{config: config, gate: gate, server: server, work: work}
}

// begin starts the handshake of a connection that has a place.
func (hs *Handshakes) begin(conn net.Conn, from net.Addr, came any) {
	h := &handshake{conn: conn, from: peer.Of(AddressOf(from)).Addr()}
	hs.mu.Lock()
	defer hs.mu.Unlock()
	if hs.stopped {
		_ = conn.Close()
		hs.gate.Insecure(came, from, net.ErrClosed)
		return
	}
	if len(hs.open) >= handshakesMax {
		hs.evict()
	}
	hs.open = append(hs.open, h)
	hs.running.Go(func() { hs.run(h, from, came) }) // the goroutine "handshake"
}

// evict closes a connection. Its goroutine ends soon after that. mu is held.
func (hs *Handshakes) evict() {
	count := map[netip.Addr]int{}
	most := hs.open[0].from
	for _, h := range hs.open {
		if count[h.from]++; count[h.from] > count[most] {
			most = h.from
		}
	}
	i := slices.IndexFunc(hs.open, func(h *handshake) bool { return h.from == most })
	hs.open[i].evicted = true
	_ = hs.open[i].conn.Close()
	hs.open = slices.Delete(hs.open, i, i+1)
}

// run is the goroutine "handshake".
func (hs *Handshakes) run(h *handshake, peer net.Addr, came any) {
	s, err := hs.shake(h)
	if evicted := hs.leave(h); evicted {
		err = ErrHandshakeEvicted
	}
	if err != nil {
		hs.gate.Insecure(came, peer, err)
		refusePlain(h.conn, err)
		return
	}
	state := s.tls.ConnectionState()
	hs.gate.Secured(came, &state)
	if opened, err := hs.server.enroll(h.conn, &enrolment{came: came, peer: peer, tls: s}); !opened {
		hs.gate.Failed(came, err)
		return
	}
	hs.gate.Enrolled(came)
}

// shake does the handshake and returns what a loop needs of it.
func (hs *Handshakes) shake(h *handshake) (*TLSLink, error) {
	if err := h.conn.SetDeadline(time.Now().Add(handshakeWait)); err != nil {
		return nil, err
	}
	return NewTLSLink(h.conn, hs.config, hs.work)
}

// leave forgets a handshake that has ended, and reports whether it was evicted.
func (hs *Handshakes) leave(h *handshake) (evicted bool) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	if i := slices.Index(hs.open, h); i >= 0 {
		hs.open = slices.Delete(hs.open, i, i+1)
	}
	return h.evicted
}

// Stop ends the handshakes that are under way, and waits for them. The acceptors have ended.
func (hs *Handshakes) Stop() {
	hs.mu.Lock()
	hs.stopped = true
	for _, h := range hs.open {
		_ = h.conn.Close()
	}
	hs.mu.Unlock()
	hs.running.Wait()
}

// refusePlain closes a connection without a handshake. A peer that does not speak TLS is told so.
func refusePlain(conn net.Conn, cause error) {
	if plain := (tls.RecordHeaderError{}); errors.As(cause, &plain) && plain.Conn != nil {
		say(conn, inForm(plain.RecordHeader[0], plainAnswer))
	}
	_ = conn.Close()
}

// AddressOf returns the address of a peer without its port, of IPv4 in its own form. It returns the
// zero Addr for a peer that has none.
func AddressOf(peer net.Addr) netip.Addr {
	if tcp, ok := peer.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}
