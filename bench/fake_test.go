package bench

import (
	"fmt"
	"maps"
	"net"
	"strconv"
	"sync"
	"testing"

	"dlm/codec"
)

// fakeServer is a lock server without leases, time-outs and RESP3. It checks whatever a load must
// keep to: nobody releases another's lock, tokens are right, and a hold ends as often as it began.
type fakeServer struct {
	addr string

	mu       sync.Mutex
	locks    map[string]*fakeLock
	commands map[codec.Verb]int      // answered
	tokens   int                     // commands that showed the right token
	ttls     int                     // commands with a TTL
	next     uint64                  // token
	spoil    func(codec.Verb) string // the reply instead of the right one; empty: the right one
}

type fakeLock struct {
	owner   string
	count   int
	token   uint64
	waiters []fakeWaiter
}

type fakeWaiter struct {
	conn  *fakeConn
	tag   string
	owner string
}

// fakeConn is one connection of the fake server. The server's lock guards it.
type fakeConn struct {
	net.Conn
	form   codec.Form
	detail bool
}

func startFake(t *testing.T) *fakeServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fakeServer{addr: listener.Addr().String(), locks: map[string]*fakeLock{}, commands: map[codec.Verb]int{}, next: 1e15}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go f.serve(&fakeConn{Conn: conn})
		}
	}()
	return f
}

func (f *fakeServer) serve(c *fakeConn) {
	defer c.Close()
	defer f.forget(c)
	var d codec.Decoder
	buf := make([]byte, 1<<16)
	for held := 0; ; {
		n, err := c.Read(buf[held:])
		if err != nil {
			return
		}
		in := buf[:held+n]
		f.mu.Lock()
		for len(in) > 0 {
			var cmd codec.Command
			used, st := d.Decode(in, &cmd)
			if used == 0 {
				break
			}
			in = in[used:]
			if st == codec.Ready {
				f.execute(c, &cmd)
			}
		}
		f.mu.Unlock()
		held = copy(buf, in)
	}
}

// forget ends the waits of a connection.
func (f *fakeServer) forget(c *fakeConn) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, l := range f.locks {
		var left []fakeWaiter
		for _, w := range l.waiters {
			if w.conn != c {
				left = append(left, w)
			}
		}
		l.waiters = left
	}
}

func (f *fakeServer) execute(c *fakeConn, cmd *codec.Command) {
	c.form = cmd.Form
	f.commands[cmd.Verb]++
	tag, owner := string(cmd.Tag), string(cmd.Service)
	if cmd.Has(codec.OptTTL) {
		f.ttls++
	}
	if f.spoil != nil {
		if reply := f.spoil(cmd.Verb); reply != "" {
			c.send("", reply)
			return
		}
	}
	l := f.locks[string(cmd.Name)]
	if l == nil {
		l = &fakeLock{}
		f.locks[string(cmd.Name)] = l
	}
	if cmd.Has(codec.OptToken) {
		if uint64(cmd.Token) != l.token || l.owner == "" {
			c.send(tag, "ERROR STALE\n")
			return
		}
		f.tokens++
	}
	switch cmd.Verb {
	case codec.VerbAcquire:
		switch {
		case l.owner == "" || l.owner == owner:
			f.grant(l, fakeWaiter{c, tag, owner})
		case cmd.WaitMs == 0:
			c.send(tag, "ERROR TIMEOUT \"x\" 0\n")
		default:
			l.waiters = append(l.waiters, fakeWaiter{c, tag, owner})
		}
	case codec.VerbHeartbeat, codec.VerbRelease:
		f.own(c, cmd.Verb, l, tag, owner)
	case codec.VerbStatus:
		c.send(tag, fmt.Sprintf("OK state=held waiters=%d\n", len(l.waiters)))
	case codec.VerbInfo:
		c.send(tag, "OK lines=2\nprocess_id:0\nallocated_objects:"+strconv.Itoa(2*f.total())+"\n")
	case codec.VerbDetail:
		c.detail = cmd.Has(codec.OptOn)
		c.send(tag, "OK\n")
	case codec.VerbPing:
		if c.form == codec.FormRESP {
			c.send("", "+PONG\r\n")
			return
		}
		c.send(tag, "OK\n")
	default:
		c.send(tag, "OK\n")
	}
}

// own executes a HEARTBEAT or a RELEASE.
func (f *fakeServer) own(c *fakeConn, v codec.Verb, l *fakeLock, tag, owner string) {
	if l.owner != owner {
		c.send(tag, "ERROR NOTOWNER\n")
		return
	}
	if v == codec.VerbRelease {
		l.count--
	}
	c.answer(l, tag)
	if l.count > 0 {
		return
	}
	l.owner = ""
	if len(l.waiters) > 0 {
		w := l.waiters[0]
		l.waiters = l.waiters[1:]
		f.grant(l, w)
	}
}

func (f *fakeServer) grant(l *fakeLock, w fakeWaiter) {
	if l.count == 0 {
		f.next++
		l.owner, l.token = w.owner, f.next
	}
	l.count++
	w.conn.answer(l, w.tag)
}

// answer sends the OK of a hold.
func (c *fakeConn) answer(l *fakeLock, tag string) {
	switch {
	case c.form == codec.FormRESP:
		c.send("", fmt.Sprintf("*6\r\n$5\r\ntoken\r\n:%d\r\n$5\r\ncount\r\n:%d\r\n$8\r\nlease_ms\r\n:30000\r\n", l.token, l.count))
	case c.detail:
		c.send(tag, fmt.Sprintf("OK token=%d count=%d lease_ms=30000\n", l.token, l.count))
	default:
		c.send(tag, "OK\n")
	}
}

// send sends a reply. A generator that does not read for a while has room in its socket.
func (c *fakeConn) send(tag, reply string) {
	if tag != "" {
		reply = "@" + tag + " " + reply
	}
	_, _ = c.Write([]byte(reply)) // a connection that is gone needs none
}

// seen returns how many commands were answered, showed the right token, and had a TTL.
func (f *fakeServer) seen() (commands map[codec.Verb]int, tokens, ttls int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.commands), f.tokens, f.ttls
}

// total is called under the server's lock.
func (f *fakeServer) total() (n int) {
	for _, count := range f.commands {
		n += count
	}
	return n
}

// checkIdle checks that no lock is held and nobody waits.
func (f *fakeServer) checkIdle(t *testing.T) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	for name, l := range f.locks {
		if l.owner != "" || len(l.waiters) > 0 {
			t.Errorf("%s is held by %q, %d wait", name, l.owner, len(l.waiters))
		}
	}
}
