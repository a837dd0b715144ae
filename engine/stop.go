package engine

import (
	"fmt"
	"time"

	"dlm/engine/durability"
)

// A stop goes through stages, each of which can hang: on a loop, on a disk, on a primary. The
// engine does not give up by itself, since a last image that is half done is still worth
// waiting for. The caller has the bound, StopWait, and asks StopsAt what to blame.

const (
	// drainMax is the most that connections get to take their last answers. Peers that read
	// nothing must not use up the time of the last image.
	drainMax   = 5 * time.Second
	drainShare = 2 // of StopWait, at most one in so many parts
)

// The stages of a stop, in words for "the stop waits for".
const (
	stopsAtAccept = "a connection that is being given to an event loop"
	stopsAtDrain  = "event loops to answer waiting clients"
	stopsAtTicker = "the ticker"
	stopsAtImage  = "an image that is being written, or an image that a backup fetches"
	stopsAtLoops  = "event loops to end"
	stopsAtLast   = "the last image; without it the next start begins with a recovery grace"
)

// at notes the stage of the stop.
func (e *Engine) at(stage string) { e.stopsAt.Store(&stage) }

// StopsAt returns what the stop waits for, in words; empty: nothing, or there is no stop. Any
// goroutine may call it.
func (e *Engine) StopsAt() string {
	stage := e.stopsAt.Load()
	if stage == nil {
		return ""
	}
	words := *stage
	for i, r := range e.reactors {
		if r.wakeLoop.Load() != nil && !r.drained.Load() {
			words += fmt.Sprintf("; loop %d does not answer", i)
		}
	}
	return words
}

// Stopping is closed when a stop has begun, by the end of Serve's context or by a backup that
// takes over.
func (e *Engine) Stopping() <-chan struct{} { return e.stopping }

// StopMax returns the bound of a stop that has begun: StopWait, and the time in which a backup
// that takes over fetches the last image.
func (e *Engine) StopMax() time.Duration {
	if e.store.HasSuccessor() {
		return e.cfg.StopWait + durability.SuccessorLinger
	}
	return e.cfg.StopWait
}

// drain ends service: waits are answered, output is written, connections are
// closed, within a part of StopWait.
func (e *Engine) drain() {
	deadline := time.Now().Add(min(drainMax, e.cfg.StopWait/drainShare))
	e.draining.Store(true)
	for _, r := range e.reactors {
		if r.wakeLoop.Load() != nil {
			e.drained.Add(1)
			r.post(nil, orderDrain)
		}
	}
	answered := make(chan struct{})
	go func() { e.drained.Wait(); close(answered) }() // the goroutine "drain"
	select {
	case <-answered:
	case <-time.After(time.Until(deadline)):
		e.cfg.Log.Warn("stop: event loops did not answer in time", "event", "stop-late", "waits_for", e.StopsAt())
	}
	// Output that the kernel has not taken yet gets the rest of the time.
	for e.openConns() > 0 && time.Now().Before(deadline) {
		e.order(orderClose)
		time.Sleep(5 * time.Millisecond)
	}
	if n := e.openConns(); n > 0 {
		e.cfg.Log.Warn("stop: connections closed with unread output", "event", "stop-unread-output", "connections", n)
	}
}
