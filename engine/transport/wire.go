package transport

import (
	"encoding/binary"
	"net"
	"os"
	"runtime"
	"time"
)

// wire is the net.Conn below a tls.Conn. During the handshake, on a goroutine of its own, it waits
// for a real connection. On a loop it never waits: Read takes what Feed has brought, and Write
// keeps what is to be sent.
type wire struct {
	net.Conn // of the handshake; nil on a loop
	frame    frame
	work     Permits // of handshakes

	in  []byte // input that tls.Conn has not taken
	out []byte // output of tls.Conn
}

// frame follows the records of the input, so that the handshake reads no byte after its last one:
// that byte belongs to a loop.
type frame struct {
	header [5]byte // type, version, length
	have   int     // bytes of it
	left   int     // bytes of the record after it
}

// next returns how many bytes may be read now.
func (f *frame) next() int {
	if f.have < len(f.header) {
		return len(f.header) - f.have
	}
	return f.left
}

// took notes bytes that were read.
func (f *frame) took(p []byte) {
	if f.have < len(f.header) {
		f.have += copy(f.header[f.have:], p)
		f.left = int(binary.BigEndian.Uint16(f.header[3:]))
	} else {
		f.left -= len(p)
	}
	if f.have == len(f.header) && f.left == 0 {
		f.have = 0
	}
}

// errNoInput ends a Read for lack of input. It is temporary, so crypto/tls can go on after it.
var errNoInput = os.ErrDeadlineExceeded

// Read returns bytes of the handshake, or of the present Feed.
func (w *wire) Read(p []byte) (n int, err error) {
	if w.Conn != nil {
		return w.readRecord(p)
	}
	n = copy(p, w.in)
	w.in = w.in[n:]
	if n == 0 {
		return 0, errNoInput
	}
	return n, nil
}

// readRecord reads no more than the rest of the present record. Others may work while it waits.
func (w *wire) readRecord(p []byte) (n int, err error) {
	w.work.Release()
	defer w.work.Acquire()
	n, err = w.Conn.Read(p[:min(len(p), w.frame.next())])
	w.frame.took(p[:n])
	return n, err
}

// Write sends bytes of the handshake, or keeps them for push.
func (w *wire) Write(p []byte) (n int, err error) {
	if w.Conn != nil {
		w.work.Release()
		defer w.work.Acquire()
		return w.Conn.Write(p)
	}
	w.out = append(w.out, p...)
	return len(p), nil
}

// SetWriteDeadline does nothing on a loop. tls.Conn calls it for close_notify.
func (w *wire) SetWriteDeadline(t time.Time) error {
	if w.Conn != nil {
		return w.Conn.SetWriteDeadline(t)
	}
	return nil
}

// Permits bound how many goroutines compute for handshakes at the same time.
type Permits chan struct{}

// NewPermits returns those of a machine.
func NewPermits() Permits { return make(Permits, max(1, runtime.GOMAXPROCS(0)/handshakeShare)) }

// Acquire waits for a permit.
func (p Permits) Acquire() { p <- struct{}{} }

// Release gives it back.
func (p Permits) Release() { <-p }
