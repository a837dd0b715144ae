package main

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"time"

	"dlm/engine/enginetest"
)

const (
	crashLocks = 15
	// crashMargin is for the time between a look at the clock and the end of a lease.
	crashMargin = 20 * time.Millisecond
)

// Locks are exclusive, or readers and writers share them, or they are semaphores.
const (
	crashShared  = 7  // from this lock on
	crashPermits = 11 // from this lock on
)

const twoPermits = " PERMITS 2"

func crashLock(i int) string { return fmt.Sprintf("crash:%d", i) }

// crashClient uses real sockets, and holds one lock at a time. With REQ it repeats what was not
// answered, and acquires each lock as another service, so that no hold of before can be meant.
type crashClient struct {
	enginetest.Client
	w    *crashWorld
	conn net.Conn
	in   *bufio.Reader

	req      bool
	number   int
	acquires int              // with REQ
	releases int              // with REQ
	again    string           // the command to repeat; empty: none
	released *enginetest.Hold // that it releases; nil: it is an ACQUIRE
	last     []string         // lines and answers, for the words of a failure
}

func newCrashClient(w *crashWorld, i int) *crashClient {
	c := &crashClient{w: w, number: i, req: i%2 == 1}
	c.Client = enginetest.Client{Service: fmt.Sprintf("svc-%d", i), Shows: true, Lease: crashLease, Margin: crashMargin,
		Rng: rand.New(rand.NewPCG(w.seed, uint64(i))), Holds: map[string]*enginetest.Hold{}, Now: w.now, Ask: c.ask,
		InGrace: func() bool { return true }, Fail: c.fail, Changed: w.book.changed, Did: w.book.count}
	if c.req {
		c.Req = func() string { c.releases++; return fmt.Sprintf(" REQ %d", c.releases) }
		c.Unanswered = func(line string, h *enginetest.Hold) { c.again, c.released = line, h }
	}
	return c
}

func (c *crashClient) fail(format string, args ...any) {
	c.w.t.Errorf(format+"\n%s", append(args, strings.Join(c.last, "\n"))...)
}

func (c *crashClient) run() {
	for !c.stopped() {
		if c.conn == nil && !c.connect() {
			time.Sleep(5 * time.Millisecond) // the pace of a client that finds no primary
			continue
		}
		c.act()
	}
	for _, h := range c.Holds {
		c.GiveUp(h)
	}
	if c.conn != nil {
		c.conn.Close()
	}
}

func (c *crashClient) stopped() bool {
	select {
	case <-c.w.stop:
		return true
	default:
		return false
	}
}

// connect dials the present primary.
func (c *crashClient) connect() bool {
	c.w.mu.Lock()
	addr := c.w.addr
	c.w.mu.Unlock()
	conn, err := net.DialTimeout("tcp", addr, 100*time.Millisecond)
	if err != nil {
		return false
	}
	c.conn, c.in = conn, bufio.NewReader(conn)
	c.Reconnected()
	_, ok := c.ask("DETAIL ON")
	return ok
}

// act does a random thing, but claims the hold first.
func (c *crashClient) act() {
	if h := c.Unshown(); h != nil {
		c.Claim(h)
		return
	}
	if c.again != "" {
		c.repeat()
		return
	}
	for _, h := range c.Holds {
		switch c.Rng.IntN(10) {
		case 0:
			if h.Mode != twoPermits { // it might have to wait
				c.Reenter(h)
			}
		case 1, 2:
			c.Release(h)
		case 3: // nothing this time
		default:
			c.Renew(h)
		}
		return
	}
	c.acquire()
}

// acquire takes a random lock, or waits for it without success. A third of the clients takes
// semaphores only and a third shared locks, because kills must meet holders of each kind.
func (c *crashClient) acquire() {
	i, mode := c.Rng.IntN(crashLocks), ""
	switch c.number / 2 % 3 {
	case 0:
		i = crashPermits + i%(crashLocks-crashPermits)
	case 1:
		i = crashShared + i%(crashPermits-crashShared)
	}
	switch {
	case i >= crashPermits:
		mode = twoPermits
	case i >= crashShared && c.Rng.IntN(4) > 0:
		mode = " SHARED"
	}
	if c.req {
		c.acquires++
		c.Service = fmt.Sprintf("svc-%d-%d", c.number, c.acquires)
	}
	line := c.Acquire(crashLock(i), c.Rng.IntN(300), crashLease, mode)
	if c.req {
		line += " REQ acquire"
	}
	c.attempt(line)
}

// attempt sends an ACQUIRE.
func (c *crashClient) attempt(line string) {
	answer, ok := c.ask(line)
	switch {
	case c.req && undecided(answer, ok):
		c.again, c.released = line, nil
		return
	case !ok:
		c.Lose()
		c.Did("acquire without an answer")
		return
	}
	c.again = ""
	switch h := c.Answer(answer); {
	case h == nil:
	case h.Count == 1:
		c.w.book.granted(c.w.t, *h)
	case c.req:
		c.Fail("%s counts more than once: %s", line, answer)
	default: // an earlier ACQUIRE was granted, whose answer was lost
		c.GiveUp(h)
		c.ask(fmt.Sprintf("RELEASE %s %s", h.Lock, c.Service))
	}
}

// undecided reports whether a command with REQ has to be sent again.
func undecided(answer string, ok bool) bool {
	return !ok || strings.HasPrefix(answer, "ERROR RECOVERING") || strings.HasPrefix(answer, "ERROR CANCELED")
}

// repeat sends the command again that was not answered. A crash may have lost the hold that a
// RELEASE means, or releases before it.
func (c *crashClient) repeat() {
	if c.released == nil {
		c.Did("repeated ACQUIRE")
		c.Repeats()
		c.attempt(c.again)
		return
	}
	answer, ok := c.ask(c.again)
	if undecided(answer, ok) {
		return
	}
	c.Did("repeated RELEASE")
	if _, count, _, hold := enginetest.Grant(answer); hold && count == 0 {
		c.released.Released = c.w.now()
		c.w.book.changed(*c.released)
	}
	c.again = ""
}

// ask sends a line and returns the answer, or false if the connection is lost. A backup that is not
// promoted yet is no place to stay.
func (c *crashClient) ask(line string) (answer string, ok bool) {
	if c.conn == nil {
		return "", false
	}
	c.conn.SetDeadline(time.Now().Add(2 * time.Second))
	_, err := fmt.Fprintln(c.conn, line)
	if err == nil {
		answer, err = c.in.ReadString('\n')
	}
	c.last = append(c.last[max(0, len(c.last)-30):], fmt.Sprintf("%d ms %s: %s %v", (c.w.now()-c.w.began.UnixNano())/1e6, line, strings.TrimSpace(answer), err))
	if err != nil || strings.HasPrefix(answer, "ERROR READONLY") {
		c.conn.Close()
		c.conn = nil
		return "", false
	}
	return strings.TrimSuffix(answer, "\n"), true
}
