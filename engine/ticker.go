package engine

import (
	"context"
	"sync/atomic"
	"time"

	"dlm/table"
)

// tick settles everything that is due: leases and wait timeouts of all shards,
// a bounded number per hold of a mutex. It runs on the ticker's goroutine, and
// reports whether there was anything.
func (e *Engine) tick(fx *table.Effects, co *outbox) (any bool) {
	now, served := e.clock.Now(), e.store.State()
	e.catchUp(now)
	if served.Follows() {
		return false // a backup's table stands still
	}
	defer e.wakeForEvents() // also for what others have left
	e.ticking.Lock()
	defer e.ticking.Unlock()
	e.noteSettling(served.Table, now)
	for i := range table.Shards {
		for more := served.Table.Due(i, now); more; {
			any = true
			s := served.Table.ShardAt(i)
			s.Lock()
			more = s.Advance(now, advanceMax, fx)
			s.Unlock()
			if fx.Notes.Any() {
				e.observer.NoteTable(&fx.Notes)
			}
			for _, effect := range fx.List {
				co.add(effect)
			}
			fx.List = fx.List[:0]
			co.send()
		}
	}
	served.Table.Survey()
	return any
}

// tickDue settles what is due, if the ticker has not yet: a loop under full load
// leaves it a processor only every 10 ms. The rest beyond the budget is left
// to the next batch, or to the ticker.
func (r *reactor) tickDue() {
	served := r.e.store.State()
	if served.Table.Next() > r.now || served.Follows() || !r.e.ticking.TryLock() {
		return
	}
	defer r.e.ticking.Unlock()
	r.e.noteSettling(served.Table, r.now)
	holds := 0
	for i := range table.Shards {
		for more := served.Table.Due(i, r.now); more; holds++ {
			if holds == dueHoldsMax {
				return
			}
			s := r.lock(served.Table.ShardAt(i))
			more = s.Advance(r.now, dueMax, &r.fx)
			r.unlock(s)
		}
	}
	served.Table.Survey()
}

// wakeTimer is when the ticker wakes up next. Loops that publish an earlier
// deadline ring for it.
type wakeTimer struct {
	at   atomic.Int64 // table time
	wake signal
}

// set decides when to wake up and returns how long that is from now.
func (a *wakeTimer) set(now int64, t *table.Table) time.Duration {
	a.at.Store(now + int64(lookEvery)) // before Next is read, or a lower one could be missed
	next := t.Next()
	if next >= now+int64(lookEvery) {
		return lookEvery
	}
	if next <= now { // there was more to do than one look may settle
		next = now + int64(tickEvery)
	}
	a.at.Store(next)
	return time.Duration(next - now)
}

// wakeBefore wakes the ticker up if it would sleep beyond that time.
func (a *wakeTimer) wakeBefore(next int64) {
	for at := a.at.Load(); next < at; at = a.at.Load() {
		if !a.at.CompareAndSwap(at, next) {
			continue // set may have moved it since, to a time that is still too late
		}
		a.ring()
		return
	}
}

// ring wakes the ticker up.
func (a *wakeTimer) ring() { a.wake.give() }

// runTicker is the goroutine "ticker": it keeps table time, settles what is
// due when it is, to the millisecond, and orders the sweeps.
func (e *Engine) runTicker(ctx context.Context) {
	defer func() {
		if cause := recover(); cause != nil {
			e.crash(cause)
		}
	}()
	timer := time.NewTimer(0)
	defer timer.Stop()
	e.checkMemory()
	var fx table.Effects
	co := newOutbox(e)
	lastSweep := e.clock.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-e.wakeTimer.wake:
		}
		e.tickPulse.rounds.Add(1)
		if e.tick(&fx, &co) {
			e.extraProc.use(e.clock.Now())
		}
		now, served := e.clock.Now(), e.store.State()
		if now-lastSweep >= int64(sweepEvery) {
			lastSweep = now
			e.checkMemory()
			e.extraProc.reclaim(now)
			e.order(e.sweepOrders())
		}
		e.orderEnds()
		if !served.Follows() {
			e.trimmer.turn(now, served.Table)
		}
		sleep := lookEvery
		if served.Follows() {
			e.wakeTimer.at.Store(now + int64(lookEvery)) // loops ring after a promotion
		} else {
			sleep = e.wakeTimer.set(now, served.Table)
		}
		if e.overdue.Load() > 0 {
			sleep = min(sleep, tickEvery)
		}
		timer.Reset(sleep)
	}
}

// order tells every reactor that has a loop to do something.
func (e *Engine) order(o orders) {
	for _, r := range e.reactors {
		if r.wakeLoop.Load() != nil {
			r.post(nil, o)
		}
	}
}
