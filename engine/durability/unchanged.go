package durability

import "time"

// unchangedMax is how long an image is good for a table that does not change. Then the imager
// writes another one, so that it finds a full or broken disk in time. After a crash the age of a
// hold is wrong by no more than this.
const unchangedMax = 5 * time.Minute

// update writes an image, unless the newest one is as good as one that would be written.
func (m *imager) update() (written bool, err error) {
	began := time.Now()
	if m.unchanged() && m.confirm(began) {
		return false, nil
	}
	return true, m.write()
}

// unchanged reports whether nothing has changed since the newest image that a start after a crash
// relies on. It returns false in a grace, because table.Shard.Changes does not count all changes
// then, and false after an image of a grace, which must be followed by another image.
func (m *imager) unchanged() bool {
	s := &m.state // only this goroutine writes it
	if s.Path == "" || s.Header.Grace || time.Since(s.Written) >= unchangedMax {
		return false
	}
	sum := uint64(0)
	for shard := range m.of.Table.Locked() {
		if shard.GraceRuns() {
			return false
		}
		sum += shard.Changes()
	}
	return sum == m.copied
}

// confirm makes the newest image known as good at that time. The file's own time says so to a
// backup that shares the directory. It returns false if the image is not there any more.
func (m *imager) confirm(at time.Time) bool {
	if err := m.of.dir.Touch(m.state.Header, at); err != nil {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state.AsOf, m.state.Problem = at, ""
	m.state.Same++
	return true
}
