package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"

	"github.com/panjf2000/gnet/v2"
)

// ReadMax is the size of a loop's read buffer in bytes.
const ReadMax = 64 << 10

// Loop is the user of one event loop. All its methods run on that loop.
type Loop interface {
	// Bind comes first. wake makes Woken run on the loop, and ask makes Polled run after the
	// sockets that are readable now have been read. Any goroutine may call them until Stop.
	Bind(wake, ask func())
	Woken()
	Polled()
	// Open begins a connection. came is what Gate.Admit has returned. id names the connection for
	// Config.Writable.
	Open(l Link, came any) (c Conn, id uint64)
}

// Conn is the user of one Link. All its methods run on the loop of the Link.
type Conn interface {
	// Feed takes bytes that have arrived. They are not valid any more when it returns. full says
	// that the read has filled the buffer, so more may be left in the socket.
	Feed(in []byte, full bool)
	// InputEnded is called when the peer has ended its stream. It reports whether the connection
	// has something left to do, and whether it has output that waits for room.
	InputEnded() (alive, output bool)
	// Gone ends a connection that has failed.
	Gone(cause error)
	// Lost is called by Link.Close, and for a connection that ends without a failure.
	Lost()
}

// Config is what a Server needs.
type Config struct {
	Loops []Loop
	// Writable is called once for each Await, on a goroutine of the Server, when the kernel can
	// take more or the connection has failed.
	Writable func(id uint64)
	Log      *slog.Logger
}

// Server runs the event loops. gnet's listener is not used, but its client, which takes accepted
// sockets: DESIGN.md has the reason.
type Server struct {
	gnet.BuiltinEventEngine
	cfg    Config
	client *gnet.Client
	ready  *readiness

	mu     sync.Mutex
	loops  map[gnet.EventLoop]*boundLoop // those that have a Loop; guarded by mu
	probes []*probe                      // one per loop
}

// boundLoop is a loop of gnet that has a Loop.
type boundLoop struct {
	Loop
	bufs *tlsBuffers // owned by the loop; nil: it has served no TLS
}

// Start starts the loops.
func Start(cfg Config) (*Server, error) {
	s := &Server{cfg: cfg, loops: make(map[gnet.EventLoop]*boundLoop)}
	client, err := gnet.NewClient(s,
		gnet.WithNumEventLoop(len(cfg.Loops)),
		gnet.WithTCPNoDelay(gnet.TCPNoDelay),
		gnet.WithReadBufferCap(ReadMax),
		gnet.WithLogger(gnetLog{cfg.Log}))
	if err != nil {
		return nil, fmt.Errorf("event loops: %w", err)
	}
	if s.ready, err = newReadiness(&s.cfg); err != nil {
		return nil, fmt.Errorf("event loops: %w", err)
	}
	if err := client.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("event loops: %w", err), s.ready.stop(), s.ready.close())
	}
	s.client = client
	if err := s.addProbes(); err != nil {
		s.Stop()
		return nil, fmt.Errorf("event loops: %w", err)
	}
	return s, nil
}

// Stop ends the loops. The sockets that are still open are closed.
func (s *Server) Stop() {
	err := errors.Join(s.ready.stop(), s.client.Stop(), s.ready.close())
	for _, p := range s.probes {
		err = errors.Join(err, p.close())
	}
	if err != nil {
		s.cfg.Log.Error("event loops stopped with an error", "event", "loops-failed", "error", err)
	}
}

// enrolment is a connection between enroll and OnOpen.
type enrolment struct {
	came   any
	peer   net.Addr
	tls    *TLSLink // nil: a plain connection
	opened bool
}

// enroll hands an accepted connection to the loop with the fewest. It reports whether the loop has
// the connection, because gnet does not tell all its failures.
func (s *Server) enroll(conn net.Conn, e *enrolment) (opened bool, err error) {
	_, err = s.client.EnrollContext(conn, e)
	return e.opened, err
}

// loopOf returns the Loop of a loop of gnet. The first connection of a loop, which is its probe,
// binds the next free Loop to it.
func (s *Server) loopOf(g gnet.EventLoop, ask func()) *boundLoop {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, ok := s.loops[g]
	if !ok {
		l = &boundLoop{Loop: s.cfg.Loops[len(s.loops)]}
		s.loops[g] = l
		wake := func() {
			// An error means that the loops are stopping: nobody is left to serve.
			_ = g.Execute(context.Background(), gnet.RunnableFunc(func(context.Context) error {
				l.Woken()
				return nil
			}))
		}
		l.Bind(wake, ask)
	}
	return l
}

// OnOpen begins a connection. It runs on the loop.
func (s *Server) OnOpen(g gnet.Conn) ([]byte, gnet.Action) {
	if p, own := g.Context().(*probe); own {
		p.loop = s.loopOf(g.EventLoop(), p.ask)
		return nil, gnet.None
	}
	e, ok := g.Context().(*enrolment)
	if !ok {
		panic("BUG: a connection that was not enrolled")
	}
	e.opened = true
	_, unix := g.RemoteAddr().(*net.UnixAddr)
	sock := &Socket{g: g, fd: g.Fd(), ready: s.ready, from: remoteOf(g, e.peer), unix: unix}
	loop := s.loopOf(g.EventLoop(), nil)
	if l := e.tls; l != nil {
		sock.conn, sock.id = l, l.Open(sock, loop.bufs, loop, e.came)
		loop.bufs = l.bufs
	} else {
		sock.conn, sock.id = loop.Open(sock, e.came)
	}
	g.SetContext(sock)
	return nil, gnet.None
}

// remoteOf names the peer of a connection if gnet can't: a client of a proxy, or of a Unix socket.
func remoteOf(g gnet.Conn, peer net.Addr) string {
	switch own := g.RemoteAddr().(type) {
	case *net.UnixAddr:
		return "unix"
	case *net.TCPAddr:
		if tcp, ok := peer.(*net.TCPAddr); ok && !(tcp.Port == own.Port && tcp.IP.Equal(own.IP)) {
			return tcp.String()
		}
	}
	return ""
}

// OnTraffic takes the bytes that have arrived. It runs on the loop.
func (s *Server) OnTraffic(g gnet.Conn) gnet.Action {
	in, err := g.Next(-1)
	if err != nil {
		return gnet.Close
	}
	sock, ok := g.Context().(*Socket)
	if !ok {
		return probeTraffic(g)
	}
	sock.conn.Feed(in, len(in) >= ReadMax)
	return gnet.None
}

// OnClose ends a connection. It runs on the loop: within Socket.Close, or when gnet has found the
// end itself.
func (s *Server) OnClose(g gnet.Conn, cause error) gnet.Action {
	sock, ok := g.Context().(*Socket)
	switch {
	case !ok || sock.hold == keptByOwner:
	case cause == nil:
		sock.conn.Lost()
	case errors.Is(cause, io.EOF):
		sock.endOfInput()
	default:
		sock.conn.Gone(cause)
	}
	return gnet.None
}

// gnetLog passes gnet's messages on. Its warnings are about connections that went away, which is
// ordinary for a server.
type gnetLog struct{ log *slog.Logger }

func (l gnetLog) Debugf(string, ...any) {}
func (l gnetLog) Infof(string, ...any)  {}
func (l gnetLog) Warnf(format string, args ...any) {
	l.log.Debug("gnet: "+fmt.Sprintf(format, args...), "event", "gnet-warns")
}
func (l gnetLog) Errorf(format string, args ...any) {
	l.log.Error("gnet: "+fmt.Sprintf(format, args...), "event", "gnet-fails")
}
func (l gnetLog) Fatalf(format string, args ...any) { l.Errorf(format, args...) }
