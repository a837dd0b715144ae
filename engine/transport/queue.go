package transport

import (
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// queuedMax is how many connections can wait to be accepted: the kernel takes no larger queue.
const queuedMax = 1 << 16

// Question is what one goroutine asks another from time to time, by number. The zero value has been
// answered.
type Question struct{ asked, answered atomic.Uint64 }

// Ask asks question number n, which is larger than those before, or the last one again.
func (q *Question) Ask(n uint64) { q.asked.Store(n) }

// Open reports whether there is a question to answer.
func (q *Question) Open() bool { return q.asked.Load() > q.answered.Load() }

// Answer answers the last question.
func (q *Question) Answer() { q.answered.Store(q.asked.Load()) }

// queue answers whether connections wait that were there at the question.
type queue struct {
	question Question
	taken    int         // connections since the question
	ended    atomic.Bool // the acceptor takes no connections any more
}

// interruptible is a listener of the kernel, for TCP or a Unix socket.
type interruptible interface {
	SetDeadline(time.Time) error
	syscall.Conn
}

// Ask makes the acceptor answer question number n as soon as it has handed over each connection
// that waits now, even if it waits in Accept. Any goroutine may call it. A listener that can't
// be interrupted has nothing to answer.
func (a *Acceptor) Ask(n uint64) {
	l, ok := a.listener.(interruptible)
	if !ok {
		return
	}
	// first, because awake is followed by a look for the question
	a.queue.question.Ask(n)
	_ = l.SetDeadline(time.Unix(0, 1)) // an error means that it is closed
}

// Owes reports whether the acceptor still has a question to answer.
func (a *Acceptor) Owes() bool { return !a.queue.ended.Load() && a.queue.question.Open() }

// answer answers if the queue is empty. The acceptor calls it after it has handed over what it
// took.
func (a *Acceptor) answer() {
	q := &a.queue
	if !q.question.Open() {
		q.taken = 0
		return
	}
	if q.taken++; q.taken <= queuedMax && queued(a.listener.(interruptible)) {
		return
	}
	q.taken = 0
	q.question.Answer()
	a.gate.Answered()
}

// awake lets Accept wait again. If a question came meanwhile, the acceptor finds it first, because
// Ask stores the question before it sets the deadline.
func (a *Acceptor) awake() { _ = a.listener.(interruptible).SetDeadline(time.Time{}) }

// end answers for an acceptor that takes no connections any more.
func (a *Acceptor) end() {
	a.queue.ended.Store(true)
	a.gate.Answered()
}

// queued reports whether a connection waits to be accepted.
func queued(l interruptible) (is bool) {
	raw, err := l.SyscallConn()
	if err != nil {
		return false
	}
	_ = raw.Control(func(fd uintptr) { // an error means that it is closed
		list := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(list, 0)
		is = err == nil && n > 0 || err == unix.EINTR
	})
	return is
}
