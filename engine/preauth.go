package engine

import (
	"dlm/codec"
	"dlm/engine/auth"
)

// preAuthOutputMax is how many bytes of answers a connection gets before it has authenticated. So a
// client without a token can't make the server send more, from whatever address its packets claim
// to come.
const preAuthOutputMax = 1 << 10

// helpPreAuth is the answer to HELP before authentication. The list of all commands would use up
// most of preAuthOutputMax.
var helpPreAuth = []string{
	"AUTH <token> - Authenticate this connection",
	"HELP <command> - Explain a command",
	"QUIT - Close this connection",
	"All other commands need AUTH first.",
}

// lateToAuth reports whether the time to authenticate is over. It runs from the opening of the
// connection, or from a RESET that took its role; nothing else restarts it.
func (r *reactor) lateToAuth(c *conn) bool {
	return c.who.Role == auth.RoleNone && r.now-c.authFrom > int64(r.e.cfg.AuthWait)
}

// boundPreAuth counts an answer that begins at from in the output. It replaces an answer beyond the
// bound by an error and closes the connection.
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
