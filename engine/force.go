package engine

import (
	"dlm/codec"
	"dlm/engine/audit"
	"dlm/table"
)

// auditForce records what became of a forced release. The caller has its place in the audit. by is
// the name of the token, and from an address.
func (e *Engine) auditForce(cmd *codec.Command, res *table.Result, owner []byte, by, from string) {
	r := audit.Record{Event: audit.ForceRelease, Outcome: audit.Done, By: by, From: from, Lock: string(cmd.Name)}
	if cmd.Has(codec.OptReason) {
		r.Reason = string(cmd.Text)
	}
	if cmd.Has(codec.OptToken) {
		r.Token = uint64(cmd.Token)
	}
	if res.Code == codec.OK {
		r.Owner, r.Token = string(owner), uint64(res.Token)
		if res.Count > 1 { // all holds of a shared lock; owner had the newest
			r.Count = uint64(res.Count)
		}
	} else {
		r.Outcome = res.Code.String()
	}
	e.audit.End(r)
}

// ForceRelease ends the hold of a lock under that token, for an admin of the HTTP side. by is the
// name of the admin's token, and from an address. The code is OK, NotHeld, Stale, ReadOnly,
// Shutdown, or Limit if the audit takes no record. owner is the service whose hold has ended. Any
// goroutine may call it.
func (e *Engine) ForceRelease(name []byte, token codec.Token, reason []byte, by, from string) (owner []byte, code codec.Code) {
	served := e.store.State()
	switch {
	case served.Follows():
		return nil, codec.ReadOnly
	case e.draining.Load():
		return nil, codec.Shutdown
	case !e.audit.Begin(1):
		return nil, codec.Limit
	}
	cmd := codec.Command{Verb: codec.VerbForceRelease, Opts: codec.OptToken | codec.OptReason, Name: name, Token: token, Text: reason}
	var fx table.Effects
	hash := served.Table.Hash(name)
	s := served.Table.Shard(hash)
	s.Lock()
	res := *s.Apply(e.clock.Now(), hash, &cmd, table.Origin{}, &fx)
	s.Unlock()
	e.send(&fx)
	e.auditForce(&cmd, &res, fx.Owner, by, from)
	if res.Code != codec.OK {
		return nil, res.Code
	}
	return fx.Owner, codec.OK
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
