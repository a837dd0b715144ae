package bench

import (
	"bytes"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"time"
)

// lineLoop is the loop of the workloads that decide on each reply what to send
// next. It has one thread.
type lineLoop struct {
	p        *poller
	shared   *progress
	protocol *Protocol
	socks    []*socket
	buf      []byte
	// reply is called with each reply, with the time at which it was read.
	reply func(conn int, reply []byte, now int64) error
	// finished ends the loop; it is asked after each wait, also a vain one.
	finished func() (bool, error)
}

func newLineLoop(c *Config, shared *progress, conns int) (*lineLoop, error) {
	p, err := newPoller(shared)
	if err != nil {
		return nil, err
	}
	l := &lineLoop{p: p, shared: shared, protocol: c.Protocol, buf: make([]byte, readLen)}
	for i := range conns {
		s, err := openSocket(c, p, i)
		if err != nil {
			l.close()
			return nil, fmt.Errorf("connection %d of %d: %w", i+1, conns, err)
		}
		l.socks = append(l.socks, s)
	}
	return l, nil
}

func (l *lineLoop) close() {
	for _, s := range l.socks {
		s.close()
	}
	l.p.close()
}

// run receives until the workload says that it is finished.
func (l *lineLoop) run() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	alive := l.shared.clock()
	for {
		if done, err := l.finished(); done || err != nil {
			return err
		}
		ready, err := l.p.wait(phaseLook)
		if err != nil {
			return err
		}
		for _, r := range ready {
			s := l.socks[r.key]
			if r.write {
				err = s.flush()
			}
			if r.read && err == nil {
				err = l.read(s)
			}
			if err != nil {
				return err
			}
		}
		if len(ready) > 0 {
			alive = l.shared.clock()
		} else if l.shared.clock()-alive > int64(stallMax) {
			return fmt.Errorf("%w for %v", errStalled, stallMax)
		}
	}
}

func (l *lineLoop) read(s *socket) error {
	in, err := s.receive(l.buf)
	if err != nil {
		return err
	}
	now := l.shared.clock()
	for {
		n, err := l.protocol.Len(in)
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
		if err := l.reply(s.key, in[:n], now); err != nil {
			return err
		}
		in = in[n:]
	}
	s.keep(in)
	return nil
}

// send sends b behind what is unsent. b must not change until it is sent.
func (s *socket) send(b []byte) error {
	if len(s.unsent) == 0 {
		s.unsent = b
	} else {
		s.unsent = append(slices.Clip(s.unsent), b...)
	}
	return s.flush()
}

// tagged takes the tag off a reply: @17 OK. ok is false if it has none of ours.
func tagged(reply []byte) (tag int, rest []byte, ok bool) {
	if len(reply) == 0 || reply[0] != '@' {
		return 0, reply, false
	}
	digits, rest, ok := bytes.Cut(reply[1:], []byte{' '})
	tag, err := strconv.Atoi(string(digits))
	return tag, rest, ok && err == nil
}

// stepMax bounds one step of a workload that has an end of its own.
const stepMax = 5 * time.Minute
