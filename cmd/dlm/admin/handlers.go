package admin

import (
	"context"
	"crypto/x509"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"time"

	"dlm/engine"
	"dlm/engine/audit"
	"dlm/engine/auth"
	"dlm/engine/durability"
	"dlm/engine/transport"
)

// Engine is what the HTTP side needs of a server. engine.Engine implements it.
type Engine interface {
	// Hung names the loops that have not gone round for seconds. If empty, the server is alive.
	Hung() []string
	// Unready returns why clients should not be sent here. If empty, they can be.
	Unready() []string
	// Visitor returns the identity of a token, or of a visitor without one: anybody is its role if
	// the server has no tokens. It returns false if the token is unknown, or if one is needed.
	Visitor(token string, anybody auth.Role) (id auth.Identity, ok bool)
	// IdentifyCertificate returns the identity that a client's certificate gives, if one of its
	// names is known.
	IdentifyCertificate(cert *x509.Certificate) (id auth.Identity, known bool)
	// WrongToken counts an unknown token and returns how long its address should wait.
	WrongToken(from netip.Addr) time.Duration
	// Audit returns where commands of admins are recorded.
	Audit() *audit.Log
	// NoteDenied counts a request that was refused because it lacked a role.
	NoteDenied(what, by, from string)
	// HandshakeWork has the permits with which handshakes of TLS compute.
	HandshakeWork() transport.Permits
	// KeepsImages reports whether there are images, or will be.
	KeepsImages() bool
	// NewestImage returns the image to send, its ETag, and its greatest possible age. The path is
	// "" if there is none yet.
	NewestImage() (path, etag string, age time.Duration)
	// LockAddress returns where clients of locks reach the server, see durability.HeaderAddress.
	LockAddress() string
	Promote(ctx context.Context, how durability.PromoteRequest) (string, error)
	StepDown(ctx context.Context, successor string) (string, error)
	asking
	// Stats returns the counters and gauges of the server.
	Stats() engine.Stats
	// Follows reports whether the server is a backup.
	Follows() bool
}

// snapshot sends the newest image. http.ServeContent knows ranges and ETags.
func (s *Server) snapshot(w http.ResponseWriter, r *http.Request) {
	who, ok := s.permit(w, r, auth.RoleBackup, auth.RoleAdmin)
	if !ok || !s.private(w, r) {
		return
	}
	defer s.noteFetch(w, r, who)
	if !s.engine.KeepsImages() {
		answer(w, http.StatusNotFound, "this server keeps no images: it has no --data-dir, and a backup of it gets nothing")
		return
	}
	if s.engine.Follows() {
		w.Header().Set(durability.HeaderRole, durability.RoleOfBackup)
	}
	w.Header().Set(durability.HeaderAddress, s.engine.LockAddress())
	successor := s.successor.Load() // if there is one, the newest image is the last
	path, etag, age := s.engine.NewestImage()
	if path == "" {
		w.WriteHeader(http.StatusNoContent) // the first one is not complete yet
		return
	}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	default:
		w.Header().Set("Retry-After", "5")
		answer(w, http.StatusServiceUnavailable, "too many images are on their way")
		return
	}
	f, err := os.Open(path)
	if err != nil { // a newer image has replaced it since
		w.Header().Set("Retry-After", "1")
		answer(w, http.StatusServiceUnavailable, "the image has just been replaced: try again")
		return
	}
	defer func() { _ = f.Close() }() // it was only read
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(snapshotMax))
	w.Header().Set("ETag", etag)
	w.Header().Set(durability.HeaderAge, strconv.FormatInt(age.Milliseconds(), 10))
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Cache-Control", "no-store")
	if successor == nil || *successor != "" && r.Header.Get(durability.HeaderBackup) != *successor {
		http.ServeContent(w, r, "", time.Time{}, f)
		return
	}
	counted := &countedWriter{ResponseWriter: w}
	if http.ServeContent(counted, r, "", time.Time{}, f); r.Method == http.MethodGet && counted.complete() {
		s.fetching.Do(func() { close(s.fetched) })
	}
}
