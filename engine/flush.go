package engine

import "github.com/valyala/bytebufferpool"

// beginReply directs the writer to the output of a connection, until endReply.
func (r *reactor) beginReply(c *conn) {
	if r.user != nil {
		panic("BUG: the writer serves two connections")
	}
	if c.out == nil {
		c.pooled = bytebufferpool.Get()
		c.out, c.grants = c.pooled.B[:0], c.ownGrants
	}
	r.user = c
	r.w.Buf, r.w.RESP3 = c.out, c.resp3
}

// endReply ends what beginReply began.
func (r *reactor) endReply(c *conn) {
	c.out = r.w.Buf
	r.w.Buf = nil
	r.user = nil
	r.markDirty(c)
}

// markDirty puts the connection in the list of connections to flush.
func (r *reactor) markDirty(c *conn) {
	if !c.dirty && !c.closed {
		c.dirty = true
		r.dirty = append(r.dirty, c)
	}
}

// flush writes the output of a connection. It keeps the bytes that the kernel does not take, and
// takes back grants whose replies can't be sent any more.
func (r *reactor) flush(c *conn) {
	c.dirty = false
	base := c.sent + int64(c.backlog.len())
	prompt := false
	if len(c.out) > 0 && !c.closed {
		r.cost += costWrite + len(c.out)/costBytes
		if prompt = c.delivers && r.promptly(c); prompt {
			r.sendInTwo(c)
		} else {
			r.sendOrDrop(c, c.out)
		}
	}
	transmitted := c.sent
	if !c.closed && (len(c.out) >= bulkMin || c.backlog != nil) {
		transmitted = c.transmitted()
	}
	if c.closed || c.backlog != nil || c.delivers || transmitted < c.sent {
		r.settleGrants(c, base, transmitted, prompt)
		c.delivers = false
	}
	r.releaseOutput(c)
	if c.closed {
		return
	}
	r.pause(c)
	r.account(c)
	if c.closing && c.backlog == nil {
		c.sock.Finish()
	}
}

// releaseOutput gives the output buffer back to where it came from.
func (r *reactor) releaseOutput(c *conn) {
	c.grants.reset()
	switch {
	case c.pooled != nil:
		c.pooled.B = c.out[:0]
		bytebufferpool.Put(c.pooled)
		c.pooled = nil
		if cap(c.grants.holds) <= ownGrantsMax {
			c.ownGrants = c.grants
		}
	case c.out != nil:
		r.scratch, r.grantsBuf = c.out[:0], c.grants
	}
	c.out, c.grants = nil, grantLog{}
}
