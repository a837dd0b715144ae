package admin

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"dlm/engine/peer"
)

const addrShare = 4 // one address may have a quarter of all connections

// conns are the connections of one listener, within a limit for all and one per address.
//
// A probe must always be answered, even if a hostile program shares its address. So at a limit the
// new connection is accepted and an old one is closed: the one that has had no request for the
// longest time. If every connection has a request under way, the new one is closed.
type conns struct {
	max, maxPerAddr int

	mu   sync.Mutex
	open map[net.Conn]*connState // guarded by mu
}

// connState is one connection.
type connState struct {
	from   netip.Addr // as addrOf cuts it
	since  time.Time  // when it was opened, or its last request ended
	busy   bool       // a handler runs
	stream bool       // its request is a stream: it does not count, and ends with that
}

func newConns(limit int) *conns {
	return &conns{max: limit, maxPerAddr: max(1, limit/addrShare), open: make(map[net.Conn]*connState)}
}

// changed is called by the HTTP server for each change of a connection.
func (cs *conns) changed(c net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		if victim := cs.add(c); victim != nil {
			closeNow(victim) // the server notices that and calls changed
		}
	case http.StateClosed, http.StateHijacked:
		cs.mu.Lock()
		delete(cs.open, c)
		cs.mu.Unlock()
	}
}

// closeNow closes a connection. Over TLS it says no farewell, because the peer might have no room
// for it.
func closeNow(c net.Conn) {
	if secure, ok := c.(*tls.Conn); ok {
		c = secure.NetConn()
	}
	_ = c.Close()
}

// add takes a connection and returns the one to close for it, or nil.
func (cs *conns) add(c net.Conn) (victim net.Conn) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	from := addrOf(c.RemoteAddr().String())
	count, all := map[netip.Addr]int{}, 0
	for _, s := range cs.open {
		if !s.stream {
			count[s.from]++
			all++
		}
	}
	switch {
	case count[from] >= cs.maxPerAddr:
		victim = cs.oldest(from)
	case all >= cs.max:
		most := from
		for addr, n := range count {
			if n > count[most] {
				most = addr
			}
		}
		if victim = cs.oldest(most); victim == nil {
			victim = c
		}
	default:
		cs.open[c] = &connState{from: from, since: time.Now()}
		return nil
	}
	if victim == nil || victim == c {
		return c
	}
	delete(cs.open, victim)
	cs.open[c] = &connState{from: from, since: time.Now()}
	return victim
}

// oldest returns the connection of an address that has had no request for the longest time. It
// returns nil if all have one.
func (cs *conns) oldest(from netip.Addr) (victim net.Conn) {
	for c, s := range cs.open {
		if s.from == from && !s.busy && !s.stream && (victim == nil || s.since.Before(cs.open[victim].since)) {
			victim = c
		}
	}
	return victim
}

// connKey finds the connection in the context of a request.
type connKey struct{}

func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// during marks the connection of a request as busy while a handler runs.
func (cs *conns) during(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _ := r.Context().Value(connKey{}).(net.Conn)
		cs.mark(c, true)
		defer cs.mark(c, false)
		next.ServeHTTP(w, r)
	})
}

// leaveOut lets the connection of a request count no more. The request is a stream, of which there
// are streamsMax at most, and which must not keep a probe of its address out.
func (cs *conns) leaveOut(r *http.Request) {
	c, _ := r.Context().Value(connKey{}).(net.Conn)
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if s := cs.open[c]; s != nil {
		s.stream = true
	}
}

func (cs *conns) mark(c net.Conn, busy bool) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if s := cs.open[c]; s != nil {
		s.busy = busy
		s.since = time.Now()
	}
}

// addrOf returns the part of host:port that identifies a peer.
func addrOf(remote string) netip.Addr {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	return peer.Of(at.Addr()).Addr()
}
