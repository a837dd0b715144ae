package engine

import "golang.org/x/sys/unix"

// holder says who closes the descriptor of a socket.
type holder uint8

const (
	holdGnet   holder = iota
	holdLeaves        // gnet, as soon as its callback returns
	holdSelf          // nobody but the socket itself
)

// endOfInput runs within OnClose, after which gnet closes the descriptor. A connection that has
// something left to do goes on with a descriptor of its own.
func (s *gnetSocket) endOfInput() {
	s.from = s.g.RemoteAddr().String()
	s.hold = holdLeaves
	s.r.inputEnds(s.c)
	if !s.c.closed {
		s.detach()
	}
}

// detach replaces the descriptor that gnet is about to close. It reads nothing: the input has
// ended.
func (s *gnetSocket) detach() {
	fd, err := unix.FcntlInt(uintptr(s.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		s.r.e.reject(rejectFiles)
		s.r.gone(s.c, err)
		return
	}
	s.ready.forget(s.fd)
	s.fd, s.hold = fd, holdSelf
	if s.c.backlog != nil {
		s.await()
	} else {
		s.awaitFailure()
	}
}
