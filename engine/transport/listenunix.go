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

// errNoSocket is the answer for a path at which there is something else.
var errNoSocket = errors.New("there is a file that is no socket: choose another path, or remove it")

// listenUnix listens on a Unix socket. The file of a server that was killed is replaced.
func listenUnix(path string) (Listener, error) {
	if path == "" || len(path) > pathMax {
		return nil, fmt.Errorf("listen: a path of 1 to %d bytes is wanted after %s", pathMax, UnixPrefix)
	}
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() != os.ModeSocket {
		return nil, fmt.Errorf("listen on %s%s: %w", UnixPrefix, path, errNoSocket)
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
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	syscall.Umask(mask)
	if err != nil {
		return nil, bindError(UnixPrefix+path, err)
	}
	file, err := os.Lstat(path)
	if err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("listen: %w", err)
	}
	l.SetUnlinkOnClose(false)
	return Listener{&unixListener{UnixListener: l, path: path, file: file}}, nil
}

// unixListener removes its file when it is closed, unless the path has that of another listener by
// then.
type unixListener struct {
	*net.UnixListener
	path string
	file os.FileInfo
}

// Close removes the file first, because a next server takes the path of a closed one.
func (l *unixListener) Close() error {
	var failed error
	if now, err := os.Lstat(l.path); err == nil && os.SameFile(now, l.file) {
		failed = os.Remove(l.path)
	}
	return errors.Join(failed, l.UnixListener.Close())
}

// unixPath returns the path of the address of a Unix socket.
func unixPath(addr string) (path string, ok bool) { return strings.CutPrefix(addr, UnixPrefix) }
