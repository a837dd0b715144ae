package bench

import (
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// poller is one epoll instance and the calls on its descriptors. It is used
// instead of Go's own poller because a goroutine switch for each reply would
// cost the generator more than the server spends on it. Owned by one loop.
type poller struct {
	shared *progress
	fd     int
	events []unix.EpollEvent
	ready  []readiness // of the last wait
}

// readiness is what can be done with one descriptor.
type readiness struct {
	key         int // given at its registration
	read, write bool
}

// eventsMax is how many descriptors one wait reports.
const eventsMax = 1024

func newPoller(shared *progress) (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	return &poller{shared: shared, fd: fd, events: make([]unix.EpollEvent, eventsMax), ready: make([]readiness, 0, eventsMax)}, nil
}

func (p *poller) close() { unix.Close(p.fd) }

// adopt takes a connection over from Go's poller and watches it for input.
func (p *poller) adopt(conn net.Conn, key int) (int, error) {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return 0, fmt.Errorf("%T is not a TCP connection", conn)
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return 0, err
	}
	fd, dupErr := -1, error(nil)
	err = raw.Control(func(own uintptr) { fd, dupErr = unix.FcntlInt(own, unix.F_DUPFD_CLOEXEC, 0) })
	if err = errors.Join(err, dupErr, conn.Close()); err != nil {
		return 0, err
	}
	return fd, p.add(fd, key, false)
}

// connect begins a connection; it is writable once it is there.
func (p *poller) connect(addr *net.TCPAddr, key int) (int, error) {
	var to unix.Sockaddr
	family := unix.AF_INET
	if v4 := addr.IP.To4(); v4 != nil {
		to = &unix.SockaddrInet4{Port: addr.Port, Addr: [4]byte(v4)}
	} else {
		family = unix.AF_INET6
		to = &unix.SockaddrInet6{Port: addr.Port, Addr: [16]byte(addr.IP.To16())}
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("socket: %w", err)
	}
	err = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	if err == nil {
		err = unix.Connect(fd, to)
	}
	if err != nil && !errors.Is(err, unix.EINPROGRESS) {
		unix.Close(fd)
		return 0, fmt.Errorf("connect: %w", err)
	}
	return fd, p.add(fd, key, true)
}

func (p *poller) add(fd, key int, write bool) error {
	return p.control(unix.EPOLL_CTL_ADD, fd, key, write)
}

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

// wait returns what is ready, after at most that time.
func (p *poller) wait(most time.Duration) ([]readiness, error) {
	var n int
	var err error
	if p.shared.poll {
		n, err = p.poll(most)
	} else {
		n, err = p.sleep(most)
	}
	if err != nil && !errors.Is(err, unix.EINTR) {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	p.ready = p.ready[:0]
	for _, ev := range p.events[:max(n, 0)] {
		p.ready = append(p.ready, readiness{
			key:   int(ev.Fd),
			read:  ev.Events&(unix.EPOLLIN|unix.EPOLLHUP|unix.EPOLLERR|unix.EPOLLRDHUP) != 0,
			write: ev.Events&unix.EPOLLOUT != 0,
		})
	}
	return p.ready, nil
}

// sleep waits in the kernel. A short time goes through ppoll, since epoll_wait
// counts in milliseconds.
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

// poll asks the kernel again and again, and accounts for the time in which nothing
// was ready.
func (p *poller) poll(most time.Duration) (int, error) {
	n, err := unix.EpollWait(p.fd, p.events, 0)
	if n != 0 || err != nil || most == 0 {
		return n, err
	}
	from := p.shared.clock()
	waited := int64(0)
	for n == 0 && err == nil && waited < int64(most) {
		n, err = unix.EpollWait(p.fd, p.events, 0)
		waited = p.shared.clock() - from
	}
	p.shared.idle.Add(waited)
	return n, err
}

// read reads what is there; 0 without an error means that nothing is.
func (p *poller) read(fd int, buf []byte) (int, error) {
	n, err := unix.Read(fd, buf)
	switch {
	case err == nil && n == 0:
		return 0, io.EOF
	case err == nil:
		return n, nil
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		return 0, nil
	}
	return 0, fmt.Errorf("read: %w", err)
}

// write writes what the kernel takes now.
func (p *poller) write(fd int, b []byte) (int, error) {
	n, err := unix.Write(fd, b)
	switch {
	case err == nil:
		return n, nil
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		return 0, nil
	}
	return 0, fmt.Errorf("write: %w", err)
}

// drop closes a descriptor, which also takes it out of the poller.
func (p *poller) drop(fd int) { unix.Close(fd) }
