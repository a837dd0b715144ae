package observe

import (
	"dlm/codec"
	"dlm/table"
)

const (
	// pageRecords is how many records one page looks at. That takes 0.3 to 0.7 ms.
	pageRecords = 16 * 1024
	// holdRecords is how many records are looked at per hold of a shard's mutex: some 10 µs.
	holdRecords = 256
	// holdRows is how many locks are copied per hold of a mutex, because one can have 2 KiB of
	// strings.
	holdRows = 16
	// pageBytes is how many bytes of names, owners and META one page has before it ends.
	pageBytes = 256 << 10
)

// LockRow describes one lock. The words are those of STATUS.
type LockRow struct {
	Lock    Text        `json:"lock"`
	State   string      `json:"state"` // held; recovering: its holder is not known in a grace
	Mode    string      `json:"mode,omitempty"`
	Holders uint32      `json:"holders,omitempty"` // of a shared lock or semaphore
	Permits uint32      `json:"permits,omitempty"`
	Taken   uint32      `json:"taken,omitempty"`
	Owner   Text        `json:"owner,omitempty"`
	Token   codec.Token `json:"token,omitempty"`
	Count   uint32      `json:"count"`
	LeaseMs int64       `json:"lease_ms"` // rest of the lease
	TTLMs   uint32      `json:"ttl_ms"`   // length of the lease
	HeldMs  int64       `json:"held_ms"`
	Waiters uint32      `json:"waiters"`
	Next    Text        `json:"next,omitempty"` // service of the first request in the queue
	Others  uint32      `json:"reentries_other_conn"`
	Meta    Text        `json:"meta,omitempty"`
}

// rowOf copies what the table knows of a lock.
func rowOf(st *table.Status, unchangedMs int64) LockRow {
	row := LockRow{Lock: clone(st.Name), State: "recovering", Waiters: st.Waiters, Next: clone(st.Next)}
	if !st.Held {
		if !st.Recovering {
			row.State = "free" // only requests without a connection wait for it
		}
		return row
	}
	row.State, row.Mode = "held", st.Mode()
	row.Holders, row.Permits, row.Taken = st.Holders, st.Permits, st.Taken
	row.Owner, row.Token, row.Count, row.Meta = clone(st.Owner), codec.Token(st.Token), st.Count, clone(st.Meta)
	row.LeaseMs, row.TTLMs, row.HeldMs, row.Others = st.LeaseMs, st.TTLMs, st.HeldMs+unchangedMs, st.Others
	return row
}

// clone returns a copy, and nil for no bytes.
func clone(b []byte) Text { return append(Text(nil), b...) }

// LocksQuery asks for a page of locks.
type LocksQuery struct {
	table.Filter
	At    Cursor
	Limit int   // most rows
	Sight Sight // of the visitor
}

// LocksPage is a part of a listing.
type LocksPage struct {
	Rows     []LockRow `json:"rows"`
	Cursor   string    `json:"cursor"`    // of the next page; empty: this is the last
	LookedAt int       `json:"looked_at"` // records, for this page
	Of       int       `json:"of"`        // locks of the table
	Progress float64   `json:"progress"`  // part of the table that lies before the cursor, 0 to 1
	Hidden   int       `json:"hidden"`    // locks of the page that the visitor may not see
}

// Locks answers a page of locks. It looks at no more than pageRecords records.
func (o *Observer) Locks(q *LocksQuery) *LocksPage {
	served := o.cfg.Served()
	p := &LocksPage{Rows: []LockRow{}, Of: served.Table.Totals().Held}
	at, more := q.At, true
	var found table.Statuses
	for left, bytes := pageRecords, pageBytes; more && left > 0 && bytes > 0 && len(p.Rows) < q.Limit; {
		scan := min(holdRecords, left)
		before := scan
		s := served.Table.ShardAt(int(at.Shard))
		s.Lock()
		done := s.List(served.Now, &at.Index, &scan, min(q.Limit-len(p.Rows), holdRows), &q.Filter, &found, nil)
		s.Unlock()
		p.LookedAt += before - scan
		left -= max(before-scan, 1) // a shard without records counts as one
		for i := range found.All() {
			bytes -= p.add(&found.All()[i], q.Sight, served.UnchangedMs)
		}
		found.Reset()
		if done {
			more = at.Shard < table.Shards-1
			at = Cursor{Shard: at.Shard + 1}
		}
	}
	p.Progress = 1
	if more {
		p.Cursor = string(AppendCursor(nil, at))
		p.Progress = progress(served.Table, at)
	}
	return p
}

// add adds a row, unless the visitor may not see it, and returns its size in bytes.
func (p *LocksPage) add(st *table.Status, sight Sight, unchangedMs int64) int {
	if !sight.MayUse(st.Name) {
		p.Hidden++
		return 0
	}
	p.Rows = append(p.Rows, rowOf(st, unchangedMs))
	return len(st.Name) + len(st.Owner) + len(st.Meta) + len(st.Next)
}

// progress returns which part of the table lies before a cursor. Names are spread evenly over the
// shards.
func progress(t *table.Table, at Cursor) float64 {
	s := t.ShardAt(int(at.Shard))
	s.Lock()
	records := s.Records()
	s.Unlock()
	part := float64(at.Shard)
	if records > 0 {
		part += float64(min(at.Index, records)) / float64(records)
	}
	return part / table.Shards
}
