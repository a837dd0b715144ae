package transport

import "golang.org/x/sys/unix"

// peerEnded reports whether the end of the stream, or a reset, has arrived on a socket. It sees an
// end after unread input too, which a peek would not.
func peerEnded(fd int) bool {
	poll := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
	n, err := unix.Poll(poll[:], 0)
	return err == nil && n == 1
}
