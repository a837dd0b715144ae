package bench

import (
	"errors"
	"fmt"
	"net"
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
	key     int    // its place in the loop
	unsent  []byte // the part of a batch that the kernel has not taken yet
	armed   bool   // the poller waits for room to send
	partial []byte // the beginning of a reply
}

// connect opens the connection of a stream.
func (l *loop) connect(e *encoder, batches []*batch) error {
	client, err := dial(e.load, e.p)
	if err != nil {
		return err
	}
	return l.add(client.Conn.(*net.TCPConn), batches)
}

// add takes a connection over from Go's poller.
func (l *loop) add(conn *net.TCPConn, batches []*batch) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	c, dupErr := &streamConn{batches: batches, left: -1}, error(nil)
	c.p, c.key = l.p, len(l.conns)
	err = raw.Control(func(own uintptr) { c.fd, dupErr = unix.FcntlInt(own, unix.F_DUPFD_CLOEXEC, 0) })
	if err = errors.Join(err, dupErr, conn.Close()); err != nil {
		return err
	}
	l.conns = append(l.conns, c)
	return l.p.add(c.fd, c.key)
}

// flush sends batches that are due, as far as the kernel takes them.
func (c *streamConn) flush() error {
	for {
		if len(c.unsent) == 0 && c.queued > 0 {
			c.unsent = c.batches[(c.sent-c.queued)%len(c.batches)].data
			c.queued--
		}
		if len(c.unsent) == 0 {
			break
		}
		n, err := unix.Write(c.fd, c.unsent)
		if wouldBlock(err) {
			break
		}
		if err != nil {
			return fmt.Errorf("write: %w", err)
		}
		c.unsent = c.unsent[n:]
	}
	if wait := len(c.unsent) > 0; wait != c.armed {
		c.armed = wait
		return c.p.watch(c.fd, c.key, wait)
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
