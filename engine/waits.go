package engine

import (
	"dlm/codec"
	"dlm/table"
)

// cancel ends one wait in the table. It returns false if the wait is over and its
// answer was sent or will be.
func (r *reactor) cancel(ref table.WaiterRef) bool {
	s := r.lock(r.e.tab().ShardAt(int(ref.Shard)))
	was := s.Cancel(r.now, ref, &r.fx)
	r.unlock(s)
	return was
}

// lose ends one wait in the table because its connection ends. A request with REQ keeps its place
// for a while.
func (r *reactor) lose(ref table.WaiterRef) {
	s := r.lock(r.e.tab().ShardAt(int(ref.Shard)))
	if r.e.draining.Load() {
		s.End(r.now, ref, table.WaitShutdown, &r.fx)
	} else {
		s.Lose(r.now, ref, int64(r.e.cfg.ReconnectGrace), &r.fx)
	}
	r.unlock(s)
}

// keepPlace returns for how long a request with REQ keeps its place without a connection, in ns. A
// server that stops keeps none.
func (e *Engine) keepPlace() int64 {
	if e.draining.Load() {
		return 0
	}
	return int64(e.cfg.ReconnectGrace)
}

// endWaits ends every wait of the connection without an answer.
func (r *reactor) endWaits(c *conn) {
	if c.pending.waiting {
		c.pending.waiting = false
		r.lose(c.pending.ref)
	}
	for _, w := range c.waits.all() {
		r.lose(w.ref)
	}
	c.waits = waits{}
}

// refuseWaits ends every wait of the connection and answers each with the error, tagged ones first.
// The caller decides about the commands that are kept after the untagged one.
func (r *reactor) refuseWaits(c *conn, code codec.Code, msg string) {
	for _, w := range c.waits.all() {
		r.refuseWait(c, codec.FormText, w.tag.text(), code, msg)
	}
	if c.pending.waiting {
		r.refuseWait(c, c.pending.form, nil, code, msg)
	}
	r.endWaits(c)
}

// denyWaits ends the waits of a connection that goes on with other rights, and answers them. A wait
// that the table has decided keeps its place until its answer arrives: a later wait would else get
// that answer. The writer serves c.
func (r *reactor) denyWaits(c *conn) {
	const why = "this connection has other rights now: the wait has ended"
	deny := func(form codec.Form, tag []byte) {
		r.w.Start(form, tag)
		r.w.Error(codec.Denied, why)
		r.count(codec.VerbAcquire, codec.Denied)
	}
	for ticket, w := range c.waits.all() {
		if isQuestion(w.ref) || r.cancel(w.ref) {
			t := c.waits.take(ticket)
			deny(codec.FormText, t.text())
		}
	}
	if p := &c.pending; p.waiting && (isQuestion(p.ref) || r.cancel(p.ref)) {
		p.waiting = false
		deny(p.form, nil)
	}
}

func (r *reactor) refuseWait(c *conn, form codec.Form, tag []byte, code codec.Code, msg string) {
	r.beginReply(c)
	r.w.Start(form, tag)
	r.w.Error(code, msg)
	r.endReply(c)
	r.count(codec.VerbAcquire, code)
}

// deliver answers a request that has waited. If its connection is gone, a
// grant is taken back.
func (r *reactor) deliver(fx *table.Effect) {
	r.cost += costDeliver
	c := r.lookup(fx.To.Conn)
	if c == nil || c.closing || !r.answer(c, fx) {
		if fx.Code == codec.OK {
			r.takeBack(fx.Hold)
		}
	}
}

// answer writes the end of a wait. It returns false if the connection has no such wait, or if its
// peer has ended the stream and may be gone. Then a tagged wait is answered CANCELED. An untagged
// wait stays until the loop has read the input before the end, so that no command after it is
// executed.
func (r *reactor) answer(c *conn, fx *table.Effect) bool {
	if fx.Code == codec.OK && c.sock.Ended() {
		if fx.To.Ticket != 0 && fx.To.Ticket <= c.waits.used {
			r.tag = c.waits.take(fx.To.Ticket)
			r.refuseWait(c, codec.FormText, r.tag.text(), codec.Canceled, inputHasEnded)
		}
		return false
	}
	if fx.To.Ticket == 0 && !c.pending.waiting || fx.To.Ticket > c.waits.used {
		return false
	}
	form := r.beginEndOfWait(c, fx.To.Ticket)
	if fx.Code == codec.OK {
		if c.detail || form == codec.FormRESP {
			r.w.HoldAfterWait(fx.Hold.Token, fx.Count, fx.LeaseMs, fx.WaitedMs)
		} else {
			r.w.OK()
		}
		c.grants.add(fx.Hold, len(r.w.Buf), true)
		c.delivers = true
	} else {
		r.writeEndOfWait(c, fx)
	}
	r.count(waitingVerb(fx), fx.Code)
	r.endReply(c)
	if fx.To.Ticket == 0 {
		r.goOnAfterWait(c)
	}
	return true
}

// waitsFor reports whether the connection still waits for what the reference names. The ticket is
// that of the wait, 0 if it has no tag.
func (c *conn) waitsFor(ticket uint32, ref table.WaiterRef) bool {
	if ticket == 0 {
		return c.pending.waiting && c.pending.ref == ref
	}
	return ticket <= c.waits.used && c.waits.at(ticket).tag.n > 0 && c.waits.at(ticket).ref == ref
}

// beginEndOfWait ends a wait of the connection and begins its answer, of which it returns the form.
func (r *reactor) beginEndOfWait(c *conn, ticket uint32) (form codec.Form) {
	if ticket == 0 {
		r.tag.n, c.pending.waiting, form = 0, false, c.pending.form
	} else {
		r.tag, form = c.waits.take(ticket), codec.FormText
	}
	r.beginReply(c)
	r.w.Start(form, r.tag.text())
	return form
}

// goOnAfterWait executes what was kept after the untagged wait, which is answered.
func (r *reactor) goOnAfterWait(c *conn) {
	if c.sock.Ended() {
		c.pending.resuming, c.pending.lost = true, true // input before the end stays after it
		return
	}
	r.resume(c)
}

// takeBack undoes one grant.
func (r *reactor) takeBack(hold table.HoldRef) {
	s := r.lock(r.e.tab().ShardAt(int(hold.Shard)))
	s.TakeBack(r.now, hold, r.e.keepPlace(), &r.fx)
	r.unlock(s)
}
