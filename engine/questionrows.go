package engine

import (
	"context"

	"dlm/codec"
	"dlm/engine/observe"
)

// truth is the form of a boolean in a reply.
func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func writeTop(w *codec.Writer, a *observe.TopAnswer) {
	w.View(len(a.Rows), nil, codec.Field{Name: "age_ms", Value: a.AgeMs}, codec.Field{Name: "truncated", Value: truth(a.Truncated)},
		codec.Field{Name: "hidden", Value: int64(a.Hidden)})
	for i := range a.Rows {
		row := &a.Rows[i]
		w.Item()
		w.Str("lock", row.Lock)
		if row.Holders > 0 {
			w.Word("mode", row.Mode)
			w.Str("owner", row.Owner)
		}
		w.Num("holders", int64(row.Holders))
		w.Token("token", row.Token)
		w.Num("count", int64(row.Count))
		w.Num("waiters", int64(row.Waiters))
		w.Num("waited_ms", row.WaitedMs)
		w.Num("held_ms", row.HeldMs)
		w.Num("lease_ms", row.LeaseMs)
		w.Num("heat_ms", row.HeatMs)
		w.End()
	}
}

func writeDeadlocks(w *codec.Writer, a *observe.DeadlockAnswer) {
	w.View(len(a.Rows), nil, codec.Field{Name: "age_ms", Value: a.AgeMs}, codec.Field{Name: "truncated", Value: truth(a.Truncated)},
		codec.Field{Name: "hidden", Value: int64(a.Hidden)})
	for i := range a.Rows {
		row := &a.Rows[i]
		w.Item()
		w.Num("cycle", int64(row.Cycle))
		w.Str("service", row.Service)
		w.Str("lock", row.Lock)
		w.Str("holder", row.Holder)
		w.Token("token", row.Token)
		w.Num("waited_ms", row.WaitedMs)
		w.End()
	}
}

func writeWaiters(w *codec.Writer, p *observe.WaitersPage, clients bool) {
	w.List(len(p.Rows), []byte(p.Cursor))
	for i := range p.Rows {
		row := &p.Rows[i]
		w.Item()
		w.Num("position", int64(row.Position))
		w.Str("service", row.Service)
		w.Word("mode", row.Mode)
		w.Num("waited_ms", row.WaitedMs)
		w.Num("left_ms", row.LeftMs)
		if len(row.Meta) > 0 {
			w.Str("meta", row.Meta)
		}
		if clients {
			w.Num("client", row.Client)
		}
		w.End()
	}
}

func writeOwner(w *codec.Writer, p *observe.OwnerPage) {
	w.View(len(p.Rows), []byte(p.Cursor), codec.Field{Name: "hidden", Value: int64(p.Hidden)})
	for i := range p.Rows {
		row := &p.Rows[i]
		w.Item()
		w.Word("kind", row.Kind)
		w.Str("lock", row.Lock)
		if row.Kind == "hold" {
			w.Token("token", row.Token)
			w.Num("count", int64(row.Count))
			w.Num("held_ms", row.HeldMs)
			w.Num("lease_ms", row.LeaseMs)
			w.Num("waiters", int64(row.Waiters))
		} else {
			w.Num("position", int64(row.Position))
			w.Num("waited_ms", row.WaitedMs)
			w.Num("left_ms", row.LeftMs)
			w.Str("holder", row.Holder)
		}
		w.End()
	}
}

func writeEvents(w *codec.Writer, p *observe.EventsPage) {
	w.View(len(p.Rows), nil, codec.Field{Name: "next", Value: int64(p.Next)}, codec.Field{Name: "lost", Value: int64(p.Lost)},
		codec.Field{Name: "hidden", Value: int64(p.Hidden)})
	for i := range p.Rows {
		e := &p.Rows[i]
		w.Item()
		w.Num("seq", int64(e.Seq))
		w.Num("at_ms", e.AtMs)
		w.Word("kind", e.Kind)
		if len(e.Lock) > 0 {
			w.Str("lock", e.Lock)
			w.Str("service", e.Service)
			w.Token("token", e.Token)
		}
		w.Str("detail", []byte(e.Detail))
		w.End()
	}
}

func (e *Engine) answerClients(ctx context.Context, w *codec.Writer, q *question, limit int) codec.Code {
	cursor := string(q.cmd.Text)
	if _, ok := observe.ParseCursor(q.cmd.Text); !ok && cursor != "" {
		w.Error(codec.BadArg, foreignCursor(q.cmd.Verb))
		return codec.BadArg
	}
	p, ok := e.Clients(ctx, limit, cursor)
	if !ok {
		w.Error(codec.Internal, "a loop does not answer: look at /livez, and at the log of the server")
		return codec.Internal
	}
	w.List(len(p.Rows), []byte(p.Cursor))
	for i := range p.Rows {
		row := &p.Rows[i]
		w.Item()
		w.Num("client", row.Client)
		w.Str("address", []byte(row.Address))
		w.Word("transport", row.Transport)
		w.Str("name", row.Name)
		w.Word("role", row.Role)
		w.Num("age_ms", row.AgeMs)
		w.Num("idle_ms", row.IdleMs)
		w.Num("waits", int64(row.Waits))
		w.Num("buffered", int64(row.Buffered))
		w.Word("form", row.Form)
		w.End()
	}
	return codec.OK
}

func (e *Engine) answerDisconnect(ctx context.Context, w *codec.Writer, q *question) codec.Code {
	number, code := int64(q.cmd.Number), codec.Limit
	act := e.audit.BeginRecorded(ctx, recordOfDisconnect(number, q.cmd.Text, q.who.Name, q.from))
	if act != nil {
		if code = codec.Canceled; e.stillAsked(ctx, q) {
			code = e.disconnect(ctx, act, number)
		} else {
			act.Refuse(code)
		}
	}
	switch code {
	case codec.OK:
		w.OK()
	case codec.Limit:
		w.ErrorData(code, []byte(e.limitHit(codec.WhichAudit)), limitReasons[codec.WhichAudit])
	case codec.Canceled: // as it was answered already, or its loop hangs
		w.Error(code, canceled)
	default:
		code = codec.BadArg
		w.Error(code, "no connection has this number: CLIENTS lists them")
	}
	return code
}
