package engine

import (
	"bytes"
	"errors"
	"io"
	"net/netip"
	"strings"
	"time"

	"dlm/engine/auth"
	"dlm/engine/transport"
	"dlm/table"
)

// client is the peer of one connection in memory.
type client struct {
	s        *sim
	r        *reactor
	c        *conn
	out      bytes.Buffer // what the server has written
	stuck    bool         // the peer reads nothing, and the kernel takes room bytes more
	room     int
	awaited  bool // the server waits for room
	queued   int  // bytes that were not transmitted
	unread   int  // bytes that the peer has not acknowledged
	failed   error
	silent   time.Duration      // how long the peer owes an acknowledgement
	broken   bool               // writes fail
	secure   *transport.TLSLink // between c and this; nil: the connection is plain
	tls      *tlsPeer           // the peer within TLS
	finished bool               // the server has ended the stream
	deaf     bool               // the server reads nothing more
	left     bool               // the peer has ended the stream, and the loop has not read it yet
	gone     bool               // the server has closed the socket
	writes   int
}

var errBroken = errors.New("broken pipe")

func (k *client) Write(p []byte) (int, error) {
	k.writes++
	if k.finished {
		k.s.t.Error("written after the end of the stream")
	}
	if k.s.written != nil {
		k.s.written(k)
	}
	if k.broken {
		return 0, errBroken
	}
	if k.stuck {
		p = p[:min(len(p), k.room)]
		k.room -= len(p)
	}
	k.out.Write(p)
	return len(p), nil
}

func (k *client) Await()                   { k.awaited = true }
func (k *client) AwaitFailure()            {}
func (k *client) Untransmitted() int       { return k.queued }
func (k *client) Failure() error           { return k.failed }
func (k *client) SilentFor() time.Duration { return k.silent }
func (k *client) Unacked() (int, bool)     { return k.unread, true }
func (k *client) Ended() bool              { return k.left }
func (k *client) StopReading(bool) bool    { k.deaf = true; return true }
func (k *client) Finish()                  { k.finished = true }
func (k *client) Close() {
	k.gone = true
	if k.secure != nil {
		k.secure.Lost()
		return
	}
	k.r.lost(k.c)
}
func (k *client) Remote() string { return "10.0.0.1:1000" }

// dial opens a connection on a loop.
func (s *sim) dial(loop int) *client {
	s.e.claimOrdinary(viaTCP)
	return s.dialAs(loop, arrival{from: auth.NoAddress})
}

// dialFrom opens a connection from an address.
func (s *sim) dialFrom(loop int, ip string) *client {
	s.e.claimOrdinary(viaTCP)
	return s.dialAs(loop, arrival{from: auth.KeyOf(netip.MustParseAddr(ip))})
}

// arrive opens a connection from an address as the acceptor does; nil if there is no place for it.
func (s *sim) arrive(loop int, ip string) *client {
	at, ok := s.e.receive(netip.MustParseAddr(ip), viaTCP)
	if !ok {
		return nil
	}
	defer s.settle()
	return s.dialAs(loop, at)
}

// dialAs opens a connection that has its place already.
func (s *sim) dialAs(loop int, at arrival) *client {
	k := &client{s: s, r: s.e.reactors[loop]}
	if s.secured == nil {
		k.c = k.r.openAs(k, at)
	} else {
		k.secure, k.tls = s.secured.handshake(s.t)
		k.c = k.r.lookup(table.ConnID(k.secure.Open(k, nil, k.r, &at)))
	}
	return k
}

// open makes the session of a connection from nowhere.
func (r *reactor) open(sock transport.Link) *conn {
	r.e.claimOrdinary(viaTCP)
	return r.openAs(sock, arrival{from: auth.NoAddress})
}

// send feeds bytes as one read.
func (k *client) send(text string) {
	in := []byte(text)
	if k.secure != nil {
		in = k.encrypted(in)
	} else {
		k.r.feed(k.c, in)
	}
	for i := range in {
		in[i] = 0xdb // the engine must not have kept any of it
	}
	k.s.settle()
}

// encrypted sends bytes over TLS, in reads that a loop can have. It returns what was sent.
func (k *client) encrypted(plain []byte) []byte {
	in := k.tls.encrypt(k.s.t, plain)
	for rest := in; len(rest) > 0; {
		n := min(len(rest), transport.ReadMax)
		k.secure.Feed(rest[:n], false)
		rest = rest[n:]
	}
	return in
}

// hangUp ends the connection as the server sees it.
func (k *client) hangUp() {
	if k.secure != nil {
		k.secure.Gone(nil)
	} else {
		k.r.gone(k.c, nil)
	}
	k.s.settle()
}

// takes makes room in the kernel, as a peer that reads n bytes does.
func (k *client) takes(n int) {
	k.room = n
	if k.awaited {
		k.awaited = false
		k.r.goOn(k.c.id)
	}
	k.s.settle()
}

// reads returns the output since the last call.
func (k *client) reads() string {
	b, _ := io.ReadAll(&k.out)
	if k.secure != nil && len(b) > 0 {
		return string(k.tls.decrypt(k.s.t, b))
	}
	return string(b)
}

// expect checks the output since the last call.
func (k *client) expect(want string) {
	k.s.t.Helper()
	if got := k.reads(); got != want {
		k.s.t.Fatalf("got %q, want %q", got, want)
	}
}

// do sends one line and checks the answer.
func (k *client) do(line, want string) {
	k.s.t.Helper()
	k.send(line + "\n")
	k.expect(want + "\n")
}

// expectPrefix checks how the answer begins.
func (k *client) expectPrefix(want string) {
	k.s.t.Helper()
	if got := k.reads(); !strings.HasPrefix(got, want) {
		k.s.t.Fatalf("got %q, want %q...", got, want)
	}
}
