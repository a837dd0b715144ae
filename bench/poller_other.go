//go:build !linux

package bench

import (
	"errors"
	"net"
	"time"
)

// errNotLinux is returned where there is no epoll. The figures rest on it and
// on /proc, so there is no slower stand-in that would give other ones.
var errNotLinux = errors.New("the load generator runs on Linux only")

type poller struct{}

type readiness struct {
	key         int
	read, write bool
}

func newPoller(*progress) (*poller, error)                { return nil, errNotLinux }
func (p *poller) close()                                  {}
func (p *poller) adopt(net.Conn, int) (int, error)        { return 0, errNotLinux }
func (p *poller) connect(*net.TCPAddr, int) (int, error)  { return 0, errNotLinux }
func (p *poller) watch(int, int, bool) error              { return errNotLinux }
func (p *poller) wait(time.Duration) ([]readiness, error) { return nil, errNotLinux }
func (p *poller) read(int, []byte) (int, error)           { return 0, errNotLinux }
func (p *poller) write(int, []byte) (int, error)          { return 0, errNotLinux }
func (p *poller) drop(int)                                {}
