package transport

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	backoffMin = 5 * time.Millisecond
	backoffMax = time.Second
	fullPause  = time.Millisecond // in which connections end that were told to leave
	fullTries  = 5                // such pauses before a connection is taken without a place
)

// Gate decides about the connections that acceptors take. Several goroutines call it.
type Gate interface {
	// Accepted is called whenever Accept has returned.
	Accepted()
	// Full reports whether Admit would find no place now.
	Full() bool
	// Admit takes a place for a connection from that peer. NoFiles takes one for a connection that
	// is to be told that no descriptor is left. came goes to Loop.Open. If refusal is not empty,
	// there is no place, and the acceptor says it to the peer and closes the connection.
	Admit(peer net.Addr) (came any, refusal string)
	NoFiles() (came any, refusal string)
	// OutOfFiles notes that Accept has found no descriptor.
	OutOfFiles(cause error)
	// Failed notes that a connection could not be taken or enrolled. came is from Admit, or nil.
	Failed(came any, cause error)
	// NoHeader notes that a proxy has not sent a PROXY header: the connection is closed.
	NoHeader(proxy net.Addr, cause error)
	// Enrolled notes that a loop has the connection.
	Enrolled(came any)
	// Secured notes that the handshake of an admitted connection is done. Enroll follows.
	Secured(came any, state *tls.ConnectionState)
	// Insecure notes that it has failed: the connection is closed.
	Insecure(came any, from net.Addr, cause error)
	// Answered is called after the acceptor has answered Ask, and when it has ended.
	Answered()
}

// Acceptor takes the connections of one listener and hands them to loops. gnet's own acceptor would
// end the whole server on the first EMFILE.
type Acceptor struct {
	listener net.Listener
	server   *Server
	gate     Gate
	spares   spares
	backoff  time.Duration
	queue    queue

	TLS     *Handshakes // nil: connections are plain; set before Run
	Proxies *Proxies    // whose headers are read; nil: there are none; set before Run
}

// NewAcceptor returns an acceptor with that many spare descriptors, at least 2. Run starts it.
func NewAcceptor(l net.Listener, s *Server, gate Gate, spareFiles int) *Acceptor {
	return &Acceptor{listener: l, server: s, gate: gate, spares: spares{max: spareFiles}, backoff: backoffMin}
}

// Run takes connections until the listener is closed.
func (a *Acceptor) Run() {
	if err := a.spares.open(); err != nil {
		a.gate.OutOfFiles(err)
	}
	defer a.spares.close()
	defer a.Proxies.wait()
	defer a.end()
	for {
		a.answer()
		conn, err := a.listener.Accept()
		a.gate.Accepted()
		switch {
		case err == nil:
			a.backoff = backoffMin
			a.take(conn)
			a.spares.reserve()
		case errors.Is(err, net.ErrClosed):
			return
		case errors.Is(err, os.ErrDeadlineExceeded): // Ask wants to know whether the queue is empty
			a.awake()
		case outOfFiles(err):
			a.refuseOne(err)
		default:
			// ECONNABORTED and its like concern one connection only.
			a.gate.Failed(nil, err)
			a.pause()
		}
	}
}

// take hands a connection to a loop, as what the gate makes of it.
func (a *Acceptor) take(conn net.Conn) {
	for try := 0; try < fullTries && a.gate.Full(); try++ {
		time.Sleep(fullPause)
	}
	a.spares.giveUp(1) // for the duplicate that the loop gets
	peer := conn.RemoteAddr()
	if a.Proxies.includes(peer) {
		a.Proxies.introduce(conn, a.gate, a.TLS != nil, func(client net.Addr) { a.admit(conn, client) })
		return
	}
	a.admit(conn, peer)
}

// admit asks the gate, and hands the connection of that peer over.
func (a *Acceptor) admit(conn net.Conn, peer net.Addr) {
	came, refusal := a.gate.Admit(peer)
	a.hand(conn, peer, came, refusal)
}

// hand gives a connection to a loop, or to its handshake. Without a place for it, hand tells the
// peer and closes it; over TLS it only closes it.
func (a *Acceptor) hand(conn net.Conn, peer net.Addr, came any, refusal string) {
	switch {
	case refusal != "" && a.TLS != nil:
		_ = conn.Close()
		return
	case refusal != "":
		sayAndClose(conn, refusal)
		return
	case a.TLS != nil:
		a.TLS.begin(conn, peer, came)
		return
	}
	if opened, err := a.server.enroll(conn, &enrolment{came: came, peer: peer}); !opened {
		a.gate.Failed(came, err)
		return
	}
	a.gate.Enrolled(came)
}

// refuseOne takes one waiting connection when no descriptor is left, so that its client learns the
// reason. It gives up two spare descriptors for that, because a loop duplicates the socket.
func (a *Acceptor) refuseOne(cause error) {
	a.gate.OutOfFiles(cause)
	if len(a.spares.fds) < 2 {
		a.pause()
		a.spares.reserve()
		return
	}
	a.spares.giveUp(2)
	if l, ok := a.listener.(interruptible); ok {
		_ = l.SetDeadline(time.Now().Add(backoffMin))
		if conn, err := a.listener.Accept(); err == nil {
			came, refusal := a.gate.NoFiles()
			a.hand(conn, conn.RemoteAddr(), came, refusal)
		}
		_ = l.SetDeadline(time.Time{})
	}
	a.spares.reserve()
}

// pause waits for a growing time, so that a lasting failure does not keep a core busy.
func (a *Acceptor) pause() {
	time.Sleep(a.backoff)
	a.backoff = min(2*a.backoff, backoffMax)
}

func outOfFiles(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) ||
		errors.Is(err, syscall.ENOBUFS) || errors.Is(err, syscall.ENOMEM)
}

// sayAndClose answers a connection for which no loop has a place, in the form of what has arrived.
func sayAndClose(conn net.Conn, refusal string) {
	say(conn, inForm(readNow(conn), "LIMIT "+refusal))
	_ = conn.Close()
}

// inForm returns a refusal, its code first, in the form of input that begins with that byte.
func inForm(first byte, refusal string) (line string) {
	if first == '*' {
		return "-" + refusal + "\r\n"
	}
	return "ERROR " + refusal + "\n"
}

// say sends the only line that a connection gets, and ends the stream. It waits for nothing,
// because a fresh socket takes a line without blocking.
func say(conn net.Conn, line string) {
	_ = conn.SetWriteDeadline(time.Now().Add(backoffMin))
	_, err := conn.Write([]byte(line))
	if tcp, ok := conn.(*net.TCPConn); ok && err == nil {
		_ = tcp.CloseWrite()
		readNow(conn) // unread input would reset the connection, and the peer could lose the line
	}
}

// readNow reads what has arrived, and returns its first byte; 0: nothing has arrived.
func readNow(conn net.Conn) (first byte) {
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return 0
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return 0
	}
	var buf [4096]byte
	_ = raw.Read(func(fd uintptr) bool {
		if n, err := unix.Read(int(fd), buf[:]); err == nil && n > 0 {
			first = buf[0]
		}
		return true // also if there is nothing, so that Read does not wait
	})
	return first
}
