package bench

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// readiness says what can be done with one descriptor.
type readiness struct {
	key         int // given when it was added
	read, write bool
}

// socket is a connection in a poller. Its owner is the loop of the poller.
type socket struct {
	p       *poller
	fd      int
	key     int
	unsent  []byte // bytes that the kernel has not taken yet; they alias the argument of send
	armed   bool   // the poller waits for room to send
	partial []byte // the beginning of a reply
	// refill returns the bytes to send once unsent has gone, nil if there are none; nil: send alone
	// gives the socket something to send.
	refill func() []byte
}

// adopt takes a connection over from Go's poller. Its key is its place among the sockets.
func (l *loop) adopt(conn *net.TCPConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	s, dupErr := &socket{p: l.p, key: len(l.socks)}, error(nil)
	err = raw.Control(func(own uintptr) { s.fd, dupErr = unix.FcntlInt(own, unix.F_DUPFD_CLOEXEC, 0) })
	if err = errors.Join(err, dupErr, conn.Close()); err != nil {
		return err
	}
	l.socks = append(l.socks, s)
	return l.p.add(s.fd, s.key)
}

// send sends b after what is unsent. b must not change until it is sent.
func (s *socket) send(b []byte) error {
	if len(s.unsent) == 0 {
		s.unsent = b
	} else {
		s.unsent = append(slices.Clip(s.unsent), b...)
	}
	return s.flush()
}

// flush sends what is unsent, as far as the kernel takes it.
func (s *socket) flush() error {
	for {
		if len(s.unsent) == 0 && s.refill != nil {
			s.unsent = s.refill()
		}
		if len(s.unsent) == 0 {
			break
		}
		n, err := unix.Write(s.fd, s.unsent)
		if wouldBlock(err) {
			break
		}
		if err != nil {
			return fmt.Errorf("write: %w", err)
		}
		s.unsent = s.unsent[n:]
	}
	if wait := len(s.unsent) > 0; wait != s.armed {
		s.armed = wait
		return s.p.watch(s.fd, s.key, wait)
	}
	return nil
}

// receive reads into buf, after the part of a reply that came before.
func (s *socket) receive(buf []byte) ([]byte, error) {
	held := copy(buf, s.partial)
	n, err := unix.Read(s.fd, buf[held:])
	switch {
	case err == nil && n == 0:
		return nil, fmt.Errorf("the server closed a connection in the middle of the run; the last it sent was %s",
			strconv.Quote(string(s.partial)))
	case wouldBlock(err):
		n = 0
	case err != nil:
		return nil, fmt.Errorf("read: %w", err)
	}
	return buf[:held+n], nil
}

func wouldBlock(err error) bool { return errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) }
