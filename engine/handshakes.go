package engine

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"dlm/engine/transport"
)

// handshakeResult is what became of a TLS handshake.
type handshakeResult uint8

const (
	handshakeDone    handshakeResult = iota
	handshakeFailed                  // of versions, protocols or certificates that do not fit
	handshakeNotTLS                  // the client spoke something else
	handshakeLate                    // it took longer than 5 s
	handshakeEvicted                 // it was the oldest one, and another wanted its place
	handshakeResults
)

var handshakeNames = [handshakeResults]string{handshakeDone: "ok", handshakeFailed: "failed",
	handshakeNotTLS: "not_tls", handshakeLate: "timeout", handshakeEvicted: "evicted"}

// Certificates says when certificates end, and what became of changes of their files.
type Certificates struct {
	Ends    []CertificateEnd
	Reloads []NamedCount // by result
}

// CertificateEnd is the end of a certificate.
type CertificateEnd struct {
	Use string // server, client_ca or backup_ca
	At  time.Time
}

// handshakeResultOf returns the result of a handshake that ended with an error.
func handshakeResultOf(err error) handshakeResult {
	switch record := (tls.RecordHeaderError{}); {
	case errors.Is(err, transport.ErrHandshakeEvicted):
		return handshakeEvicted
	case errors.Is(err, os.ErrDeadlineExceeded):
		return handshakeLate
	case errors.As(err, &record):
		return handshakeNotTLS
	}
	return handshakeFailed
}

// hasLeft reports whether a handshake ended because the client closed the connection without a
// word, as one does that checks whether the port is open, or because the server stops.
func hasLeft(cause error) bool {
	return errors.Is(cause, io.EOF) || errors.Is(cause, syscall.ECONNRESET) || errors.Is(cause, net.ErrClosed)
}

// HandshakeWork returns the permits with which handshakes compute, of the lock port and of the HTTP
// side.
func (e *Engine) HandshakeWork() transport.Permits { return e.handshakeWork }

// tlsStats fills in what is known of TLS.
func (e *Engine) tlsStats(s *Stats) {
	s.ConnsTLS = e.places.tls.Load()
	if e.cfg.Certificates != nil {
		s.Certs = e.cfg.Certificates()
	}
	if e.cfg.TLSListen == "" {
		return
	}
	for result, name := range handshakeNames {
		s.Handshakes = append(s.Handshakes, NamedCount{name, e.handshakes[result].Load()})
	}
}
