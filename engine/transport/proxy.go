package transport

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

const (
	proxyWait       = time.Second // for a header: a proxy sends it as soon as it has connected
	proxyHeadersMax = 64          // headers that are awaited at the same time
	// proxyLenMax is the most bytes after the fixed part. Addresses take 36 of them, certificates
	// of clients some thousands, and the server skips these.
	proxyLenMax = 8 << 10
	// noHeaderAnswer is for a connection of a proxy without a header.
	noHeaderAnswer = "BADARG from this address a connection begins with a PROXY header of version 2: " +
		"switch it on in the load balancer (HAProxy: send-proxy-v2 and check-send-proxy), or take the address out of --proxy-from"
)

// Proxies are the networks whose connections begin with a PROXY header of version 2. It names the
// client, to which the limits and the log apply then.
//
// The header is read exactly, and before a loop has the connection, because the commands after it
// belong to the loop.
type Proxies struct {
	from    []netip.Prefix
	places  chan struct{}
	running sync.WaitGroup
}

// NewProxies returns the Proxies of those networks.
func NewProxies(from []netip.Prefix) *Proxies {
	return &Proxies{from: from, places: make(chan struct{}, proxyHeadersMax)}
}

// includes reports whether the peer is one of the proxies.
func (p *Proxies) includes(peer net.Addr) bool {
	addr := AddressOf(peer)
	return p != nil && slices.ContainsFunc(p.from, func(network netip.Prefix) bool { return network.Contains(addr) })
}

// introduce reads the header of a connection on a goroutine of its own, and gives the client that
// it names to then. It waits if many headers are awaited: proxies are trusted to send theirs. A
// peer without a header is told so, unless it expects TLS.
func (p *Proxies) introduce(conn net.Conn, gate Gate, secure bool, then func(client net.Addr)) {
	p.places <- struct{}{}
	p.running.Go(func() { // the goroutine "proxy header"
		defer func() { <-p.places }()
		client, first, err := readProxyHeader(conn)
		if err != nil {
			gate.NoHeader(conn.RemoteAddr(), err)
			if !secure {
				say(conn, inForm(first, noHeaderAnswer))
			}
			_ = conn.Close()
			return
		}
		then(client)
	})
}

// wait waits for the headers that are awaited.
func (p *Proxies) wait() {
	if p != nil {
		p.running.Wait()
	}
}

// proxySignature begins a header.
const proxySignature = "\r\n\r\n\x00\r\nQUIT\n"

// Parts of a header after the signature.
const (
	proxyLocal   = 0x20 // version 2: the proxy speaks for itself, as health checks do
	proxyForward = 0x21 // version 2: for a client
	proxyTCP4    = 0x11
	proxyTCP6    = 0x21
)

var errNoProxyHeader = errors.New("no PROXY header of version 2")

// readProxyHeader reads a header and returns the client that it names. If it names none, that is
// the peer. For an answer in the form of what has come instead, it returns the first byte.
func readProxyHeader(conn net.Conn) (client net.Addr, first byte, err error) {
	if err := conn.SetReadDeadline(time.Now().Add(proxyWait)); err != nil {
		return nil, 0, err
	}
	var fixed [len(proxySignature) + 4]byte // command, family, length
	if _, err := io.ReadFull(conn, fixed[:]); err != nil {
		return nil, fixed[0], fmt.Errorf("%w: %w", errNoProxyHeader, err)
	}
	rest := fixed[len(proxySignature):]
	command, family, length := rest[0], rest[1], int(binary.BigEndian.Uint16(rest[2:]))
	switch {
	case string(fixed[:len(proxySignature)]) != proxySignature, command != proxyLocal && command != proxyForward:
		return nil, fixed[0], errNoProxyHeader
	case length > proxyLenMax:
		return nil, fixed[0], fmt.Errorf("a PROXY header of %d bytes", length)
	}
	addresses := make([]byte, length)
	if _, err := io.ReadFull(conn, addresses); err != nil {
		return nil, fixed[0], fmt.Errorf("the PROXY header is cut: %w", err)
	}
	if err := conn.SetReadDeadline(time.Time{}); err != nil {
		return nil, fixed[0], err
	}
	size := map[byte]int{proxyTCP4: net.IPv4len, proxyTCP6: net.IPv6len}[family]
	if command == proxyLocal || size == 0 {
		return conn.RemoteAddr(), fixed[0], nil
	}
	if length < 2*size+4 { // both addresses, both ports
		return nil, fixed[0], fmt.Errorf("a PROXY header with %d bytes of addresses", length)
	}
	return &net.TCPAddr{IP: net.IP(addresses[:size]), Port: int(binary.BigEndian.Uint16(addresses[2*size:]))}, fixed[0], nil
}
