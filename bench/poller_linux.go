package bench

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// poller is one epoll instance. It is used instead of Go's own poller because a goroutine switch
// for each reply would cost the generator more than the server spends on it. Owned by one loop.
type poller struct {
	shared *progress
	fd     int
	events []unix.EpollEvent
	ready  []readiness // of the last wait
}

// eventsMax is how many descriptors one wait reports.
const eventsMax = 1024

func newPoller(shared *progress) (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	return &poller{shared: shared, fd: fd, events: make([]unix.EpollEvent, eventsMax)}, nil
}

func (p *poller) close() { unix.Close(p.fd) }

// add watches a descriptor for input. The caller closes it, which takes it out of the poller.
func (p *poller) add(fd, key int) error { return p.control(unix.EPOLL_CTL_ADD, fd, key, false) }

// watch changes whether room for output is waited for; input always is.
func (p *poller) watch(fd, key int, write bool) error {
	return p.control(unix.EPOLL_CTL_MOD, fd, key, write)
}

func (p *poller) control(op, fd, key int, write bool) error {
	ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(key)}
	if write {
		ev.Events |= unix.EPOLLOUT
	}
	if err := unix.EpollCtl(p.fd, op, fd, &ev); err != nil {
		return fmt.Errorf("epoll: %w", err)
	}
	return nil
}

// wait returns the descriptors that are ready, after at most that time.
func (p *poller) wait(most time.Duration) ([]readiness, error) {
	look := p.sleep
	if p.shared.poll {
		look = p.poll
	}
	n, err := look(most)
	if err != nil && !errors.Is(err, unix.EINTR) {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	p.ready = p.ready[:0]
	for _, ev := range p.events[:max(n, 0)] {
		p.ready = append(p.ready, readiness{
			key:   int(ev.Fd),
			read:  ev.Events&(unix.EPOLLIN|unix.EPOLLHUP|unix.EPOLLERR) != 0,
			write: ev.Events&unix.EPOLLOUT != 0,
		})
	}
	return p.ready, nil
}

// sleep waits in the kernel. A short time goes through ppoll, because epoll_wait counts in
// milliseconds.
func (p *poller) sleep(most time.Duration) (int, error) {
	ms := int(most / time.Millisecond)
	if most > 0 && most < 5*time.Millisecond {
		ms = 0
		timeout := unix.NsecToTimespec(int64(most))
		fds := []unix.PollFd{{Fd: int32(p.fd), Events: unix.POLLIN}}
		if _, err := unix.Ppoll(fds, &timeout, nil); err != nil && !errors.Is(err, unix.EINTR) {
			return 0, err
		}
	}
	return unix.EpollWait(p.fd, p.events, ms)
}

// poll asks the kernel again and again, and accounts for the time in which nothing was ready.
func (p *poller) poll(most time.Duration) (int, error) {
	n, err := unix.EpollWait(p.fd, p.events, 0)
	if n != 0 || err != nil || most == 0 {
		return n, err
	}
	from, waited := p.shared.clock(), int64(0)
	for n == 0 && err == nil && waited < int64(most) {
		n, err = unix.EpollWait(p.fd, p.events, 0)
		waited = p.shared.clock() - from
	}
	p.shared.idle.Add(waited)
	return n, err
}
