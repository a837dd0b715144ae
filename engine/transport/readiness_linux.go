package transport

import (
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sys/unix"
)

// readiness reports when the kernel can take more output of a connection. gnet asks for that only
// on behalf of its own buffers, which are not used. So there is a second epoll beside those of the
// loops. It knows the connections whose output waits for room, and reports each of them once per
// await.
type readiness struct {
	cfg   *Config
	epoll int
	wake  int // an eventfd that ends run
	ended sync.WaitGroup
}

const readinessEvents = 128 // events that are taken at a time

// newReadiness starts the goroutine "writable".
func newReadiness(cfg *Config) (*readiness, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll_create1: %w", err)
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("eventfd: %w", err), unix.Close(epoll))
	}
	d := &readiness{cfg: cfg, epoll: epoll, wake: wake}
	woken := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(wake)}
	if err := unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, wake, &woken); err != nil {
		err = fmt.Errorf("epoll_ctl: %w", err)
		return nil, errors.Join(err, unix.Close(epoll), unix.Close(wake))
	}
	d.ended.Go(d.run)
	return d, nil
}

// await asks for one call of Config.Writable when there is room, or the connection has failed. An
// event carries the id of the connection, so a late one finds nobody. A closed descriptor leaves
// the epoll by itself.
func (d *readiness) await(fd int, id uint64) { d.watch(fd, id, unix.EPOLLOUT) }

// awaitFailure is await without the room.
func (d *readiness) awaitFailure(fd int, id uint64) { d.watch(fd, id, 0) }

func (d *readiness) watch(fd int, id uint64, events uint32) {
	event := unix.EpollEvent{Events: events | unix.EPOLLONESHOT}
	event.Fd, event.Pad = int32(uint32(id)), int32(uint32(id>>32))
	err := unix.EpollCtl(d.epoll, unix.EPOLL_CTL_MOD, fd, &event)
	if err == unix.ENOENT {
		err = unix.EpollCtl(d.epoll, unix.EPOLL_CTL_ADD, fd, &event)
	}
	if err != nil { // out of kernel memory: the engine looks after such connections
		d.cfg.Log.Error("waiting for room in a socket", "event", "socket-wait-failed", "error", err)
	}
}

// forget is for a descriptor that is closed while another of the same socket stays open.
func (d *readiness) forget(fd int) {
	_ = unix.EpollCtl(d.epoll, unix.EPOLL_CTL_DEL, fd, nil) // an error means that it is not there
}

// run is the goroutine "writable".
func (d *readiness) run() {
	var events [readinessEvents]unix.EpollEvent
	for {
		n, err := unix.EpollWait(d.epoll, events[:], -1)
		if err != nil && err != unix.EINTR {
			d.cfg.Log.Error("waiting for room in sockets has failed", "event", "socket-waits-end", "error", err)
			return
		}
		for _, event := range events[:max(n, 0)] {
			if event.Events&unix.EPOLLIN != 0 { // only the eventfd is asked for that
				return
			}
			id := uint64(uint32(event.Fd)) | uint64(uint32(event.Pad))<<32
			d.cfg.Writable(id)
		}
	}
}

// stop ends the goroutine. Loops may still call await.
func (d *readiness) stop() error {
	if _, err := unix.Write(d.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0}); err != nil {
		return fmt.Errorf("eventfd: %w", err)
	}
	d.ended.Wait()
	return nil
}

// close comes after stop, when no loop runs any more.
func (d *readiness) close() error { return errors.Join(unix.Close(d.epoll), unix.Close(d.wake)) }
