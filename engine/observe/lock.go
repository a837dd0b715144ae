package observe

import (
	"dlm/table"
)

// LockView is one lock with the beginning of its queue.
type LockView struct {
	LockRow
	StaleMs     int64       `json:"stale_ms,omitempty"` // of a backup: how old it may be
	HeatMs      int64       `json:"heat_ms"`
	Queue       []WaiterRow `json:"queue"`
	QueueCursor string      `json:"queue_cursor"` // empty: Queue has all requests
	Events      []Event     `json:"events"`       // of this lock, the newest first
}

// Lock describes the lock of that name.
func (o *Observer) Lock(name []byte) *LockView {
	served := o.cfg.Served()
	hash := served.Table.Hash(name)
	s := served.Table.Shard(hash)
	var st table.Status
	s.Lock()
	s.Look(served.Now, hash, name, &st)
	heat := s.HeatOf(served.Now, hash, name)
	s.Unlock()
	page := o.Waiters(name, queueRows, "")
	v := &LockView{StaleMs: served.StaleMs, HeatMs: heat / nsPerMs, Queue: page.Rows, QueueCursor: page.Cursor, Events: o.eventsOf(name)}
	if st.Held || st.Recovering || st.Waiters > 0 {
		v.LockRow = rowOf(&st, served.UnchangedMs)
	} else {
		v.State = "free"
	}
	v.Lock = clone(name)
	return v
}
