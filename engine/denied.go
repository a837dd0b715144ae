package engine

import (
	"log/slog"
	"sync"
	"time"
)

const deniedLogEvery = 5 * time.Second // between two lines of the log on refused commands of admins

// denied counts what was refused for the lack of the admin role. It is part of the audit, and
// summed up there, since anybody can have as much refused as they care to send.
type denied struct {
	mu       sync.Mutex
	total    uint64    // guarded by mu
	unlogged uint64    // since the last line; guarded by mu
	what     string    // the last one; guarded by mu
	by, from string    // of the last one: name of its token, or empty, and address; guarded by mu
	loggedAt time.Time // guarded by mu
}

// NoteDenied counts a request of admins that was refused. Any goroutine may call it.
func (e *Engine) NoteDenied(what, by, from string) {
	d := &e.denied
	d.mu.Lock()
	defer d.mu.Unlock()
	d.total++
	d.unlogged++
	d.what, d.by, d.from = what, by, from
}

// say logs what was refused since the last line, if it is time for one, or if this is the end.
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

// info adds what INFO tells of it.
func (d *denied) info(b []byte) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return infoLine(b, "denied_admin_commands", d.total)
}
