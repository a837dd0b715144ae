package engine

import (
	"context"

	"dlm/codec"
	"dlm/engine/audit"
	"dlm/table"
)

// FORCE-RELEASE must not be executed unrecorded, and no loop may wait for a disk. So it is a
// question (questions.go) that a goroutine only waits for, and that the loop executes and answers:
//
//	loop: audit.Begin -> goroutine "question": Act.Recorded -> loop: execute, answer, Act.End
//
// It takes no place of a question, because the queue of the audit bounds it. The loop executes it,
// because its answer comes before the events that it causes. If its connection does not wait for it
// any more by then, it is not executed.

// forcing is a FORCE-RELEASE whose record is written, or not.
type forcing struct {
	*question
	act      *audit.Act
	recorded bool
}

// askForce lets the audit record the present FORCE-RELEASE, before it is executed.
func (r *reactor) askForce(c *conn) {
	if !r.mayAsk(c) {
		return
	}
	r.cost += costAudit
	act := r.e.audit.Begin(recordOfForce(r.cmd, c.who.Name, c.sock.Remote()))
	if act == nil {
		r.refuseLimit(codec.WhichAudit)
		return
	}
	f := &forcing{question: r.makeQuestion(c), act: act}
	r.e.inBackground(func(ctx context.Context) {
		f.recorded = f.act.Recorded(ctx)
		tell(r, &r.inbox.forces, f)
	})
}

// forceAsked executes and answers a FORCE-RELEASE that is recorded, and refuses another.
func (r *reactor) forceAsked(f *forcing) {
	r.cost += costDeliver + costAudit
	c := r.endQuestion(f.conn, f.ticket, f.ref)
	if c == nil {
		code := codec.Canceled
		if r.e.draining.Load() {
			code = codec.Shutdown
		}
		f.act.Refuse(code)
		return
	}
	was := r.cmd
	r.cmd, r.served = &f.cmd, r.e.store.State()
	r.beginEndOfWait(c, f.ticket)
	if f.recorded {
		r.force(c, f)
	} else {
		f.act.Refuse(codec.Limit)
		r.refuseLimit(codec.WhichAudit)
	}
	r.endReply(c)
	r.cmd = was
	if f.ticket == 0 {
		r.resume(c)
	}
}

// endForces records that what is left when the loops have ended was not executed.
func (e *Engine) endForces() {
	for _, r := range e.reactors {
		for _, f := range r.inbox.forces {
			f.act.Refuse(codec.Shutdown)
		}
	}
}

// force executes and answers the present command, which is that of f.
func (r *reactor) force(c *conn, f *forcing) {
	hash := r.served.Table.Hash(r.cmd.Name)
	s := r.lock(r.served.Table.Shard(hash))
	res := s.Apply(r.now, hash, r.cmd, table.Origin{Conn: c.id}, &r.fx)
	r.unlock(s)
	endForce(f.act, res, r.fx.Owner)
	if res.Code != codec.OK {
		r.refuseResult(c, res)
		return
	}
	r.w.Fields()
	r.w.Token("token", res.Token)
	r.w.Str("owner", r.fx.Owner)
	if res.Count > 1 {
		r.w.Num("holders", int64(res.Count))
	}
	r.w.End()
	r.count(r.cmd.Verb, codec.OK)
}

// ForceRelease ends the hold of a lock under that token, for an admin of the HTTP side. by is the
// name of the admin's token, and from an address. The code is OK, NotHeld, Stale, ReadOnly,
// Shutdown, or Limit if the audit takes no record. owner is the service whose hold has ended. Any
// goroutine but a loop may call it.
func (e *Engine) ForceRelease(ctx context.Context, name []byte, token codec.Token, reason []byte, by, from string) (owner []byte, code codec.Code) {
	served := e.store.State()
	switch {
	case served.Follows():
		return nil, codec.ReadOnly
	case e.draining.Load():
		return nil, codec.Shutdown
	}
	cmd := codec.Command{Verb: codec.VerbForceRelease, Opts: codec.OptToken | codec.OptReason, Name: name, Token: token, Text: reason}
	act := e.audit.BeginRecorded(ctx, recordOfForce(&cmd, by, from))
	switch {
	case act == nil:
		return nil, codec.Limit
	case e.draining.Load(): // meanwhile
		act.Refuse(codec.Shutdown)
		return nil, codec.Shutdown
	}
	var fx table.Effects
	hash := served.Table.Hash(name)
	s := served.Table.Shard(hash)
	s.Lock()
	res := *s.Apply(e.clock.Now(), hash, &cmd, table.Origin{}, &fx)
	s.Unlock()
	e.send(&fx)
	endForce(act, &res, fx.Owner)
	if res.Code != codec.OK {
		return nil, res.Code
	}
	return fx.Owner, codec.OK
}

// recordOfForce returns what the audit has to know of a forced release. by is the name of the
// token, and from an address.
func recordOfForce(cmd *codec.Command, by, from string) audit.Record {
	r := audit.Record{Event: audit.ForceRelease, By: by, From: from, Lock: string(cmd.Name)}
	if cmd.Has(codec.OptReason) {
		r.Reason = string(cmd.Text)
	}
	if cmd.Has(codec.OptToken) {
		r.Token = uint64(cmd.Token)
	}
	return r
}

// endForce records what became of a forced release.
func endForce(act *audit.Act, res *table.Result, owner []byte) {
	if res.Code != codec.OK {
		act.Refuse(res.Code)
		return
	}
	record := act.Asked
	record.Outcome, record.Owner, record.Token = audit.Done, string(owner), uint64(res.Token)
	if res.Count > 1 { // all holds of a shared lock; owner had the newest
		record.Count = uint64(res.Count)
	}
	act.End(record)
}

// send delivers effects from a goroutine that is no loop.
func (e *Engine) send(fx *table.Effects) {
	if fx.Notes.Any() {
		e.observer.NoteTable(&fx.Notes)
	}
	co := newOutbox(e)
	for _, effect := range fx.List {
		co.add(effect)
	}
	co.send()
	e.wakeTimer.wakeBefore(e.tab().Next())
}
