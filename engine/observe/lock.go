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
}

// WaiterRow describes one request in a queue.
type WaiterRow struct {
	Position int          `json:"position"`
	Service  Text         `json:"service"`
	Mode     string       `json:"mode"`
	WaitedMs int64        `json:"waited_ms"`
	LeftMs   int64        `json:"left_ms"`
	Meta     Text         `json:"meta,omitempty"`
	Client   int64        `json:"client,omitempty"` // number of its connection; 0: not shown
	Conn     table.ConnID `json:"-"`
}

// Lock describes the lock of that name.
func (o *Observer) Lock(name []byte) *LockView {
	served := o.served()
	hash := served.Table.Hash(name)
	s := served.Table.Shard(hash)
	var st table.Status
	s.Lock()
	s.Look(served.Now, hash, name, &st)
	s.Unlock()
	v := &LockView{StaleMs: served.StaleMs, Queue: []WaiterRow{}}
	if st.Held || st.Recovering {
		v.LockRow = rowOf(&st, served.UnchangedMs)
	} else {
		v.State = "free"
	}
	v.Lock = clone(name)
	return v
}
