package engine

import (
	"context"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"

	"dlm/codec"
	"dlm/engine/auth"
	"dlm/engine/durability"
	"dlm/table"
)

// Unready returns the reasons why clients should not be sent here. If empty, they can be.
func (e *Engine) Unready() (reasons []string) {
	if e.draining.Load() {
		reasons = append(reasons, "stopping")
	}
	return append(reasons, e.store.Unready()...)
}

// Follows reports whether the server is a backup.
func (e *Engine) Follows() bool { return e.store.State().Follows() }

// KeepsImages reports whether the server has images, or will: false in memory mode.
func (e *Engine) KeepsImages() bool { return e.store.State().Role != durability.Memory }

// Durability says in one line what a crash would cost, and what was recovered.
func (e *Engine) Durability() string { return e.store.Describe() }

// Promote makes a backup the primary, see durability.Store.
func (e *Engine) Promote(ctx context.Context, how durability.PromoteRequest) (string, error) {
	return e.store.Promote(ctx, how)
}

// StepDown stops the server for good, because a backup takes over, see durability.Store.
func (e *Engine) StepDown(ctx context.Context, successor string) (last string, err error) {
	return e.store.StepDown(ctx, successor)
}

// WaitSuccessor waits until the backup that takes over has had time to fetch the last image.
func (e *Engine) WaitSuccessor(fetched <-chan struct{}) { e.store.WaitSuccessor(fetched) }

// NewestImage returns the path of the newest image, its ETag, and how long ago the table was known
// to be as in it. The path is empty if there is no image.
func (e *Engine) NewestImage() (path, etag string, age time.Duration) { return e.store.NewestImage() }

// LockAddress returns where clients of locks reach the server: Config.Advertise, or the address
// that is listened on. A server that listens on all addresses returns the port alone, as :port.
func (e *Engine) LockAddress() string {
	if e.cfg.Advertise != "" {
		return e.cfg.Advertise
	}
	addr, ok := e.Addr().(*net.TCPAddr)
	switch {
	case !ok:
		return ""
	case addr.IP.IsUnspecified():
		return ":" + strconv.Itoa(addr.Port)
	}
	return addr.String()
}

// Identify returns the name and role of a token, or of a visitor without one. If no token is
// configured, everybody on loopback may look and fetch images. Nobody is an admin without a token.
func (e *Engine) Identify(token string) (name string, role auth.Role) {
	a := e.authority.Load()
	if id, ok := a.Identify([]byte(token)); ok {
		return id.Name, id.Role
	}
	if !a.Required() && token == "" {
		return "anybody", auth.RoleBackup
	}
	return "", auth.RoleNone
}

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
	r.e.auditForce(cmd, res.Token, r.fx.Owner, c.who.Name, c.sock.Remote())
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

const deniedLogEvery = 5 * time.Second // between two lines of the log on refused commands of admins

// denied counts requests that were refused for the lack of the admin role. The audit only has their
// sum, because a line per refusal would let any client fill the log.
type denied struct {
	mu       sync.Mutex
	total    uint64    // guarded by mu
	unlogged uint64    // since the last line; guarded by mu
	what     string    // the last request; guarded by mu
	by, from string    // its token's name, or empty, and its address; guarded by mu
	loggedAt time.Time // guarded by mu
}

// NoteDenied counts a refused request of the HTTP side. Any goroutine may call it.
func (e *Engine) NoteDenied(what, by, from string) {
	d := &e.denied
	d.mu.Lock()
	defer d.mu.Unlock()
	d.total++
	d.unlogged++
	d.what, d.by, d.from = what, by, from
}

// say logs the refusals since the last line, if it is time for a line, or if end is true.
func (d *denied) say(log *slog.Logger, now time.Time, end bool) {
	d.mu.Lock()
	n, what, by, from := d.unlogged, d.what, d.by, d.from
	if n == 0 || !end && now.Sub(d.loggedAt) < deniedLogEvery {
		d.mu.Unlock()
		return
	}
	d.unlogged, d.loggedAt = 0, now
	d.mu.Unlock()
	log.Warn("refused: only admins may do this", "event", "denied", "count", n, "last", what, "by", by, "from", from)
}

// count returns how many requests were refused.
func (d *denied) count() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.total
}

// info appends the counts to INFO.
func (d *denied) info(b []byte) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return infoLine(b, "denied_admin_commands", d.total)
}
