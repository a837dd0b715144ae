package engine

import (
	"errors"
	"math"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

const (
	acceptBackoffMin = 5 * time.Millisecond
	acceptBackoffMax = time.Second
	logEvery         = 5 * time.Second // between two lines about refused connections
)

// accept takes connections until the listener is closed by stop, on a goroutine per address.
func (e *Engine) accept(shell *shell) {
	var wg sync.WaitGroup
	for _, l := range e.listener.each {
		a := acceptor{e: e, listener: l, shell: shell, backoff: acceptBackoffMin}
		wg.Go(a.run)
	}
	wg.Wait()
}

// run is the goroutine "accept": it takes connections, checks the limits and hands
// them to a loop. gnet's own acceptor would end the whole server on the first EMFILE.
func (a *acceptor) run() {
	e := a.e
	a.reserve()
	defer a.giveUpReserve()
	for {
		conn, err := a.listener.Accept()
		e.spare.use(e.clock.now())
		switch {
		case err == nil:
			a.backoff = acceptBackoffMin
			a.take(conn)
		case errors.Is(err, net.ErrClosed):
			return
		case outOfFiles(err):
			a.refuseOne(err)
		default:
			// ECONNABORTED and its like concern one connection only.
			a.refused(rejectEnroll, err)
			a.pause()
		}
	}
}

// acceptor is the state of the goroutine "accept".
type acceptor struct {
	e        *Engine
	listener net.Listener
	shell    *shell
	spare    *os.File // a descriptor to give up when there is none left
	backoff  time.Duration
	lastLog  time.Time
	unsaid   int // refusals since the last log line
}

// take enrolls a connection, or refuses it at the limit.
func (a *acceptor) take(conn net.Conn) {
	if a.e.conns.Load() >= int64(a.e.connsMax) {
		a.refused(rejectConns, nil)
		sayAndClose(conn, "ERROR LIMIT conns too many connections\n")
		return
	}
	if err := a.shell.enroll(conn); err != nil {
		a.refused(rejectEnroll, err)
		return
	}
	a.e.accepted.Add(1)
}

// refuseOne gets rid of one waiting connection when no descriptor is left, so
// that its client learns it at once: the spare one is given up for it.
func (a *acceptor) refuseOne(err error) {
	a.refused(rejectFiles, err)
	if a.spare == nil {
		a.pause()
		a.reserve()
		return
	}
	a.giveUpReserve()
	if l, ok := a.listener.(*net.TCPListener); ok {
		l.SetDeadline(time.Now().Add(acceptBackoffMin))
		if conn, err := l.Accept(); err == nil {
			sayAndClose(conn, "ERROR LIMIT conns the server has no file descriptor left\n")
		}
		l.SetDeadline(time.Time{})
	}
	a.reserve()
	if a.spare == nil {
		a.pause()
	}
}

func (a *acceptor) reserve() { a.spare, _ = os.Open(os.DevNull) }

func (a *acceptor) giveUpReserve() {
	if a.spare != nil {
		a.spare.Close()
		a.spare = nil
	}
}

// pause waits a growing time, so that a lasting failure does not spin.
func (a *acceptor) pause() {
	time.Sleep(a.backoff)
	a.backoff = min(2*a.backoff, acceptBackoffMax)
}

// refused counts a refusal and logs it, not more often than every few seconds.
func (a *acceptor) refused(why rejection, err error) {
	a.e.reject(why)
	a.unsaid++
	if time.Since(a.lastLog) < logEvery {
		return
	}
	a.e.cfg.Log.Warn("connections refused", "reason", rejectionNames[why], "count", a.unsaid,
		"connections", a.e.conns.Load(), "max_conns", a.e.connsMax, "error", err)
	a.lastLog, a.unsaid = time.Now(), 0
}

// sayAndClose answers a connection that is not served. A fresh socket takes a
// line without blocking; the deadline is for the case that it does not.
func sayAndClose(conn net.Conn, line string) {
	conn.SetWriteDeadline(time.Now().Add(acceptBackoffMin))
	conn.Write([]byte(line))
	conn.Close()
}

func outOfFiles(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) ||
		errors.Is(err, syscall.ENOBUFS) || errors.Is(err, syscall.ENOMEM)
}

// connsLimit lowers the wanted number of connections to what the process may
// open, less what the server itself needs: the listener, the spare, the log,
// two per loop, one that is being enrolled (it is duplicated), the HTTP side, and
// some in reserve, for images too.
func connsLimit(wanted, loops int) int {
	own := 16 + 2*loops + HTTPConnsMax()
	return min(wanted, max(filesMax()-own, 1))
}

// HTTPConnsMax returns how many connections the HTTP side may have: a sixteenth of
// the file limit, which they share with those for locks, and 64 at most.
func HTTPConnsMax() int { return min(filesMax()/16, 64) }

// filesMax returns how many descriptors the process may have.
func filesMax() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return math.MaxInt
	}
	return int(min(limit.Cur, math.MaxInt))
}
