package observe

import (
	"strings"

	"dlm/codec"
	"dlm/table"
)

// OwnerRow is one hold of a service, or one of its requests that wait.
type OwnerRow struct {
	Kind     string      `json:"kind"` // hold or wait
	Lock     Text        `json:"lock"`
	Token    codec.Token `json:"token,omitempty"`
	Count    uint32      `json:"count,omitempty"`
	HeldMs   int64       `json:"held_ms"`
	LeaseMs  int64       `json:"lease_ms"`
	Waiters  uint32      `json:"waiters"`
	Position int         `json:"position,omitempty"` // of a wait; 0: too far back
	WaitedMs int64       `json:"waited_ms"`
	LeftMs   int64       `json:"left_ms"`
	Holder   Text        `json:"holder,omitempty"`
}

// OwnerPage is a part of what a service holds and waits for.
type OwnerPage struct {
	Service  Text       `json:"service"`
	Rows     []OwnerRow `json:"rows"`
	Cursor   string     `json:"cursor"`
	LookedAt int        `json:"looked_at"`
	Of       int        `json:"of"` // locks and waiting requests of the table
	Progress float64    `json:"progress"`
	Hidden   int        `json:"hidden"`
}

// waitsCursor begins a cursor in the second half of the listing, that of the waits.
const waitsCursor = "w"

// ParseOwnerCursor checks a cursor of Owner.
func ParseOwnerCursor(s string) (ok bool) {
	rest := strings.TrimPrefix(s, waitsCursor)
	if rest == "" {
		return true
	}
	_, ok = ParseCursor([]byte(rest))
	return ok
}

// Owner answers a page of the holds of a service, and after them its waits. It looks at no more
// than pageRecords records.
func (o *Observer) Owner(service []byte, limit int, cursor string, sight Sight) *OwnerPage {
	rest, waits := strings.CutPrefix(cursor, waitsCursor)
	at, _ := ParseCursor([]byte(rest))
	p := &OwnerPage{Service: service, Rows: []OwnerRow{}}
	left := pageRecords
	if !waits {
		page := o.Locks(&LocksQuery{Filter: table.Filter{Owner: service, Held: true}, At: at, Limit: limit, Sight: sight})
		p.LookedAt, p.Hidden, p.Cursor = page.LookedAt, page.Hidden, page.Cursor
		for i := range page.Rows {
			row := &page.Rows[i]
			p.Rows = append(p.Rows, OwnerRow{Kind: "hold", Lock: row.Lock, Token: row.Token, Count: row.Count,
				HeldMs: row.HeldMs, LeaseMs: row.LeaseMs, Waiters: row.Waiters})
		}
		p.Progress = page.Progress / 2
		at, left = Cursor{}, pageRecords-page.LookedAt
	}
	served := o.cfg.Served()
	if p.Cursor == "" {
		p.waits(&served, at, limit, left, sight)
	}
	sum := served.Table.Totals()
	p.Of = sum.Held + sum.Waiters
	return p
}

// waits adds waits of the service from a place on.
func (p *OwnerPage) waits(served *Served, at Cursor, limit, left int, sight Sight) {
	var list []table.WaitOf
	more, bytes := true, pageBytes
	for more && left >= holdRecords && bytes > 0 && len(p.Rows) < limit {
		s := served.Table.ShardAt(int(at.Shard))
		scan, done := holdRecords, false
		s.Lock()
		list, done = s.WaitsOf(served.Now, &at.Index, &scan, min(limit-len(p.Rows), holdRows), p.Service, list[:0])
		s.Unlock()
		p.LookedAt += holdRecords - scan
		left -= max(holdRecords-scan, 1)
		for i := range list {
			bytes -= p.addWait(&list[i], served.UnchangedMs, sight)
		}
		if done {
			more = at.Shard < table.Shards-1
			at = Cursor{Shard: at.Shard + 1}
		}
	}
	if p.Progress = 1; more {
		p.Cursor = waitsCursor + string(AppendCursor(nil, at))
		p.Progress = (1 + float64(at.Shard)/table.Shards) / 2
	}
}

func (p *OwnerPage) addWait(w *table.WaitOf, unchangedMs int64, sight Sight) (size int) {
	if !sight.MayUse(w.Lock) {
		p.Hidden++
		return 0
	}
	p.Rows = append(p.Rows, OwnerRow{Kind: "wait", Lock: w.Lock, Position: w.Position,
		WaitedMs: w.WaitedMs + unchangedMs, LeftMs: w.LeftMs, Holder: w.Holder})
	return len(w.Lock) + len(w.Holder)
}
