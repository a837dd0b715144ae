package engine

import "dlm/codec"

// okLine is the answer to most commands.
var okLine = []byte("OK\n")

// single executes a read that is one plain command of the common course, as of a client that waits for
// each answer, and tells whether it was. It is read and finish for that case, without
// what only more commands need: with one of them in a read, most of what it costs is the
// fetching of code. What has to be done all the same is left to finish.
func (r *reactor) single(c *conn, in []byte) bool {
	if len(in) > singleMax || c.carry != nil || c.backlog != nil || c.pending.any() {
		return false
	}
	t, p, res := r.plainTable(c), &r.plain.Cmds[0], &r.plain.Results[0]
	if t == nil || !r.dec.DecodePlain(in, p) || p.Tagged() && (c.waits.open >= tagsMax || c.waits.inUse(p.Tag(in))) {
		return false
	}
	r.locked = true
	ok := t.RunSingle(r.now, &r.plain, in, c.id)
	r.locked = false
	if !ok {
		return false
	}
	out := okLine
	if p.Form == codec.FormRESP || c.detail || p.Tagged() {
		r.w.Buf, r.w.RESP3 = r.scratch[:0], c.resp3
		r.w.Start(p.Form, p.Tag(in))
		r.writeHold(c, p.Form, res.Token, res.Count, res.LeaseMs)
		out, r.w.Buf = r.w.Buf, nil
	}
	c.form = p.Form
	// A bug from here to the end of the write leaves a new hold to its lease: the client may have seen the OK.
	n, err := c.sock.write(out)
	c.sent += int64(n)
	if n < len(out) {
		r.singleLeft(c, out, n, err)
	} else if c.buffered != 0 {
		r.touch(c) // to account for it
	}
	r.countNow(p.Verb)
	if next := t.Next(); next <= r.now || len(r.fx.List) > 0 || len(r.dirty) > 0 {
		r.finish(c)
	} else {
		r.e.alarm.ringBefore(next)
	}
	return true
}

// singleLeft is for the reply of a single command of which the kernel has taken n bytes only.
func (r *reactor) singleLeft(c *conn, out []byte, n int, err error) {
	base := c.sent - int64(n)
	if err != nil {
		c.noteCause(err)
		r.drop(c)
	} else {
		r.keepOutput(c, out[n:])
		r.touch(c)
	}
	c.out = out
	for _, hold := range r.plain.Grants() {
		c.grants.add(hold, len(out), false)
	}
	r.settleGrants(c, base, c.sent, false)
	c.out, c.grants = nil, grantLog{}
}
