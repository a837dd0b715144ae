package engine

import (
	"context"
	"strconv"
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

// connsAsk asks one loop about its connections. Only one of the questions is set.
type connsAsk struct {
	at    *int // list connections from this place on, and move it
	limit int

	ids []table.ConnID // give the numbers of these connections

	end    int64 // close the connection of that number
	reason []byte

	out chan connsAnswer // has room for the answer
}

// connsAnswer is what a loop says. The slices belong to the receiver.
type connsAnswer struct {
	rows    []ClientRow
	done    bool // there are no more places
	numbers map[table.ConnID]int64
	ended   bool
	from    string // address of the connection that was ended
}

// askConns asks a loop and waits for its answer; false: it did not answer in time.
func (r *reactor) askConns(ctx context.Context, a connsAsk) (answer connsAnswer, ok bool) {
	a.out = make(chan connsAnswer, 1)
	if len(r.e.ports) == 0 { // a simulation has no loops
		r.now = r.e.clock.Now()
		r.answerConns(&a)
		r.wake() // what it has written leaves with the next batch
		return <-a.out, true
	}
	if r.wakeLoop.Load() == nil {
		return connsAnswer{done: true}, true // it has had no connection
	}
	tell(r, &r.inbox.asks, a)
	select {
	case answer = <-a.out:
		return answer, true
	case <-ctx.Done():
		return answer, false
	}
}

// answerConns answers a question about the connections of the loop.
func (r *reactor) answerConns(a *connsAsk) {
	var answer connsAnswer
	switch {
	case a.at != nil:
		answer = r.listConns(*a.at, a.limit, a.at)
	case a.ids != nil:
		answer.numbers = make(map[table.ConnID]int64, len(a.ids))
		for _, id := range a.ids {
			if c := r.lookup(id); c != nil {
				answer.numbers[id] = c.number
			}
		}
		r.cost += len(a.ids) / costRecord
	default:
		answer.ended, answer.from = r.endConn(a.end, a.reason)
	}
	a.out <- answer
}

// listConns describes connections from a place on, and stores where the next page begins.
func (r *reactor) listConns(from, limit int, next *int) (a connsAnswer) {
	at, end := from, min(from+connSlots, len(r.conns))
	a.rows = make([]ClientRow, 0, max(min(limit, end-at), 0))
	for ; at < end && len(a.rows) < limit; at++ {
		if c := r.conns[at].c; c != nil {
			a.rows = append(a.rows, r.describeConn(c))
		}
	}
	r.cost += max(at-from, 0)
	*next, a.done = at, at >= len(r.conns)
	return a
}

// viaWords are the words of CLIENTS for how a connection reaches the server.
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
		r.fail(c, codec.Canceled, "an admin has ended this connection: "+escaped(reason))
		return true, c.sock.Remote()
	}
	return false, ""
}

// escaped returns bytes of a client in the escapes of replies, without the quotes.
func escaped(b []byte) string {
	quoted := codec.AppendQuoted(nil, b)
	return string(quoted[1 : len(quoted)-1])
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
		next := place
		answer, ok := e.reactors[loop].askConns(ctx, connsAsk{at: &next, limit: limit - len(p.Rows)})
		if !ok {
			return nil, false
		}
		p.Rows = append(p.Rows, answer.rows...)
		if !answer.done {
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

// nameClients fills in the numbers of the connections that wait. Each loop is asked once.
func (e *Engine) nameClients(ctx context.Context, rows []observe.WaiterRow) {
	byLoop := make(map[int][]table.ConnID)
	for i := range rows {
		if loop := loopOf(rows[i].Conn); loop < len(e.reactors) {
			byLoop[loop] = append(byLoop[loop], rows[i].Conn)
		}
	}
	for loop, ids := range byLoop {
		answer, ok := e.reactors[loop].askConns(ctx, connsAsk{ids: ids})
		if !ok {
			continue
		}
		for i := range rows {
			if n := answer.numbers[rows[i].Conn]; n > 0 {
				rows[i].Client = n
			}
		}
	}
}

// NameClients is nameClients for the HTTP side.
func (e *Engine) NameClients(ctx context.Context, rows []observe.WaiterRow) { e.nameClients(ctx, rows) }

// Disconnect ends the connection of that number for an admin. by is the name of the admin's token,
// and from an address. The code is OK, Unknown if there is no such connection, or Limit if the
// audit takes no record. Any goroutine but a loop may call it.
func (e *Engine) Disconnect(ctx context.Context, number int64, reason []byte, by, from string) codec.Code {
	if !e.audit.Begin(1) {
		return codec.Limit
	}
	record := audit.Record{Event: audit.Disconnect, By: by, From: from, What: "client " + strconv.FormatInt(number, 10),
		Reason: string(reason), Outcome: codec.Unknown.String()}
	code := codec.Unknown
	for _, r := range e.reactors {
		if answer, ok := r.askConns(ctx, connsAsk{end: number, reason: reason}); ok && answer.ended {
			record.Outcome, record.Detail, code = audit.Done, answer.from, codec.OK
			e.observer.Note("disconnected", "client %d by %s: %s", number, by, escaped(reason))
			break
		}
	}
	e.audit.End(record)
	return code
}
