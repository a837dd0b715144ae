package engine

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"dlm/codec"
	"dlm/engine/audit"
	"dlm/engine/auth"
	"dlm/engine/clock"
	"dlm/engine/durability"
	"dlm/engine/events"
	"dlm/engine/observe"
	"dlm/engine/transport"
	"dlm/table"
)

// Engine is one lock server: a table, the reactors that serve connections to
// it, the ticker and the listener.
type Engine struct {
	cfg     Config
	clock   *clock.Clock
	store   *durability.Store // the table that is served, and the data directory
	running sync.WaitGroup    // of background
	runCtx  context.Context
	stopRun context.CancelFunc

	stopping   chan struct{}          // closed when a stop begins
	stopsAt    atomic.Pointer[string] // what it waits for, in words; nil: nothing
	reactors   []*reactor
	authority  atomic.Pointer[auth.Authority]
	attempts   auth.Attempts
	audit      *audit.Log
	places     places
	addresses  addresses
	tickPulse  pulse // of the ticker
	buffers    buffers
	infos      infoCache
	statsKept  statsCache
	observer   *observe.Observer
	settleLag  lags // from a deadline to its settling
	loopLag    lags // from a probe, once a second, to the loop's answer
	events     *events.Hub
	questions  questions
	steps      []func() // of a simulation
	wakeTimer  wakeTimer
	extraProc  extraProc
	trimmer    trimmer
	catching   catchUp      // the ticker's
	memoryUsed func() int64 // tests have another
	ticking    sync.Mutex   // held while everything that is due is settled
	started    time.Time

	ports    []port // none in a simulation
	connsMax int    // cfg.ConnsMax, or less if the file limit is lower

	draining atomic.Bool    // no new holds or waits
	drained  sync.WaitGroup // reactors that have not answered their waits yet

	conns      atomic.Int64
	numbered   atomic.Int64 // connections that have got a number
	slowClosed atomic.Uint64
	overdue    atomic.Int64 // connections that the loops are to end
	connQuotas connQuotas
	quotaMu    sync.Mutex    // held while quotas are given to a table
	quotasDue  signal        // to the goroutine "quotas"
	tokensGen  atomic.Uint64 // counts changes of authority
	quotasGen  atomic.Uint64 // the change whose quotas the table has
	denied     atomic.Uint64 // requests that need the admin role
	rejected   rejectCounts
	limitHits  [codec.Whiches]atomic.Uint64 // how often each was met
	handshakes [handshakeResults]atomic.Uint64
	// handshakeWork has the permits with which handshakes compute
	handshakeWork transport.Permits
}

// New checks the configuration and binds the address. Nothing is served before
// Serve. A port that is taken is ErrAddressInUse.
func New(cfg Config) (*Engine, error) {
	cfg.EnsureDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	ports, err := openPorts(&cfg)
	if err != nil {
		return nil, err
	}
	store, err := durability.Open(cfg.durability()) // after the port
	if err != nil {
		return nil, errors.Join(err, closePorts(ports))
	}
	e := newEngine(cfg, clock.Monotonic(), store)
	e.ports = ports
	e.connsMax = connsLimit(cfg.ConnsMax, cfg.Loops)
	if e.connsMax < cfg.ConnsMax {
		cfg.Log.Warn("max-conns is lowered to what the file limit leaves", "event", "max-conns-lowered", "max_conns", e.connsMax, "asked", cfg.ConnsMax)
	}
	return e, nil
}

// newEngine makes all but the sockets. source is the monotonic clock; table time
// begins now.
func newEngine(cfg Config, source func() int64, store *durability.Store) *Engine {
	first := store.State()
	e := &Engine{cfg: cfg, store: store, clock: clock.New(source, first.Table.Pauses()), started: first.Started, connsMax: cfg.ConnsMax}
	store.Bind(e.clock)
	e.runCtx, e.stopRun = context.WithCancel(context.Background())
	e.stopping = make(chan struct{})
	e.wakeTimer.wake, e.trimmer.wake, e.quotasDue = newSignal(), newSignal(), newSignal()
	e.memoryUsed = memoryUsed
	memoryFile() // while there are descriptors
	e.questions = questions{places: make(chan struct{}, questionsMax), scans: make(chan struct{}, questionScans)}
	e.catching.accept.Store(new([]*transport.Acceptor))
	e.handshakeWork = transport.NewPermits()
	e.observer = observe.New(observe.Config{Served: e.served, Lend: withExtraProc, CPU: clock.ThreadTime,
		Log: cfg.Log, LogWaitsOver: cfg.LogWaitsOver})
	e.events = events.New(cfg.Loops, cfg.Tap)
	e.authority.Store(auth.NewAuthority(cfg.Credentials, cfg.AdminToken, cfg.AdminName))
	if e.audit = cfg.Audit; e.audit == nil {
		e.audit = audit.New(audit.ToLog(cfg.Log.Handler()), cfg.Log)
	}
	e.places.guestsMax, e.places.turnedMax = int64(fileShare(guestsWanted)), int64(fileShare(turnedWanted))
	store.BeforeServing(func(t *table.Table) { t.SetQuotas(e.quotas()) })
	e.applyQuotas()
	e.addresses.configure(&cfg)
	e.buffers.max = cfg.BufferedMax
	e.buffers.large = make(map[table.ConnID]int)
	e.buffers.evicting = make(map[table.ConnID]int)
	for i := range cfg.Loops {
		e.reactors = append(e.reactors, newReactor(e, i))
	}
	for _, r := range e.reactors {
		r.outbox = newOutbox(e)
	}
	return e
}

// tab returns the table that is served. A backup replaces it by the next image's.
func (e *Engine) tab() *table.Table { return e.store.State().Table }

func (e *Engine) uptime() time.Duration { return time.Since(e.started) }

// SetCredentials replaces the known tokens. Each open connection gets the rights that its token has
// now, and is closed if the token is gone, at the next sweep. An empty list is refused: it would
// open the server to everybody. Any goroutine may call it.
func (e *Engine) SetCredentials(creds []auth.Credential) error {
	if len(creds) == 0 {
		return errors.New("no tokens: the server would be open to everybody")
	}
	if err := errors.Join(auth.Validate(creds)...); err != nil {
		return err
	}
	e.authority.Store(auth.NewAuthority(creds, e.cfg.AdminToken, e.cfg.AdminName))
	e.tokensGen.Add(1) // after them: who authenticates meanwhile is looked up again
	return nil
}

// Serve serves until ctx is done, then stops gracefully: no new connections,
// waiting requests are answered SHUTDOWN, output is written, the last image too.
// A step that hangs makes Serve hang: StopsAt names the step, and StopMax is the bound.
// It returns nil after such a stop.
func (e *Engine) Serve(ctx context.Context) error {
	missing := max(0, len(e.reactors)-runtime.GOMAXPROCS(0))
	addProcs(missing)
	defer addProcs(-missing)
	defer e.extraProc.end()
	server, err := startTransport(e)
	if err != nil {
		return errors.Join(err, closePorts(e.ports))
	}
	if e.cfg.Audit == nil {
		e.audit.Start()
		defer e.audit.Close(auditFlushMax)
	}
	var wg sync.WaitGroup
	tickCtx, stopTicker := context.WithCancel(context.Background())
	wg.Go(func() { e.runTicker(tickCtx) })
	e.background(e.runWatch)
	e.background(e.runQuotas)
	e.background(e.trimmer.runFreer)
	e.background(e.observer.Run)
	e.background(e.runDetector)
	e.background(e.runSampler)
	e.store.Start()
	accepting := make(chan struct{})
	wg.Go(func() { e.accept(server); close(accepting) })

	select {
	case <-e.store.SteppedDown():
		e.cfg.Log.Warn("deposed: a backup takes over", "event", "deposed", "connections", e.conns.Load())
	case <-ctx.Done():
		e.cfg.Log.Info("stopping", "event", "stopping", "connections", e.conns.Load())
	}
	e.at(stopsAtAccept)
	close(e.stopping)
	_ = closePorts(e.ports) // an error means that one is closed
	<-accepting             // a connection that is being enrolled needs its loop
	e.at(stopsAtDrain)
	e.drain()
	stopTicker()
	e.stopRun()
	e.at(stopsAtImage)
	e.store.Stop()
	e.running.Wait()
	e.at(stopsAtTicker)
	wg.Wait() // nobody may wake a loop while it is being closed
	e.at(stopsAtLoops)
	server.Stop()
	e.endForces()
	e.at(stopsAtLast)
	err = e.store.Finish() // no loop and no ticker runs any more
	e.stopsAt.Store(nil)
	return err
}

// background runs a goroutine that ends before the server does.
func (e *Engine) background(run func(context.Context)) {
	e.running.Go(func() { run(e.runCtx) })
}
