package transport

import (
	"errors"
	"fmt"

	"github.com/panjf2000/gnet/v2"
	"golang.org/x/sys/unix"
)

// writeNowMax is how many bytes one write takes at most, because the scheduler does not know of it.
const writeNowMax = 64 << 10

// ErrNoDescriptor is the cause of Conn.Gone when a connection whose input has ended could not be
// kept, because the process has no descriptor left.
var ErrNoDescriptor = errors.New("no file descriptor is left")

// Socket is one connection of a loop. Its methods are called on that loop only.
type Socket struct {
	g     gnet.Conn
	conn  Conn
	id    uint64 // of conn
	ready *readiness
	fd    int
	shut  bool // the stream to the peer is ended

	hold keeper
	from string // the peer, if gnet does not know it, or not any more
	unix bool   // a Unix socket, whose kernel counts memory in place of bytes
}

// keeper says who closes the descriptor of a socket.
type keeper uint8

const (
	keptByGnet  keeper = iota
	gnetCloses         // gnet closes it as soon as its callback returns
	keptByOwner        // the Socket closes it
)

// Write gives p to the kernel and returns how many bytes it took, without waiting. After an error
// the connection is of no use. gnet's own write is not used, because gnet sends what it keeps
// without telling anybody, even after OnClose.
func (s *Socket) Write(p []byte) (n int, err error) {
	if len(p) <= writeNowMax {
		return writeNow(s.fd, p)
	}
	for n < len(p) && err == nil {
		piece := p[n:min(n+writeNowMax, len(p))]
		took := 0
		took, err = writeNow(s.fd, piece)
		n += took
		if took < len(piece) {
			break
		}
	}
	return n, err
}

// writeError returns nil for an errno of a write that is no failure: there is no room, or a signal
// came first.
func writeError(failed unix.Errno) error {
	if failed == unix.EAGAIN || failed == unix.EINTR {
		return nil
	}
	return failed
}

// Await makes Config.Writable be called once, when the kernel can take more or the connection has
// failed.
func (s *Socket) Await() { s.ready.await(s.fd, s.id) }

// AwaitFailure is Await for a failure alone.
func (s *Socket) AwaitFailure() { s.ready.awaitFailure(s.fd, s.id) }

// Untransmitted returns how many bytes of those taken have never been transmitted; 0: none, or the
// kernel does not tell. The end of the stream counts as a byte there, and not here.
func (s *Socket) Untransmitted() int {
	n := untransmittedBytes(s.fd)
	if s.shut && n > 0 {
		n--
	}
	return n
}

// Unacked returns how many bytes of those taken the peer has not acknowledged, if the kernel tells.
// The peer acknowledges the end of the stream like a byte; it does not count.
func (s *Socket) Unacked() (n int, known bool) {
	if n, known = unackedBytes(s.fd); s.unix && n > 0 {
		return 0, false
	}
	if s.shut && n > 0 {
		n--
	}
	return n, known
}

// Finish sends the end of the stream.
func (s *Socket) Finish() {
	if !s.shut {
		s.shut = true
		_ = unix.Shutdown(s.fd, unix.SHUT_WR) // an error means that the peer is gone
	}
}

// Close ends the connection and calls Conn.Lost.
func (s *Socket) Close() {
	switch s.hold {
	case keptByGnet:
		_ = s.g.EventLoop().Close(s.g) // calls OnClose
		return
	case keptByOwner:
		defer unix.Close(s.fd) // Lost asks the kernel about it
	}
	s.conn.Lost()
}

// Remote names the peer, for the log.
func (s *Socket) Remote() string {
	if s.from == "" {
		return s.g.RemoteAddr().String()
	}
	return s.from
}

// endOfInput runs within OnClose, after which gnet closes the descriptor. A connection that has
// something left to do goes on with a descriptor of its own.
func (s *Socket) endOfInput() {
	s.from = s.Remote()
	s.hold = gnetCloses
	if alive, output := s.conn.InputEnded(); alive {
		s.detach(output)
	}
}

// detach replaces the descriptor that gnet is about to close. Nothing is read from the new one,
// because the input has ended.
func (s *Socket) detach(output bool) {
	if err := s.takeOver(output); err != nil {
		s.conn.Gone(fmt.Errorf("%w: %w", ErrNoDescriptor, err))
	}
}

// StopReading takes the socket away from gnet, which can't read less of it.
func (s *Socket) StopReading(output bool) (stopped bool) {
	if s.hold != keptByGnet {
		return s.hold == keptByOwner // nothing is read since the end of the input
	}
	s.from = s.Remote()
	if s.takeOver(output) != nil {
		return false
	}
	_ = s.g.EventLoop().Close(s.g) // its descriptor; OnClose does nothing
	return true
}

// takeOver makes a duplicate of the descriptor, which gnet does not know, the descriptor of the
// socket.
func (s *Socket) takeOver(output bool) error {
	fd, err := unix.FcntlInt(uintptr(s.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return err
	}
	s.ready.forget(s.fd)
	s.fd, s.hold = fd, keptByOwner
	if output {
		s.Await()
	} else {
		s.AwaitFailure()
	}
	return nil
}
