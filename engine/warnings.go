package engine

import (
	"fmt"
	"time"

	"dlm/engine/clock"
)

const (
	warnImageAge  = 5  // intervals between images after which the newest is too old
	warnBackupAge = 5  // the same for what a backup serves
	warnNear      = 80 // percent of a limit from which on it is near
)

// Warnings returns what an operator should look at now. Any goroutine may call it.
func (e *Engine) Warnings() []Warning {
	list := []Warning{}
	add := func(code, format string, args ...any) {
		list = append(list, Warning{code, fmt.Sprintf(format, args...)})
	}
	s := e.Stats()
	for _, l := range []struct {
		name      string
		used, max int64
	}{
		{"locks", int64(s.Table.Held), int64(s.LocksMax)}, {"waiters", int64(s.Table.Waiters), int64(s.WaitersMax)},
		{"connections", s.Conns, int64(s.ConnsMax)}, {"buffers", s.Buffered, s.BufferedMax},
	} {
		if l.used*100 >= l.max*warnNear {
			add("limit_near", "%s: %d of %d, which is %d %%", l.name, l.used, l.max, l.used*100/l.max)
		}
	}
	if cycles, _, oldest := e.observer.Deadlocked(); cycles > 0 {
		circles := "a circle,"
		if cycles > 1 {
			circles = fmt.Sprintf("%d circles, the oldest", cycles)
		}
		add("deadlock", "services wait for each other in %s for %s", circles, clock.InWords(oldest))
	}
	e.warnDurability(&s, add)
	for _, hung := range e.Hung() {
		add("hung", "%s", hung)
	}
	if s.AuditError != nil {
		add("audit_failing", "commands of admins are refused, because the audit can't be written: %v", s.AuditError)
	}
	if s.AuditDropped > 0 {
		add("audit_dropped", "%d records of the audit found no room", s.AuditDropped)
	}
	if s.LogDropped > 0 {
		add("log_dropped", "%d records of the log were not written, because nobody read it", s.LogDropped)
	}
	return list
}

// warnDurability warns of what a crash would lose.
func (e *Engine) warnDurability(s *Stats, add func(code, format string, args ...any)) {
	switch {
	case s.Backup:
		if e.store.State().From == "" {
			add("backup_empty", "this backup has no image yet, so it can't be promoted")
		}
		if s.FetchError != "" {
			add("backup_failing", "the last image could not be fetched: %s", s.FetchError)
		}
		if s.Staleness > warnBackupAge*e.cfg.SnapshotInterval {
			add("backup_stale", "what this backup serves is %s old: does it reach its primary?", clock.InWords(s.Staleness))
		}
		return
	case !s.Durable:
		return
	}
	if s.GraceLeft > 0 {
		add("recovering", "recovering from a crash: no lock is granted for another %s", clock.InWords(s.GraceLeft))
	}
	if s.Image.Problem != "" {
		add("image_failing", "the last image could not be written: %s", s.Image.Problem)
	}
	if s.Image.Path != "" && time.Since(s.Image.AsOf) > warnImageAge*e.cfg.SnapshotInterval {
		add("image_old", "the newest image is %s old: a crash loses what happened since", clock.InWords(time.Since(s.Image.AsOf)))
	}
}
