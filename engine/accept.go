package engine

import (
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"dlm/engine/auth"
	"dlm/engine/transport"
)

const (
	acceptBackoffMin = 5 * time.Millisecond
	acceptBackoffMax = time.Second
	logEvery         = 5 * time.Second  // between two lines about refused connections
	guestPause       = time.Millisecond // in which loops end guests that were told to leave
	guestTries       = 5                // such pauses before a connection that would be a guest
	sparesWanted     = 16               // spare descriptors, to tell clients that none is left
)

// accept takes connections until the listener is closed by stop, on a goroutine per address.
func (e *Engine) accept(server *transport.Server) {
	var wg sync.WaitGroup
	var all []*acceptor
	for _, l := range e.listener.Each() {
		all = append(all, &acceptor{e: e, listener: l, server: server, sparesMax: sparesMax(), backoff: acceptBackoffMin})
	}
	e.catching.accept.Store(&all)
	for _, a := range all {
		wg.Go(a.run)
	}
	wg.Wait()
}

// run is the goroutine "accept": it takes connections, checks the limits and hands
// them to a loop. gnet's own acceptor would end the whole server on the first EMFILE.
func (a *acceptor) run() {
	null, err := unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		a.report(rejectFiles, err) // there are no spares then
		null = -1
	}
	a.null = null
	a.reserve()
	defer func() { a.giveUp(len(a.spares)); _ = unix.Close(a.null) }()
	defer a.end()
	for {
		a.answer()
		conn, err := a.listener.Accept()
		a.e.extraProc.use(a.e.clock.Now())
		switch {
		case err == nil:
			a.backoff = acceptBackoffMin
			a.take(conn)
			a.reserve()
		case errors.Is(err, net.ErrClosed):
			return
		case errors.Is(err, os.ErrDeadlineExceeded): // it is asked whether the queue is empty
			a.awake()
		case outOfFiles(err):
			a.refuseOne(err)
		default:
			// ECONNABORTED and its like concern one connection only.
			a.e.reject(rejectEnroll)
			a.report(rejectEnroll, err)
			a.pause()
		}
	}
}

// acceptor is the state of the goroutine "accept".
type acceptor struct {
	e         *Engine
	listener  net.Listener
	server    *transport.Server
	null      int   // what spares are duplicates of: opening a file for each connection costs more
	spares    []int // descriptors to give up when there is none left
	sparesMax int   // immutable
	backoff   time.Duration
	lastLog   time.Time
	unsaid    int // refusals since the last log line
	queue     party
	taken     int         // connections since it was asked about its queue
	ended     atomic.Bool // it takes no connections any more
}

// take hands a connection to a loop, as what the limits make of it.
func (a *acceptor) take(conn net.Conn) {
	for try := 0; try < guestTries && a.e.placesTaken(); try++ {
		time.Sleep(guestPause)
	}
	a.giveUp(1) // for the duplicate that the loop gets
	at, ok := a.e.receive(addressOf(conn.RemoteAddr()))
	a.hand(conn, &at, ok)
}

// hand gives a connection to a loop. Without a place for it, it is told so and closed here.
func (a *acceptor) hand(conn net.Conn, at *arrival, ok bool) {
	if at.as == turned {
		a.e.reject(at.why)
	}
	if at.why != rejectNot {
		a.report(at.why, nil)
	}
	if !ok {
		sayAndClose(conn, turnedWords[at.why])
		return
	}
	opened, err := a.server.Enroll(conn, at)
	if !opened {
		a.e.giveBack(at)
		a.e.reject(rejectEnroll)
		a.report(rejectEnroll, err)
		return
	}
	if at.as != turned {
		a.e.accepted.Add(1)
	}
}

// refuseOne gets rid of one waiting connection when no descriptor is left, so that its
// client learns it: two spare ones are given up for it, since a loop duplicates it.
func (a *acceptor) refuseOne(err error) {
	a.report(rejectFiles, err)
	if len(a.spares) < 2 {
		a.pause()
		a.reserve()
		return
	}
	a.giveUp(2)
	if l, ok := a.listener.(*net.TCPListener); ok {
		_ = l.SetDeadline(time.Now().Add(acceptBackoffMin))
		if conn, err := l.Accept(); err == nil {
			at := arrival{why: rejectFiles, from: auth.NoAddress}
			a.hand(conn, &at, a.e.turnAway(&at))
		}
		_ = l.SetDeadline(time.Time{})
	}
	a.reserve()
}

// reserve opens the spare descriptors that are missing, as far as there are some.
func (a *acceptor) reserve() {
	for len(a.spares) < a.sparesMax {
		fd, err := unix.FcntlInt(uintptr(a.null), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			return // the next connection tries again
		}
		a.spares = append(a.spares, fd)
	}
}

// giveUp closes n spare descriptors, as far as there are so many.
func (a *acceptor) giveUp(n int) {
	for ; n > 0 && len(a.spares) > 0; n-- {
		last := len(a.spares) - 1
		_ = unix.Close(a.spares[last])
		a.spares = a.spares[:last]
	}
}

// pause waits a growing time, so that a lasting failure does not spin.
func (a *acceptor) pause() {
	time.Sleep(a.backoff)
	a.backoff = min(2*a.backoff, acceptBackoffMax)
}

// report logs that a limit is met, not more often than every few seconds.
func (a *acceptor) report(why rejection, err error) {
	a.unsaid++
	if time.Since(a.lastLog) < logEvery {
		return
	}
	a.e.cfg.Log.Warn("connections beyond a limit", "reason", rejectionNames[why], "count", a.unsaid,
		"connections", a.e.conns.Load(), "max_conns", a.e.connsMax, "error", err)
	a.lastLog, a.unsaid = time.Now(), 0
}

// sayAndClose answers a connection for which no loop has a place, in the form of what has
// arrived. It does not wait for anything: a fresh socket takes a line without blocking.
func sayAndClose(conn net.Conn, why string) {
	line := "ERROR LIMIT " + why + "\n"
	if readNow(conn) == '*' {
		line = "-LIMIT " + why + "\r\n"
	}
	_ = conn.SetWriteDeadline(time.Now().Add(acceptBackoffMin))
	_, err := conn.Write([]byte(line))
	if tcp, ok := conn.(*net.TCPConn); ok && err == nil {
		_ = tcp.CloseWrite()
		readNow(conn) // unread input would reset the connection, and could take the answer with it
	}
	_ = conn.Close()
}

// readNow reads what has arrived, and returns the first byte of it, 0 if there is none.
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
		return true // also if there is nothing: no waiting
	})
	return first
}

func outOfFiles(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) ||
		errors.Is(err, syscall.ENOBUFS) || errors.Is(err, syscall.ENOMEM)
}
