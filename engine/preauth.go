package engine

import (
	"net/netip"
	"time"

	"dlm/codec"
	"dlm/engine/audit"
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

// preAuthPendingMax is how many bytes a connection that has not authenticated may send
// while an answer is withheld from it.
const preAuthPendingMax = 8 << 10

// withheld is the answer to a wrong token that the connection does not get yet. Until then its
// input is kept, like input after a waiting command.
type withheld struct {
	until int64 // table time
	verb  codec.Verb
	form  codec.Form
	tag   tag
}

// wrongToken answers the present command, which has an unknown token, now or later. A connection
// that waits has authenticated before, and is answered immediately.
func (r *reactor) wrongToken(c *conn) {
	r.e.audit.Count(audit.WrongToken, "lock port", "", c.sock.Remote())
	if delay := r.e.attempts.Note(c.at.from, r.now); delay > 0 && !c.pending.waiting {
		r.withhold(c, delay)
		return
	}
	r.refuseToken(c, r.cmd.Verb, r.cmd.Form)
}

// WrongToken counts a wrong token that the HTTP side has seen from the address, and returns how
// long the address should wait. Any goroutine may call it.
func (e *Engine) WrongToken(from netip.Addr) time.Duration {
	e.audit.Count(audit.WrongToken, "http", "", from.String())
	return e.attempts.NoteHTTP(auth.KeyOf(from), e.clock.Now())
}

func (r *reactor) withhold(c *conn, delay time.Duration) {
	cmd := r.cmd
	c.withheld = &withheld{until: r.now + int64(delay), verb: cmd.Verb, form: cmd.Form, tag: makeTag(cmd.Tag)}
	c.pending.resuming = true
}

// giveWithheld sends a withheld answer whose time has come, and continues with the input that was
// kept.
func (r *reactor) giveWithheld(c *conn) {
	w := c.withheld
	c.withheld = nil
	c.pending.resuming = c.pending.kept != nil
	r.beginReply(c)
	r.w.Start(w.form, w.tag.text())
	r.refuseToken(c, w.verb, w.form)
	r.endReply(c)
	r.resume(c)
}

// refuseToken answers that the token is unknown. After a few of them it closes the connection.
func (r *reactor) refuseToken(c *conn, verb codec.Verb, form codec.Form) {
	reason := "no such token"
	if !r.e.authority.Load().Required() {
		reason = "no such token: without one, everything but FORCE-RELEASE is open here"
	}
	r.refuseCredentials(verb, form, reason)
	c.authFailures++
	if c.authFailures >= authFailuresMax {
		r.e.reject(rejectAuthFail)
		r.hangUp(c)
	}
}

// pendingMax returns how many bytes of commands are kept for a connection.
func (r *reactor) pendingMax(c *conn) int {
	if c.who.Role == auth.RoleNone {
		return min(preAuthPendingMax, r.e.cfg.PendingMax)
	}
	if p := &c.pending; p.resuming && !p.waiting && !p.paused {
		return max(postponedMax, r.e.cfg.PendingMax)
	}
	return r.e.cfg.PendingMax
}

// postponedMax is how many bytes of commands are kept for a connection that waits for its turn. It
// is more than after a waiting command, because the loop is late and not the peer. With 32 MiB,
// growing such buffers held loops for 100 ms and more.
const postponedMax = 4 << 20
