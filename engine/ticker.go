package engine

import (
	"context"
	"time"

	"dlm/table"
)

// tick settles everything that is due: leases and wait timeouts of all shards,
// a bounded number per hold of a mutex. It runs on the ticker's goroutine.
func (e *Engine) tick(fx *table.Effects, co *courier) {
	now, served := e.clock.now(), e.served.Load()
	if served.follows {
		return // a backup's table stands still
	}
	for i := range table.Shards {
		for more := served.table.Due(i, now); more; {
			s := served.table.ShardAt(i)
			s.Lock()
			more = s.Advance(now, advanceMax, fx)
			s.Unlock()
			for _, effect := range fx.List {
				co.add(effect)
			}
			fx.List = fx.List[:0]
			co.send()
		}
	}
}

// runTicker is the goroutine "ticker": it keeps table time, settles what is
// due every millisecond, and orders the sweeps.
func (e *Engine) runTicker(ctx context.Context) {
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	var fx table.Effects
	co := newCourier(e)
	lastSweep := e.clock.now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		e.tick(&fx, &co)
		if now := e.clock.now(); now-lastSweep >= int64(sweepEvery) {
			lastSweep = now
			e.checkMemory()
			e.order(orderSweep)
		}
	}
}

// checkMemory makes the table refuse new records at the memory limit.
func (e *Engine) checkMemory() {
	if e.cfg.MemoryMax > 0 {
		e.tab().SetFull(e.tab().Totals().BytesUsed >= e.cfg.MemoryMax)
	}
}

// order tells every reactor that has a loop to do something.
func (e *Engine) order(o orders) {
	for _, r := range e.reactors {
		if r.wake.Load() != nil {
			r.post(nil, o)
		}
	}
}
