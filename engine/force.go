package engine

import (
	"dlm/codec"
	"dlm/table"
)

// auditForce writes the line of the audit about a forced release. by is the name of the token, and
// from an address.
func (e *Engine) auditForce(cmd *codec.Command, token codec.Token, owner []byte, by, from string) {
	reason := ""
	if cmd.Has(codec.OptReason) {
		reason = inLog(cmd.Text)
	}
	e.cfg.Log.Warn("forced release", "event", "forced-release", "by", by, "from", from, "lock", inLog(cmd.Name),
		"owner", inLog(owner), "token", uint64(token), "reason", reason)
}

// ForceRelease ends the hold of a lock under that token, for an admin of the HTTP side. by is the
// name of the admin's token, and from an address. The code is OK, NotHeld, Stale, ReadOnly or
// Shutdown. owner is the service whose hold has ended. Any goroutine may call it.
func (e *Engine) ForceRelease(name []byte, token codec.Token, reason []byte, by, from string) (owner []byte, code codec.Code) {
	served := e.store.State()
	switch {
	case served.Follows():
		return nil, codec.ReadOnly
	case e.draining.Load():
		return nil, codec.Shutdown
	}
	cmd := codec.Command{Verb: codec.VerbForceRelease, Opts: codec.OptToken | codec.OptReason, Name: name, Token: token, Text: reason}
	var fx table.Effects
	hash := served.Table.Hash(name)
	s := served.Table.Shard(hash)
	s.Lock()
	res := *s.Apply(e.clock.Now(), hash, &cmd, table.Origin{}, &fx)
	s.Unlock()
	e.send(&fx)
	if res.Code != codec.OK {
		return nil, res.Code
	}
	e.auditForce(&cmd, res.Token, fx.Owner, by, from)
	return fx.Owner, codec.OK
}

// send delivers effects from a goroutine that is no loop.
func (e *Engine) send(fx *table.Effects) {
	co := newOutbox(e)
	for _, effect := range fx.List {
		co.add(effect)
	}
	co.send()
	e.wakeTimer.wakeBefore(e.tab().Next())
}
