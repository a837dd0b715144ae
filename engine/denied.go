package engine

import (
	"log/slog"
	"sync"
	"time"
)

const deniedLogEvery = 5 * time.Second // between two lines of the log on refused commands of admins

// denied counts requests that were refused for the lack of the admin role. The audit only has their
// sum, because a line per refusal would let any client fill the log.
type denied struct {
	mu       sync.Mutex
	total    uint64    // guarded by mu
	unlogged uint64    // since the last line; guarded by mu
	what     string    // the last request; guarded by mu
	by, from string    // its token's name, or empty, and its address; guarded by mu
	loggedAt time.Time // guarded by mu
}

// NoteDenied counts a refused request of the HTTP side. Any goroutine may call it.
func (e *Engine) NoteDenied(what, by, from string) {
	d := &e.denied
	d.mu.Lock()
	defer d.mu.Unlock()
	d.total++
	d.unlogged++
	d.what, d.by, d.from = what, by, from
}

// say logs the refusals since the last line, if it is time for a line, or if end is true.
func (d *denied) say(log *slog.Logger, now time.Time, end bool) {
	d.mu.Lock()
	n, what, by, from := d.unlogged, d.what, d.by, d.from
	if n == 0 || !end && now.Sub(d.loggedAt) < deniedLogEvery {
		d.mu.Unlock()
		return
	}
	d.unlogged, d.loggedAt = 0, now
	d.mu.Unlock()
	log.Warn("refused: only admins may do this", "event", "denied", "count", n, "last", what, "by", by, "from", from)
}

// count returns how many requests were refused.
func (d *denied) count() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.total
}

// info appends the counts to INFO.
func (d *denied) info(b []byte) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return infoLine(b, "denied_admin_commands", d.total)
}
