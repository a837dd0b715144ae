package transport

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// unackedBytes returns how many of the bytes written to a socket the peer has not acknowledged. It
// still works after a reset.
func unackedBytes(fd int) (n int, known bool) {
	n, err := unix.IoctlGetInt(fd, unix.TIOCOUTQ)
	return n, err == nil
}

// outqNSD is SIOCOUTQNSD, which is like SIOCOUTQ but counts only what has never been transmitted.
const outqNSD = 0x894b

// untransmittedBytes returns how many of the bytes written to a socket have never been transmitted.
// It still works after a reset.
func untransmittedBytes(fd int) int {
	n, err := unix.IoctlGetInt(fd, outqNSD)
	if err != nil {
		return 0
	}
	return n
}

// Failure returns the error that has ended the connection, nil if it lives. The kernel tells it
// once.
func (s *Socket) Failure() error {
	code, err := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && code != 0 {
		return syscall.Errno(code)
	}
	return nil
}

// SilentFor returns for how long the peer has sent no acknowledgement although data is in flight;
// 0: it owes none. A peer without room acknowledges each probe of the kernel, and probes are rare.
// So the peer only counts as silent if the last probe is younger than its last acknowledgement and
// had time to be answered.
func (s *Socket) SilentFor() time.Duration {
	info, err := unix.GetsockoptTCPInfo(s.fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil || info.Unacked == 0 || info.Last_data_sent < answerMs {
		return 0
	}
	if info.Last_ack_recv < info.Last_data_sent+answerMs {
		return 0
	}
	return time.Duration(info.Last_ack_recv) * time.Millisecond
}

// answerMs is how long the acknowledgement of one try may take, in ms.
const answerMs = 1000

// Ended reports whether the peer has ended the stream, or reset it. It asks the kernel, because an
// end that has arrived may not be read yet, and sees one after unread input too, which a peek would
// not.
func (s *Socket) Ended() bool {
	poll := [1]unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLRDHUP}}
	n, err := unix.Poll(poll[:], 0)
	return err == nil && n == 1
}
