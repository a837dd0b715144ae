package engine

import (
	"dlm/codec"
	"dlm/engine/events"
)

// maySubscribe refuses WATCH, UNWATCH and NOTIFY in RESP2, which has no pushes, and reports whether
// it did not. In RESP2 the words are those for the commands of Redis.
func (r *reactor) maySubscribe(c *conn) bool {
	verb := r.cmd.Verb
	if r.cmd.Form == codec.FormText || c.resp3 {
		if len(r.cmd.Args) > 1 {
			r.refuse(codec.BadArg, oneByOne)
			return false
		}
		return true
	}
	if verb == codec.VerbNotify {
		r.refuse(codec.Unknown, "NOTIFY needs RESP3, whose pushes it uses: HELLO 3")
	} else {
		r.refuse(codec.Unknown, verb.String()+watchRefused)
	}
	return false
}

const oneByOne = "WATCH takes one prefix of lock names; the transactions of Redis are not supported"

// subscribe executes WATCH, UNWATCH and NOTIFY.
func (r *reactor) subscribe(c *conn) {
	if !r.maySubscribe(c) {
		return
	}
	t, h, args := r.served.Table, r.e.events, r.cmd.Args
	ok := true
	switch verb := r.cmd.Verb; {
	case verb == codec.VerbUnwatch && c.sub == nil:
	case verb == codec.VerbUnwatch && len(args) == 0:
		h.UnwatchAll(t, c.sub)
	case verb == codec.VerbUnwatch:
		h.Unwatch(t, c.sub, args[0])
	case verb == codec.VerbWatch:
		ok = h.Watch(t, r.subscriber(c), args[0], c.who, r.cmd.Form)
	case is(args[0], "OFF"):
		if c.sub != nil {
			h.NotifyOff(t, c.sub)
		}
	default:
		ok = h.Notify(t, r.subscriber(c), args[0], c.who, r.cmd.Form)
	}
	if !ok {
		r.refuseLimit(codec.WhichWatches)
		return
	}
	r.cost += costSubscribe
	r.done()
}

// subscriber returns the subscriber of the connection, and makes it if there is none.
func (r *reactor) subscriber(c *conn) *events.Subscriber {
	if c.sub == nil {
		c.sub = &events.Subscriber{Conn: c.id, Loop: r.index}
	}
	return c.sub
}

// unsubscribe ends all subscriptions of the connection.
func (r *reactor) unsubscribe(c *conn) {
	if c.sub != nil {
		r.e.events.Leave(r.e.tab(), c.sub)
		c.sub = nil
	}
}

// sendEvents puts the events of the loop's connections into their output. It is called between
// commands, so no event stands within an answer.
func (r *reactor) sendEvents() {
	r.subs = r.e.events.Ready(r.index, r.subs[:0])
	for i, s := range r.subs {
		if c := r.lookup(s.Conn); c != nil && c.sub == s {
			r.sendEventsOf(c)
		}
		r.subs[i] = nil
	}
}

// sendEventsOf puts the events of a connection into its output. While the kernel does not take its
// output, they stay in the buffer, which has a bound.
func (r *reactor) sendEventsOf(c *conn) {
	if c.closing || c.closed {
		return
	}
	if c.backlog != nil {
		r.account(c)
		return
	}
	r.beginReply(c)
	from := len(r.w.Buf)
	r.w.Buf = c.sub.Take(r.w.Buf)
	r.cost += 1 + (len(r.w.Buf)-from)/costBytes
	r.endReply(c)
}

// wakeForEvents wakes the loops that have events to send.
func (e *Engine) wakeForEvents() {
	e.events.Wake(func(loop int) { e.reactors[loop].wake() })
}
