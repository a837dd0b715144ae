//go:build !linux

package transport

import (
	"sync"
	"time"
)

// readiness asks again after a little time where there is no epoll.
type readiness struct {
	cfg   *Config
	mu    sync.Mutex
	ids   []uint64 // guarded by mu
	done  chan struct{}
	ended sync.WaitGroup
}

const readinessEvery = 5 * time.Millisecond // how long room is not seen, at most

func newReadiness(cfg *Config) (*readiness, error) {
	d := &readiness{cfg: cfg, done: make(chan struct{})}
	d.ended.Go(d.run)
	return d, nil
}

func (d *readiness) await(_ int, id uint64) {
	d.mu.Lock()
	d.ids = append(d.ids, id)
	d.mu.Unlock()
}

func (d *readiness) forget(int) {}

func (d *readiness) awaitFailure(fd int, id uint64) { d.await(fd, id) }

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
			d.cfg.Writable(id)
		}
	}
}

func (d *readiness) stop() error {
	close(d.done)
	d.ended.Wait()
	return nil
}

func (d *readiness) close() error { return nil }
