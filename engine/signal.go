package engine

import "context"

// signal wakes the goroutine that waits for it. Signals that it has not heard yet count as one.
type signal chan struct{}

func newSignal() signal { return make(signal, 1) }

// give gives the signal. Any goroutine may call it.
func (s signal) give() {
	select {
	case s <- struct{}{}:
	default: // it has been given, and not heard yet
	}
}

// each does the work after each signal, until ctx ends.
func (s signal) each(ctx context.Context, work func()) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s:
			work()
		}
	}
}
