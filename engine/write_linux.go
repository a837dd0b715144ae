package engine

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// writeNow gives p, which is not empty, to a socket and returns how many bytes the kernel took without
// waiting. That it has no room is no error.
//
// As it does not block, the scheduler need not be told of it, which costs as much as many
// a command; it is for writes that take microseconds, since the garbage collector can't stop the
// thread meanwhile. And send has less to do than write, which knows files of all kinds.
func writeNow(fd int, p []byte) (int, error) {
	n, _, failed := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)),
		unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
	if failed != 0 {
		return 0, writeError(failed)
	}
	return int(n), nil
}
