package engine

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"testing"

	"dlm/engine/transport"
)

// secured has the settings of both ends of connections over TLS. There must be no session tickets,
// which the peer would have to read before the connection is opened.
type secured struct{ server, client *tls.Config }

// tlsPeer is the client of a connection over TLS whose encrypted bytes are in memory.
type tlsPeer struct {
	net.Conn // of the handshake; nil after it
	tls      *tls.Conn
	in, out  []byte // encrypted
}

// handshake returns both ends of a connection after their handshake.
func (s *secured) handshake(t testing.TB) (*transport.TLSLink, *tlsPeer) {
	t.Helper()
	near, far := net.Pipe()
	p := &tlsPeer{Conn: near}
	p.tls = tls.Client(p, s.client)
	done := make(chan error, 1)
	go func() { done <- p.tls.Handshake() }()
	link, err := transport.NewTLSLink(far, s.server, make(transport.Permits, 1))
	if err := errors.Join(err, <-done); err != nil {
		t.Fatal(err)
	}
	p.Conn = nil
	return link, p
}

func (p *tlsPeer) Read(b []byte) (int, error) {
	if p.Conn != nil {
		return p.Conn.Read(b)
	}
	n := copy(b, p.in)
	if p.in = p.in[n:]; n == 0 {
		return 0, os.ErrDeadlineExceeded // temporary, so crypto/tls can go on after it
	}
	return n, nil
}

func (p *tlsPeer) Write(b []byte) (int, error) {
	if p.Conn != nil {
		return p.Conn.Write(b)
	}
	p.out = append(p.out, b...)
	return len(b), nil
}

// encrypt returns the bytes that the client sends in place of plain ones.
func (p *tlsPeer) encrypt(t testing.TB, plain []byte) []byte {
	t.Helper()
	p.out = nil
	if _, err := p.tls.Write(plain); err != nil {
		t.Fatal(err)
	}
	return p.out
}

// decrypt returns the plain bytes of what the server has sent.
func (p *tlsPeer) decrypt(t testing.TB, encrypted []byte) []byte {
	t.Helper()
	p.in = encrypted
	plain, err := io.ReadAll(p.tls)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	return plain
}
