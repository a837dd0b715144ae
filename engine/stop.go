package engine

import "time"

// stop ends service within StopWait: waits are answered, output is written,
// connections are closed.
func (e *Engine) stop() {
	deadline := time.Now().Add(e.cfg.StopWait)
	e.draining.Store(true)
	for _, r := range e.reactors {
		if r.wake.Load() != nil {
			e.drained.Add(1)
			r.post(nil, orderDrain)
		}
	}
	answered := make(chan struct{})
	go func() { e.drained.Wait(); close(answered) }() // the goroutine "drain"
	select {
	case <-answered:
	case <-time.After(time.Until(deadline)):
		e.cfg.Log.Warn("stop: event loops did not answer in time")
	}
	// Output that the kernel has not taken yet gets the rest of the time.
	for e.conns.Load() > 0 && time.Now().Before(deadline) {
		e.order(orderClose)
		time.Sleep(5 * time.Millisecond)
	}
	if n := e.conns.Load(); n > 0 {
		e.cfg.Log.Warn("stop: connections closed with unread output", "connections", n)
	}
}
