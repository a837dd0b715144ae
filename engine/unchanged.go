package engine

import (
	"time"

	"dlm/table"
)

// unchangedMax is how long an image stands for a table that does not change. Then it is written
// anew all the same: so a disk that can't be written to any more is found in time, and since
// when a lock is held is off by no more than that after a crash.
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
// relies on. In a grace that is not known (see table.Shard.Changes), and an image of a grace is
// followed by another one.
func (m *imager) unchanged() bool {
	s := &m.state // of this goroutine, but for who reads it
	if s.Path == "" || s.Header.Grace || time.Since(s.Written) >= unchangedMax {
		return false
	}
	sum := uint64(0)
	for i := range table.Shards {
		shard := m.rec.table.ShardAt(i)
		shard.Lock()
		grace := shard.GraceRuns()
		sum += shard.Changes()
		shard.Unlock()
		if grace {
			return false
		}
	}
	return sum == m.copied
}

// confirm makes the newest image known as good at that time. The file's own time says so to a
// backup that shares the directory. It returns false if the image is not there any more.
func (m *imager) confirm(at time.Time) bool {
	if err := m.rec.dir.Touch(m.state.Header, at); err != nil {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state.AsOf, m.state.Err = at, nil
	m.state.Same++
	return true
}
