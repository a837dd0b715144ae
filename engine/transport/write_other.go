//go:build !linux

package transport

import (
	"errors"

	"golang.org/x/sys/unix"
)

// writeNow is write where system calls go through a library: gnet's sockets do not block.
func writeNow(fd int, p []byte) (int, error) {
	n, err := unix.Write(fd, p)
	var failed unix.Errno
	if errors.As(err, &failed) {
		return 0, writeError(failed)
	}
	return n, err
}
