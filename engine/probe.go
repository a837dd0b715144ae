package engine

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/panjf2000/gnet/v2"
	"golang.org/x/sys/unix"
)

// gnetProbe is the probe of a loop: one end of a pair of sockets is a connection of the loop, the
// other is written to. See catchUp.
type gnetProbe struct {
	r  *reactor // set when it is open
	fd int      // the end that is written to
}

// addProbes gives each loop its probe. The probes are the first connections, so that each loop gets
// one of them.
func (s *shell) addProbes() error {
	for range s.e.reactors {
		p := new(gnetProbe)
		conn, err := p.pair()
		if err == nil {
			s.probes = append(s.probes, p)
			_, err = s.client.EnrollContext(conn, p)
		}
		if err != nil {
			return fmt.Errorf("the probe of a loop: %w", err)
		}
	}
	if s.bound != len(s.e.reactors) {
		panic("BUG: a loop has two probes")
	}
	return nil
}

// pair makes the sockets, and returns the end that is read.
func (p *gnetProbe) pair() (net.Conn, error) {
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

// opened is called on the loop, whose reactor r is.
func (p *gnetProbe) opened(r *reactor) {
	p.r = r
	ask := p.ask
	r.probe.ask.Store(&ask)
}

// ask makes the loop read the probe. Any goroutine may call it, until close. An error means that
// earlier questions fill the socket, and are not read yet.
func (p *gnetProbe) ask() { _, _ = unix.Write(p.fd, []byte{1}) }

// probeTraffic is OnTraffic for a connection that is none of a client.
func probeTraffic(g gnet.Conn) gnet.Action {
	p, ok := g.Context().(*gnetProbe)
	if !ok {
		return gnet.Close
	}
	p.r.polled()
	return gnet.None
}

// close comes after the end of the loop.
func (p *gnetProbe) close() error { return unix.Close(p.fd) }
