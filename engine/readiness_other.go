//go:build !linux

package engine

import (
	"sync"
	"time"

	"dlm/table"
)

// readiness asks again after a little time where there is no epoll.
type readiness struct {
	e     *Engine
	mu    sync.Mutex
	ids   []table.ConnID // guarded by mu
	done  chan struct{}
	ended sync.WaitGroup
}

const readinessEvery = 5 * time.Millisecond // what a slow reader may wait for more, at most

func newReadiness(e *Engine) (*readiness, error) {
	d := &readiness{e: e, done: make(chan struct{})}
	d.ended.Go(d.run)
	return d, nil
}

func (d *readiness) await(_ int, id table.ConnID) {
	d.mu.Lock()
	d.ids = append(d.ids, id)
	d.mu.Unlock()
}

func (d *readiness) forget(int) {}

func (d *readiness) awaitFailure(fd int, id table.ConnID) { d.await(fd, id) }

// run is the goroutine "writable".
func (d *readiness) run() {
	ticker := time.NewTicker(readinessEvery)
	defer ticker.Stop()
	for {
		select {
		case <-d.done:
			return
		case <-ticker.C:
		}
		d.mu.Lock()
		ids := d.ids
		d.ids = nil
		d.mu.Unlock()
		for _, id := range ids {
			d.e.reactors[loopOf(id)].goOn(id)
		}
	}
}

func (d *readiness) stop() error {
	close(d.done)
	d.ended.Wait()
	return nil
}

func (d *readiness) close() error { return nil }
