package engine

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"dlm/engine/clock"
)

const (
	// between two looks of the watch; a loop is told to sweep as often
	watchEvery = 250 * time.Millisecond
	// watchStepMax is the most that one look counts, because after a stop of the whole process
	// nothing hangs that did not run meanwhile.
	watchStepMax = time.Second
	silenceMax   = 5 * time.Second // without a round: then a loop or the ticker counts as hung
)

// The watch finds loops that hang, which the ticker tells to sweep a few times a second, and a
// ticker that hangs, which looks at least every 20 ms. A loop without a connection so far is not
// bound, has nothing to do and counts as alive. The goroutine "watch" only reads counters, so it
// can't hang together with a loop.

// pulse counts the rounds of a loop or the ticker, and the time since the last one.
type pulse struct {
	rounds atomic.Uint64
	seen   uint64       // rounds at the last look; owned by the goroutine "watch"
	silent atomic.Int64 // ns of looks since the last round; written only by the goroutine "watch"
}

// look updates a pulse. It returns true if the loop has begun or ceased to hang.
func (p *pulse) look(step time.Duration) (changed bool) {
	was := p.hangs()
	if n := p.rounds.Load(); n != p.seen {
		p.seen = n
		p.silent.Store(0)
	} else {
		p.silent.Add(int64(step))
	}
	return p.hangs() != was
}

func (p *pulse) hangs() bool { return time.Duration(p.silent.Load()) >= silenceMax }

// Hung names, in words, the loops and the ticker that have not gone round for 5 s. If empty, the
// server is alive. After a stop has begun it is always empty, since the stop has a bound of its
// own.
func (e *Engine) Hung() (list []string) {
	if e.draining.Load() {
		return nil
	}
	if e.tickPulse.hangs() {
		list = append(list, fmt.Sprintf("the ticker has not run for %s", silence(&e.tickPulse)))
	}
	for i, r := range e.reactors {
		if r.pulse.hangs() {
			list = append(list, fmt.Sprintf("loop %d has not run for %s", i, silence(&r.pulse)))
		}
	}
	return list
}

func silence(p *pulse) string {
	return clock.InWords(time.Duration(p.silent.Load()))
}

// lookAround is one look of the watch, that long after the last one.
func (e *Engine) lookAround(step time.Duration) {
	step = min(step, watchStepMax)
	changed := e.tickPulse.look(step)
	for _, r := range e.reactors {
		if r.wakeLoop.Load() != nil {
			changed = r.pulse.look(step) || changed
		}
	}
	if !changed {
		return
	}
	if list := e.Hung(); len(list) > 0 {
		e.cfg.Log.Error("a part of the server hangs", "event", "hang", "what", list)
	} else {
		e.cfg.Log.Warn("no part of the server hangs any more", "event", "hang-over")
	}
}

// runWatch is the goroutine "watch". It reports hangs.
func (e *Engine) runWatch(ctx context.Context) {
	every := time.NewTicker(watchEvery)
	defer every.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-every.C:
			if !e.draining.Load() {
				e.lookAround(now.Sub(last))
			}
			last = now
		}
	}
}

// crash ends the process after a bug that leaves the state of the table unknown, because a lock
// server must not guess. Config.Crash writes the log and ends the process. A panic alone would
// print to the log's pipe and, if its reader hangs, block there with a shard's mutex held.
func (e *Engine) crash(cause any) {
	e.cfg.Log.Error("internal error: the process ends", "event", "crash", "cause", cause, "stack", string(debug.Stack()))
	if e.cfg.Crash != nil {
		e.cfg.Crash()
	}
	panic(cause)
}
