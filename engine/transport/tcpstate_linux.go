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

// socketFailure returns the error that has ended a socket, or nil. It returns the error only once.
func socketFailure(fd int) error {
	code, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && code != 0 {
		return syscall.Errno(code)
	}
	return nil
}

// silentFor returns for how long the peer has sent no acknowledgement although data is in flight;
// 0: it owes none. A peer without room acknowledges each probe of the kernel, and probes are rare.
// So the peer only counts as silent if the last probe is younger than its last acknowledgement and
// had time to be answered.
func silentFor(fd int) time.Duration {
	info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
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
