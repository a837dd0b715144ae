package engine

import (
	"time"

	"dlm/codec"
	"dlm/engine/auth"
	"dlm/engine/durability"
)

// features are the words of the field of HELLO with that name. A word stands for an ability that
// clients can rely on. To add one, append it here.
const features = "alive,cancel,deadlocks,detect,notify,permits,req,shared,top,waited,watch"

// protoVersion is the version of the protocol, in HELLO.
const protoVersion = 1

// hello answers HELLO. In RESP it may also choose the version, authenticate and set the name.
func (r *reactor) hello(c *conn) {
	var h codec.Hello
	if code, problem := h.Parse(r.cmd.Form, r.cmd.Args); code != codec.OK {
		r.refuseHello(code, problem)
		return
	}
	if h.Token != nil && !r.authenticate(c, h.Token) {
		return
	}
	if c.who.Role == auth.RoleNone {
		words := noAuthHello
		if r.cmd.Form == codec.FormText {
			words = r.refusalWords(c, codec.NoAuth)
		}
		r.refuse(codec.NoAuth, words)
		return
	}
	if h.Name != nil {
		r.rename(c, string(h.Name))
	}
	if h.AliveMs > 0 {
		c.alive = int64(h.AliveMs) * int64(time.Millisecond)
	}
	if h.Proto != 0 {
		if h.Proto == 2 && c.resp3 {
			r.unsubscribe(c) // RESP2 has no pushes
		}
		c.resp3 = h.Proto == 3
		r.w.RESP3 = c.resp3
	}
	r.greet(c)
}

// refuseHello refuses the arguments of HELLO. Clients of Redis look for NOPROTO.
func (r *reactor) refuseHello(code codec.Code, problem string) {
	switch problem {
	case codec.HelloNoProto:
		r.w.Fault("NOPROTO", problem)
		r.count(codec.VerbHello, code)
	case codec.HelloNoNumber:
		r.w.Fault("ERR", problem)
		r.count(codec.VerbHello, code)
	default:
		r.refuse(code, problem)
	}
}

// rename gives the connection a name, or takes it with an empty one. Names count as memory of
// connections, but not of this one: its replies would be accounted for one by one then.
func (r *reactor) rename(c *conn, name string) {
	r.e.buffers.total.Add(int64(len(name) - len(c.name)))
	c.name = name
}

// greet writes the answer to HELLO. In RESP it begins with the seven fields of Redis, which say
// proto, version and role in the words of Redis.
func (r *reactor) greet(c *conn) {
	w := &r.w
	w.Fields()
	if r.cmd.Form == codec.FormRESP {
		w.Word("server", "dlm")
		w.Word("version", r.e.cfg.Version)
		w.Num("proto", r.protoRESP())
		w.Num("id", c.number)
		w.Word("mode", "standalone")
		w.Word("role", r.e.roleRESP())
		w.Key("modules")
		w.Array(0)
	} else {
		w.Num("proto", protoVersion)
		w.Str("version", []byte(r.e.cfg.Version))
		w.Word("role", r.e.roleWord())
	}
	w.Num("conn", c.number)
	r.writeServer()
	w.Word("rights", c.who.Role.String())
	w.Str("features", []byte(features))
	w.End()
	r.count(codec.VerbHello, codec.OK)
}

func (r *reactor) protoRESP() int64 {
	if r.w.RESP3 {
		return 3
	}
	return 2
}

// writeServer writes the fields of HELLO about the table that is served. A backup tells those of
// its primary's start, as far as it knows them from an image.
func (r *reactor) writeServer() {
	w, is := &r.w, r.served
	lineage, start, epoch := is.Start.Lineage, is.Start.Number, is.Start.TokenStart
	if is.Follows() {
		lineage, start, epoch = is.Header.Lineage, is.Header.Start, is.Header.TokenStart
	}
	w.Str("lineage", []byte(lineage.String()))
	w.Num("start", int64(start))
	w.Token("epoch", epoch)
	w.Word("durability", durabilityWord(is.Role))
	w.Num("lease_ms", r.e.cfg.Lease.Milliseconds())
	w.Num("ttl_max_ms", int64(is.TTLMaxMs))
	w.Num("grace_left_ms", r.graceLeftMs())
	w.Num("reconnect_ms", r.e.cfg.ReconnectGrace.Milliseconds())
}

// roleWord returns the role of the server in HELLO.
func (e *Engine) roleWord() string {
	if e.store.State().Follows() {
		return "backup"
	}
	return "primary"
}

// durabilityWord says what becomes of holds in a crash. A backup writes what its primary has
// written.
func durabilityWord(role durability.Role) string {
	if role == durability.Memory {
		return "memory"
	}
	return "snapshot"
}

// silent reports whether a connection has broken its promise to send something.
func (r *reactor) silent(c *conn) bool { return r.heardAgo(c) > 2*c.alive }

// heardAgo returns for how long a connection has sent nothing, in ns. After a pause of the process
// it grows only when the loops have read what came in the pause, as the ends of leases wait for it.
func (r *reactor) heardAgo(c *conn) int64 {
	return r.now - r.e.clock.Pauses().Lag.Load() - c.heardAt
}
