package engine

import (
	"dlm/codec"
	"dlm/engine/auth"
)

// preAuthOutputMax is how many bytes of answers a connection gets before it has
// authenticated. Who has no token can't make the server send more than that, from
// whatever address the packets claim to come.
const preAuthOutputMax = 1 << 10

// helpPreAuth is what HELP answers before authentication. The list of all commands
// would take most of what may be answered then.
var helpPreAuth = []string{
	"AUTH <token> - Authenticate this connection",
	"HELP <command> - Explain a command",
	"QUIT - Close this connection",
	"All other commands need AUTH first.",
}

// lateToAuth reports whether the time to authenticate is over. It began when the
// connection was opened, or when RESET took its role; nothing else moves it.
func (r *reactor) lateToAuth(c *conn) bool {
	return c.who.Role == auth.RoleNone && r.now-c.authFrom > int64(r.e.cfg.AuthWait)
}

// boundPreAuth counts an answer that begins at from in the output. An answer beyond
// the bound is replaced by an error, and the connection is closed.
func (r *reactor) boundPreAuth(c *conn, from int) {
	c.preAuthOut += len(r.w.Buf) - from
	if c.preAuthOut <= preAuthOutputMax || c.closing {
		return
	}
	r.w.Buf = r.w.Buf[:from]
	r.e.reject(rejectPreAuthOutput)
	r.w.Start(c.form, nil)
	r.w.Error(codec.NoAuth, "more than 1024 bytes of answers before AUTH: authenticate first")
	r.hangUp(c)
}
