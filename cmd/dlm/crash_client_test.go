package main

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"time"
)

const (
	crashLocks = 15
	// a client stops relying on a lease this long before its end
	crashMargin = 20 * time.Millisecond
)

func crashLock(i int) string { return fmt.Sprintf("crash:%d", i) }

// crashClient is one service. It holds one lock at a time, keeps its own deadline, and shows its
// token after a lost connection.
type crashClient struct {
	w       *crashWorld
	service string
	rng     *rand.Rand
	conn    net.Conn
	in      *bufio.Reader

	hold  *certainHold // nil: none, or not known any more
	count uint32
}

func (c *crashClient) run() {
	for !c.stopped() {
		if c.conn == nil && !c.connect() {
			continue
		}
		if c.hold == nil {
			c.acquire()
		} else {
			c.use()
		}
	}
	c.giveUp()
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

// connect dials the present primary and shows the hold, as a client library does.
func (c *crashClient) connect() bool {
	c.w.mu.Lock()
	addr := c.w.addr
	c.w.mu.Unlock()
	conn, err := net.DialTimeout("tcp", addr, 100*time.Millisecond)
	if err != nil {
		time.Sleep(5 * time.Millisecond) // the pace of a client that finds no server
		return false
	}
	c.conn, c.in = conn, bufio.NewReader(conn)
	if _, ok := c.ask("DETAIL ON"); !ok || c.hold == nil {
		return ok
	}
	if time.Now().After(c.hold.to) {
		c.giveUp()
		return true
	}
	sent := time.Now()
	reply, ok := c.ask(fmt.Sprintf("HEARTBEAT %s %s TOKEN %d COUNT %d", c.hold.lock, c.service, c.hold.token, c.count))
	switch {
	case !ok:
		return false
	case strings.HasPrefix(reply, "ERROR READONLY"): // not promoted yet
		c.drop()
		time.Sleep(5 * time.Millisecond) // the pace of a client that waits for a promotion
		return false
	case !strings.HasPrefix(reply, "OK "):
		// The answer may have come after the deadline that the client keeps.
		if time.Now().Before(c.hold.to) {
			c.w.t.Errorf("%s: %s shows token %d with %v left: %s", c.hold.lock, c.service, c.hold.token, time.Until(c.hold.to), reply)
		}
		c.giveUp()
		return true
	}
	c.w.book.count("claims accepted")
	c.expect(reply, sent)
	return true
}

// acquire takes a random lock, or waits for it without success.
func (c *crashClient) acquire() {
	lock, sent := crashLock(c.rng.IntN(crashLocks)), time.Now()
	reply, ok := c.ask(fmt.Sprintf("ACQUIRE %s %s %d", lock, c.service, c.rng.IntN(300)))
	if !ok {
		// The lock may be granted; its lease will end then.
		c.w.book.count("acquires without an answer")
		return
	}
	var token uint64
	var count uint32
	if n, _ := fmt.Sscanf(reply, "OK token=%d count=%d", &token, &count); n == 2 && count == 1 {
		now := time.Now()
		c.hold = &certainHold{lock: lock, service: c.service, token: token, called: sent, from: now, to: sent.Add(crashLease - crashMargin)}
		c.count = 1
		c.w.book.granted(c.w.t, c.hold)
	} else if n == 2 { // an earlier ACQUIRE, whose answer was lost
		c.ask(fmt.Sprintf("RELEASE %s %s", lock, c.service))
	}
}

// use does a random thing with the hold.
func (c *crashClient) use() {
	if time.Now().After(c.hold.to) {
		c.giveUp()
		return
	}
	h, sent := c.hold, time.Now()
	switch c.rng.IntN(10) {
	case 0:
		c.count++ // if the answer is lost, the claim has the count
		reply, ok := c.ask(fmt.Sprintf("ACQUIRE %s %s 0", h.lock, c.service))
		if ok {
			c.w.book.count("re-entries")
			c.expect(reply, sent)
		}
	case 1, 2:
		c.release()
	case 3:
		return // nothing this time
	default:
		reply, ok := c.ask(fmt.Sprintf("HEARTBEAT %s %s TOKEN %d", h.lock, c.service, h.token))
		if ok {
			c.expect(reply, sent)
		}
	}
}

// release gives one count back. When the client sends the last RELEASE it stops relying on the
// hold; if the answer is lost, it claims nothing any more.
func (c *crashClient) release() {
	h := c.hold
	last := c.count == 1
	if last {
		h.to = minTime(h.to, time.Now())
		c.hold = nil
	}
	c.count--
	reply, ok := c.ask(fmt.Sprintf("RELEASE %s %s TOKEN %d", h.lock, c.service, h.token))
	switch {
	case !ok:
		c.w.book.count("releases without an answer")
	case !strings.HasPrefix(reply, fmt.Sprintf("OK token=%d count=%d", h.token, c.count)):
		c.w.t.Errorf("%s: RELEASE by %s with token %d and count %d: %s", h.lock, c.service, h.token, c.count+1, reply)
	case last:
		c.w.book.mu.Lock()
		h.released = time.Now()
		c.w.book.mu.Unlock()
		c.w.book.count("releases")
	}
}

// expect checks the answer to a command that only a holder may send. The lease counts from the
// moment when the command was sent.
func (c *crashClient) expect(reply string, sent time.Time) {
	want := fmt.Sprintf("OK token=%d count=%d ", c.hold.token, c.count)
	if strings.HasPrefix(reply, want) {
		c.hold.to = sent.Add(crashLease - crashMargin)
		return
	}
	if time.Now().Before(c.hold.to) {
		c.w.t.Errorf("%s: %s has %v left of its lease and is answered %q, want %q", c.hold.lock, c.service, time.Until(c.hold.to), reply, want)
	}
	c.giveUp()
}

// giveUp ends the time in which the client relies on its hold.
func (c *crashClient) giveUp() {
	if c.hold != nil {
		c.hold.to = minTime(c.hold.to, time.Now())
		c.hold = nil
		c.w.book.count("given up")
	}
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// ask sends a line and returns the answer, or false if the connection is lost.
func (c *crashClient) ask(line string) (reply string, ok bool) {
	if c.conn == nil {
		return "", false
	}
	c.conn.SetDeadline(time.Now().Add(2 * time.Second))
	_, err := fmt.Fprintln(c.conn, line)
	if err == nil {
		reply, err = c.in.ReadString('\n')
	}
	if err != nil {
		c.drop()
		return "", false
	}
	return strings.TrimSuffix(reply, "\n"), true
}

func (c *crashClient) drop() {
	c.conn.Close()
	c.conn = nil
}
