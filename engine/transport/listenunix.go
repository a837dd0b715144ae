package transport

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
)

// UnixPrefix begins the address of a Unix socket: the path follows.
const UnixPrefix = "unix:"

// pathMax is the longest path of a Unix socket that every system takes.
const pathMax = 100

// unixMode is the mode of the socket's file: the user of the server and the group may connect.
const unixMode = 0o660

// listenUnix listens on a Unix socket. The file of a server that was killed is replaced.
func listenUnix(path string) (Listener, error) {
	if path == "" || len(path) > pathMax {
		return nil, fmt.Errorf("listen: a path of 1 to %d bytes is wanted after %s", pathMax, UnixPrefix)
	}
	if conn, err := net.Dial("unix", path); err == nil {
		_ = conn.Close()
		return nil, bindError(UnixPrefix+path, syscall.EADDRINUSE)
	} else if errors.Is(err, syscall.ECONNREFUSED) { // nobody listens there any more
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("listen: %w", err)
		}
	}
	// The file has its mode from its beginning. Nothing else makes files while a server binds.
	mask := syscall.Umask(0o777 &^ unixMode)
	l, err := net.Listen("unix", path)
	syscall.Umask(mask)
	if err != nil {
		return nil, bindError(UnixPrefix+path, err)
	}
	return Listener{l}, nil
}

// unixPath returns the path of the address of a Unix socket.
func unixPath(addr string) (path string, ok bool) { return strings.CutPrefix(addr, UnixPrefix) }
