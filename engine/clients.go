package engine

import (
	"context"
	"strconv"
	"sync/atomic"
	"time"

	"dlm/codec"
	"dlm/engine/audit"
	"dlm/engine/observe"
	"dlm/table"
)

// connSlots is how many places of connections one loop looks at for one question: some 100 µs.
const connSlots = 1000

// ClientRow describes one open connection.
type ClientRow struct {
	Client    int64        `json:"client"` // its number, as CLIENT ID and HELLO answer it
	Address   string       `json:"address"`
	Transport string       `json:"transport"`
	Name      observe.Text `json:"name,omitempty"` // that the client gave itself
	Role      string       `json:"role"`
	Token     string       `json:"token,omitempty"` // name of the credential
	AgeMs     int64        `json:"age_ms"`
	IdleMs    int64        `json:"idle_ms"` // since the last input
	Waits     int          `json:"waits"`
	Buffered  int          `json:"buffered"` // bytes
	Form      string       `json:"form"`     // text, resp2 or resp3
}

// ClientsPage is a part of the open connections.
type ClientsPage struct {
	Rows   []ClientRow `json:"rows"`
	Cursor string      `json:"cursor"`
}

// onLoop lets the loop do some work, and waits until it is done. It returns false if that is not in
// time, and then it is never done. A loop that has had no connection does nothing.
func (r *reactor) onLoop(ctx context.Context, work func()) (ok bool) {
	if len(r.e.ports) == 0 { // a simulation has no loops
		r.now = r.e.clock.Now()
		work()
		r.wake() // what it has written leaves with the next batch
		return true
	}
	if r.wakeLoop.Load() == nil {
		return true
	}
	var taken atomic.Bool // by the loop, or by the end of ctx, after which nothing is done
	done := make(chan struct{})
	tell(r, &r.inbox.work, func() {
		if taken.CompareAndSwap(false, true) {
			defer close(done) // also after a panic, which the loop survives
			work()
		}
	})
	select {
	case <-done:
		return true
	case <-ctx.Done():
	}
	if taken.CompareAndSwap(false, true) {
		return false
	}
	<-done
	return true
}

// listConns describes connections from a place on. It returns where the next page begins, and
// whether there are no more places.
func (r *reactor) listConns(from, limit int) (rows []ClientRow, next int, done bool) {
	at, end := from, min(from+connSlots, len(r.conns))
	rows = make([]ClientRow, 0, max(min(limit, end-at), 0))
	for ; at < end && len(rows) < limit; at++ {
		if c := r.conns[at].c; c != nil {
			rows = append(rows, r.describeConn(c))
		}
	}
	r.cost += max(at-from, 0)
	return rows, at, at >= len(r.conns)
}

// viaWords are the words of CLIENTS and of metrics for how a connection reaches the server.
var viaWords = [...]string{viaTCP: "tcp", viaTLS: "tls", viaUnix: "unix"}

func (r *reactor) describeConn(c *conn) ClientRow {
	row := ClientRow{
		Client: c.number, Address: c.sock.Remote(), Transport: viaWords[c.at.via], Name: observe.Text(c.name), Role: c.who.Role.String(), Token: c.who.Name,
		AgeMs: (r.now - c.openedAt) / int64(time.Millisecond), IdleMs: (r.now - max(c.heardAt, c.openedAt)) / int64(time.Millisecond),
		Waits: c.waits.open, Buffered: c.buffered, Form: "text",
	}
	if c.pending.waiting {
		row.Waits++
	}
	switch {
	case c.resp3:
		row.Form = "resp3"
	case c.form == codec.FormRESP:
		row.Form = "resp2"
	}
	return row
}

// endConn ends the connection of that number for an admin, and tells its client why.
func (r *reactor) endConn(number int64, reason []byte) (ended bool, from string) {
	r.cost += len(r.conns) / costRecord
	for i := range r.conns {
		c := r.conns[i].c
		if c == nil || c.number != number || c.closing {
			continue
		}
		r.e.reject(rejectAdmin)
		r.fail(c, codec.Canceled, "an admin has ended this connection: "+audit.Escape(string(reason)))
		return true, c.sock.Remote()
	}
	return false, ""
}

// Clients answers a page of the open connections. Each loop is asked once at most, and looks at
// connSlots places. ok is false for a cursor that is none, and if a loop did not answer in time.
func (e *Engine) Clients(ctx context.Context, limit int, cursor string) (p *ClientsPage, ok bool) {
	var at observe.Cursor
	if cursor != "" {
		if at, ok = observe.ParseCursor([]byte(cursor)); !ok {
			return nil, false
		}
	}
	p = &ClientsPage{Rows: []ClientRow{}}
	for loop, place := int(at.Shard), int(at.Index); loop < len(e.reactors); loop, place = loop+1, 0 {
		r, left := e.reactors[loop], limit-len(p.Rows)
		rows, next, done := []ClientRow(nil), place, true
		if !r.onLoop(ctx, func() { rows, next, done = r.listConns(place, left) }) {
			return nil, false
		}
		p.Rows = append(p.Rows, rows...)
		if !done {
			p.Cursor = string(observe.AppendCursor(nil, observe.Cursor{Shard: uint8(loop), Index: uint32(next)}))
			break
		}
		if len(p.Rows) >= limit && loop+1 < len(e.reactors) {
			p.Cursor = string(observe.AppendCursor(nil, observe.Cursor{Shard: uint8(loop + 1)}))
			break
		}
	}
	return p, true
}

// NameClients fills in the numbers of the connections that wait. Each loop is asked once. Any
// goroutine but a loop may call it.
func (e *Engine) NameClients(ctx context.Context, rows []observe.WaiterRow) {
	byLoop := make(map[int][]table.ConnID)
	for i := range rows {
		if loop := loopOf(rows[i].Conn); loop < len(e.reactors) {
			byLoop[loop] = append(byLoop[loop], rows[i].Conn)
		}
	}
	for loop, ids := range byLoop {
		r, numbers := e.reactors[loop], make(map[table.ConnID]int64, len(ids))
		if !r.onLoop(ctx, func() { r.numbersOf(ids, numbers) }) {
			continue
		}
		for i := range rows {
			if n := numbers[rows[i].Conn]; n > 0 {
				rows[i].Client = n
			}
		}
	}
}

// numbersOf fills in the numbers of connections that are open.
func (r *reactor) numbersOf(ids []table.ConnID, numbers map[table.ConnID]int64) {
	for _, id := range ids {
		if c := r.lookup(id); c != nil {
			numbers[id] = c.number
		}
	}
	r.cost += len(ids) / costRecord
}

// Disconnect ends the connection of that number for an admin. by is the name of the admin's token,
// and from an address. The code is OK, Unknown if there is no such connection, or Limit if the
// audit takes no record. Any goroutine but a loop may call it.
func (e *Engine) Disconnect(ctx context.Context, number int64, reason []byte, by, from string) codec.Code {
	act := e.audit.BeginRecorded(ctx, recordOfDisconnect(number, reason, by, from))
	if act == nil {
		return codec.Limit
	}
	return e.disconnect(ctx, act, number)
}

func recordOfDisconnect(number int64, reason []byte, by, from string) audit.Record {
	return audit.Record{Event: audit.Disconnect, By: by, From: from, What: "client " + strconv.FormatInt(number, 10), Reason: string(reason)}
}

// disconnect is Disconnect for an act that is recorded.
func (e *Engine) disconnect(ctx context.Context, act *audit.Act, number int64) codec.Code {
	record := act.Asked
	for _, r := range e.reactors {
		ended, address := false, ""
		if !r.onLoop(ctx, func() { ended, address = r.endConn(number, []byte(record.Reason)) }) {
			act.Refuse(codec.Canceled)
			return codec.Canceled
		}
		if ended {
			record.Outcome, record.Detail = audit.Done, address
			e.observer.Note("disconnected", "client %d by %s: %s", number, record.By, audit.Escape(record.Reason))
			act.End(record)
			return codec.OK
		}
	}
	act.Refuse(codec.Unknown)
	return codec.Unknown
}
