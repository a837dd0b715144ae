package admin

import (
	"crypto/tls"
	"net"
	"sync/atomic"

	"dlm/engine/transport"
)

// sharing is a listener of TLS whose connections have, with those of the lock port, a share of the
// processors for their handshakes. Without it a crowd of handshakes would take the processors from
// the event loops.
type sharing struct {
	net.Listener
	work transport.Permits
}

func (l sharing) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &shaking{Conn: c, work: l.work}, nil
}

// sharingConfig returns settings in which a handshake waits for a permit when it has read the
// client's hello. The signature comes after that, and then the first answer, which gives the permit
// back.
func sharingConfig(of *tls.Config) *tls.Config {
	c := of.Clone()
	c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if conn, ok := hello.Conn.(*shaking); ok {
			conn.begin()
		}
		if of.GetConfigForClient == nil {
			return nil, nil
		}
		return of.GetConfigForClient(hello)
	}
	return c
}

// shaking is a connection below TLS. It gives its permit back with whatever it does next.
type shaking struct {
	net.Conn
	work  transport.Permits
	holds atomic.Bool
}

func (c *shaking) begin() {
	c.work.Acquire()
	c.holds.Store(true)
}

func (c *shaking) end() {
	if c.holds.Load() && c.holds.CompareAndSwap(true, false) {
		c.work.Release()
	}
}

func (c *shaking) Read(p []byte) (int, error) {
	c.end()
	return c.Conn.Read(p)
}

func (c *shaking) Write(p []byte) (int, error) {
	c.end()
	return c.Conn.Write(p)
}

func (c *shaking) Close() error {
	c.end()
	return c.Conn.Close()
}
