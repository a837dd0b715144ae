package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"dlm/codec"
	"dlm/engine"
	"dlm/engine/auth"
	"dlm/engine/durability"
	"dlm/engine/observe"
)

// apiPath is where the JSON side begins.
const apiPath = "/api/v1/"

// asking is what the JSON side needs of a server.
type asking interface {
	// Observe returns what answers questions about the table.
	Observe() *observe.Observer
	About() *engine.About
	// Warnings returns what an operator should look at now.
	Warnings() []engine.Warning
	// Clients answers a page of the open connections; false if a loop does not answer.
	Clients(ctx context.Context, limit int, cursor string) (p *engine.ClientsPage, ok bool)
	// NameClients fills in the numbers of connections.
	NameClients(ctx context.Context, rows []observe.WaiterRow)
	// Disconnect ends the connection of that number.
	Disconnect(ctx context.Context, number int64, reason []byte, by, from string) codec.Code
	// WriteImage writes an image now.
	WriteImage(ctx context.Context) (durability.ImageState, error)
	// ForceRelease ends the hold of a lock under that token.
	ForceRelease(ctx context.Context, name []byte, token codec.Token, reason []byte, by, from string) (owner []byte, code codec.Code)
}

// call is one request of the JSON side.
type call struct {
	*http.Request
	who auth.Identity
	v   visitor
}

// refusal is why a request was not answered. It becomes {"code": ..., "message": ...}.
type refusal struct {
	Code    string `json:"code"` // a word of the protocol
	Message string `json:"message"`
	status  int
}

func (r *refusal) Error() string { return r.Code + " " + r.Message }

// statusOf is the HTTP status of each code that the JSON side answers.
var statusOf = map[codec.Code]int{
	codec.BadArg: http.StatusBadRequest, codec.TooBig: http.StatusBadRequest, codec.Unknown: http.StatusNotFound,
	codec.NoAuth: http.StatusUnauthorized, codec.Denied: http.StatusForbidden,
	codec.Stale: http.StatusConflict, codec.NotHeld: http.StatusConflict, codec.Conflict: http.StatusConflict,
	codec.Limit: http.StatusTooManyRequests, codec.ReadOnly: http.StatusServiceUnavailable,
	codec.Recovering: http.StatusServiceUnavailable, codec.NotLeader: http.StatusServiceUnavailable,
	codec.Shutdown: http.StatusServiceUnavailable, codec.Canceled: http.StatusServiceUnavailable,
	codec.Internal: http.StatusInternalServerError,
}

// refuse makes a refusal with the status of its code.
func refuse(code codec.Code, format string, args ...any) *refusal {
	return &refusal{Code: code.String(), Message: fmt.Sprintf(format, args...), status: statusOf[code]}
}

// rank says what a visitor needs for a route of the JSON side.
type rank uint8

const (
	rankKnown rank = iota // any token but one for metrics, or none on a server without tokens
	rankLook              // what INFO and STATUS need: the role read
	rankAdmin             // the admin role, and a token on a server without tokens, too
)

// allows reports whether a visitor may use a route.
func (k rank) allows(v *visitor, role auth.Role) bool {
	switch k {
	case rankKnown:
		return role != auth.RoleNone && role != auth.RoleMetrics
	case rankLook:
		return role.Covers(auth.RoleRead) // v may be nil
	default:
		return role == auth.RoleAdmin && v.token
	}
}

// addAPI adds the routes of the JSON side.
func (s *Server) addAPI(mux *http.ServeMux) {
	for _, route := range []struct {
		pattern string
		needs   rank
		answer  func(*call) (any, error)
	}{
		{"GET " + apiPath + "me", rankKnown, s.apiMe},
		{"GET " + apiPath + "server", rankKnown, s.apiServer},
		{"GET " + apiPath + "stats", rankLook, s.apiStats},
		{"GET " + apiPath + "locks", rankLook, s.scan(s.apiLocks)},
		{"GET " + apiPath + "lock", rankLook, s.apiLock},
		{"GET " + apiPath + "audit", rankAdmin, s.apiAudit},
		{"GET " + apiPath + "top", rankLook, s.apiTop},
		{"GET " + apiPath + "prefixes", rankLook, s.apiPrefixes},
		{"GET " + apiPath + "owner", rankLook, s.scan(s.apiOwner)},
		{"GET " + apiPath + "deadlocks", rankLook, s.apiDeadlocks},
		{"GET " + apiPath + "graph", rankLook, s.apiGraph},
		{"GET " + apiPath + "events", rankLook, s.apiEvents},
		{"GET " + apiPath + "history", rankLook, s.apiHistory},
		{"GET " + apiPath + "clients", rankAdmin, s.apiClients},
		{"POST " + apiPath + "disconnect", rankAdmin, s.apiDisconnect},
		{"POST " + apiPath + "snapshot", rankAdmin, s.apiSnapshot},
		{"POST " + apiPath + "force-release", rankAdmin, s.apiForceRelease},
		{"POST " + apiPath + "promote", rankAdmin, s.apiPromote},
		{"POST " + apiPath + "depose", rankAdmin, s.apiStepDown},
	} {
		mux.HandleFunc(route.pattern, func(w http.ResponseWriter, r *http.Request) {
			if c, ok := s.admitCall(w, r, route.needs); ok {
				if r.Method == http.MethodPost {
					longer(w)
				}
				respond(w, c, route.answer)
			}
		})
	}
	mux.HandleFunc("GET "+apiPath+"live", func(w http.ResponseWriter, r *http.Request) {
		if c, ok := s.admitCall(w, r, rankLook); ok {
			s.apiLive(w, c)
		}
	})
	mux.HandleFunc(apiPath, func(w http.ResponseWriter, _ *http.Request) {
		writeRefusal(w, refuse(codec.Unknown, "there is no such question, or not by this method"))
	})
}

// admitCall reports whether the visitor may ask this, and now. If not, it answers the request.
func (s *Server) admitCall(w http.ResponseWriter, r *http.Request, needs rank) (c *call, ok bool) {
	c = &call{Request: r, v: s.visitorOf(r)}
	c.who, _ = s.identify(r)
	if !s.mayCall(c) {
		w.Header().Set("Retry-After", "1")
		writeRefusal(w, refuse(codec.Limit, "this address, or this token there, asks more than %d times a second", callsPerSecond))
		return nil, false
	}
	if !needs.allows(&c.v, c.who.Role) {
		s.engine.NoteDenied(r.Method+" "+r.URL.Path, c.who.Name, r.RemoteAddr)
		if !c.v.token {
			w.Header().Set("WWW-Authenticate", "Bearer")
			writeRefusal(w, refuse(codec.NoAuth, "show a token: Authorization: Bearer <token>"))
			return nil, false
		}
		writeRefusal(w, refuse(codec.Denied, "the role %s may not do this", c.who.Role))
		return nil, false
	}
	return c, true
}

// respond answers a request with what a function says.
func respond(w http.ResponseWriter, c *call, answer func(*call) (any, error)) {
	v, err := answer(c)
	if refused := (*refusal)(nil); errors.As(err, &refused) {
		writeRefusal(w, refused)
		return
	}
	if err != nil {
		writeRefusal(w, refuse(codec.Internal, "%v", err))
		return
	}
	writeJSON(w, http.StatusOK, v)
}

// scan bounds how many requests walk records at the same time.
func (s *Server) scan(answer func(*call) (any, error)) func(*call) (any, error) {
	return func(c *call) (any, error) {
		select {
		case s.scans <- struct{}{}:
			defer func() { <-s.scans }()
			return answer(c)
		case <-c.Context().Done():
			return nil, c.Context().Err()
		case <-time.After(scanWait):
			return nil, refuse(codec.Limit, "%d others list locks at this moment", scansMax)
		}
	}
}

func writeRefusal(w http.ResponseWriter, r *refusal) { writeJSON(w, r.status, r) }

// writeJSON sends one object.
func writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		status, b = http.StatusInternalServerError, []byte(`{"code":"INTERNAL","message":"the answer has no form in JSON"}`)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n')) // an error means that the client is gone
}

// sendRefusal answers a request before its route is known, in the form of its path.
func sendRefusal(w http.ResponseWriter, r *http.Request, status int, code codec.Code, words string) {
	if !strings.HasPrefix(r.URL.Path, apiPath) {
		answer(w, status, words)
		return
	}
	refused := refuse(code, "%s", words)
	refused.status = status
	writeRefusal(w, refused)
}
