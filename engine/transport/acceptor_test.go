package transport

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
)

// fakeGate admits connections until refusal is set.
type fakeGate struct {
	refusal  string
	admitted chan string // what Admit answered, or how a connection failed
	answered chan struct{}
	peer     atomic.Value // string; of the last Admit
}

func (g *fakeGate) Accepted()  {}
func (g *fakeGate) Full() bool { return g.refusal != "" }
func (g *fakeGate) Admit(peer net.Addr) (any, string) {
	g.peer.Store(peer.String())
	g.admitted <- "admit " + g.refusal
	return "came", g.refusal
}
func (g *fakeGate) NoFiles() (any, string)                { return "came", "no files" }
func (g *fakeGate) OutOfFiles(err error)                  { g.admitted <- err.Error() }
func (g *fakeGate) Failed(came any, err error)            { g.admitted <- err.Error() }
func (g *fakeGate) Enrolled(came any)                     { g.admitted <- "enrolled" }
func (g *fakeGate) Secured(any, *tls.ConnectionState)     { g.admitted <- "secured" }
func (g *fakeGate) Insecure(_ any, _ net.Addr, err error) { g.admitted <- err.Error() }
func (g *fakeGate) NoHeader(_ net.Addr, err error)        { g.admitted <- err.Error() }
func (g *fakeGate) Answered()                             { g.answered <- struct{}{} }

// newAcceptor makes an acceptor in front of an echo loop. runAcceptor starts it.
func newAcceptor(t *testing.T, g *fakeGate) (e *echo, a *Acceptor, addr string) {
	t.Helper()
	g.admitted, g.answered = make(chan string, 256), make(chan struct{}, 8)
	e = newEcho(t)
	s, err := Start(Config{Loops: []Loop{e}, Writable: func(uint64) {}, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return e, NewAcceptor(l[0], s, g, 2), l.Addr().String()
}

// runAcceptor runs an acceptor until the test or stop ends it.
func runAcceptor(t *testing.T, a *Acceptor) (stop func()) {
	done := make(chan struct{})
	go func() { a.Run(); close(done) }()
	stop = func() { _ = a.listener.Close(); <-done }
	t.Cleanup(stop)
	return stop
}

// startAcceptor makes an acceptor and runs it.
func startAcceptor(t *testing.T, g *fakeGate) (a *Acceptor, dial func() *net.TCPConn, stop func()) {
	t.Helper()
	_, a, addr := newAcceptor(t, g)
	return a, func() *net.TCPConn {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c.(*net.TCPConn)
	}, runAcceptor(t, a)
}

// TestAcceptorHandsOver checks that an admitted connection reaches its loop.
func TestAcceptorHandsOver(t *testing.T) {
	g := &fakeGate{}
	_, dial, _ := startAcceptor(t, g)
	exchange(t, dial(), "hello", "hello")
	for _, want := range []string{"admit ", "enrolled"} {
		if got := <-g.admitted; got != want {
			t.Fatalf("the gate was told %q, want %q", got, want)
		}
	}
}

// TestAcceptorSaysRefusal checks that a connection without a place is told so and closed.
func TestAcceptorSaysRefusal(t *testing.T) {
	g := &fakeGate{refusal: "conns no place"}
	_, dial, _ := startAcceptor(t, g)
	c := dial()
	exchange(t, c, "", "ERROR LIMIT conns no place\n")
	if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Fatalf("after the refusal: %d bytes, %v", n, err)
	}
}

// TestAcceptorAnswers checks that Ask is answered after the connections that waited were handed
// over, while the acceptor waits in Accept, and when it has ended.
func TestAcceptorAnswers(t *testing.T) {
	g := &fakeGate{}
	a, dial, stop := startAcceptor(t, g)
	dial()
	a.Ask(1)
	<-g.answered
	if a.Owes() {
		t.Fatal("question 1 is still open")
	}
	if got := <-g.admitted; got != "admit " {
		t.Fatalf("answered before the connection was taken: %q", got)
	}
	<-g.admitted
	a.Ask(2)
	<-g.answered
	exchange(t, dial(), "hello", "hello")
	stop()
	a.Ask(3)
	if a.Owes() {
		t.Fatal("an ended acceptor owes an answer")
	}
}
