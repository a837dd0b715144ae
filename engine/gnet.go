package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/panjf2000/gnet/v2"
	"golang.org/x/sys/unix"
)

// shell is the engine's only contact with gnet: it runs the loops, and turns
// gnet's callbacks into calls of a reactor. gnet's listener is not used, but
// its client, to which accepted sockets are handed: see DESIGN.md.
type shell struct {
	gnet.BuiltinEventEngine
	e      *Engine
	client *gnet.Client
	ready  *readiness

	mu     sync.Mutex
	bound  int // reactors that have a loop; guarded by mu
	loops  map[gnet.EventLoop]*reactor
	probes []*gnetProbe // one per loop
}

// startShell starts the loops.
func startShell(e *Engine) (*shell, error) {
	s := &shell{e: e, loops: make(map[gnet.EventLoop]*reactor)}
	client, err := gnet.NewClient(s,
		gnet.WithNumEventLoop(len(e.reactors)),
		gnet.WithTCPNoDelay(gnet.TCPNoDelay),
		gnet.WithReadBufferCap(readMax),
		gnet.WithLogger(gnetLog{e.cfg.Log}))
	if err != nil {
		return nil, fmt.Errorf("event loops: %w", err)
	}
	if s.ready, err = newReadiness(e); err != nil {
		return nil, fmt.Errorf("event loops: %w", err)
	}
	if err := client.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("event loops: %w", err), s.ready.stop(), s.ready.close())
	}
	s.client = client
	if err := s.addProbes(); err != nil {
		s.stop()
		return nil, fmt.Errorf("event loops: %w", err)
	}
	return s, nil
}

func (s *shell) stop() {
	err := errors.Join(s.ready.stop(), s.client.Stop(), s.ready.close())
	for _, p := range s.probes {
		err = errors.Join(err, p.close())
	}
	if err != nil {
		s.e.cfg.Log.Error("event loops stopped with an error", "error", err)
	}
}

// enroll hands an accepted connection to the loop with the fewest. at.opened tells whether it has it.
func (s *shell) enroll(conn net.Conn, at *arrival) error {
	_, err := s.client.EnrollContext(conn, at)
	return err
}

// reactorOf returns the reactor of a loop. The first connection of a loop, which is its
// probe, binds the next free reactor to it.
func (s *shell) reactorOf(loop gnet.EventLoop) *reactor {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.loops[loop]
	if !ok {
		r = s.e.reactors[s.bound]
		s.bound++
		s.loops[loop] = r
		r.bind(func() {
			// An error means that the loops are stopping: nobody is left to serve.
			_ = loop.Execute(context.Background(), gnet.RunnableFunc(func(context.Context) error {
				r.drainInbox()
				return nil
			}))
		})
	}
	return r
}

// gnetSocket is a gnet connection as a socket, and the link back to its conn.
type gnetSocket struct {
	g     gnet.Conn
	r     *reactor
	c     *conn
	ready *readiness
	fd    int
	shut  bool // the stream to the peer is ended

	hold holder // who closes fd
	from string // the peer, once gnet does not know it any more
}

// OnOpen makes the session of a connection. It runs on the loop.
func (s *shell) OnOpen(g gnet.Conn) ([]byte, gnet.Action) {
	r := s.reactorOf(g.EventLoop())
	if p, own := g.Context().(*gnetProbe); own {
		p.opened(r)
		return nil, gnet.None
	}
	sock := &gnetSocket{g: g, r: r, fd: g.Fd(), ready: s.ready}
	at, ok := g.Context().(*arrival)
	if !ok {
		panic("BUG: a connection that was not enrolled")
	}
	at.opened = true
	sock.c = r.openAs(sock, *at)
	g.SetContext(sock)
	return nil, gnet.None
}

// OnTraffic takes what has arrived. It runs on the loop.
func (s *shell) OnTraffic(g gnet.Conn) gnet.Action {
	in, err := g.Next(-1)
	if err != nil {
		return gnet.Close
	}
	sock, ok := g.Context().(*gnetSocket)
	if !ok {
		return probeTraffic(g)
	}
	if len(in) >= readMax {
		sock.r.probe.deep = true
	}
	sock.r.feed(sock.c, in)
	return gnet.None
}

// OnClose ends the session. It runs on the loop: within close, or when gnet has found the end of the
// connection itself.
func (s *shell) OnClose(g gnet.Conn, cause error) gnet.Action {
	sock, ok := g.Context().(*gnetSocket)
	switch {
	case !ok:
	case cause == nil:
		sock.r.lost(sock.c)
	case errors.Is(cause, io.EOF):
		sock.endOfInput()
	default:
		sock.r.gone(sock.c, cause)
	}
	return gnet.None
}

// write does not use gnet's: what gnet keeps it sends without a word, and after OnClose too.
func (s *gnetSocket) write(p []byte) (n int, err error) {
	if len(p) <= writeNowMax {
		return writeNow(s.fd, p)
	}
	for n < len(p) && err == nil {
		piece := p[n:min(n+writeNowMax, len(p))]
		took := 0
		took, err = writeNow(s.fd, piece)
		n += took
		if took < len(piece) {
			break
		}
	}
	return n, err
}

func (s *gnetSocket) await() { s.ready.await(s.fd, s.c.id) }

func (s *gnetSocket) awaitFailure() { s.ready.awaitFailure(s.fd, s.c.id) }

// untransmitted subtracts the end of the stream, which counts as a byte.
func (s *gnetSocket) untransmitted() int {
	n := untransmittedBytes(s.fd)
	if s.shut && n > 0 {
		n--
	}
	return n
}

func (s *gnetSocket) failure() error { return socketFailure(s.fd) }

func (s *gnetSocket) silentFor() time.Duration { return silentFor(s.fd) }

// unacked subtracts the end of the stream, which is acknowledged like a byte.
func (s *gnetSocket) unacked() (n int, known bool) {
	n, known = unackedBytes(s.fd)
	if s.shut && n > 0 {
		n--
	}
	return n, known
}

// ended asks the kernel, since an end that has arrived may not be read yet.
func (s *gnetSocket) ended() bool { return peerEnded(s.fd) }

// finish sends the end of the stream.
func (s *gnetSocket) finish() {
	if !s.shut {
		s.shut = true
		_ = unix.Shutdown(s.fd, unix.SHUT_WR) // an error means that the peer is gone
	}
}

func (s *gnetSocket) close() {
	switch s.hold {
	case holdGnet:
		_ = s.g.EventLoop().Close(s.g) // calls OnClose
		return
	case holdSelf:
		defer unix.Close(s.fd) // lost asks the kernel about it
	}
	s.r.lost(s.c)
}

func (s *gnetSocket) remote() string {
	if s.hold == holdGnet {
		return s.g.RemoteAddr().String()
	}
	return s.from
}

// gnetLog passes gnet's messages on. Its warnings are about connections that
// went away, which is no news to a server.
type gnetLog struct{ log *slog.Logger }

func (l gnetLog) Debugf(string, ...any) {}
func (l gnetLog) Infof(string, ...any)  {}
func (l gnetLog) Warnf(format string, args ...any) {
	l.log.Debug("gnet: " + fmt.Sprintf(format, args...))
}
func (l gnetLog) Errorf(format string, args ...any) {
	l.log.Error("gnet: " + fmt.Sprintf(format, args...))
}
func (l gnetLog) Fatalf(format string, args ...any) {
	l.log.Error("gnet: " + fmt.Sprintf(format, args...))
}
