package admin

import (
	"log/slog"
	"net/http"
	"strings"

	"dlm/engine"
	"dlm/engine/auth"
)

// ListenHealth binds an address that answers only the two probes, one word each, so that it can be
// open to the network of an orchestrator. Nothing is served before Serve.
func ListenHealth(addr string, log *slog.Logger) (*Server, error) {
	s, err := bind(addr, "health", "choose another with --health", log, engine.HealthConnsMax())
	if err != nil {
		return nil, err
	}
	s.conns.maxPerAddr = s.conns.max // all probes of a machine come from one address
	s.probesOnly = true
	return s, nil
}

// livez is the probe that restarts a server that hangs. The log says what hangs.
func (s *Server) livez(w http.ResponseWriter, r *http.Request) {
	s.leaveOpen(w, r)
	if len(s.engine.Hung()) > 0 {
		answer(w, http.StatusServiceUnavailable, "hung")
		return
	}
	answer(w, http.StatusOK, "ok")
}

// readyz reports whether clients can be sent here. It gives the reasons only to visitors that may
// look, because they name files, addresses and errors.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	mayLook := s.leaveOpen(w, r)
	reasons := s.engine.Unready()
	switch {
	case len(reasons) == 0:
		answer(w, http.StatusOK, "ok")
	case mayLook:
		answer(w, http.StatusServiceUnavailable, strings.Join(reasons, "\n"))
	default:
		answer(w, http.StatusServiceUnavailable, "unready")
	}
}

// leaveOpen ends the connection of a probe after its answer, unless it has a token. It returns true
// if the visitor may look: it has a token, or the server is open to everybody on the machine.
func (s *Server) leaveOpen(w http.ResponseWriter, r *http.Request) (mayLook bool) {
	if s.probesOnly {
		closeAfter(w)
		return false
	}
	v := s.visitorOf(r)
	if !v.token {
		closeAfter(w)
	}
	return v.role != auth.RoleNone && !v.page
}
