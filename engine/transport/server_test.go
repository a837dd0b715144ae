package transport

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"testing"
)

// echo is a Loop whose connections send back what they read.
type echo struct {
	t      *testing.T
	wake   func()
	ask    func()
	woken  chan struct{}
	polled chan struct{}
	ended  chan string // how a connection has ended
	id     uint64
}

// quiet is a log that nobody reads.
var quiet = slog.New(slog.DiscardHandler)

func newEcho(t *testing.T) *echo {
	return &echo{t: t, woken: make(chan struct{}, 1), polled: make(chan struct{}, 1), ended: make(chan string, 1)}
}

type echoConn struct {
	e *echo
	s Link
}

func (e *echo) Bind(wake, ask func()) { e.wake, e.ask = wake, ask }
func (e *echo) Woken()                { e.woken <- struct{}{} }
func (e *echo) Polled()               { e.polled <- struct{}{} }

func (e *echo) Open(s Link, came any) (Conn, uint64) {
	if came != "came" {
		e.t.Errorf("opened with %v", came)
	}
	e.id++
	return &echoConn{e, s}, e.id
}

func (c *echoConn) Feed(in []byte, _ bool) {
	if bytes.Equal(in, []byte("quit")) {
		c.s.Close()
		return
	}
	if n, err := c.s.Write(in); n != len(in) || err != nil {
		c.e.t.Errorf("%d of %d bytes written: %v", n, len(in), err)
	}
}

func (c *echoConn) InputEnded() (alive, output bool) {
	if _, err := c.s.Write([]byte("bye")); err != nil {
		c.e.t.Error(err)
	}
	return true, true
}

func (c *echoConn) Gone(cause error) { c.e.ended <- "gone" }
func (c *echoConn) Lost()            { c.e.ended <- "lost" }

// startEcho starts a server with one loop. dial returns the client's end of a new connection.
func startEcho(t *testing.T, writable func(id uint64)) (e *echo, dial func() *net.TCPConn) {
	e = newEcho(t)
	s, err := Start(Config{Loops: []Loop{e}, Writable: writable, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return e, func() *net.TCPConn {
		client, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = client.Close() })
		server, err := l[0].Accept()
		if err != nil {
			t.Fatal(err)
		}
		if opened, err := s.enroll(server, &enrolment{came: "came"}); !opened || err != nil {
			t.Fatalf("opened: %v, %v", opened, err)
		}
		return client.(*net.TCPConn)
	}
}

func exchange(t *testing.T, c net.Conn, send, want string) {
	t.Helper()
	if send != "" {
		if _, err := io.WriteString(c, send); err != nil {
			t.Fatal(err)
		}
	}
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Fatalf("%q, %v, want %q", got, err, want)
	}
}

// TestServerCallsItsLoop checks each call of a Loop and of a Conn.
func TestServerCallsItsLoop(t *testing.T) {
	e, dial := startEcho(t, func(uint64) {})
	e.wake()
	<-e.woken
	e.ask()
	<-e.polled

	c := dial()
	exchange(t, c, "hello", "hello")
	if _, err := io.WriteString(c, "quit"); err != nil {
		t.Fatal(err)
	}
	if how := <-e.ended; how != "lost" {
		t.Fatalf("after Close: %s", how)
	}

	c = dial()
	exchange(t, c, "hello", "hello")
	if err := c.SetLinger(0); err != nil { // Close sends a reset
		t.Fatal(err)
	}
	_ = c.Close()
	if how := <-e.ended; how != "gone" {
		t.Fatalf("after a reset: %s", how)
	}
}

// TestWritesAfterEndOfInput checks that a Socket outlives the end of its input, and that it
// still reports room.
func TestWritesAfterEndOfInput(t *testing.T) {
	ready := make(chan uint64, 1)
	_, dial := startEcho(t, func(id uint64) { ready <- id })
	c := dial()
	exchange(t, c, "hello", "hello")
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	exchange(t, c, "", "bye")
	if id := <-ready; id != 1 {
		t.Fatalf("connection %d has room", id)
	}
}
