package bench

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// stallMax is how long a loop waits for any reply before it gives up.
	stallMax = 30 * time.Second
	// phaseLook is how often a loop that gets no reply looks at the phase.
	phaseLook = 20 * time.Millisecond
	// readLen is the length of the buffer that all sockets of a loop read into, in bytes.
	readLen = 256 << 10
)

// The phases of a run: warm-up, rounds 1 and up, stop.
const (
	phaseWarm = 0
	phaseStop = -1
)

// errStalled is returned when the server has not answered for stallMax.
var errStalled = errors.New("no reply from the server")

// progress is shared by the loops and the clock of a run.
type progress struct {
	phase    atomic.Int32 // set by the clock
	commands atomic.Int64 // answered so far, by all loops
	clock    func() int64 // nanoseconds; only differences count

	poll bool         // the loops never sleep
	idle atomic.Int64 // nanoseconds in which a polling loop had nothing to do
}

// newProgress returns a progress with a clock that starts at 0.
func newProgress(poll bool) *progress {
	start := time.Now()
	return &progress{poll: poll, clock: func() int64 { return int64(time.Since(start)) }}
}

// loop is one thread of the generator. It sends what its sockets have to send and hands what
// arrives to the workload, which decides on that what to send next.
type loop struct {
	p      *poller
	shared *progress
	socks  []*socket
	buf    []byte
	// received takes what has arrived on a connection, read at now. It returns the beginning of a
	// reply that is not whole.
	received func(conn int, in []byte, now int64) (rest []byte, err error)
	// done reports whether the workload has ended. The loop asks before each wait.
	done func() bool
	// patience returns the longest wait; nil: phaseLook.
	patience func() time.Duration
	// turn is called after each wait, before what has arrived is read; nil: nothing is to be done.
	turn func() error
}

func newLoop(shared *progress) (*loop, error) {
	p, err := newPoller(shared)
	if err != nil {
		return nil, err
	}
	return &loop{p: p, shared: shared, buf: make([]byte, readLen)}, nil
}

// connect opens connections.
func (l *loop) connect(load *Load, p *Protocol, conns int) error {
	for i := range conns {
		client, err := dial(load, p)
		if err != nil {
			return fmt.Errorf("connection %d of %d: %w", i+1, conns, err)
		}
		if err := l.adopt(client.Conn.(*net.TCPConn)); err != nil {
			return err
		}
	}
	return nil
}

func (l *loop) close() {
	for _, s := range l.socks {
		unix.Close(s.fd)
	}
	l.p.close()
}

// run sends and receives until the workload has ended.
func (l *loop) run() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	alive := l.shared.clock()
	for !l.done() {
		most := phaseLook
		if l.patience != nil {
			most = l.patience()
		}
		ready, err := l.p.wait(most)
		if err == nil && l.turn != nil {
			err = l.turn()
		}
		if err != nil {
			return err
		}
		for _, r := range ready {
			if err := l.handle(r); err != nil {
				return err
			}
		}
		if now := l.shared.clock(); len(ready) > 0 {
			alive = now
		} else if now-alive > int64(stallMax) {
			return fmt.Errorf("%w for %v", errStalled, stallMax)
		}
	}
	return nil
}

func (l *loop) handle(r readiness) error {
	s := l.socks[r.key]
	if r.write {
		if err := s.flush(); err != nil {
			return err
		}
	}
	if !r.read {
		return nil
	}
	in, err := s.receive(l.buf)
	if err != nil {
		return err
	}
	rest, err := l.received(r.key, in, l.shared.clock())
	s.partial = append(s.partial[:0], rest...)
	return err
}
