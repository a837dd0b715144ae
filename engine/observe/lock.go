package observe

import (
	"dlm/codec"
	"dlm/table"
)

// viewHolders is how many holds the description of one lock shows.
const viewHolders = 100

// HolderRow describes one hold of a lock. The words are those of HOLDERS.
type HolderRow struct {
	Service Text        `json:"service"`
	Token   codec.Token `json:"token"`
	Count   uint32      `json:"count"`
	LeaseMs int64       `json:"lease_ms"` // rest of the lease
	TTLMs   uint32      `json:"ttl_ms"`   // length of the lease
	HeldMs  int64       `json:"held_ms"`
	Meta    Text        `json:"meta,omitempty"`
}

// LockView is one lock with its holders and the beginning of its queue.
type LockView struct {
	LockRow
	Holds       []HolderRow `json:"holds"`              // up to viewHolders, those that came first
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
	var holders table.Statuses
	s.Lock()
	s.Look(served.Now, hash, name, &st)
	s.Holders(served.Now, hash, name, viewHolders, &holders, nil)
	heat := s.HeatOf(served.Now, hash, name)
	s.Unlock()
	page := o.Waiters(name, queueRows, "")
	v := &LockView{StaleMs: served.StaleMs, HeatMs: heat / nsPerMs, Queue: page.Rows, QueueCursor: page.Cursor, Events: o.eventsOf(name), Holds: []HolderRow{}}
	if st.Held || st.Recovering || st.Waiters > 0 {
		v.LockRow = rowOf(&st, served.UnchangedMs)
	} else {
		v.State = "free"
	}
	v.Lock = clone(name)
	for _, h := range holders.All() { // its strings are copies
		v.Holds = append(v.Holds, HolderRow{Service: h.Owner, Token: codec.Token(h.Token), Count: h.Count,
			LeaseMs: h.LeaseMs, TTLMs: h.TTLMs, HeldMs: h.HeldMs + served.UnchangedMs, Meta: h.Meta})
	}
	return v
}
