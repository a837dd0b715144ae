package transport

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// writeNow gives p, which is not empty, to a socket and returns how many bytes the kernel took
// without waiting. A lack of room is no error.
//
// The call is a raw one because it does not block: to tell the scheduler of it costs as much as
// several commands. It is for writes that take microseconds, because the garbage collector can't
// stop the thread meanwhile. The kernel does less for send than for write, which knows files of all
// kinds.
func writeNow(fd int, p []byte) (int, error) {
	n, _, failed := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)),
		unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
	if failed != 0 {
		return 0, writeError(failed)
	}
	return int(n), nil
}
