package transport

import (
	"crypto/tls"
	"errors"
	"net"
)

// MemoryTLS is a connection over TLS whose socket is a Link in memory. Tests of a Loop use it, as
// they use the Link: they call Feed, Gone and Lost, and read what Peer decrypts.
type MemoryTLS struct {
	tlsLink
	Peer *MemoryPeer
}

// MemoryPeer is the other end of a MemoryTLS.
type MemoryPeer struct {
	tls  *tls.Conn
	wire *wire
}

// NewMemoryTLS does a handshake, and returns a connection whose encrypted bytes go to the Link. The
// server's settings must have no session tickets, which the peer would have to read before Use.
func NewMemoryTLS(under Link, server, client *tls.Config) (*MemoryTLS, error) {
	near, far := net.Pipe()
	end := func(conn net.Conn) *wire {
		w := &wire{Conn: conn, work: make(Permits, 1)}
		w.work.Acquire()
		return w
	}
	s, c := end(far), end(near)
	m := &MemoryTLS{tlsLink{Link: under, wire: s, tls: tls.Server(s, server), bufs: newTLSBuffers()},
		&MemoryPeer{wire: c, tls: tls.Client(c, client)}}
	done := make(chan error, 1)
	go func() { done <- m.Peer.tls.Handshake() }()
	err := errors.Join(m.tls.Handshake(), <-done)
	s.Conn, c.Conn = nil, nil
	return m, err
}

// Use names the Conn of the connection.
func (m *MemoryTLS) Use(user Conn) { m.user = user }

// Encrypt returns the bytes that a client sends in place of plain ones.
func (p *MemoryPeer) Encrypt(plain []byte) ([]byte, error) {
	p.wire.out = nil
	_, err := p.tls.Write(plain)
	return p.wire.out, err
}

// Decrypt returns the plain bytes of what the server has sent.
func (p *MemoryPeer) Decrypt(encrypted []byte) (plain []byte, err error) {
	p.wire.in = encrypted
	buf := make([]byte, recordMax)
	for err == nil {
		var n int
		n, err = p.tls.Read(buf)
		plain = append(plain, buf[:n]...)
	}
	if errors.Is(err, errNoInput) {
		err = nil
	}
	return plain, err
}
