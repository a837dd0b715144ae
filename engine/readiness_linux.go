package engine

import (
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sys/unix"

	"dlm/table"
)

// readiness tells reactors when the kernel can take more output of a connection. gnet asks for that
// only on behalf of its own buffers, which are not used, so there is a second epoll beside those of
// the loops: it knows connections that have a backlog, and each of them tells once until it is
// asked again.
type readiness struct {
	e     *Engine
	epoll int
	bell  int // an eventfd that ends run
	ended sync.WaitGroup
}

const readinessEvents = 128 // events that are taken at a time

// newReadiness starts the goroutine "writable".
func newReadiness(e *Engine) (*readiness, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll_create1: %w", err)
	}
	bell, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("eventfd: %w", err), unix.Close(epoll))
	}
	d := &readiness{e: e, epoll: epoll, bell: bell}
	rung := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(bell)}
	if err := unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, bell, &rung); err != nil {
		err = fmt.Errorf("epoll_ctl: %w", err)
		return nil, errors.Join(err, unix.Close(epoll), unix.Close(bell))
	}
	d.ended.Go(d.run)
	return d, nil
}

// await asks for one call of reactor.writable when there is room, or the connection has failed. An
// event carries the name of the connection: a late one finds nobody. A closed descriptor leaves the
// epoll by itself.
func (d *readiness) await(fd int, id table.ConnID) { d.watch(fd, id, unix.EPOLLOUT) }

// awaitFailure is await without the room.
func (d *readiness) awaitFailure(fd int, id table.ConnID) { d.watch(fd, id, 0) }

func (d *readiness) watch(fd int, id table.ConnID, events uint32) {
	event := unix.EpollEvent{Events: events | unix.EPOLLONESHOT}
	event.Fd, event.Pad = int32(uint32(id)), int32(uint32(id>>32))
	err := unix.EpollCtl(d.epoll, unix.EPOLL_CTL_MOD, fd, &event)
	if err == unix.ENOENT {
		err = unix.EpollCtl(d.epoll, unix.EPOLL_CTL_ADD, fd, &event)
	}
	if err != nil { // out of kernel memory: the sweep looks after such connections
		d.e.cfg.Log.Error("waiting for room in a socket", "error", err)
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
			d.e.cfg.Log.Error("waiting for room in sockets has failed", "error", err)
			return
		}
		for _, event := range events[:max(n, 0)] {
			if event.Events&unix.EPOLLIN != 0 { // only the bell is asked for that
				return
			}
			id := table.ConnID(uint32(event.Fd)) | table.ConnID(uint32(event.Pad))<<32
			d.e.reactors[loopOf(id)].goOn(id)
		}
	}
}

// stop ends the goroutine. Loops may still call await.
func (d *readiness) stop() error {
	if _, err := unix.Write(d.bell, []byte{1, 0, 0, 0, 0, 0, 0, 0}); err != nil {
		return fmt.Errorf("eventfd: %w", err)
	}
	d.ended.Wait()
	return nil
}

// close comes after stop, when no loop runs any more.
func (d *readiness) close() error { return errors.Join(unix.Close(d.epoll), unix.Close(d.bell)) }
