package engine

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"

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

	mu    sync.Mutex
	bound int // reactors that have a loop; guarded by mu
	loops map[gnet.EventLoop]*reactor
}

// startShell starts the loops.
func startShell(e *Engine) (*shell, error) {
	s := &shell{e: e, loops: make(map[gnet.EventLoop]*reactor)}
	client, err := gnet.NewClient(s,
		gnet.WithNumEventLoop(len(e.reactors)),
		gnet.WithTCPNoDelay(gnet.TCPNoDelay),
		gnet.WithLogger(gnetLog{e.cfg.Log}))
	if err != nil {
		return nil, fmt.Errorf("event loops: %w", err)
	}
	if err := client.Start(); err != nil {
		return nil, fmt.Errorf("event loops: %w", err)
	}
	s.client = client
	return s, nil
}

func (s *shell) stop() {
	if err := s.client.Stop(); err != nil {
		s.e.cfg.Log.Error("event loops stopped with an error", "error", err)
	}
}

// enroll hands an accepted connection to the loop with the fewest.
func (s *shell) enroll(conn net.Conn) error {
	_, err := s.client.Enroll(conn)
	return err
}

// reactorOf returns the reactor of a loop. The first connection of a loop
// binds the next free reactor to it.
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
	g      gnet.Conn
	r      *reactor
	c      *conn
	fd     int
	behind bool // gnet has taken bytes, and may not have given all to the kernel yet
	shut   bool
}

// OnOpen makes the session of a connection. It runs on the loop.
func (s *shell) OnOpen(g gnet.Conn) ([]byte, gnet.Action) {
	r := s.reactorOf(g.EventLoop())
	sock := &gnetSocket{g: g, r: r, fd: g.Fd()}
	sock.c = r.open(sock)
	sock.c.from = keyOf(addressOf(g.RemoteAddr()))
	g.SetContext(sock)
	return nil, gnet.None
}

// OnTraffic takes what has arrived. It runs on the loop.
func (s *shell) OnTraffic(g gnet.Conn) gnet.Action {
	sock, ok := g.Context().(*gnetSocket)
	if !ok {
		return gnet.Close
	}
	in, err := g.Next(-1)
	if err != nil {
		return gnet.Close
	}
	sock.r.feed(sock.c, in)
	return gnet.None
}

// OnClose ends the session. It runs on the loop, also within Write.
func (s *shell) OnClose(g gnet.Conn, _ error) gnet.Action {
	if sock, ok := g.Context().(*gnetSocket); ok {
		sock.r.lost(sock.c)
	}
	return gnet.None
}

// write leaves to gnet what the kernel does not take at once, and the errors.
func (s *gnetSocket) write(p []byte) error {
	if len(p) <= writeNowMax && s.buffered() == 0 {
		if p = p[writeNow(s.fd, p):]; len(p) == 0 {
			return nil
		}
	}
	s.behind = true
	_, err := s.g.Write(p)
	return err
}

func (s *gnetSocket) buffered() int {
	if !s.behind {
		return 0
	}
	n := s.g.OutboundBuffered()
	s.behind = n > 0
	return n
}

// ended asks the kernel, since an end that has arrived may not be read yet.
func (s *gnetSocket) ended() bool { return peerEnded(s.fd) }

// finish sends the end of the stream once all output has left.
func (s *gnetSocket) finish() {
	if !s.shut && s.buffered() == 0 {
		s.shut = true
		_ = unix.Shutdown(s.fd, unix.SHUT_WR) // an error means that the peer is gone
	}
}

func (s *gnetSocket) close() { _ = s.g.EventLoop().Close(s.g) }

func (s *gnetSocket) remote() string { return s.g.RemoteAddr().String() }

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
