package observe

import (
	"context"
	"log/slog"
	"runtime"
	"sync/atomic"
	"time"
)

// Config has what an Observer needs of the server. Served is required.
type Config struct {
	// Served returns the table of the moment. Any goroutine may call it.
	Served func() Served
	// Lend runs work with a thread more than the loops have. Default: it just runs.
	Lend func(work func())
	// CPU returns the processor time of the calling thread. Default: the time that passes.
	CPU func() time.Duration
	// Log is where waits are logged. Loops log, so it must not let its caller wait.
	Log *slog.Logger
	// LogWaitsOver is the wait from which on its end is logged. 0: never.
	LogWaitsOver time.Duration
}

// Observer answers questions about the table that is served. Any goroutine may call its methods,
// but Run.
type Observer struct {
	cfg       Config
	events    events
	history   history
	contended view[contendedView]
	census    view[censusView]
	deadlocks view[deadlocksView]
	edgesMax  int           // most edges of one look for deadlocks: edgesMax, less in tests
	wake      chan struct{} // a view is wanted
	runs      atomic.Bool   // Run has been called; else a view is made by the caller who wants it
}

// New returns an Observer.
func New(cfg Config) *Observer {
	if cfg.Lend == nil {
		cfg.Lend = func(work func()) { work() }
	}
	if cfg.CPU == nil {
		start := time.Now()
		cfg.CPU = func() time.Duration { return time.Since(start) }
	}
	o := &Observer{cfg: cfg, wake: make(chan struct{}, 1), edgesMax: edgesMax}
	o.contended.init(o.makeContended)
	o.census.init(o.makeCensus)
	o.deadlocks.init(o.makeDeadlocks)
	return o
}

// Empty reports whether the server is a backup without an image, which knows no locks.
func (o *Observer) Empty() bool { return o.cfg.Served().Empty }

// Run is the goroutine "observer": it makes views when they are wanted, until ctx ends.
//
// It keeps its thread, because the processor time of a view is that of the thread.
func (o *Observer) Run(ctx context.Context) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	o.runs.Store(true)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-o.wake:
		}
		// First and last, because a census can take a second, and a wait with DETECT less.
		timer.Reset(min(o.deadlocks.turn(o), o.contended.turn(o), o.census.turn(o), o.deadlocks.turn(o)))
	}
}

// ring wakes Run.
func (o *Observer) ring() {
	select {
	case o.wake <- struct{}{}:
	default: // it has been rung, and not heard yet
	}
}
