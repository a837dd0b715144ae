package engine

import "dlm/codec"

// okLine is the answer to most commands.
var okLine = []byte("OK\n")

// single executes a read that is exactly one lock command, as of a client that waits for each
// answer, and returns true. It skips what only more commands need: with one of them in a read, most
// of what it costs is the fetching of code. It returns false, with nothing executed, for anything
// else; what it has decoded is left to run.
func (r *reactor) single(c *conn, in []byte) bool {
	if len(in) > singleMax || c.partial != nil || c.backlog != nil || c.pending.any() {
		return false
	}
	if r.served = r.e.store.State(); !r.mayAll(c) {
		return false
	}
	b := &r.batch
	r.decode(c, in, codec.BatchMax)
	p := &b.Cmds[0]
	if r.next.n != 1 || int(p.End) != len(in) || p.Tagged() && (c.waits.open >= tagsMax || c.waits.inUse(p.Tag(b.Batch.Source(p, in)))) {
		r.next.done = true
		return false
	}
	r.served.Table.Prepare(b, in, 1, c.id)
	b.Ticket = c.waits.nextTicket()
	c.form = p.Form
	if r.runTable(0, 1) == 0 {
		r.singleOther(c)
		return true
	}
	out, res := okLine, &b.Results[0]
	if p.Form == codec.FormRESP || c.detail || p.Tagged() {
		r.w.Buf, r.w.RESP3 = r.scratch[:0], c.resp3
		r.w.Start(p.Form, p.Tag(b.Source(0)))
		r.writeHold(c, p.Form, res.Token, res.Count, res.LeaseMs)
		out, r.w.Buf = r.w.Buf, nil
	}
	// A bug from here to the end of the write leaves a new hold to its lease: the client may have
	// seen the OK.
	n, err := c.sock.Write(out)
	r.countSent(c, n)
	if n < len(out) {
		r.singleLeft(c, out, n, err)
	} else if c.buffered != 0 {
		r.markDirty(c) // to account for it
	}
	r.countNow(p.Verb)
	if next := r.served.Table.Next(); next <= r.now || len(r.fx.List) > 0 || len(r.dirty) > 0 || r.e.events.Pending() {
		r.finish(c)
	} else {
		r.e.wakeTimer.wakeBefore(next)
	}
	return true
}

// singleOther answers a single command that was not answered OK, or notes that it waits.
func (r *reactor) singleOther(c *conn) {
	c.out, c.grants = r.scratch[:0], r.grantsBuf
	r.beginReply(c)
	r.view(0)
	r.answerOther(c, 0)
	r.endReply(c)
	r.finish(c)
}

// singleLeft is for the reply of a single command of which the kernel has taken n bytes only.
func (r *reactor) singleLeft(c *conn, out []byte, n int, err error) {
	base := c.sent - int64(n)
	if err != nil {
		c.noteCause(err)
		r.drop(c)
	} else {
		r.keepOutput(c, out[n:])
		r.markDirty(c)
	}
	c.out = out
	for _, hold := range r.batch.Grants() {
		c.grants.add(hold, len(out), false)
	}
	r.settleGrants(c, base, c.sent, false)
	c.out, c.grants = nil, grantLog{}
}
