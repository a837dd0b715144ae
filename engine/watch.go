package engine

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

const (
	watchEvery = 250 * time.Millisecond // between two looks of the watch; a loop is ordered to sweep as often
	// watchStepMax is the most that one look counts: after a stop of the whole process nobody is
	// to blame for the time in which nothing ran.
	watchStepMax = time.Second
	silenceMax   = 5 * time.Second // without a round, from which a loop or the ticker counts as hung
)

// The watch knows who goes round and who hangs: the loops, which the ticker orders to sweep a few
// times a second, and the ticker, which looks at least every 20 ms. A loop that has no
// connection yet is not bound, has nothing to do and counts as alive. The goroutine "watch" only
// reads counters, so that nothing that hangs can hang it too.

// pulse is how often somebody has gone round, and since when not.
type pulse struct {
	rounds atomic.Uint64
	seen   uint64       // rounds at the last look; owned by the goroutine "watch"
	silent atomic.Int64 // ns of looks without a round; written by the goroutine "watch" alone
}

// look brings a pulse up to date, and reports whether it has begun or ceased to hang.
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

// Hung returns what has not gone round for 5 s, in words; empty: the server is alive. Once a
// stop has begun nothing counts as hung, since the stop has a bound of its own.
func (e *Engine) Hung() (list []string) {
	if e.draining.Load() {
		return nil
	}
	if e.tickPulse.hangs() {
		list = append(list, fmt.Sprintf("the ticker has not gone round for %v", silence(&e.tickPulse)))
	}
	for i, r := range e.reactors {
		if r.pulse.hangs() {
			list = append(list, fmt.Sprintf("loop %d has not gone round for %v", i, silence(&r.pulse)))
		}
	}
	return list
}

func silence(p *pulse) time.Duration {
	return time.Duration(p.silent.Load()).Round(time.Second)
}

// lookAround is one look of the watch, step after the last.
func (e *Engine) lookAround(step time.Duration) {
	step = min(step, watchStepMax)
	changed := e.tickPulse.look(step)
	for _, r := range e.reactors {
		if r.wake.Load() != nil {
			changed = r.pulse.look(step) || changed
		}
	}
	if !changed {
		return
	}
	if list := e.Hung(); len(list) > 0 {
		e.cfg.Log.Error("a part of the server hangs", "what", list)
	} else {
		e.cfg.Log.Warn("no part of the server hangs any more")
	}
}

// runWatch is the goroutine "watch": it tells who hangs, and sums up in the log what was refused.
func (e *Engine) runWatch(ctx context.Context) {
	every := time.NewTicker(watchEvery)
	defer every.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			e.denied.say(e.cfg.Log, time.Now(), true)
			return
		case now := <-every.C:
			if !e.draining.Load() {
				e.lookAround(now.Sub(last))
			}
			last = now
			e.denied.say(e.cfg.Log, now, false)
		}
	}
}
