package engine

import (
	"dlm/codec"
	"dlm/table"
)

// forceRelease answers FORCE-RELEASE and writes a line of the audit.
func (r *reactor) forceRelease(c *conn) {
	cmd := r.cmd
	t := r.served.Table
	hash := t.Hash(cmd.Name)
	s := r.lock(t.Shard(hash))
	res := s.Apply(r.now, hash, cmd, table.Origin{Conn: c.id}, &r.fx)
	r.unlock(s)
	if res.Code != codec.OK {
		r.refuseResult(c, res)
		return
	}
	r.cost += costAudit
	reason := ""
	if cmd.Has(codec.OptReason) {
		reason = inLog(cmd.Text)
	}
	r.e.cfg.Log.Warn("forced release", "event", "forced-release", "by", c.who.Name, "from", c.sock.Remote(), "lock", inLog(cmd.Name),
		"owner", inLog(r.fx.Owner), "token", uint64(res.Token), "reason", reason)
	r.w.Fields(2)
	r.w.Token("token", res.Token)
	r.w.Str("owner", r.fx.Owner)
	r.w.End()
	r.count(cmd.Verb, codec.OK)
}

// inLog returns bytes of a client in the escapes of replies, without the quotes. A log is read in
// terminals, which other bytes would steer, and as JSON, which would lose them.
func inLog(b []byte) string {
	quoted := codec.AppendQuoted(nil, b)
	return string(quoted[1 : len(quoted)-1])
}
