package observe

import (
	"strconv"
	"strings"

	"dlm/table"
)

// queueRows is how many requests the description of one lock shows.
const queueRows = 100

// WaiterRow describes one request in a queue.
type WaiterRow struct {
	Position int          `json:"position"`
	Service  Text         `json:"service"`
	Mode     string       `json:"mode"`
	WaitedMs int64        `json:"waited_ms"`
	LeftMs   int64        `json:"left_ms"` // until its timeout
	Meta     Text         `json:"meta,omitempty"`
	Client   int64        `json:"client,omitempty"` // number of its connection; 0: not shown
	Conn     table.ConnID `json:"-"`
}

// WaitersPage is a part of a queue.
type WaitersPage struct {
	Rows   []WaiterRow `json:"rows"`
	Cursor string      `json:"cursor"` // of the next page; empty: this is the last
}

// Waiters answers a part of the queue of a lock, from a cursor on. A cursor names the last request
// of a page. If that has ended, the page begins with the head of the queue, so that no request is
// missed, and some are listed twice.
func (o *Observer) Waiters(name []byte, limit int, cursor string) *WaitersPage {
	served := o.cfg.Served()
	after, before, _ := parseQueueCursor(cursor)
	hash := served.Table.Hash(name)
	s := served.Table.Shard(hash)
	p := &WaitersPage{Rows: []WaiterRow{}}
	var list []table.Waiting
	for more, bytes := true, pageBytes; more && len(p.Rows) < limit && bytes > 0; {
		n := min(limit-len(p.Rows), holdRows)
		s.Lock()
		goesOn := false
		list, goesOn, more = s.Queue(served.Now, hash, name, after, n, list[:0])
		s.Unlock()
		if !goesOn {
			before = 0
		}
		for i := range list {
			w := &list[i]
			before++
			p.Rows = append(p.Rows, WaiterRow{
				Position: before, Service: w.Service, Mode: w.Mode, WaitedMs: w.WaitedMs + served.UnchangedMs,
				LeftMs: w.LeftMs, Meta: w.Meta, Conn: w.Conn,
			})
			bytes -= len(w.Service) + len(w.Meta)
			after = w.Ref
		}
		if p.Cursor = ""; more {
			p.Cursor = queueCursor(after, before)
		}
		if len(list) == 0 {
			break
		}
	}
	return p
}

// queueCursor names the last request of a page and its position.
func queueCursor(after table.WaiterRef, position int) string {
	shard, index, generation := after.Numbers()
	b := strconv.AppendUint(nil, uint64(shard), 10)
	b = strconv.AppendUint(append(b, '-'), uint64(index), 10)
	b = strconv.AppendUint(append(b, '-'), uint64(generation), 10)
	return string(strconv.AppendInt(append(b, '-'), int64(position), 10))
}

// ParseWaitersCursor checks a cursor of Waiters.
func ParseWaitersCursor(s string) (ok bool) {
	_, _, ok = parseQueueCursor(s)
	return ok || s == ""
}

// parseQueueCursor reads what queueCursor has written. Of anything else it returns a reference that
// names no request.
func parseQueueCursor(cursor string) (after table.WaiterRef, position int, ok bool) {
	var n [4]uint64
	parts := strings.Split(cursor, "-")
	if len(parts) != len(n) {
		return after, 0, false
	}
	for i, part := range parts {
		bits := 32
		if i == 0 {
			bits = 8 // the shard
		}
		v, err := strconv.ParseUint(part, 10, bits)
		if err != nil {
			return table.WaiterRef{}, 0, false
		}
		n[i] = v
	}
	return table.WaiterRefOf(uint8(n[0]), uint32(n[1]), uint32(n[2])), int(n[3]), true
}
