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

func crashLock(i int) string { return fmt.Sprintf("crash:%d", i) }

// crashClient is one service on real sockets. It holds one lock at a time.
type crashClient struct {
	enginetest.Client
	w    *crashWorld
	conn net.Conn
	in   *bufio.Reader
}

func newCrashClient(w *crashWorld, i int) *crashClient {
	c := &crashClient{w: w}
	c.Client = enginetest.Client{Service: fmt.Sprintf("svc-%d", i), Shows: true, Lease: crashLease, Margin: crashMargin,
		Rng: rand.New(rand.NewPCG(w.seed, uint64(i))), Holds: map[string]*enginetest.Hold{}, Now: w.now, Ask: c.ask,
		InGrace: func() bool { return true }, Fail: w.t.Errorf, Changed: w.book.changed, Did: w.book.count}
	return c
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
	for _, h := range c.Holds {
		switch c.Rng.IntN(10) {
		case 0:
			c.Reenter(h)
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

// acquire takes a random lock, or waits for it without success.
func (c *crashClient) acquire() {
	answer, ok := c.ask(c.Acquire(crashLock(c.Rng.IntN(crashLocks)), c.Rng.IntN(300), crashLease))
	if !ok {
		c.Lose()
		c.Did("acquire without an answer")
		return
	}
	switch h := c.Answer(answer); {
	case h == nil:
	case h.Count == 1:
		c.w.book.granted(c.w.t, *h)
	default: // an earlier ACQUIRE was granted, whose answer was lost
		c.GiveUp(h)
		c.ask(fmt.Sprintf("RELEASE %s %s", h.Lock, c.Service))
	}
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
	if err != nil || strings.HasPrefix(answer, "ERROR READONLY") {
		c.conn.Close()
		c.conn = nil
		return "", false
	}
	return strings.TrimSuffix(answer, "\n"), true
}
