package engine

import (
	"context"
	"crypto/x509"
	"net"
	"strconv"
	"time"

	"dlm/engine/audit"
	"dlm/engine/auth"
	"dlm/engine/durability"
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

// Visitor returns the identity of a token on the HTTP side, or of a visitor without one. ok is
// false if the token is not known, or if one is needed. If no token is configured, anybody on
// loopback has that role, which is not that of an admin.
func (e *Engine) Visitor(token string, anybody auth.Role) (id auth.Identity, ok bool) {
	a := e.authority.Load()
	if !a.Required() && token == "" {
		return auth.Identity{Name: "anybody", Role: anybody}, true
	}
	return a.Identify([]byte(token))
}

// IdentifyCertificate returns the identity that a client's certificate gives, if one of its names
// is known.
func (e *Engine) IdentifyCertificate(cert *x509.Certificate) (id auth.Identity, known bool) {
	id = e.authority.Load().OfCertificate(auth.NamesOf(cert))
	return id, id.Name != ""
}

// Audit returns the audit, for records of the HTTP side and for questions about it.
func (e *Engine) Audit() *audit.Log { return e.audit }

// NoteDenied counts a request that was refused because it needs the admin role. The audit has the
// number per address and minute only, because a record per refusal would let any client fill it.
// Any goroutine may call it.
func (e *Engine) NoteDenied(what, by, from string) {
	e.denied.Add(1)
	e.audit.Count(audit.Denied, what, by, from)
}
