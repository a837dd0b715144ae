package engine

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
)

// crowd is one connection with many tagged waits for the lock "crowd".
type crowd struct {
	conn     net.Conn
	in       *bufio.Reader
	granted  int
	timedOut int
	err      error
}

func joinCrowd(t *testing.T, addr string) *crowd {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &crowd{conn: conn, in: bufio.NewReader(conn)}
}

// enqueue sends n waits, and a PING whose answer proves that all were read.
func (c *crowd) enqueue(n, timeoutMs int) {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "@%d ACQUIRE crowd %s-%d %d\n", i, c.conn.LocalAddr(), i, timeoutMs)
	}
	text.WriteString("PING\n")
	c.conn.Write([]byte(text.String()))
	for c.err == nil {
		line, err := c.in.ReadString('\n')
		c.note(line, err)
		if line == "OK\n" {
			return
		}
	}
}

// note counts an answer.
func (c *crowd) note(line string, err error) {
	switch {
	case err != nil:
		c.err = err
	case strings.Contains(line, " ERROR TIMEOUT"):
		c.timedOut++
	case strings.HasSuffix(line, " OK\n") && line[0] == '@':
		c.granted++
	case line != "OK\n":
		c.err = fmt.Errorf("answer %q", line)
	}
}

// passOn releases as often as it is granted, n times.
func (c *crowd) passOn(n int) {
	for c.granted < n && c.err == nil {
		line, err := c.in.ReadString('\n')
		before := c.granted
		if c.note(line, err); c.granted > before {
			tag := line[1:strings.IndexByte(line, ' ')]
			fmt.Fprintf(c.conn, "RELEASE crowd %s-%s\n", c.conn.LocalAddr(), tag)
		}
	}
}

func TestHugeCrowdWaitsForOneLock(t *testing.T) {
	perConn := 1600
	if os.Getenv("DLM_STRESS") != "" {
		perConn = 8333 // 12 connections: 99,996 waiters
	}
	order := &countingTap{}
	e := serve(t, func(c *Config) { c.WaitersPerLockMax = 12 * perConn; c.Tap = order.event })
	addr := e.Addr().String()
	holder := joinCrowd(t, addr)
	fmt.Fprint(holder.conn, "ACQUIRE crowd holder 0 TTL 600000\n")
	holder.in.ReadString('\n')

	var conns [12]*crowd
	for i := range conns {
		conns[i] = joinCrowd(t, addr)
	}
	each := func(from, to int, do func(*crowd)) {
		var wg sync.WaitGroup
		for _, c := range conns[from:to] {
			wg.Go(func() { do(c) })
		}
		wg.Wait()
	}
	each(0, 12, func(c *crowd) { c.enqueue(perConn, 600_000) })
	fmt.Fprint(holder.conn, "ACQUIRE crowd onetoomany 1000\n")
	if line, _ := holder.in.ReadString('\n'); !strings.HasPrefix(line, "ERROR LIMIT") {
		t.Fatalf("one waiter too many: %q", line)
	}
	if n := e.tab().Totals().Waiters; n != 12*perConn {
		t.Fatalf("%d wait", n)
	}

	// A third leaves with its connections, and as many come whose time runs out.
	each(0, 4, func(c *crowd) { c.conn.Close() })
	eventually(t, "waits of closed connections are left", func() bool { return e.tab().Totals().Waiters <= 8*perConn })
	for i := range 4 {
		conns[i] = joinCrowd(t, addr)
	}
	each(0, 4, func(c *crowd) { c.enqueue(perConn, 500) })
	each(0, 4, func(c *crowd) {
		for c.timedOut < perConn && c.err == nil {
			line, err := c.in.ReadString('\n')
			c.note(line, err)
		}
	})
	fmt.Fprint(holder.conn, "RELEASE crowd holder\n")
	each(4, 12, func(c *crowd) { c.passOn(perConn) })
	for i, c := range conns {
		if c.err != nil {
			t.Errorf("connection %d: %v", i, c.err)
		}
	}
	eventually(t, "something is left", func() bool { s := e.tab().Totals(); return s.Held == 0 && s.Waiters == 0 })
	order.check(t)
}
