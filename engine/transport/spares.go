package transport

import (
	"os"

	"golang.org/x/sys/unix"
)

// spares are descriptors that an acceptor gives up when the process has none left, so that it can
// tell waiting clients the reason.
type spares struct {
	max  int
	null int // spares are its duplicates, because opening a file for each connection costs more
	fds  []int
}

// open opens the first spares. After an error there are none.
func (s *spares) open() (err error) {
	if s.null, err = unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
		s.null = -1
		return err
	}
	s.reserve()
	return nil
}

// reserve opens the spares that are missing, as far as the process has descriptors.
func (s *spares) reserve() {
	for len(s.fds) < s.max {
		fd, err := unix.FcntlInt(uintptr(s.null), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			return // the next connection tries again
		}
		s.fds = append(s.fds, fd)
	}
}

// giveUp closes n spares, or as many as there are.
func (s *spares) giveUp(n int) {
	for ; n > 0 && len(s.fds) > 0; n-- {
		last := len(s.fds) - 1
		_ = unix.Close(s.fds[last])
		s.fds = s.fds[:last]
	}
}

func (s *spares) close() {
	s.giveUp(len(s.fds))
	if s.null >= 0 {
		_ = unix.Close(s.null)
	}
}
