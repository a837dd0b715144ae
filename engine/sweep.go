package engine

import (
	"fmt"

	"dlm/codec"
)

// sweep closes connections that are past an age limit, and brings the account
// of their buffers up to date. The ticker orders it a few times per second.
func (r *reactor) sweep() {
	cfg := &r.e.cfg
	for i := range r.conns {
		c := r.conns[i].c
		if c == nil {
			continue
		}
		switch {
		case c.closing:
			if r.now-c.closingAt > int64(lingerMax) {
				r.drop(c)
			} else {
				c.sock.finish()
			}
			continue
		case c.carry != nil && r.now-c.carrySince > int64(cfg.PartialMax):
			r.e.reject(rejectPartial)
			r.fail(c, codec.BadArg, fmt.Sprintf("the command was not complete within %v", cfg.PartialMax))
		case r.lateToAuth(c):
			r.e.reject(rejectAuthLate)
			r.fail(c, codec.NoAuth, fmt.Sprintf("not authenticated within %v", cfg.AuthWait))
		}
		if c.buffered > 0 {
			r.account(c)
		}
	}
}

// drain answers every wait with SHUTDOWN, on the way to a stop.
func (r *reactor) drain() {
	for i := range r.conns {
		c := r.conns[i].c
		if c == nil || c.closing {
			continue
		}
		if c.pending.waiting {
			r.answerShutdown(c, c.pending.form, nil)
		}
		for _, w := range c.waits.all() {
			r.answerShutdown(c, codec.FormText, w.tag.text())
		}
		r.endWaits(c)
		c.pending.drop()
	}
}

func (r *reactor) answerShutdown(c *conn, form codec.Form, tag []byte) {
	r.use(c)
	r.w.Start(form, tag)
	r.w.Error(codec.Shutdown, reasonOf(codec.VerbAcquire, codec.Shutdown))
	r.leave(c)
	r.count(codec.VerbAcquire, codec.Shutdown)
}

// closeIdle closes every connection whose output has reached the kernel, and
// leaves the others for a later order.
func (r *reactor) closeIdle() {
	for i := range r.conns {
		if c := r.conns[i].c; c != nil && !c.dirty && c.sock.buffered() == 0 {
			r.drop(c)
		}
	}
}
