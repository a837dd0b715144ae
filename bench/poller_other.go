//go:build !linux

package bench

import (
	"errors"
	"time"
)

// errNotLinux is returned where there is no epoll. The figures rest on it and on /proc, so there is
// no slower stand-in that would give other ones.
var errNotLinux = errors.New("the load generator runs on Linux only")

type poller struct{}

func newPoller(*progress) (*poller, error)                { return nil, errNotLinux }
func (p *poller) close()                                  {}
func (p *poller) add(int, int) error                      { return errNotLinux }
func (p *poller) watch(int, int, bool) error              { return errNotLinux }
func (p *poller) wait(time.Duration) ([]readiness, error) { return nil, errNotLinux }
