package engine

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"dlm/engine/auth"
	"dlm/engine/clock"
	"dlm/engine/durability"
	"dlm/engine/transport"
	"dlm/table"
)

// sim is an engine without sockets and without goroutines. Its clock stands still until it is
// moved, its connections are in memory, and messages to a reactor run when the test says so. Each
// test is one order of events.
type sim struct {
	t    testing.TB
	e    *Engine
	time int64
	log  bytes.Buffer
	fx   table.Effects
	co   outbox
	due  []*reactor // woken and not yet run
	asks []*reactor // asked whether they have read their sockets, and not yet run
	hold bool       // leave posted messages lying until deliver

	written func(*client) // called at each write; may be nil
	secured *secured      // settings of TLS; nil: connections are plain
}

// auditText writes out the audit and returns the log that has it.
func (s *sim) auditText() string {
	s.e.audit.Flush()
	return s.log.String()
}

func newSim(t testing.TB, change func(*Config)) *sim {
	t.Helper()
	s, err := startSim(t, Config{Loops: 2, Lease: 30 * time.Second}, change, durability.Open)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// startSim starts a sim with a table from open.
func startSim(t testing.TB, cfg Config, change func(*Config), open func(durability.Config) (*durability.Store, error)) (*sim, error) {
	s := &sim{t: t}
	cfg.Log = slog.New(slog.NewTextHandler(&s.log, nil))
	if change != nil {
		change(&cfg)
	}
	cfg.EnsureDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	store, err := open(cfg.durability())
	if err != nil {
		return nil, err
	}
	s.e = newEngine(cfg, func() int64 { return s.time }, store)
	s.co = newOutbox(s.e)
	for _, r := range s.e.reactors {
		s.bind(r)
	}
	return s, nil
}

// bind gives the reactor a loop: what settle does.
func (s *sim) bind(r *reactor) {
	r.Bind(func() { s.due = append(s.due, r) }, func() { s.asks = append(s.asks, r) })
}

// settle runs the woken reactors until no message is left. All input has been read by then.
func (s *sim) settle() {
	for (len(s.due) > 0 || len(s.asks) > 0 || len(s.e.steps) > 0) && !s.hold {
		s.event()
	}
}

// event runs the reactor that was woken first, or, if there is none, lets the loop read its probe
// that was asked first.
func (s *sim) event() {
	if len(s.e.steps) > 0 {
		step := s.e.steps[0]
		s.e.steps = s.e.steps[1:]
		step()
		return
	}
	if len(s.due) == 0 {
		r := s.asks[0]
		s.asks = s.asks[1:]
		r.polled()
		return
	}
	r := s.due[0]
	s.due = s.due[1:]
	r.drainInbox()
}

// deliver lets held messages arrive.
func (s *sim) deliver() { s.hold = false; s.settle() }

// advance moves time in steps that are too small for a pause, with a tick after each.
func (s *sim) advance(d time.Duration) {
	for d > 0 {
		step := min(d, clock.StepMax)
		s.time += int64(step)
		d -= step
		s.e.tick(&s.fx, &s.co)
		if s.e.observer.Detecting() {
			s.e.detect()
		}
		s.settle()
	}
}

func (s *sim) sweep() { s.e.order(s.e.sweepOrders()); s.settle() }

// secured has the settings of both ends of connections over TLS.
type secured struct{ server, client *tls.Config }

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
	silent   time.Duration        // how long the peer owes an acknowledgement
	broken   bool                 // writes fail
	secure   *transport.MemoryTLS // between c and this; nil: the connection is plain
	finished bool                 // the server has ended the stream
	left     bool                 // the peer has ended the stream, and the loop has not read it yet
	gone     bool                 // the server has closed the socket
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
	s.e.conns.Add(1)
	return s.dialAs(loop, arrival{from: auth.NoAddress})
}

// dialFrom opens a connection from an address.
func (s *sim) dialFrom(loop int, ip string) *client {
	s.e.conns.Add(1)
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
		var err error
		if k.secure, err = transport.NewMemoryTLS(k, s.secured.server, s.secured.client); err != nil {
			s.t.Fatal(err)
		}
		k.c = k.r.openAs(k.secure, at)
		k.secure.Use(k.c)
	}
	return k
}

// open makes the session of a connection from nowhere.
func (r *reactor) open(sock transport.Link) *conn {
	r.e.conns.Add(1)
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
	in, err := k.secure.Peer.Encrypt(plain)
	if err != nil {
		k.s.t.Fatal(err)
	}
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
		plain, err := k.secure.Peer.Decrypt(b)
		if err != nil && !errors.Is(err, io.EOF) {
			k.s.t.Fatal(err)
		}
		return string(plain)
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

// empty checks that nothing is left in the table and in the accounts.
func (s *sim) empty() {
	s.t.Helper()
	if t := s.e.tab().Totals(); t.Held != 0 || t.Waiters != 0 {
		s.t.Fatalf("left behind: %d locks, %d waiters", t.Held, t.Waiters)
	}
	if n := s.e.buffers.total.Load(); n != 0 {
		s.t.Fatalf("left behind: %d bytes of buffers", n)
	}
}

func (s *sim) free(lock string) bool {
	hash := s.e.tab().Hash([]byte(lock))
	sh := s.e.tab().Shard(hash)
	sh.Lock()
	defer sh.Unlock()
	var st table.Status
	sh.Status(s.e.clock.Now(), hash, []byte(lock), &st, &table.Effects{})
	return !st.Held
}
