package admin

import (
	"crypto/x509"
	"math"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"dlm/codec"
	"dlm/engine/audit"
	"dlm/engine/auth"
	"dlm/engine/durability"
)

// visitor is the sender of a request.
type visitor struct {
	name  string
	role  auth.Role
	token bool // the request has a known token, or comes with a known certificate
	cert  bool // it has the latter
	page  bool // a browser sends it for a page of another origin, or under a name that points here
	named bool // it names no host that a request without a token may name
}

// open reports whether the request may look without a token, because the server has none and serves
// its own machine alone.
func (v visitor) open() bool { return !v.token && v.role != auth.RoleNone }

// visitorOf reads the token, the certificate and the origin of a request. A browser
// shows a certificate without being asked. Browsers send Origin and Sec-Fetch-Site
// with the requests of a page, and only the pages of this server have its origin. A page whose own
// name was pointed at this address has the same origin for the browser, so a request without a
// known token must name an IP address, localhost, or a host of --http-host. A request with one may
// use any name, because no page can know the token. So may one over TLS, because no page has the
// certificate for its own name that the server shows.
func (s *Server) visitorOf(r *http.Request) (v visitor) {
	token := bearer(r)
	if cert := shown(r); cert != nil {
		id, known := s.engine.IdentifyCertificate(cert)
		v.name, v.role, v.cert = id.Name, id.Role, known
	}
	if !v.cert {
		id, _ := s.engine.Visitor(token, auth.RoleBackup) // anybody may look and fetch images
		v.name, v.role = id.Name, id.Role
	}
	v.token = v.cert || token != "" && v.role != auth.RoleNone
	v.named = !v.token && r.TLS == nil && !s.allows(r.Host)
	v.page = v.named || !sameOrigin(r)
	return v
}

// shown returns the certificate that stands for the sender of a request, or nil. A token counts
// before it.
func shown(r *http.Request) *x509.Certificate {
	if bearer(r) != "" || r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return nil
	}
	return r.TLS.PeerCertificates[0]
}

// identify returns what the sender of a request of the JSON side may do now; false if its
// credential is not known, or if one is needed.
func (s *Server) identify(r *http.Request) (id auth.Identity, ok bool) {
	if cert := shown(r); cert != nil {
		if id, ok = s.engine.IdentifyCertificate(cert); ok {
			return id, true
		}
	}
	return s.engine.Visitor(bearer(r), auth.RoleRead)
}

// sameOrigin reports whether a request comes from this server's own pages, or from no page.
func sameOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "none" && site != "same-origin" {
		return false
	}
	origin := r.Header.Get("Origin")
	_, host, _ := strings.Cut(origin, "://")
	return origin == "" || host != "" && strings.EqualFold(host, r.Host)
}

// guarded refuses requests of pages and wrong tokens, on every path but the probes.
func (s *Server) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := s.visitorOf(r)
		if !v.token {
			closeAfter(w)
		}
		switch {
		case v.named:
			sendRefusal(w, r, http.StatusMisdirectedRequest, codec.Denied, "without a token, ask an IP address, localhost, or a name of --http-host")
		case v.page:
			sendRefusal(w, r, http.StatusForbidden, codec.Denied, "not from a web page of another origin")
		case bearer(r) != "" && !v.token:
			s.wrongToken(w, r)
		default:
			if v.token && v.role == auth.RoleAdmin {
				s.engine.Audit().Count(audit.AdminAuth, "http", v.name, r.RemoteAddr)
			}
			next.ServeHTTP(w, r)
		}
	})
}

// wrongToken answers an unknown token. An address that shows many is told to wait; a right token
// from that address still passes.
func (s *Server) wrongToken(w http.ResponseWriter, r *http.Request) {
	at, _ := netip.ParseAddrPort(r.RemoteAddr) // addresses that can't be parsed count as one
	if wait := s.engine.WrongToken(at.Addr()); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
		sendRefusal(w, r, http.StatusTooManyRequests, codec.Limit, "LIMIT too many wrong tokens come from this address")
		return
	}
	w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
	sendRefusal(w, r, http.StatusUnauthorized, codec.Denied, "no such token")
}

// permit reports whether the request has one of the roles. If it has none, permit answers it and
// counts it for the audit.
func (s *Server) permit(w http.ResponseWriter, r *http.Request, roles ...auth.Role) (who string, ok bool) {
	v := s.visitorOf(r)
	for _, allowed := range roles {
		if v.role == allowed {
			return v.name, true
		}
	}
	s.engine.NoteDenied(r.Method+" "+r.URL.Path, v.name, r.RemoteAddr)
	if !v.token {
		w.Header().Set("WWW-Authenticate", "Bearer")
		answer(w, http.StatusUnauthorized, "show a token: Authorization: Bearer <token>")
		return "", false
	}
	answer(w, http.StatusForbidden, "this token may not do this")
	return "", false
}

// mayStepDown reports whether the request may stop the server for a backup: it has the role admin,
// or it comes from a backup with a certificate of its own. A backup's token may not, because it is
// not bound to a machine.
func (s *Server) mayStepDown(w http.ResponseWriter, r *http.Request) (who string, ok bool) {
	if v := s.visitorOf(r); v.cert && v.role == auth.RoleBackup && r.Header.Get(durability.HeaderBackup) != "" {
		return v.name, true
	}
	return s.permit(w, r, auth.RoleAdmin)
}

// isPrivate reports whether images and orders may cross the connection of a request: it is
// encrypted, or does not leave the machine, or the operator has said so.
func (s *Server) isPrivate(r *http.Request) bool {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return r.TLS != nil || s.InsecurePlain || local != nil && local.IP.IsLoopback()
}

// plainWords refuse what isPrivate does not let through.
const plainWords = "images and promotion go over TLS only: start this server with --http-tls, or with --insecure-plain if the network is yours alone"

// private is isPrivate, and answers a request that is not.
func (s *Server) private(w http.ResponseWriter, r *http.Request) bool {
	if s.isPrivate(r) {
		return true
	}
	answer(w, http.StatusForbidden, plainWords)
	return false
}

// closeAfter ends the connection after the answer, because a client without a known token keeps
// none.
func closeAfter(w http.ResponseWriter) { w.Header().Set("Connection", "close") }

// allows reports whether a Host header names an IP address, localhost, or a host of --http-host.
func (s *Server) allows(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil || strings.EqualFold(host, "localhost") || s.hosts[strings.ToLower(host)]
}

// bearer returns the token of a request, or "" if there is none.
func bearer(r *http.Request) string {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return token
}
