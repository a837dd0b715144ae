package transport

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/panjf2000/gnet/v2"
	"golang.org/x/sys/unix"
)

// probe shows how far a loop has got: one end of a pair of sockets is a connection of the loop, the
// other is written to. epoll hands sockets out in the order in which they became readable. So a
// loop that reads its probe has read each socket that was readable when the probe was written to.
type probe struct {
	loop Loop // set when the probe is open
	fd   int  // the end that is written to
}

// addProbes gives each loop its probe. The probes are the first connections, so that each loop gets
// one of them.
func (s *Server) addProbes() error {
	for range s.cfg.Loops {
		p := new(probe)
		conn, err := p.pair()
		if err == nil {
			s.probes = append(s.probes, p)
			_, err = s.client.EnrollContext(conn, p)
		}
		if err != nil {
			return fmt.Errorf("the probe of a loop: %w", err)
		}
	}
	if len(s.loops) != len(s.cfg.Loops) {
		panic("BUG: a loop has two probes")
	}
	return nil
}

// pair makes the sockets, and returns the end that is read.
func (p *probe) pair() (net.Conn, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return nil, err
	}
	unix.CloseOnExec(fds[0])
	unix.CloseOnExec(fds[1])
	p.fd = fds[0]
	file := os.NewFile(uintptr(fds[1]), "probe")
	conn, err := net.FileConn(file)
	// FileConn has a descriptor of its own.
	err = errors.Join(err, file.Close(), unix.SetNonblock(p.fd, true))
	if err != nil {
		_ = unix.Close(p.fd)
		return nil, err
	}
	return conn, nil
}

// ask makes the loop read the probe. Any goroutine may call it, until close. An error means that
// earlier questions fill the socket, and the loop has not read them yet.
func (p *probe) ask() { _, _ = unix.Write(p.fd, []byte{1}) }

// probeTraffic is OnTraffic for a connection that is no client's.
func probeTraffic(g gnet.Conn) gnet.Action {
	p, ok := g.Context().(*probe)
	if !ok {
		return gnet.Close
	}
	p.loop.Polled()
	return gnet.None
}

// close is called after the end of the loop.
func (p *probe) close() error { return unix.Close(p.fd) }
