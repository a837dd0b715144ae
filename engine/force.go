package engine

import (
	"dlm/codec"
)

// forceRelease answers FORCE-RELEASE and leaves an audit line.
func (r *reactor) forceRelease(c *conn) {
	cmd := r.cmd
	res := r.apply(c.id, 0)
	if res.Code != codec.OK {
		r.refuseResult(c, res)
		return
	}
	reason := ""
	if cmd.Has(codec.OptReason) {
		reason = string(cmd.Text)
	}
	r.e.cfg.Log.Warn("forced release", "event", "forced-release", "by", c.who.name, "from", c.sock.remote(), "lock", string(cmd.Name),
		"owner", string(r.fx.Owner), "token", uint64(res.Token), "reason", reason)
	r.w.Fields(2)
	r.w.Token("token", res.Token)
	r.w.Str("owner", r.fx.Owner)
	r.w.End()
	r.count(cmd.Verb, codec.OK)
}
